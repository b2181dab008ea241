"""Which minutes are covered, at risk or lost: pure cases, and what must hold of all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.collect import coverage as states
from cpamp.collect.coverage import MINUTE_MS, Coverage
from cpamp.store import coverage as table
from cpamp.store.coverage import STATES, Run, merge
from cpamp.store.database import open_database

S = 1000
FIRST = 1000 * MINUTE_MS
Fact = tuple[float, str] | tuple[float, str, Any]


def after(*facts: Fact, last: float | None = None, retention: float | None = 60) -> Coverage:
    """What comes of facts: seconds after the start of minute 1000, a method, and its argument."""
    coverage = Coverage()
    begin = 0.0 if last is None else last
    coverage.started(FIRST, None if last is None else FIRST + round(begin * S))
    if retention is not None:
        coverage.retained(round(retention * S))
    for seconds, method, *arguments in facts:
        getattr(coverage, method)(FIRST + round(seconds * S), *arguments)
    return coverage


def minutes(coverage: Coverage) -> dict[int, tuple[str, str]]:
    """The state and reason of every judged minute, counted from minute 1000."""
    return {
        minute - 1000: (run.state, run.reason)
        for run in coverage.pending
        for minute in range(run.from_minute, run.to_minute + 1)
    }


def shape(coverage: Coverage) -> str:
    """One letter a minute from minute 0 on: c, r or l; a dot where nothing is judged."""
    found = minutes(coverage)
    letters = {"covered": "c", "at_risk": "r", "lost": "l"}
    last = max(found, default=-1)
    return "".join(letters[found[m][0]] if m in found else "." for m in range(last + 1))


UP: tuple[Fact, ...] = ((1, "connected"), (2, "drained"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param([*UP, (179, "tick")], "ccc", id="all well"),
        pytest.param([(1, "connected"), (30, "tick")], "", id="the queue is not empty yet"),
        pytest.param([*UP, (70, "lost", "EOF"), (100, "tick")], "cc", id="in a gap"),
        pytest.param(
            [*UP, (70, "lost", "EOF"), (110, "connected"), (111, "drained"), (179, "tick")],
            "ccc",
            id="a gap shorter than the retention",
        ),
        pytest.param(
            [*UP, (70, "lost", "EOF"), (310, "connected"), (311, "drained"), (359, "tick")],
            "cllllc",
            id="a gap longer than the retention",
        ),
        pytest.param(
            [*UP, (70, "lost", "EOF"), (250, "tick")], "clll", id="a long gap that is still open"
        ),
        pytest.param(
            [*UP, (70, "lost", "EOF"), (75, "connected"), (76, "drained", "404"), (130, "tick")],
            "crc",
            id="a queue that could not be emptied",
        ),
        pytest.param([*UP, (70, "dropped"), (130, "tick")], "crc", id="a dropped subscriber"),
        pytest.param([*UP, (70, "restarted"), (130, "tick")], "crc", id="CPA counts anew"),
        pytest.param(
            [*UP, (70, "lost", "x"), (80, "restarted"), (90, "connected"), (125, "drained")],
            "crr",
            id="CPA restarted in a gap",
        ),
        pytest.param(
            [*UP, (70, "published", False), (130, "published", True), (190, "tick")],
            "lllc",
            id="publishing off from the beginning, and put right",
        ),
        pytest.param(
            [*UP, (5, "published", True), (70, "published", False), (130, "published", True)],
            "rll",
            id="publishing found off, since nobody knows when",
        ),
        pytest.param(
            [(1, "connected"), (2, "published", False), (3, "published", True), (70, "drained")],
            "lc",
            id="publishing off at the start",
        ),
        pytest.param([*UP, (3605, "jumped"), (3630, "tick")], "r" * 61, id="the clock goes on"),
        pytest.param([*UP, (70, "abandoned"), (130, "tick")], "clc", id="kept nowhere"),
    ],
)
def test_facts(facts: list[Fact], expected: str) -> None:
    assert shape(after(*facts)) == expected


def test_a_gap_while_cpa_is_down_is_a_risk_and_says_why() -> None:
    coverage = after(*UP)
    coverage.lost(FIRST + 70 * S, states.UNREACHABLE, cpa_is_down=True)
    coverage.connected(FIRST + 250 * S)
    coverage.drained(FIRST + 251 * S)
    assert shape(coverage) == "crrrc"
    assert minutes(coverage)[2] == ("at_risk", states.UNREACHABLE)


def test_each_part_of_a_gap_has_its_own_reason() -> None:
    coverage = after(*UP)
    coverage.lost(FIRST + 60 * S, "key refused")
    coverage.lost(FIRST + 180 * S, states.UNREACHABLE, cpa_is_down=True)
    coverage.tick(FIRST + 400 * S)
    found = minutes(coverage)
    assert found[1] == found[2] == ("lost", "key refused")
    assert found[3] == found[4] == ("at_risk", states.UNREACHABLE)


def test_an_open_gap_tells_since_when_and_why() -> None:
    coverage = after(*UP, (70, "lost", "EOF"), (71, "lost", "refused"))
    assert [(s.since_ms - FIRST, s.reason) for s in coverage.gap] == [
        (70_000, "EOF"),
        (71_000, "refused"),
    ]


@pytest.mark.parametrize(
    ("down", "expected"),
    [(59, "cc"), (200, "lllcc")],
)
def test_after_a_restart_the_time_since_the_last_sign_of_life_is_judged(
    down: int, expected: str
) -> None:
    coverage = Coverage()
    coverage.started(FIRST + down * S, FIRST)
    coverage.retained(60_000)
    coverage.connected(FIRST + down * S)
    coverage.drained(FIRST + down * S)
    coverage.tick(FIRST + down * S + 60 * S)
    assert shape(coverage).removesuffix("c") == expected.removesuffix("c")
    assert all(reason in ("", states.DOWN) for _, reason in minutes(coverage).values())


def test_a_gap_is_not_judged_before_the_retention_is_known() -> None:
    facts: tuple[Fact, ...] = ((1, "connected"), (2, "drained"), (30, "tick"))
    coverage = after(*facts, last=-1800, retention=None)
    assert minutes(coverage) == {}
    coverage.retained(3_600_000)
    assert set(minutes(coverage).values()) == {("covered", "")}
    assert min(minutes(coverage)) == -30


def test_a_clock_that_goes_back_does_not_stop_the_judging() -> None:
    coverage = after(*UP, (3600, "tick"), (10, "jumped"), (130, "tick"))
    assert minutes(coverage)[0] == ("at_risk", states.CLOCK)
    assert minutes(coverage)[1] == ("covered", "")
    assert coverage.judged_ms == FIRST + 130 * S


# -- what must hold of all ----------------------------------------------------------------------

FACTS = st.one_of(
    st.sampled_from(
        [("connected",), ("drained",), ("dropped",), ("restarted",), ("tick",), ("abandoned",)]
    ),
    st.tuples(st.just("lost"), st.sampled_from(["EOF", "refused"])),
    st.tuples(st.just("drained"), st.just("404")),
    st.tuples(st.just("published"), st.booleans()),
)
HISTORIES = st.lists(st.tuples(st.integers(0, 200), FACTS), max_size=30)


def told(history: list[tuple[int, tuple[Any, ...]]]) -> tuple[Coverage, int]:
    coverage = after()
    now = FIRST
    for seconds, (method, *arguments) in history:
        now += seconds * S
        getattr(coverage, method)(now, *arguments)
    coverage.tick(now)
    return coverage, now


@given(HISTORIES)
def test_the_judged_minutes_leave_no_hole_and_do_not_overlap(
    history: list[tuple[int, tuple[Any, ...]]],
) -> None:
    coverage, now = told(history)
    # All but what may still be in CPA's queue is judged.
    assert now - 60 * S <= coverage.judged_ms <= now
    judged = set(range((coverage.judged_ms - FIRST + MINUTE_MS - 1) // MINUTE_MS))
    assert judged <= set(minutes(coverage)) <= set(range((now - FIRST) // MINUTE_MS + 1))
    assert all(a.to_minute < b.from_minute for a, b in pairwise(coverage.pending))


@given(HISTORIES, HISTORIES)
def test_a_minute_never_gets_better(
    history: list[tuple[int, tuple[Any, ...]]], more: list[tuple[int, tuple[Any, ...]]]
) -> None:
    before, after_all = minutes(told(history)[0]), minutes(told([*history, *more])[0])
    for minute, (state, _) in before.items():
        assert STATES.index(after_all[minute][0]) >= STATES.index(state)


@given(HISTORIES)
def test_no_minute_is_covered_in_which_nothing_was_published(
    history: list[tuple[int, tuple[Any, ...]]],
) -> None:
    coverage = after((0, "connected"), (0, "drained"), (0, "published", False))
    now = FIRST
    for seconds, (method, *arguments) in history:
        now += seconds * S
        if method != "published":
            getattr(coverage, method)(now, *arguments)
    coverage.tick(now)
    assert "covered" not in {state for state, _ in minutes(coverage).values()}


RUNS = st.lists(
    st.builds(
        lambda first, length, state, reason: Run(first, first + length, state, reason),
        st.integers(0, 30),
        st.integers(0, 10),
        st.sampled_from(STATES),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=12,
)


def by_minute(runs: list[Run]) -> dict[int, tuple[str, str]]:
    """The first of the worst runs of every minute."""
    found: dict[int, tuple[str, str]] = {}
    for run in runs:
        for minute in range(run.from_minute, run.to_minute + 1):
            known = found.get(minute)
            if known is None or STATES.index(run.state) > STATES.index(known[0]):
                found[minute] = (run.state, run.reason)
    return found


def expanded(runs: list[Run]) -> dict[int, tuple[str, str]]:
    return {
        minute: (run.state, run.reason)
        for run in runs
        for minute in range(run.from_minute, run.to_minute + 1)
    }


@given(RUNS)
def test_merged_runs_partition_the_minutes_and_the_worst_wins(runs: list[Run]) -> None:
    merged = merge(runs)
    assert expanded(merged) == by_minute(runs)
    assert sum(run.to_minute - run.from_minute + 1 for run in merged) == len(by_minute(runs))
    for a, b in pairwise(merged):
        assert a.to_minute < b.from_minute
        assert a.to_minute + 1 < b.from_minute or a[2:] != b[2:]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("coverage") / "usage.sqlite"
    open_database(path).close()
    return lambda: sqlite3.connect(path, isolation_level=None)


@given(parts=st.lists(RUNS, max_size=4))
def test_the_table_holds_what_merging_gives(
    database: Callable[[], sqlite3.Connection], parts: list[list[Run]]
) -> None:
    with closing(database()) as conn:
        conn.execute("BEGIN")
        for runs in parts:
            table.put(conn, 1, merge(runs))
            table.put(conn, 2, [Run(0, 99, "covered")])
        runs = [run for part in parts for run in part]
        stored = table.between(conn, 1, 0, 1000)
        assert stored == merge(runs)
        assert table.last_minute(conn, 1) == max(by_minute(runs), default=None)
        conn.execute("ROLLBACK")
