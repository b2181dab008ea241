"""Which headers of a client name a validator."""

from __future__ import annotations

import pytest

from cpamp.web.etags import matches, unchanged


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
