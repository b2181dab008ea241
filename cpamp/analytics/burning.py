"""How fast a quota window is used up, and when it will be: nothing but values.

Percentages are of the window's whole. A series has what response headers told at some moments.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import attrs

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_HOURS = 365 * 24
# Windows up to this long are judged by the hours of the last day in which somebody worked, longer
# ones by the whole day; of the last of these hours more is looked at.
SHORT_MINUTES, SHORT_MS = 6 * 60, 3 * HOUR_MS
# What is so much older weighs less by a factor of e.
FADE_MS = 6 * HOUR_MS
# So long without use is a pause, if so much would have been used meanwhile.
PAUSE_MS, PAUSE_PERCENT = HOUR_MS, 5.0
# A shorter look back says too little.
LEAST_MS = 10 * 60_000
# Into how many blocks the day of a long window falls, and how long those of a short one are.
BLOCKS, BLOCK_MS = 6, HOUR_MS / 2
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
        _spent_at(last, left, speed, now_ms) for speed in (used, used + scatter, used - scatter)
    )
    return attrs.evolve(
        state, spent_at_ms=spent, earliest_ms=earliest, latest_ms=latest, lasts=spent is None
    )


def _spent_at(last: Sample, left: float, speed: float, now_ms: int) -> int | None:
    """When so much is used at this speed; None if the window begins anew before, or never."""
    if speed * YEAR_HOURS <= left:
        return None
    moment = max(last.at_ms + round(left / speed * HOUR_MS), now_ms)
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


class _Stretch(NamedTuple):
    """From one sample to a later one, and what was used between them, in percent."""

    from_ms: int
    to_ms: int
    used: float

    @property
    def ms(self) -> int:
        return self.to_ms - self.from_ms


@attrs.frozen
class _Pace:
    """The rate by which a window is judged, in percent an hour, and the stretches that give it."""

    rate: float
    stretches: Sequence[_Stretch]
    # Stretches are put together to these lengths, to see how far the rate scatters.
    block_ms: float


def _pace(samples: Sequence[Sample], now_ms: int) -> _Pace | None:
    """How fast the window is used; None where too little is known."""
    minutes = samples[-1].window_minutes
    if 0 < minutes <= SHORT_MINUTES:
        return _pace_awake(_inside(samples, now_ms, DAY_MS), now_ms)
    # Of the present cycle, or of those before it where it is new.
    others = [i for i, one in enumerate(samples) if not _same_cycle(one, samples[-1])]
    for some in (samples[others[-1] + 1 if others else 0 :], samples):
        found = rate(some, now_ms, DAY_MS)
        if found is not None:
            inside = _inside(some, now_ms, DAY_MS)
            span = inside[-1].at_ms - inside[0].at_ms
            return _Pace(found, list(_stretches(inside)), span / BLOCKS)
    return None


def _pace_awake(samples: Sequence[Sample], now_ms: int) -> _Pace | None:
    """The pace of a day while somebody worked, of all cycles; what is nearer counts for more.

    A window is used up within hours, in which a night is not to be expected.
    """
    stretches = list(_stretches(samples))
    plain = _weighted([one for one in stretches if not _still(one)], now_ms)
    last = samples[-1].at_ms if samples else 0
    # Who has stopped just now may go on as he is: only pauses that are over are none of the pace.
    awake = [
        one
        for one in stretches
        if not (_still(one) and one.to_ms < last and plain * one.ms >= PAUSE_PERCENT * HOUR_MS)
    ]
    if sum(one.ms for one in awake) < LEAST_MS:
        return None
    return _Pace(_weighted(awake, now_ms), awake, BLOCK_MS)


def _still(stretch: _Stretch) -> bool:
    return not stretch.used and stretch.ms >= PAUSE_MS


def _weighted(stretches: Sequence[_Stretch], now_ms: int) -> float:
    """Percent an hour; 0 where there is nothing to tell it by."""
    weights = [math.exp((one.to_ms - now_ms) / FADE_MS) for one in stretches]
    span = sum(weight * one.ms for weight, one in zip(weights, stretches, strict=True))
    used = sum(weight * one.used for weight, one in zip(weights, stretches, strict=True))
    return used / span * HOUR_MS if span else 0.0


def _stretches(samples: Sequence[Sample]) -> Iterator[_Stretch]:
    """What is known between the samples; times in which nothing was used are one stretch.

    A window that was used up was not used after that, however it is used now. What was used
    from the last sample of a cycle to its end nobody has told.
    """
    still: _Stretch | None = None
    for before, after in pairwise(samples):
        one = _between(before, after)
        if one is not None and not one.used and still is not None and still.to_ms == one.from_ms:
            still = still._replace(to_ms=one.to_ms)
            continue
        if still is not None:
            yield still
        still = None
        if one is not None and one.used:
            yield one
        else:
            still = one
    if still is not None:
        yield still


def _between(before: Sample, after: Sample) -> _Stretch | None:
    if after.used_percent >= 100 or before.at_ms >= after.at_ms:
        return None
    if _same_cycle(before, after):
        used = max(after.used_percent - before.used_percent, 0.0)
        return _Stretch(before.at_ms, after.at_ms, used)
    begin = after.reset_at_ms - round(after.window_minutes * 60_000)
    if not after.reset_at_ms or not before.at_ms <= begin < after.at_ms:
        return None
    return _Stretch(begin, after.at_ms, after.used_percent)


def _scatter(pace: _Pace, left: float) -> float:
    """How far the rate may be off until so much is used, by how it changed from time to time.

    That is the standard error of what was seen, and that of what is to come.
    """
    blocks = list(_blocks(pace))
    if len(blocks) < 2 or pace.rate <= 0:
        return 0.0
    rates = [block.used / block.ms * HOUR_MS for block in blocks]
    block_hours = sum(block.ms for block in blocks) / len(blocks) / HOUR_MS
    coming = max(left / pace.rate / block_hours, 1.0)
    return statistics.stdev(rates) * math.sqrt(1 / len(rates) + 1 / coming)


def _blocks(pace: _Pace) -> Iterator[_Stretch]:
    """The stretches, so many together that each is long enough; what is left over says little."""
    ms, used = 0, 0.0
    for one in pace.stretches:
        ms, used = ms + one.ms, used + one.used
        if ms >= pace.block_ms:
            yield _Stretch(0, ms, used)
            ms, used = 0, 0.0
