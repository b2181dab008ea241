"""When a scheduled run is due (inspection contract, 2.2, 2.3 and point 17 of section 16)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.inspection.schedule import JITTER_MS, MINUTE_MS, Due, LastRun, due, next_at_ms
from cpamp.inspection.settings import Schedule

HOUR_MS = 60 * MINUTE_MS
T = 1_795_500_000_000
BERLIN = ZoneInfo("Europe/Berlin")
HOURLY = Schedule(interval_minutes=60)


def at(text: str, fold: int = 0) -> int:
    """A local time of Berlin in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp() * 1000)


def daily(*points: str) -> Schedule:
    return Schedule("time_points", 60, points, "Europe/Berlin")


# the last run's start and end, ms since its start, due or not
INTERVALS = [
    (None, 0, True),
    (LastRun(T), HOUR_MS - 1, False),
    (LastRun(T), HOUR_MS, True),
    (LastRun(T, T + 5), HOUR_MS, False),
    (LastRun(T, T + 5), HOUR_MS + 5, True),
    (LastRun(T, T + 5), -2 * HOUR_MS, True),
]


@pytest.mark.parametrize(("last", "after", "wanted"), INTERVALS)
def test_intervals(last: LastRun | None, after: int, wanted: bool) -> None:
    found = due(HOURLY, T + after, last)
    assert (found is not None) is wanted
    if found:
        assert found.key == f"interval:60:{(T + after) // HOUR_MS}"


# now, the key that is due
POINTS = [
    ("2026-11-25T06:59:59", None),
    ("2026-11-25T07:00:00", "2026-11-25 07:00"),
    ("2026-11-25T07:00:59", "2026-11-25 07:00"),
    # Missed for a while, and missed for good.
    ("2026-11-25T07:10:59", "2026-11-25 07:00"),
    ("2026-11-25T07:11:00", None),
    ("2026-11-25T23:59:00", "2026-11-25 23:59"),
    ("2026-11-26T00:05:00", "2026-11-25 23:59"),
]


@pytest.mark.parametrize(("now", "key"), POINTS)
def test_points(now: str, key: str | None) -> None:
    found = due(daily("07:00", "23:59"), at(now), None)
    assert (found.key if found else None) == key


def test_an_hour_that_comes_twice_has_one_key() -> None:
    schedule = daily("02:30")
    first, second = at("2026-10-25T02:30:00"), at("2026-10-25T02:30:00", fold=1)
    assert second - first == HOUR_MS
    keys = {found.key for now in (first, second) if (found := due(schedule, now, None))}
    assert keys == {"2026-10-25 02:30"}


def test_a_time_that_the_clock_skips_has_no_run() -> None:
    start = at("2026-03-29T01:30:00")
    found = [due(daily("02:30"), start + i * MINUTE_MS, None) for i in range(120)]
    assert found == [None] * 120


def test_points_that_the_schedule_did_not_have_yet_are_not_made_up() -> None:
    now = at("2026-11-25T07:05:00")
    assert due(daily("07:00"), now, None, since_ms=at("2026-11-25T07:02:00")) is None
    assert due(daily("07:00"), now, None, since_ms=at("2026-11-25T07:00:30")) is not None


@given(st.integers(T, T + 400 * 24 * HOUR_MS), st.text(max_size=5))
def test_jitter_delays_and_never_skips(now: int, seed: str) -> None:
    schedule = daily("07:00")
    plain, spread = due(schedule, now, None), due(schedule, now, None, seed=seed)
    assert spread in (plain, None)
    if plain and now >= plain.at_ms + JITTER_MS:
        assert spread == plain
    last = LastRun(now - HOUR_MS - JITTER_MS)
    assert isinstance(due(HOURLY, now, last, seed=seed), Due)


def test_the_next_moment() -> None:
    now = at("2026-11-25T07:00:30")
    assert next_at_ms(daily("07:00"), now, None) == at("2026-11-26T07:00:00")
    assert next_at_ms(HOURLY, T, LastRun(T, T + 9)) == T + 9 + HOUR_MS
    assert next_at_ms(HOURLY, T, None) == T
