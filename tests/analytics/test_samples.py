"""Percentiles by group equal those of each group's values in order."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cpamp.analytics.samples import percentiles

GROUPS = 4


def nearest_rank(values: list[int]) -> int | None:
    return sorted(values)[math.ceil(len(values) * 95 / 100) - 1] if values else None


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(1, 2**31 - 1)), max_size=60),
    st.booleans(),
)
def test_percentiles_by_group(samples: list[tuple[int, int]], in_order: bool) -> None:
    if in_order:
        samples.sort(key=lambda sample: sample[0])
    codes = np.array([code for code, _ in samples], dtype=np.int64)
    values = np.array([value for _, value in samples], dtype=np.int32)
    expected = [nearest_rank([v for c, v in samples if c == code]) for code in range(GROUPS)]
    assert percentiles(codes, values, GROUPS) == expected
