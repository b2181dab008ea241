"""The slots of a selection, and what they are in the request's zone."""

from __future__ import annotations

from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from cpamp.analytics.facets import IntArray
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import Chunk
from cpamp.analytics.zones import SLOT_MS, Slots, slots

# Beyond so many slots between the first event and the last, only those with events are listed.
DENSE = 1 << 18


class Calendar:
    """Numbers the quarters of an hour between the first and the last row."""

    def __init__(self, selection: Selection, tz: ZoneInfo, granularity: str) -> None:
        self.tz = tz
        self.granularity = granularity
        first, last = (ms // SLOT_MS for ms in selection.times())
        self._dense = last - first < DENSE
        if self._dense:
            self.numbers: IntArray = np.arange(first, last + 1)
        else:
            parts = [np.unique(chunk.time // SLOT_MS) for chunk in selection.chunks()]
            self.numbers = np.unique(np.concatenate(parts))
        self.slots: Slots = slots(tz, self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def codes(self, chunk: Chunk) -> IntArray:
        """The slot of each row."""
        return chunk.once(self._slots)

    def _slots(self, chunk: Chunk) -> IntArray:
        if not self._dense:
            return np.searchsorted(self.numbers, chunk.time // SLOT_MS)
        if not chunk.in_order:
            absolute = chunk.time // SLOT_MS
            absolute -= self.numbers[0]
            return absolute
        first, last = (int(chunk.time[at]) // SLOT_MS for at in (0, -1))
        begins = np.searchsorted(chunk.time, np.arange(first + 1, last + 1) * SLOT_MS)
        counts = np.diff(begins, prepend=0, append=len(chunk))
        found: IntArray = np.repeat(np.arange(first, last + 1) - self.numbers[0], counts)
        return found

    def codes_of(self, numbers: IntArray) -> IntArray:
        """The codes of slots that have rows."""
        return numbers - self.numbers[0] if self._dense else np.searchsorted(self.numbers, numbers)

    @cached_property
    def buckets(self) -> tuple[IntArray, IntArray]:
        """The starts of the local hours or days in ms, and which of them each slot is in."""
        starts = self.slots.hour_ms if self.granularity == "hour" else self.slots.day_ms
        found, of_slot = np.unique(starts, return_inverse=True)
        return found, of_slot.reshape(-1)

    def bucket_codes(self, chunk: Chunk) -> IntArray:
        """The bucket of each row."""
        return chunk.once(self._bucket_codes)

    def _bucket_codes(self, chunk: Chunk) -> IntArray:
        return self.buckets[1].take(self.codes(chunk))

    def cell_codes(self, chunk: Chunk) -> IntArray:
        """The hour of the week of each row, from Sunday's midnight on."""
        return chunk.once(self._cell_codes)

    def _cell_codes(self, chunk: Chunk) -> IntArray:
        return self.cells.take(self.codes(chunk))

    @cached_property
    def cells(self) -> IntArray:
        """The hour of the week of each slot."""
        return self.slots.weekday * 24 + self.slots.hour
