"""Whether a snapshot's requests are in the store already, as other events (usage, 13 B25)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.columns.columns import Snapshot
from cpamp.usage.event import Event

WARNING = "usage_payload_repeats_stored_events"
# Any odd number that spreads the values over 64 bits.
_SPREAD = 1_000_003
Numbers = npt.NDArray[np.int64]


@attrs.define
class Twins:
    """Compares events with the rows that there were before; runs in a thread.

    A request collected from CPA and the same one in a snapshot have different hashes by design,
    so both are counted. Equal in time, output, reasoning and total tokens is taken for the same.
    """

    _before: Snapshot
    _marks: Numbers | None = None

    def among(self, events: Sequence[Event]) -> bool:
        """Whether one of some events, which were not in the store by their hash, was there."""
        if not self._before.n or not events:
            return False
        if self._marks is None:
            names = ("time", "output", "reasoning", "total")
            self._marks = _mark(*(self._before.column(name) for name in names))
            self._marks.sort()
        numbers = [_numbers(event) for event in events]
        wanted = _mark(*np.array(numbers, dtype=np.int64).T)
        at = np.searchsorted(self._marks, wanted).clip(max=len(self._marks) - 1)
        return bool((self._marks[at] == wanted).any())


def _numbers(event: Event) -> tuple[int, int, int, int]:
    tokens = event.tokens
    return event.timestamp_ms, tokens.output_tokens, tokens.reasoning_tokens, tokens.total_tokens


def _mark(*columns: npt.NDArray[np.integer]) -> Numbers:
    """One number per row, equal for rows that are equal in all columns."""
    mark = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        mark *= _SPREAD
        mark += column
    return mark
