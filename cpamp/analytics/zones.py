"""Local hours and days of a time zone, found per quarter of an hour and not per event.

Since long before the first event, every zone's offset from UTC has been a multiple of a quarter of
an hour; so all events of one 15-minute slot of UTC share their local hour and day (analytics
contract, section 7).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.errors import BadRequest

SLOT_MS = 900_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

IntArray = npt.NDArray[np.int64]


class InvalidTimeZone(BadRequest):
    """The zone is not one of the IANA database."""

    code = "invalid_time_zone"


# What lies beside the zones of a system: the machine's own, and clocks of other kinds.
_NO_NAMES = re.compile(r"localtime$|posixrules$|posix/|right/")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name (blank: UTC); raises `InvalidTimeZone`."""
    text = name.strip() or "UTC"
    if _NO_NAMES.match(text):
        raise InvalidTimeZone(f'invalid time zone "{name}"')
    try:
        # ZoneInfo takes file names; a zone's name is never absolute and never climbs.
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTimeZone(f'invalid time zone "{name}"') from error


@attrs.frozen
class Offsets:
    """The zone's offset over a stretch of time, as runs: run i holds from `starts[i]` on (ms)."""

    starts: list[int]
    offsets: list[int]

    @classmethod
    def between(cls, tz: ZoneInfo, from_ms: int, to_ms: int) -> Offsets:
        """The runs that cover ``[from_ms, to_ms)``."""
        starts, offsets = [from_ms], [offset_ms(tz, from_ms)]
        at = from_ms
        while at < to_ms:
            # No zone changes its offset twice within a week and back.
            ahead = min(at + 7 * DAY_MS, to_ms)
            here, there = offset_ms(tz, at), offset_ms(tz, ahead)
            if here != there:
                ahead = _change(tz, at, ahead)
                starts.append(ahead)
                offsets.append(offset_ms(tz, ahead))
            at = ahead
        return cls(starts, offsets)

    def at(self, instants: IntArray) -> tuple[IntArray, IntArray]:
        """The offset of each instant, in ms, and since when it holds."""
        starts = np.asarray(self.starts, dtype=np.int64)
        runs = np.maximum(np.searchsorted(starts, instants, side="right") - 1, 0)
        return np.asarray(self.offsets, dtype=np.int64)[runs], starts[runs]

    def one(self, instant_ms: int) -> int:
        """The offset of one instant, in ms."""
        return self.offsets[max(bisect_right(self.starts, instant_ms) - 1, 0)]


def offset_ms(tz: ZoneInfo, instant_ms: int) -> int:
    """The zone's offset from UTC at an instant, in ms."""
    offset = (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(tz).utcoffset()
    assert offset is not None
    return offset // timedelta(milliseconds=1)


def _change(tz: ZoneInfo, before: int, after: int) -> int:
    """The first slot's start in (before, after] with the offset of `after`."""
    low, high = before // SLOT_MS, -(-after // SLOT_MS)
    old = offset_ms(tz, before)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_ms(tz, max(middle * SLOT_MS, before)) == old:
            low = middle
        else:
            high = middle
    return high * SLOT_MS


@attrs.frozen
class Slots:
    """Some 15-minute slots of UTC, ascending, and what they are in the zone.

    All arrays are of the slots' length; instants are in ms since the epoch.
    """

    # Start of the local hour and of the local day that the slot belongs to, as instants.
    hour_ms: IntArray
    day_ms: IntArray
    # Local hour of the day, 0 to 23, and weekday, 0 = Sunday.
    hour: IntArray
    weekday: IntArray


def slots(tz: ZoneInfo, numbers: IntArray) -> Slots:
    """What the slots of these numbers (instant // `SLOT_MS`) are in the zone."""
    starts = numbers * SLOT_MS
    if len(starts) == 0:
        return Slots(starts, starts, starts, starts)
    # From an hour before, so that a clock set in the first slot's hour is known.
    runs = Offsets.between(tz, int(starts[0]) - HOUR_MS, int(starts[-1]) + SLOT_MS)
    offsets, since = runs.at(starts)
    local = starts + offsets
    days = local // DAY_MS
    present, positions = np.unique(days, return_inverse=True)
    midnights = np.array([day_start_ms(tz, int(day)) for day in present], dtype=np.int64)
    return Slots(
        # A clock that is set by half an hour begins a local hour in its middle.
        hour_ms=np.maximum(local // HOUR_MS * HOUR_MS - offsets, since),
        day_ms=midnights[positions],
        hour=local % DAY_MS // HOUR_MS,
        weekday=(days + 4) % 7,
    )


def hour_end_ms(tz: ZoneInfo, start_ms: int) -> int:
    """The end of the local hour that begins at an instant."""
    return start_ms + HOUR_MS - (start_ms + offset_ms(tz, start_ms)) % HOUR_MS


def day_start_ms(tz: ZoneInfo, day: int) -> int:
    """The first instant of a local day, given as the number of days since 1970-01-01."""
    midnight = datetime(1970, 1, 1, tzinfo=tz) + timedelta(days=day)
    instant = int(midnight.astimezone(UTC).timestamp() * 1000)
    if (instant + offset_ms(tz, instant)) // DAY_MS < day:
        # The clock skips midnight: the day begins where the clock goes on.
        return _change(tz, instant, instant + 6 * HOUR_MS)
    return instant


def label(tz: ZoneInfo, instant_ms: int, granularity: str) -> str:
    """The label of a bucket: ``HH:MM`` of an hour, ``MM/DD`` of a day, local."""
    local = (_EPOCH + timedelta(milliseconds=instant_ms)).astimezone(tz)
    return local.strftime("%H:%M" if granularity == "hour" else "%m/%d")
