"""Local hours and days (analytics contract, section 7), against the zone database itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.zones import (
    HOUR_MS,
    SLOT_MS,
    InvalidTimeZone,
    Offsets,
    day_start_ms,
    hour_end_ms,
    label,
    offset_ms,
    slots,
    zone,
)

ZONES = [
    "",
    "UTC",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Cairo",
    "America/Sao_Paulo",
    "Pacific/Chatham",
]
INSTANTS = st.integers(
    int(datetime(2011, 1, 1, tzinfo=UTC).timestamp()) * 1000 // SLOT_MS,
    int(datetime(2035, 1, 1, tzinfo=UTC).timestamp()) * 1000 // SLOT_MS,
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=40, unique=True))
def test_a_slot_is_where_the_zone_says(name: str, numbers: list[int]) -> None:
    tz = zone(name)
    found = slots(tz, np.array(sorted(numbers), dtype=np.int64))
    for i, number in enumerate(sorted(numbers)):
        start = number * SLOT_MS
        local = datetime.fromtimestamp(start / 1000, UTC).astimezone(tz)
        assert found.hour[i] == local.hour
        assert found.weekday[i] == local.isoweekday() % 7
        assert 0 <= start - found.hour_ms[i] < HOUR_MS
        hour = datetime.fromtimestamp(int(found.hour_ms[i]) / 1000, UTC).astimezone(tz)
        assert (hour.hour, hour.utcoffset()) == (local.hour, local.utcoffset())
        assert start < hour_end_ms(tz, int(found.hour_ms[i])) <= found.hour_ms[i] + HOUR_MS
        day = datetime.fromtimestamp(int(found.day_ms[i]) / 1000, UTC).astimezone(tz)
        assert day.date() == local.date()
        before = datetime.fromtimestamp((int(found.day_ms[i]) - 1) / 1000, UTC).astimezone(tz)
        assert before.date() < local.date()


@given(st.sampled_from(ZONES), INSTANTS, st.integers(1, 200_000))
def test_the_runs_of_offsets_are_the_zones(name: str, first: int, count: int) -> None:
    tz = zone(name)
    from_ms, to_ms = first * SLOT_MS, (first + count) * SLOT_MS
    runs = Offsets.between(tz, from_ms, to_ms)
    for edge in (*runs.starts, to_ms - SLOT_MS):
        for instant in (edge - SLOT_MS, edge, edge + SLOT_MS):
            if from_ms <= instant < to_ms:
                assert runs.one(instant) == offset_ms(tz, instant)


@pytest.mark.parametrize(
    ("name", "instant", "hour", "day"),
    [
        ("America/New_York", "2026-03-08T06:30Z", "2026-03-08T06:00Z", "2026-03-08T05:00Z"),
        ("America/New_York", "2026-03-08T07:30Z", "2026-03-08T07:00Z", "2026-03-08T05:00Z"),
        ("Asia/Kolkata", "2026-03-08T06:15Z", "2026-03-08T05:30Z", "2026-03-07T18:30Z"),
        # The hour that comes twice has two buckets, each at its own instant.
        ("Europe/Berlin", "2026-10-25T00:15Z", "2026-10-25T00:00Z", "2026-10-24T22:00Z"),
        ("Europe/Berlin", "2026-10-25T01:15Z", "2026-10-25T01:00Z", "2026-10-24T22:00Z"),
        # A clock that is set by half an hour: what is left of an hour, and what comes again.
        ("Australia/Lord_Howe", "2026-10-03T15:15Z", "2026-10-03T14:30Z", "2026-10-03T13:30Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:45Z", "2026-10-03T15:30Z", "2026-10-03T13:30Z"),
        ("Australia/Lord_Howe", "2026-04-04T14:45Z", "2026-04-04T14:00Z", "2026-04-04T13:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:15Z", "2026-04-04T15:00Z", "2026-04-04T13:00Z"),
        # A day that begins at one o'clock.
        ("Africa/Cairo", "2026-04-23T22:30Z", "2026-04-23T22:00Z", "2026-04-23T22:00Z"),
    ],
)
def test_clock_changes(name: str, instant: str, hour: str, day: str) -> None:
    found = slots(zone(name), np.array([ms(instant) // SLOT_MS], dtype=np.int64))
    assert (int(found.hour_ms[0]), int(found.day_ms[0])) == (ms(hour), ms(day))


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("Asia/Kathmandu", "2026-03-08T05:15Z", "2026-03-08T06:15Z"),
        ("Australia/Lord_Howe", "2026-10-03T14:30Z", "2026-10-03T15:30Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30Z", "2026-10-03T16:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", "2026-04-04T15:30Z"),
    ],
)
def test_the_end_of_an_hour(name: str, start: str, end: str) -> None:
    assert hour_end_ms(zone(name), ms(start)) == ms(end)


def test_labels_are_local() -> None:
    tz = zone("Asia/Kolkata")
    assert label(tz, ms("2026-03-08T05:30Z"), "hour") == "11:00"
    assert label(tz, ms("2026-03-07T18:30Z"), "day") == "03/08"


def test_a_day_is_counted_from_1970() -> None:
    assert day_start_ms(zone("UTC"), 20000) == 20000 * timedelta(days=1) // timedelta(
        milliseconds=1
    )


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x\0y", "a" * 5000, "é"]
)
def test_zones_that_are_none(name: str) -> None:
    with pytest.raises(InvalidTimeZone, match="invalid time zone"):
        zone(name)
