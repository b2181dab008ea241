"""Exact percentiles, and tasks: what needs the single values and not their sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.facets import IntArray
from cpamp.analytics.view import Chunk

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
        values = np.concatenate(self._parts) if self._parts else np.zeros(0)
        if not len(values):
            return None
        rank = -(-len(values) * SHARE // 100) - 1
        return int(np.partition(values, rank)[rank])


@attrs.define(eq=False)
class GroupedSamples:
    """The values above 0 of a column, by a code below `count`."""

    column: str
    coding: Callable[[Chunk], IntArray]
    count: int
    _codes: list[IntArray] = attrs.Factory(list)
    _values: list[npt.NDArray[Any]] = attrs.Factory(list)

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        (places, values), codes = chunk.samples(self.column), self.coding(chunk)
        self._values.append(values)
        self._codes.append(codes if places is None else codes.take(places))

    def p95(self) -> list[int | None]:
        """Of each code the nearest-rank 95th percentile; None where it has no sample."""
        if not self._values:
            return [None] * self.count
        values, codes = np.concatenate(self._values), np.concatenate(self._codes)
        counts = np.bincount(codes, minlength=self.count)
        ranks = np.cumsum(counts) - counts + -(-counts * SHARE // 100) - 1
        ordered = _ordered(codes, values, self.count)
        found = ordered.take(np.maximum(ranks, 0), mode="clip").tolist()
        return [
            value if count else None for value, count in zip(found, counts.tolist(), strict=True)
        ]


def _ordered(codes: IntArray, values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """The values in the order of (code, value)."""
    if not len(values):
        return np.zeros(1, dtype=np.int64)
    bits = int(values.max()).bit_length()
    whole = bits + max(count - 1, 1).bit_length()
    if whole > 63:
        return values[np.lexsort((values, codes))]
    # Two numbers in one, of which the narrower type is sorted in a third of the time.
    kind: Any = np.uint32 if whole <= 32 else np.uint64
    packed: npt.NDArray[Any] = (codes.astype(kind) << kind(bits)) | values.astype(kind)
    packed.sort()
    found: npt.NDArray[Any] = packed & kind((1 << bits) - 1)
    return found
