"""Sums of packed measures are those of each measure alone, exactly."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cpamp.analytics.packs import BITS, HALF_BITS, HIGH, halves, packed

TYPES = ("?", "<i4", "<i8")
GROUPS = 3


@st.composite
def columns(draw: st.DrawFn) -> tuple[list[int], dict[str, Any]]:
    """Groups of some rows, and columns of all types with small, huge, equal or no values."""
    groups = draw(st.lists(st.integers(0, GROUPS - 1), min_size=1, max_size=20))
    found = {}
    for i, kind in enumerate(draw(st.lists(st.sampled_from(TYPES), max_size=8))):
        least, greatest = (0, 1) if kind == "?" else (np.iinfo(kind).min, np.iinfo(kind).max)
        values = draw(
            st.sampled_from(
                [
                    st.integers(least, greatest),
                    st.integers(0, greatest),
                    st.integers(0, min(greatest, 1000)),
                    st.just(0),
                    st.just(greatest),
                ]
            )
        )
        column = draw(st.lists(values, min_size=len(groups), max_size=len(groups)))
        found[f"column {i}"] = np.array(column, dtype=kind)
    return groups, found


@settings(deadline=None)
@given(columns())
def test_sums_by_groups(drawn: tuple[list[int], dict[str, Any]]) -> None:
    groups, measures = drawn
    packs = packed(chain.from_iterable(halves(*item) for item in measures.items()))
    assert all(pack.bits <= BITS for pack in packs)
    found: dict[str, Any] = {}
    for pack in packs:
        found |= pack.unpacked(np.bincount(groups, pack.weights, minlength=GROUPS))
    for name, values in measures.items():
        expected = [0] * GROUPS
        for group, value in zip(groups, values.tolist(), strict=True):
            expected[group] += value
        low, high = (found.get(n, np.zeros(GROUPS)).tolist() for n in (name, name + HIGH))
        sums = [
            int(part) + (int(upper) << HALF_BITS) for part, upper in zip(low, high, strict=True)
        ]
        assert sums == expected


def test_small_measures_share_a_pack() -> None:
    small = [(str(i), np.array([i, 1000], dtype="<i4")) for i in range(4)]
    assert [len(pack.parts) for pack in packed(small)] == [4]
