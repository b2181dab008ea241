"""What one request sees: rows, costs and the meaning of dictionaries, all of one moment."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import NO_CLIENT, Facets, IntArray
from cpamp.analytics.flights import Stopped
from cpamp.columns.columns import Snapshot
from cpamp.columns.layout import FAILED

# Rows that are worked on at a time, so that they stay in the processor's cache.
CHUNK = 65_536
HALF_BITS = 31
HIGH = ".high"
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

    def chunk(self, rows: Rows) -> Chunk:
        """Some rows, to be counted; raises `Stopped` once nobody waits."""
        self.go_on()
        return Chunk(self, rows)

    def go_on(self) -> None:
        """Raise `Stopped` once nobody waits for the answer."""
        if self._stop is not None and self._stop.is_set():
            raise Stopped


class Half(NamedTuple):
    """Numbers as weights: those of the rows at `places` (None: of all rows), the others are 0.

    `suffix` tells the half of what is split, since doubles are exact only up to 2^53.
    """

    suffix: str
    places: IntArray | None
    weights: FloatArray

    def codes(self, codes: IntArray) -> IntArray:
        """The codes of the rows that have a weight."""
        return codes if self.places is None else codes.take(self.places)


def _half(suffix: str, values: npt.NDArray[Any]) -> Half:
    if np.count_nonzero(values) * 3 > len(values):
        return Half(suffix, None, values.astype(np.float64))
    places = np.flatnonzero(values)
    return Half(suffix, places, values.take(places).astype(np.float64))


class Chunk:
    """Some rows, ascending, with what is asked of them worked out once."""

    def __init__(self, view: View, rows: Rows) -> None:
        self.view = view
        self.rows = rows
        self._codes: dict[str, IntArray] = {}
        self._tokens: dict[str, list[Half]] = {}

    def __len__(self) -> int:
        return len(self.time)

    def column(self, name: str) -> npt.NDArray[Any]:
        """The values of a column."""
        whole = self.view.snapshot.column(name)
        # `take` is several times as fast as an index.
        return whole[self.rows] if isinstance(self.rows, slice) else whole.take(self.rows)

    @cached_property
    def time(self) -> npt.NDArray[np.int64]:
        """The times in ms."""
        return self.column("time")

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

    @cached_property
    def latencies(self) -> Half:
        """The latencies in ms that are samples, which are those above 0."""
        latency = self.column("latency")
        timed = latency > 0
        if timed.all():
            return Half("", None, latency.astype(np.float64))
        places = np.flatnonzero(timed)
        return Half("", places, latency.take(places).astype(np.float64))

    def tokens(self, name: str) -> list[Half]:
        """A count of tokens: one part, or two where the column has values of eight bytes."""
        found = self._tokens.get(name)
        if found is None:
            values = self.column(name)
            if values.dtype.itemsize < 8:
                found = [_half("", values)]
            else:
                low = _half("", values & ((1 << HALF_BITS) - 1))
                found = [low, _half(HIGH, values >> HALF_BITS)]
            self._tokens[name] = found
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
