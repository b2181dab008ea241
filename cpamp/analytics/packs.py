"""Whole numbers side by side in doubles, so that one addition adds up several of them.

A double holds whole numbers up to 2^53 exactly. Where the sum of a column takes at most 25 bits,
that of another one fits above it: a sum by groups then costs one pass for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
BITS = 53
# Of values of eight bytes the upper part is a measure of its own.
HALF_BITS = 31
HIGH = ".high"


@attrs.define(eq=False)
class Pack:
    """Some measures of the same rows; `parts` has the bits of each one's sum, the lowest first."""

    weights: npt.NDArray[np.float64]
    parts: list[tuple[str, int]]

    @property
    def bits(self) -> int:
        """How many bits are taken."""
        return sum(bits for _, bits in self.parts)

    def unpacked(self, sums: Values) -> Iterator[tuple[str, Values]]:
        """The sums of each measure, from sums of the weights of any of the rows."""
        rest = sums.astype(np.int64)
        *lower, (last, _) = self.parts
        for name, bits in lower:
            yield name, rest & ((1 << bits) - 1)
            rest >>= bits
        yield last, rest


def packed(measures: Iterable[tuple[str, Values]]) -> list[Pack]:
    """The measures of some rows, each in the first pack with room for it.

    Those that are 0 in all rows are left out; one with negative values is alone.
    """
    packs: list[Pack] = []
    for name, values in measures:
        least, greatest = values.min(initial=0), values.max(initial=0)
        if least == greatest:
            continue
        weights = values.astype(np.float64)
        bits = BITS if least < 0 else (int(greatest) * len(values)).bit_length()
        pack = next((pack for pack in packs if pack.bits + bits <= BITS), None)
        if pack is None:
            packs.append(Pack(weights, [(name, bits)]))
        else:
            weights *= float(1 << pack.bits)
            pack.weights += weights
            pack.parts.append((name, bits))
    return packs


def halves(name: str, values: Values) -> Iterator[tuple[str, Values]]:
    """A column as one measure, or as two where its values are of eight bytes."""
    if values.dtype.itemsize < 8:
        yield name, values
    else:
        yield name, values & ((1 << HALF_BITS) - 1)
        yield name + HIGH, values >> HALF_BITS
