"""How far the forecast of a window's end is off, on made-up series of use."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence

import attrs

from cpamp.analytics.burning import Sample, burn

MINUTE_MS = 60_000
FIVE_HOURS, WEEK = 300, 10_080
# A forecast of what is nearer than this part of the window is of no use to anybody.
NEAR = 0.02


@attrs.frozen
class Habit:
    """How an account is used: by whom, and how unevenly.

    Each of `people` works for some minutes and rests for some; the share of a window that a
    minute of work takes scatters by `noise` of itself. At night, a third of the day, nobody works
    if `nights`.
    """

    name: str
    people: int
    work: float
    rest: float
    noise: float
    nights: bool = False

    def asleep(self, minute: int) -> bool:
        """Whether nobody works in that minute of a series."""
        return self.nights and minute % 1440 >= 960


HABITS = (
    Habit("jobs that never rest", 1, 1e9, 1, 1.0),
    Habit("a person at work", 1, 40, 8, 1.0),
    Habit("a team that shares an account", 6, 30, 15, 1.0),
    Habit("a team that sleeps", 6, 30, 15, 1.0, nights=True),
)


@attrs.frozen
class Miss:
    """A forecast and the truth, in parts of the remaining time; `within` its stated bounds.

    `least` is the error of who knows the habit, its pace and the exact use.
    """

    error: float
    within: bool
    least: float


def uses(habit: Habit, rng: random.Random, mean: float, minutes: int, step: int) -> Iterator[float]:
    """Percent of the window that each step of some minutes takes, `mean` a minute on the whole."""
    working = [rng.random() < habit.work / (habit.work + habit.rest) for _ in range(habit.people)]
    busy = habit.people * habit.work / (habit.work + habit.rest)
    busy *= 2 / 3 if habit.nights else 1
    noise = habit.noise / math.sqrt(step)
    for minute in range(0, minutes, step):
        for i, works in enumerate(working):
            if rng.random() < step / (habit.work if works else habit.rest):
                working[i] = not works
        on = 0 if habit.asleep(minute) else sum(working)
        yield sum(max(rng.gauss(1, noise), 0.0) for _ in range(on)) * mean * step / busy


def misses(habit: Habit, window_minutes: int, count: int, seed: int) -> Iterator[Miss]:
    """Of so many windows that are spent before their end: the forecast at a random moment."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        # So that the window is used up somewhere between a third of it and its end.
        mean = 100 / (window_minutes * rng.uniform(0.35, 0.9))
        miss = _miss(habit, window_minutes, mean, rng)
        if miss is not None:
            made += 1
            yield miss


def _miss(habit: Habit, minutes: int, mean: float, rng: random.Random) -> Miss | None:
    end = minutes * MINUTE_MS
    # What was in the windows before tells of the habit too.
    before = -(-1440 // minutes) * minutes
    used, samples, exact, spent = 0.0, list[Sample](), list[float](), None
    step = 1 if minutes <= FIVE_HOURS else 5
    for i, part in enumerate(uses(habit, rng, mean, minutes + before, step)):
        at_ms = (i * step - before) * MINUTE_MS
        used = min(part if at_ms % end == 0 else used + part, 100.0)
        reset_ms = (at_ms // end + 1) * end
        samples.append(Sample(at_ms, int(used), reset_ms, minutes))
        exact.append(used)
        if at_ms >= 0 and used >= 100:
            spent = at_ms
            break
    if spent is None or spent < end // 4:
        return None
    now_ms = int(rng.uniform(0.25 * spent, spent - NEAR * end))
    known = [one for one in samples if one.at_ms <= now_ms]
    left = 100 - exact[len(known) - 1]
    by_law = now_ms + _minutes_until(habit, mean, left, now_ms // MINUTE_MS + before, step) * (
        MINUTE_MS
    )
    return _judged(known, now_ms, spent, by_law)


def _minutes_until(habit: Habit, mean: float, left: float, minute: int, step: int) -> float:
    """How long so much takes on the average, from a minute of a series on."""
    noise, normal = habit.noise / math.sqrt(step), statistics.NormalDist()
    # Draws below nothing are nothing, so that the mean of the others is above 1.
    drawn = normal.cdf(1 / noise) + noise * normal.pdf(1 / noise)
    pace, taken = mean * drawn / (2 / 3 if habit.nights else 1), 0
    while left > pace or habit.asleep(minute):
        left -= 0 if habit.asleep(minute) else pace
        minute, taken = minute + 1, taken + 1
    return taken + left / pace


def _judged(known: Sequence[Sample], now_ms: int, spent_ms: int, by_law_ms: float) -> Miss | None:
    found = burn(known, now_ms)
    if found.spent_at_ms is None:
        return None
    earliest = found.earliest_ms or found.spent_at_ms
    latest = found.latest_ms or float("inf")
    error, least = (
        abs(moment - spent_ms) / (spent_ms - now_ms) for moment in (found.spent_at_ms, by_law_ms)
    )
    return Miss(error, earliest <= spent_ms <= latest, least)
