"""Points in time (usage contract, 3.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.usage.timestamps import DAY_MS, FIRST_DAY, LAST_DAY, join, parse, read_instant, split

INSTANTS = st.integers(FIRST_DAY * DAY_MS, (LAST_DAY + 1) * DAY_MS - 1)


@pytest.mark.parametrize(
    ("value", "text", "ms"),
    [
        ("2026-04-25T08:00:00.120+08:00", "2026-04-25T00:00:00.12Z", 1777075200120),
        ("2026-04-25T00:00:00Z", "2026-04-25T00:00:00Z", 1777075200000),
        ("2026-04-25T00:00:00.123456789Z", "2026-04-25T00:00:00.123456789Z", 1777075200123),
        ("2026-04-25 00:00:00.5", "2026-04-25T00:00:00.5Z", 1777075200500),
        ("2026-04-25T00:00:00", "2026-04-25T00:00:00Z", 1777075200000),
        (1777075200, "2026-04-25T00:00:00Z", 1777075200000),
        ("1777075200", "2026-04-25T00:00:00Z", 1777075200000),
        (1777075200123, "2026-04-25T00:00:00.123Z", 1777075200123),
        (1777075200.9, "2026-04-25T00:00:00Z", 1777075200000),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_reading(value: Any, text: str, ms: int) -> None:
    instant = read_instant(value)
    assert instant is not None
    assert (instant.text, instant.ms) == (text, ms)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-04-25T24:00:00Z",
        "2026-04-25T00:00:60Z",
        "2026-04-25 00:00:00Z",
        "2026-04-25T00:00:00+25:00",
        "0001-01-01T00:00:00+08:00",
        float("nan"),
        1e300,
        10**17,
        [],
        {},
    ],
)
def test_what_is_no_point_in_time(value: Any) -> None:
    assert read_instant(value) is None


@given(INSTANTS, st.integers(0, 999_999), st.sampled_from([0, 3, 6, 9]))
def test_a_text_is_made_again_from_three_numbers(ms: int, sub_ns: int, form: int) -> None:
    text = join(ms, sub_ns, form)
    parts = split(text, ms)
    assert parts is not None
    assert join(ms, *parts) == text
    instant = parse(text)
    assert instant is not None
    assert instant.ms == ms


@given(st.text(max_size=40), INSTANTS)
def test_any_other_text_is_known_as_such(text: str, ms: int) -> None:
    parts = split(text, ms)
    assert parts is None or join(ms, *parts) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-25T00:00:00Z", (0, 0)),
        ("2026-04-25T00:00:00.000Z", (0, 3)),
        ("2026-04-25T00:00:00.000000Z", (0, 6)),
        ("2026-04-25T00:00:00.0000Z", None),
        ("2026-04-25T08:00:00+08:00", None),
        ("2026-04-25 00:00:00", None),
    ],
)
def test_the_form_of_a_text(text: str, expected: tuple[int, int] | None) -> None:
    assert split(text, 1777075200000) == expected
