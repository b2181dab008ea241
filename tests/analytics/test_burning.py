"""How fast a quota window is used up, and when it will be."""

from __future__ import annotations

import json
import random
import statistics

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.burning import DAY_MS, HOUR_MS, Sample, burn, rate
from cpamp.bench.series import HABITS, misses
from tests.daemon import Lab

NOW = 1_790_000_000_000
MINUTE = 60_000
FIVE_HOURS, WEEK = 300.0, 10_080.0


def series(
    *points: tuple[float, float], minutes: float = FIVE_HOURS, ends_in_hours: float = 4
) -> list[Sample]:
    """Samples of (hours before now, percent), all of one cycle."""
    reset = NOW + round(ends_in_hours * HOUR_MS)
    return [Sample(NOW - round(ago * HOUR_MS), used, reset, minutes) for ago, used in points]


def test_a_steady_rate() -> None:
    found = burn(series((1, 30), (0.5, 40), (0, 50)), NOW)
    assert found.rate_hour == pytest.approx(20)
    assert found.spent_at_ms == NOW + round(2.5 * HOUR_MS)
    assert (found.earliest_ms, found.latest_ms) == (found.spent_at_ms, found.spent_at_ms)
    assert found.lasts is False


def test_what_lasts_until_its_reset() -> None:
    found = burn(series((1, 30), (0, 40), ends_in_hours=2), NOW)
    assert (found.lasts, found.spent_at_ms) == (True, None)


def test_scatter_widens_the_forecast() -> None:
    found = burn(series((1, 30), (0.75, 32), (0.5, 42), (0.25, 44), (0, 50)), NOW)
    assert found.spent_at_ms is not None
    assert found.earliest_ms is not None
    assert found.earliest_ms < found.spent_at_ms
    assert found.latest_ms is None or found.latest_ms > found.spent_at_ms


def test_a_long_window_is_judged_by_the_day() -> None:
    points = [(hours, 60 - hours) for hours in range(24, 0, -1)]
    found = burn(series(*points, (0, 60), minutes=WEEK, ends_in_hours=100), NOW)
    assert found.rate_day == pytest.approx(1)
    assert found.spent_at_ms == pytest.approx(NOW + 40 * HOUR_MS, abs=MINUTE)


def test_resets_on_the_way_are_no_refunds() -> None:
    before = [Sample(NOW - 3 * HOUR_MS, 90, NOW - 2 * HOUR_MS, FIVE_HOURS)]
    after = series((1, 10), (0, 20))
    assert rate([*before, *after], NOW, DAY_MS) == pytest.approx(20 / 3)


@pytest.mark.parametrize(
    ("samples", "unknown"),
    [
        (series((0, 50)), "too few answers told of it"),
        (series((0.1, 49), (0, 50)), "too few answers told of it"),
        (series((3, 20), (2, 50), ends_in_hours=-1), "reset since it was seen last"),
    ],
)
def test_what_is_not_known_says_so(samples: list[Sample], unknown: str) -> None:
    found = burn(samples, NOW)
    assert (found.unknown, found.spent_at_ms, found.lasts) == (unknown, None, None)


