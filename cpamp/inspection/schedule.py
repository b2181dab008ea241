"""When a scheduled run is due (inspection contract, 2.2, 2.3 and point 17 of section 16)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cpamp.inspection.settings import Schedule

MINUTE_MS = 60_000
# A point that passed while the server was down or busy is made up for so long.
MAKE_UP_MINUTES = 10
# Servers that share a schedule spread their beginnings over so much time.
JITTER_MS = 20_000


class Due(NamedTuple):
    """A moment that wants a run; no two runs have the same key."""

    key: str
    at_ms: int


class LastRun(NamedTuple):
    """The latest scheduled run of any state; `finished_at_ms` 0 while it is under way."""

    started_at_ms: int
    finished_at_ms: int = 0


def due(
    schedule: Schedule, now_ms: int, last: LastRun | None, *, since_ms: int = 0, seed: str = ""
) -> Due | None:
    """What wants to begin now; None for nothing.

    Points before `since_ms` are not made up: the schedule did not have them yet. `seed` tells
    servers apart, so that not all of them begin in the same second.
    """
    if schedule.mode == "interval":
        return _interval(schedule.interval_minutes, now_ms, last, seed)
    return _point(schedule, now_ms, since_ms, seed)


def _interval(minutes: int, now_ms: int, last: LastRun | None, seed: str) -> Due | None:
    length_ms = minutes * MINUTE_MS
    key = f"interval:{minutes}:{now_ms // length_ms}"
    if last is None:
        return Due(key, now_ms)
    elapsed = now_ms - (last.finished_at_ms or last.started_at_ms)
    # A clock that was set back must not silence the schedule until it has caught up.
    if elapsed < 0:
        return Due(key, now_ms)
    wait = length_ms + min(jitter_ms(seed, key), length_ms // 10)
    return Due(key, now_ms) if elapsed >= wait else None


def _point(schedule: Schedule, now_ms: int, since_ms: int, seed: str) -> Due | None:
    zone = zone_of(schedule.time_zone)
    minute_ms = now_ms - now_ms % MINUTE_MS
    for back in range(MAKE_UP_MINUTES + 1):
        at_ms = minute_ms - back * MINUTE_MS
        if at_ms + MINUTE_MS <= since_ms:
            return None
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
        if f"{local:%H:%M}" in schedule.time_points:
            key = f"{local:%Y-%m-%d %H:%M}"
            return Due(key, at_ms) if now_ms >= at_ms + jitter_ms(seed, key) else None
    return None


def next_at_ms(schedule: Schedule, now_ms: int, last: LastRun | None) -> int | None:
    """When the next run will be due, for people; None where the schedule has no moments."""
    if schedule.mode == "interval":
        base = None if last is None else last.finished_at_ms or last.started_at_ms
        return now_ms if base is None else base + schedule.interval_minutes * MINUTE_MS
    zone = zone_of(schedule.time_zone)
    minute = datetime.fromtimestamp(now_ms / 1000, UTC).replace(second=0, microsecond=0)
    # Two days hold every point at least once, whatever the zone does to its clock.
    for ahead in range(1, 2 * 24 * 60 + 1):
        moment = minute + timedelta(minutes=ahead)
        if f"{moment.astimezone(zone):%H:%M}" in schedule.time_points:
            return int(moment.timestamp() * 1000)
    return None


def zone_of(name: str) -> tzinfo | None:
    """The zone of that name; None, which is the server's own, for none or an unknown one."""
    try:
        return ZoneInfo(name) if name and name != "Local" else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def jitter_ms(seed: str, key: str) -> int:
    """A delay that is the same at every look at one moment; none without a seed."""
    if not seed:
        return 0
    digest = blake2b(f"{seed}:{key}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % JITTER_MS
