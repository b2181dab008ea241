"""Exact percentiles, which need the single values and not their sums."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.view import Chunk, Coding

SHARE = 95  # percent


@attrs.define(eq=False)
class Samples:
    """The values above 0 of `latency` or `ttft`."""

    column: str
    _parts: list[npt.NDArray[Any]] = attrs.Factory(list)

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        self._parts.append(chunk.samples(self.column)[1])

    def p95(self) -> int | None:
        """The nearest-rank 95th percentile; None without a sample."""
        return _p95(np.concatenate(self._parts)) if self._parts else None


@attrs.define(eq=False)
class GroupedSamples:
    """The values above 0 of a column, by a code below `count`."""

    column: str
    coding: Coding
    count: int
    _codes: list[npt.NDArray[Any]] = attrs.Factory(list)
    _values: list[npt.NDArray[Any]] = attrs.Factory(list)

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        (places, values), codes = chunk.samples(self.column), self.coding(chunk)
        self._values.append(values)
        # In few bytes: they are kept until all rows were looked at, and sorted faster.
        narrow = codes.astype(np.min_scalar_type(self.count))
        self._codes.append(narrow if places is None else narrow.take(places))

    def p95(self) -> list[int | None]:
        """Of each code the nearest-rank 95th percentile; None where it has no sample."""
        if not self._values:
            return [None] * self.count
        return percentiles(np.concatenate(self._codes), np.concatenate(self._values), self.count)


def percentiles(codes: npt.NDArray[Any], values: npt.NDArray[Any], count: int) -> list[int | None]:
    """Of each code below `count` the 95th percentile of its values, whose order may change."""
    if bool((codes[1:] < codes[:-1]).any()):
        order = np.argsort(codes, kind="stable")
        codes, values = codes.take(order), values.take(order)
    ends = np.searchsorted(codes, np.arange(count, dtype=codes.dtype), side="right").tolist()
    return [_p95(values[start:end]) for start, end in pairwise((0, *ends))]


def _p95(values: npt.NDArray[Any]) -> int | None:
    if not len(values):
        return None
    rank = -(-len(values) * SHARE // 100) - 1
    values.partition(rank)
    return int(values[rank])
