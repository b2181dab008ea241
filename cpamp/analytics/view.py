"""What one request sees: rows, costs and the meaning of dictionaries, all of one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import NO_CLIENT, Facets, IntArray
from cpamp.analytics.flights import Stopped
from cpamp.analytics.kept import Kept, S
from cpamp.analytics.packs import Pack, halves, packed
from cpamp.columns.columns import Snapshot
from cpamp.columns.layout import BLOCK, FAILED

# Rows that are worked on at a time, so that they stay in the processor's cache: a block of columns.
CHUNK = BLOCK
# The smallest part of a block of which it is kept what was worked out; a power of two.
LEAST = BLOCK // 8
Rows = slice | IntArray
BoolArray = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class View:
    """Everything that answers are made from; sections agree because they share one."""

    snapshot: Snapshot
    facets: Facets
    # By row: USD, 0 where the model has no price.
    costs: FloatArray
    # By number of a model's row.
    unpriced: BoolArray
    # The names of the clients' keys, by hash.
    aliases: Mapping[str, str]
    # By code of a client: whose rows may be told of; None: all.
    only: BoolArray | None = None
    # Set when nobody waits for the answer any more.
    _stop: threading.Event | None = None
    # What is known of whole blocks, and of parts of them that have at least so many rows.
    kept: Kept = attrs.Factory(Kept)
    least: int = LEAST

    @property
    def newest_ms(self) -> int:
        """The greatest time of an event, 0 where there is none."""
        return int(self.snapshot.column("time").max(initial=0))

    def size(self, axis: str) -> int:
        """How many codes an axis has."""
        facets = self.facets
        assert facets.known is not None
        match axis:
            case "who":
                return len(facets.known.who)
            case "model":
                return len(facets.known.model)
            case "client":
                return len(facets.client) + len(facets.unknown_client)
            case _:
                return len(getattr(facets, axis))

    def lasting(self, axis: str, codes: IntArray) -> IntArray:
        """Codes of an axis as they stay when the dictionaries grow."""
        if axis != "client":
            return codes
        known = len(self.facets.client)
        return np.where(codes < known, codes, known - 1 - codes)

    def current(self, axis: str, codes: IntArray) -> IntArray:
        """The codes of an axis that `lasting` made such."""
        if axis != "client":
            return codes
        return np.where(codes < 0, len(self.facets.client) - 1 - codes, codes)

    @cached_property
    def _told(self) -> IntArray | None:
        """The rows that may be told of; None: all."""
        if self.only is None:
            return None
        every = range(0, self.snapshot.n, CHUNK)
        chunks = (self.chunk(slice(at, min(at + CHUNK, self.snapshot.n))) for at in every)
        found = [chunk.numbers[self.only.take(chunk.codes("client"))] for chunk in chunks]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def numbers_of(self, rows: IntArray) -> IntArray:
        """What events are called by who asks, ascending as they came.

        These are their ids, or where not all may be told of, their places among those that may.
        """
        told = self._told
        return self.snapshot.ids_of(rows) if told is None else np.searchsorted(told, rows) + 1

    def rows_before(self, number: int) -> int:
        """The row behind the last one of those called less than this."""
        told = self._told
        if told is None:
            return self.snapshot.rows_up_to_id(number - 1)
        before = min(max(number - 1, 0), len(told))
        return int(told[before - 1]) + 1 if before else 0

    def chunk(self, rows: Rows) -> Chunk:
        """Some rows, to be counted; raises `Stopped` once nobody waits."""
        self.go_on()
        return Chunk(self, rows)

    def go_on(self) -> None:
        """Raise `Stopped` once nobody waits for the answer."""
        if self._stop is not None and self._stop.is_set():
            raise Stopped


def aligned(start: int, stop: int, least: int = LEAST) -> Iterator[slice]:
    """Neighbouring rows in pieces, of which most are the same for other stretches of rows.

    These are blocks, and where a block is not there as a whole its halves, quarters and so on,
    down to those of `least` rows.
    """
    while start < stop:
        size = CHUNK
        while size >= least and (start % size or start + size > stop):
            size //= 2
        end = start + size if size >= least else min(stop, (start // least + 1) * least)
        yield slice(start, end)
        start = end


class Chunk:
    """Some rows, ascending, with what is asked of them worked out once."""

    def __init__(self, view: View, rows: Rows) -> None:
        self.view = view
        self.rows = rows
        self._codes: dict[str, IntArray] = {}
        self._coded_by: dict[Coding, IntArray] = {}
        self._packs: dict[tuple[str, ...], list[Pack]] = {}
        self._samples: dict[str, tuple[IntArray | None, npt.NDArray[Any]]] = {}

    def __len__(self) -> int:
        return len(self.time)

    @property
    def whole(self) -> bool:
        """Whether these are a whole block, or one of its halves, quarters …: see `aligned`."""
        rows = self.rows
        if not isinstance(rows, slice):
            return False
        size: int = rows.stop - rows.start
        return size >= self.view.least and not size & (size - 1) and not rows.start % size

    def kept(self, what: Hashable, make: Callable[[], S]) -> S:
        """What `make` makes of the rows, which is made once if they are whole.

        It must depend on `what`, the rows, the prices and what the dictionaries' numbers mean
        alone: of other prices and dictionaries other things are kept.
        """
        if not self.whole:
            return make()
        assert isinstance(self.rows, slice)
        return self.view.kept.value((self.rows.start, self.rows.stop, what), make)

    def column(self, name: str) -> npt.NDArray[Any]:
        """The values of a column."""
        whole = self.view.snapshot.column(name)
        # `take` is several times as fast as an index.
        return whole[self.rows] if isinstance(self.rows, slice) else whole.take(self.rows)

    @cached_property
    def time(self) -> npt.NDArray[np.int64]:
        """The times in ms."""
        return self.column("time")

    @property
    def times(self) -> tuple[int, int]:
        """The least and the greatest of them."""
        if len(self) == BLOCK and self.whole:
            assert isinstance(self.rows, slice)
            return self.view.snapshot.block_times(self.rows.start // BLOCK)
        return int(self.time.min()), int(self.time.max())

    @cached_property
    def numbers(self) -> IntArray:
        """The numbers of the rows."""
        if isinstance(self.rows, slice):
            return np.arange(self.rows.start, self.rows.stop)
        return self.rows

    @cached_property
    def in_order(self) -> bool:
        """Whether the times ascend."""
        return bool((self.time[1:] >= self.time[:-1]).all())

    @cached_property
    def failed(self) -> BoolArray:
        """Which rows failed."""
        return (self.column("flags") & FAILED).astype(bool)

    @cached_property
    def cost(self) -> FloatArray:
        """The costs in USD."""
        costs = self.view.costs
        return costs[self.rows] if isinstance(self.rows, slice) else costs.take(self.rows)

    @cached_property
    def unpriced(self) -> BoolArray:
        """Which rows have no price."""
        return self.view.unpriced.take(self.codes("model"))

    def samples(self, name: str) -> tuple[IntArray | None, npt.NDArray[Any]]:
        """The values above 0 of a column, and the places that have them; None: all."""
        found = self._samples.get(name)
        if found is None:
            values = self.column(name)
            positive = values > 0
            if positive.all():
                found = None, values
            else:
                places = np.flatnonzero(positive)
                found = places, values.take(places)
            self._samples[name] = found
        return found

    def packs(self, measures: tuple[str, ...]) -> list[Pack]:
        """The calls and these measures, packed to be added up."""
        found = self._packs.get(measures)
        if found is None:
            counts = [("calls", np.ones(len(self)))]
            found = packed(chain(counts, *map(self._measured, measures)))
            self._packs[measures] = found
        return found

    def _measured(self, name: str) -> Iterable[tuple[str, npt.NDArray[Any]]]:
        match name:
            case "failed":
                return ((name, self.failed),)
            case "empty":
                return ((name, (self.column("total") == 0) & ~self.failed),)
            case "latency":
                # Latencies above 0 are samples, the others mean that there is none.
                latency = np.maximum(self.column(name), 0)
                return (("timed", latency > 0), *halves(name, latency))
            case _:
                return halves(name, self.column(name))

    def once(self, coding: Coding) -> IntArray:
        """The codes that a function gives the rows, worked out once."""
        found = self._coded_by.get(coding)
        if found is None:
            found = self._coded_by[coding] = coding(self)
        return found

    def codes(self, axis: str) -> IntArray:
        """The code of each row on an axis; see `View.size`."""
        found = self._codes.get(axis)
        if found is None:
            found = self._codes[axis] = self._coded(axis)
        return found

    def _coded(self, axis: str) -> IntArray:
        facets = self.view.facets
        if axis in ("who", "model", "key"):
            return self.column(axis).astype(np.intp)
        if axis == "client":
            codes = facets.client.codes.take(self.codes("key"))
            unknown = np.flatnonzero(codes == NO_CLIENT)
            if len(unknown):
                stand_in = facets.unknown_client.codes.take(self.codes("who").take(unknown))
                codes[unknown] = stand_in + len(facets.client)
            return codes
        codes = getattr(facets, axis).codes
        return codes.take(self.codes("who"))  # type: ignore[no-any-return]


Coding = Callable[[Chunk], IntArray]
