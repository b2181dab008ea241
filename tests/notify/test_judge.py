"""When something is told, when its end is told, and when neither."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cpamp.notify.judge import MINUTE_MS, Held, judged, times_fired


def play(steps: list[tuple[int, bool]], quiet: int) -> list[tuple[int, bool]]:
    """The notices of one thing, as (minute, over), of what held at some minutes."""
    told: list[tuple[int, bool]] = []
    held: dict[str, Held] = {}
    for minute, holds in steps:
        now = {"a": "it holds"} if holds else {}
        notices, held = judged(held, now, minute * MINUTE_MS, quiet)
        told += [(minute, notice.over) for notice in notices]
    return told


def test_begin_and_end_are_told_once() -> None:
    steps = [(0, False), (1, True), (2, True), (3, True), (4, False), (5, False)]
    assert play(steps, 60) == [(1, False), (4, True)]


def test_what_comes_back_soon_is_not_told_again() -> None:
    steps = [(1, True), (2, False), (30, True), (31, False), (92, True)]
    assert play(steps, 60) == [(1, False), (2, True), (92, False)]


def test_without_a_quiet_time_everything_is_told() -> None:
    steps = [(1, True), (2, False), (3, True), (4, False)]
    assert play(steps, 0) == [(1, False), (2, True), (3, False), (4, True)]


def test_the_end_of_what_was_not_told_is_not_told() -> None:
    assert play([(1, True), (2, False), (3, True), (4, False)], 60) == [(1, False), (2, True)]


def test_things_are_judged_each_by_itself() -> None:
    notices, held = judged({}, {"a": "one", "b": "two"}, 0, 60)
    assert [(n.key, n.text, n.over) for n in notices] == [("a", "one", False), ("b", "two", False)]
    notices, held = judged(held, {"b": "two"}, MINUTE_MS, 60)
    assert [(n.key, n.text, n.over, n.since_ms) for n in notices] == [("a", "one", True, 0)]
    assert held["b"].ended_ms is None


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 10))
def test_begins_and_ends_take_turns(holds: list[bool], quiet: int) -> None:
    steps = list(enumerate(holds))
    told = play(steps, quiet)
    assert [over for _, over in told] == [i % 2 == 1 for i in range(len(told))]
    begins = [minute for minute, over in told if not over]
    moments = [(minute * MINUTE_MS, one) for minute, one in steps]
    assert times_fired(moments, quiet) == [minute * MINUTE_MS for minute in begins]
    for first, second in pairwise(begins):
        # Between two of them it was over for longer than the quiet time.
        ended = max(minute for minute, over in told if over and minute < second)
        assert second - ended >= quiet
        assert first < ended