def test_what_is_used_up() -> None:
    found = burn(series((1, 90), (0.5, 100)), NOW)
    assert (found.spent_at_ms, found.lasts) == (NOW - HOUR_MS // 2, False)


@given(
    st.lists(
        st.builds(
            Sample,
            st.integers(NOW - 2 * DAY_MS, NOW),
            st.floats(0, 100),
            st.sampled_from([0, NOW - HOUR_MS, NOW + HOUR_MS, NOW + DAY_MS]),
            st.sampled_from([0.0, FIVE_HOURS, WEEK]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_moments_are_in_order(samples: list[Sample]) -> None:
    found = burn(sorted(samples, key=lambda s: s.at_ms), NOW)
    moments = [found.earliest_ms, found.spent_at_ms, found.latest_ms]
    told = [moment for moment in moments if moment is not None]
    assert told == sorted(told)
    assert (found.spent_at_ms is None) == (found.lasts is not False)
    assert found.lasts is not None or found.unknown


def test_the_error_on_noisy_use() -> None:
    """Use in bursts, as people work: the median error is below a tenth of the remaining time."""
    rng = random.Random(4)
    errors = []
    for _ in range(200):
        used, samples, at = 0.0, [], NOW - 2 * HOUR_MS
        mean = rng.uniform(10, 30)
        spent = None
        while spent is None:
            used += max(rng.gauss(mean, mean) / 60, 0)
            samples.append(Sample(at, min(used, 100), NOW + 20 * HOUR_MS, FIVE_HOURS))
            spent = at if used >= 100 else None
            at += MINUTE
        known = [sample for sample in samples if sample.at_ms <= NOW]
        found = burn(known, NOW)
        if found.spent_at_ms is not None and spent > NOW:
            errors.append(abs(found.spent_at_ms - spent) / (spent - NOW))
    assert len(errors) > 150
    assert statistics.median(errors) < 0.1


# The median error in parts of the remaining time, on use of any habit.
ERRORS = {
    300: (0.10, 0.20, 0.14, 0.18),
    10_080: (0.05, 0.08, 0.06, 0.12),
}


@pytest.mark.parametrize("minutes", ERRORS)
def test_the_error_on_made_up_series(minutes: int) -> None:
    found = []
    for habit, most in zip(HABITS, ERRORS[minutes], strict=True):
        some = list(misses(habit, minutes, 60 if minutes == 300 else 15, seed=4))
        assert statistics.median(miss.error for miss in some) < most, habit.name
        found += some
    # The stated bounds are what a standard error should be: true two times of three.
    assert 0.5 < sum(miss.within for miss in found) / len(found) < 0.9

    # On the whole hardly more than of somebody who knows every habit and its pace.
    medians = [
        statistics.median(errors)
        for errors in zip(*((miss.error, miss.least) for miss in found), strict=True)
    ]
    assert medians[0] < medians[1] + 0.035


def day(*parts: tuple[float, float, float]) -> list[Sample]:
    """A sample each five minutes of hours from and to, at so many percent an hour.

    Hours are before now, and the window begins anew each five hours.
    """
    samples: list[Sample] = []
    for begin, end, speed in parts:
        for minute in range(round(-begin * 60), round(-end * 60), 5):
            at = NOW + minute * MINUTE
            cycle = (minute + 60) // 300
            reset = NOW + ((cycle + 1) * 300 - 60) * MINUTE
            before = samples[-1] if samples and samples[-1].reset_at_ms == reset else None
            used = (before.used_percent if before else 0.0) + speed / 12
            samples.append(Sample(at, min(used, 100.0), reset, FIVE_HOURS))
    return samples


# the hours of a day and what was used in them -> the pace now, in percent an hour
PACES = [
    ([(20, 0, 12)], 12),
    # Somebody slept.
    ([(20, 12, 12), (12, 4, 0), (4, 0, 12)], 12),
    # Half an hour of rest is part of the work.
    ([(2, 1.5, 12), (1.5, 1, 0), (1, 0.5, 12), (0.5, 0, 0)], 6),
    # Who rests just now may go on so.
    ([(4, 2, 12), (2, 0, 0)], 6),
]


@pytest.mark.parametrize(("parts", "speed"), PACES)
def test_the_pace_of_a_short_window(parts: list[tuple[float, float, float]], speed: float) -> None:
    samples = day(*parts)
    found = burn(samples, NOW)
    last, reset = samples[-1], samples[-1].reset_at_ms
    taken = (100 - last.used_percent) / speed * HOUR_MS
    if last.at_ms + taken >= reset:
        assert found.lasts
    else:
        assert found.spent_at_ms == pytest.approx(last.at_ms + taken, abs=10 * MINUTE)


def test_what_is_near_counts_for_more() -> None:
    samples = day((20, 4, 6), (4, 0, 18))
    reset, later = samples[-1].reset_at_ms, NOW + 20 * HOUR_MS
    samples = [
        attrs.evolve(one, reset_at_ms=later) if one.reset_at_ms == reset else one for one in samples
    ]
    found = burn(samples, NOW)
    assert found.spent_at_ms is not None
    left, hours = 100 - samples[-1].used_percent, (found.spent_at_ms - NOW) / HOUR_MS
    # Sooner than at the mean of the day, later than at the pace of the last hours.
    assert left / 18 < hours < 0.8 * left / 8.4


def test_what_is_not_told_any_more_is_not_over() -> None:
    samples = [Sample(NOW - 3 * HOUR_MS + i * MINUTE, i, NOW + HOUR_MS, 300) for i in range(91)]
    found = burn(samples, NOW)
    # By its pace it was used up long ago; nobody has said so.
    assert found.spent_at_ms == NOW


def test_what_was_used_up_before_its_end_says_nothing_of_the_pace() -> None:
    reset = NOW + 4 * HOUR_MS
    before = [Sample(NOW - 2 * HOUR_MS + i * MINUTE, 100, NOW - HOUR_MS, 300) for i in range(60)]
    now = [Sample(NOW - HOUR_MS + i * MINUTE, i * 0.5, reset, 300) for i in range(61)]
    found = burn([*before, *now], NOW)
    assert found.spent_at_ms == pytest.approx(NOW + 70 / 30 * HOUR_MS, rel=1e-9)


def test_the_forecast_over_http(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    now = manager.http.json("GET", "/v0/management/monitoring/forecast")["generated_at_ms"]
    reset = now + 3 * HOUR_MS
    lines = []
    for account, speed in (("a", 30), ("b", 5)):
        for minutes in range(60, -1, -10):
            at = now - minutes * MINUTE - 1_000
            window = {
                "used_percent": 50 - speed * minutes / 60,
                "reset_at_ms": reset,
                "window_minutes": 300,
            }
            quota = {"plan_type": "plus", "primary": window}
            lines.append(
                {
                    "event_hash": f"{account} {minutes}",
                    "timestamp_ms": at,
                    "model": "gpt-5.5",
                    "auth_index": account,
                    "auth_file_snapshot": f"{account}.json",
                    "auth_provider_snapshot": "codex",
                    "response_metadata": {"quota": quota},
                }
            )
    text = "\n".join(map(json.dumps, lines)).encode()
    manager.http.request("POST", "/v0/management/usage/import", text)
    found = manager.http.json("GET", "/v0/management/monitoring/forecast")
    first, second = found["accounts"]
    assert (first["auth_index"], second["auth_index"]) == ("a", "b")
    (window,) = first["windows"]
    assert window["rate_hour"] == pytest.approx(30)
    assert window["spent_at_ms"] == pytest.approx(now + 50 / 30 * HOUR_MS, abs=MINUTE)
    assert second["windows"][0]["lasts"] is True
    (pool,) = found["pools"]
    assert (pool["provider"], pool["accounts"], pool["left_percent"]) == ("codex", 2, 50)
    assert pool["lasts"] is True
