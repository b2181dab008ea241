"""Which headers of a client name a validator."""

from __future__ import annotations

import pytest

from cpamp.web.etags import beginning, matches, unchanged


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b","a"', True),
        ('"b" ,W/"a" , "c"', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ('"ab"', False),
        ("a", False),
    ],
)
def test_what_names_a_validator(header: str | None, expected: bool) -> None:
    assert matches(header, '"a"') == expected
    version = None if header is None else header.replace("a", "7").replace("b", "8")
    assert unchanged(version, 7) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("*", None),
        ('"a-1"', '"a-1"'),
        ('"b-1", W/"a-2", "a-3"', '"a-2"'),
        ('"ba-1"', None),
        ('"a"', None),
        ("a-1", None),
    ],
)
def test_the_first_that_begins_so(header: str | None, expected: str | None) -> None:
    assert beginning(header, "a-") == expected
