"""How fast a quota window is used up, and when it will be: nothing but values.

Percentages are of the window's whole. A series has what response headers told at some moments.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

import attrs

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_HOURS = 365 * 24
# Windows up to this long are judged by the last hours, longer ones by the last day.
SHORT_MINUTES, SHORT_MS = 6 * 60, 3 * HOUR_MS
# A shorter look back says too little.
LEAST_MS = 10 * 60_000
BLOCKS = 6
# Two ends of a window that are nearer to each other than this part of it are the same end.
SAME_END = 0.1


@attrs.frozen
class Sample:
    """What was used of a window at a moment, and when it ends (0: not told)."""

    at_ms: int
    used_percent: float
    reset_at_ms: int
    window_minutes: float


@attrs.frozen
class Burn:
    """What is known of a window now. Rates are percent an hour, None where too little is known.

    `spent_at_ms` is when it will be used up, between `earliest_ms` and `latest_ms` with the
    scatter of the rate; None if it `lasts` until its reset, or is not known. `unknown` says why.
    """

    used_percent: float
    observed_at_ms: int
    reset_at_ms: int
    window_minutes: float
    rate_hour: float | None = None
    rate_day: float | None = None
    spent_at_ms: int | None = None
    earliest_ms: int | None = None
    latest_ms: int | None = None
    lasts: bool | None = None
    unknown: str = ""


def burn(samples: Sequence[Sample], now_ms: int) -> Burn:
    """The state of a window whose samples ascend in time; there is at least one."""
    last = samples[-1]
    if 0 < last.reset_at_ms <= now_ms:
        # It has begun anew since, and nobody has used it or told of it.
        state = Burn(0.0, last.at_ms, last.reset_at_ms, last.window_minutes)
        return attrs.evolve(state, unknown="reset since it was seen last")
    state = Burn(
        last.used_percent,
        last.at_ms,
        last.reset_at_ms,
        last.window_minutes,
        rate(samples, now_ms, HOUR_MS),
        rate(samples, now_ms, DAY_MS),
    )
    if last.used_percent >= 100:
        return attrs.evolve(state, spent_at_ms=last.at_ms, lasts=False)
    pace = _pace(samples, now_ms)
    if pace is None:
        return attrs.evolve(state, unknown="too few answers told of it")
    left = 100 - last.used_percent
    scatter = _scatter(pace, left)
    used = pace.rate
    spent, earliest, latest = (
        _spent_at(last, left, speed) for speed in (used, used + scatter, used - scatter)
    )
    return attrs.evolve(
        state, spent_at_ms=spent, earliest_ms=earliest, latest_ms=latest, lasts=spent is None
    )


def _spent_at(last: Sample, left: float, speed: float) -> int | None:
    """When so much is used at this speed; None if the window begins anew before, or never."""
    if speed * YEAR_HOURS <= left:
        return None
    moment = last.at_ms + round(left / speed * HOUR_MS)
    return None if last.reset_at_ms and moment >= last.reset_at_ms else moment


def rate(samples: Sequence[Sample], now_ms: int, horizon_ms: int) -> float | None:
    """Percent an hour over the last `horizon_ms`; None where the samples span too little of it."""
    inside = _inside(samples, now_ms, horizon_ms)
    if len(inside) < 2 or inside[-1].at_ms - inside[0].at_ms < LEAST_MS:
        return None
    span = inside[-1].at_ms - inside[0].at_ms
    return _used_between(inside) / span * HOUR_MS


def _inside(samples: Sequence[Sample], now_ms: int, horizon_ms: int) -> Sequence[Sample]:
    """The samples of the last `horizon_ms`, and the one before them."""
    first = next((i for i, one in enumerate(samples) if one.at_ms >= now_ms - horizon_ms), None)
    if first is None:
        return ()
    before = first > 0 and samples[first].at_ms - samples[first - 1].at_ms < horizon_ms
    return samples[first - 1 if before else first :]


def _used_between(samples: Sequence[Sample]) -> float:
    """What was used from the first to the last sample, over resets too."""
    used = 0.0
    for before, after in pairwise(samples):
        if _same_cycle(before, after):
            used += max(after.used_percent - before.used_percent, 0.0)
        else:
            used += after.used_percent
    return used


def _same_cycle(before: Sample, after: Sample) -> bool:
    if not (before.reset_at_ms and after.reset_at_ms):
        return after.used_percent >= before.used_percent
    tolerance = max(after.window_minutes * 60_000 * SAME_END, 60_000)
    return abs(after.reset_at_ms - before.reset_at_ms) <= tolerance


@attrs.frozen
class _Pace:
    """The rate by which a window is judged, in percent an hour, and the samples that give it."""

    rate: float
    samples: Sequence[Sample]


def _pace(samples: Sequence[Sample], now_ms: int) -> _Pace | None:
    """How fast the window is used in its present cycle; that of cycles before it where it is new.

    A window that was used up before its end was not used after that, however it is used now.
    """
    last = samples[-1]
    short = 0 < last.window_minutes <= SHORT_MINUTES
    others = [i for i, one in enumerate(samples) if not _same_cycle(one, last)]
    begin = others[-1] + 1 if others else 0
    present = samples[begin:]
    ways = ((present, SHORT_MS), (present, DAY_MS), (samples, DAY_MS))
    for some, horizon_ms in ways if short else ways[1:]:
        found = rate(some, now_ms, horizon_ms)
        if found is not None:
            return _Pace(found, _inside(some, now_ms, horizon_ms))
    return None


def _scatter(pace: _Pace, left: float) -> float:
    """How far the rate may be off until so much is used, by how it changed from time to time.

    That is the standard error of what was seen, and that of what is to come.
    """
    inside = pace.samples
    step = max(len(inside) // BLOCKS, 1)
    blocks = [inside[i : i + step + 1] for i in range(0, len(inside) - 1, step)]
    rates = [
        _used_between(block) / (block[-1].at_ms - block[0].at_ms) * HOUR_MS
        for block in blocks
        if len(block) > 1 and block[-1].at_ms > block[0].at_ms
    ]
    if len(rates) < 2 or pace.rate <= 0:
        return 0.0
    block_hours = (inside[-1].at_ms - inside[0].at_ms) / HOUR_MS / len(rates)
    coming = max(left / pace.rate / block_hours, 1.0)
    return statistics.stdev(rates) * math.sqrt(1 / len(rates) + 1 / coming)
