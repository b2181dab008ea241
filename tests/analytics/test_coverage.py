"""How much of a stretch of time was watched, against a count minute by minute."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.sections.coverage import MINUTE_MS, Watched
from cpamp.store.coverage import STATES, Run, merge

RUNS = st.lists(
    st.builds(
        lambda start, length, state: Run(start, start + length, state, "why"),
        st.integers(0, 60),
        st.integers(0, 20),
        st.sampled_from(STATES),
    ),
    max_size=8,
)


@given(RUNS, st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=5))
def test_minutes_by_state(runs: list[Run], stretches: list[tuple[int, int]]) -> None:
    merged = merge(runs)
    state_of = {m: run.state for run in merged for m in range(run.from_minute, run.to_minute + 1)}
    edges = [sorted(pair) for pair in stretches]
    starts = np.array([start * MINUTE_MS for start, _ in edges], dtype=np.int64)
    ends = np.array([end * MINUTE_MS for _, end in edges], dtype=np.int64)
    expected = [
        {
            f"{state}_minutes": sum(state_of.get(m) == state for m in range(start, end))
            for state in STATES
        }
        for start, end in edges
    ]
    assert Watched(merged).of_stretches(starts, ends) == expected


def test_holes() -> None:
    runs = [Run(0, 4, "covered"), Run(5, 6, "lost", "stopped"), Run(7, 7, "at_risk", "slow")]
    assert Watched(runs).holes() == [
        {"from_ms": 300_000, "to_ms": 420_000, "state": "lost", "reason": "stopped"},
        {"from_ms": 420_000, "to_ms": 480_000, "state": "at_risk", "reason": "slow"},
    ]
