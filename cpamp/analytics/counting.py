"""All that a request counts, in one pass over its rows (storage design, section 1).

What is counted of rows that are whole (see `view.Chunk`) is kept for other requests: of time in
quarters of an hour, which all zones are made of, and with codes that last. Only the rows at the
ends of a range, those that a filter picks, and the newest ones are counted each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Protocol

import attrs
import numpy as np

from cpamp.analytics.calendar import Calendar
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import MEASURES, Grid, Sums, numbered
from cpamp.analytics.request import AnalyticsRequest
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import Chunk, Coding, View

COUNTED = (*MEASURES, "empty")
LIGHT = ("failed", "total")
TIMED = (*LIGHT, "latency")


class Section(Protocol):
    """Part of an answer."""

    def rows(self) -> Any:
        """The value of the section."""


class Counter(Protocol):
    """Something that looks at every row once."""

    def add(self, chunk: Chunk) -> None:
        """Look at some rows; they come in ascending order."""


@attrs.frozen
class Shape:
    """A grid: its axes, and what it adds up."""

    axes: tuple[str, ...]
    measures: tuple[str, ...] = MEASURES
    extremes: bool = True
    # Whether what is counted of whole rows is kept: not if it is of this range alone, or about as
    # much as the rows.
    kept: bool = True

    def covers(self, other: Shape) -> bool:
        """Whether the other grid can be made of this one, by leaving out axes."""
        return (
            set(self.axes) > set(other.axes)
            and set(self.measures) >= set(other.measures)
            and self.extremes >= other.extremes
        )


SHAPES = {
    "models": Shape(("model",), COUNTED),
    "people": Shape(("who", "model"), COUNTED),
    "credentials": Shape(("who",), LIGHT),
    "clients": Shape(("client", "model")),
    "contexts": Shape(("client", "who"), TIMED),
    "slots": Shape(("slot",), extremes=False),
    "credential_buckets": Shape(("bucket", "who"), kept=False),
    "client_buckets": Shape(("bucket", "client"), extremes=False, kept=False),
    "model_buckets": Shape(("bucket", "model"), extremes=False),
    "cell_models": Shape(("cell", "model"), LIGHT, extremes=False),
    "cell_clients": Shape(("cell", "client"), LIGHT, extremes=False),
    "cell_providers": Shape(("cell", "provider"), LIGHT, extremes=False),
    "strips": Shape(("strip", "who"), LIGHT, kept=False),
}
STRIP_BLOCKS = 20
CELLS = 7 * 24
# What parts of time are made of, whatever the zone.
_LASTING = {"bucket": "slot", "cell": "slot"}


class Counting:
    """The counters of one request; each is made when a section needs it, and made once."""

    def __init__(self, request: AnalyticsRequest, selection: Selection) -> None:
        self.request = request
        self.selection = selection
        self.view: View = selection.view
        self._needed: set[str] = set()
        self._grids: dict[str, Grid] = {}
        self._sums: dict[str, Sums] = {}
        # Of rows that are whole, by grid, with codes that last.
        self._parts: dict[str, list[Sums]] = {}
        self._made: dict[Callable[[Counting], Section], Section] = {}
        self._rows: dict[int, Any] = {}
        self.counters: list[Counter] = []

    @cached_property
    def calendar(self) -> Calendar:
        """The local time of the rows."""
        return Calendar(self.selection, self.request.zone, self.request.granularity)

    def section(self, make: Callable[[Counting], Section]) -> Section:
        """The section of this kind, made once for all parts of the answer that show it."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def rows(self, section: Section) -> Any:
        """The rows of a section, worked out once."""
        if id(section) not in self._rows:
            self._rows[id(section)] = section.rows()
        return self._rows[id(section)]

    def release(self) -> None:
        """Let go of all that was counted: at once, and not when cycles are looked for."""
        self._made.clear()
        self._rows.clear()
        self._grids.clear()
        self._parts.clear()
        self._sums.clear()
        self.counters.clear()

    def need(self, *names: str) -> None:
        """Have a grid of `SHAPES` counted."""
        self._needed.update(names)

    def run(self) -> None:
        """Look at all rows."""
        names = self._counted()
        used = {measure for name in names for measure in SHAPES[name].measures}
        packed = tuple(measure for measure in COUNTED if measure in used)
        self._grids = {name: self._grid(SHAPES[name], packed) for name in names}
        self._parts = {name: [] for name in names}
        for chunk in self.selection.chunks():
            for counter in self.counters:
                counter.add(chunk)
            for name, grid in self._grids.items():
                if chunk.whole and SHAPES[name].kept:
                    self._parts[name].append(self._of_whole(SHAPES[name], packed, chunk))
                else:
                    grid.add(chunk)

    def _of_whole(self, shape: Shape, packed: tuple[str, ...], chunk: Chunk) -> Sums:
        """What is counted of rows that are whole, with codes that last."""
        axes = tuple(_LASTING.get(axis, axis) for axis in shape.axes)
        lasting = attrs.evolve(shape, axes=axes)

        def count() -> Sums:
            grid = self._grid(lasting, packed)
            grid.add(chunk)
            sums = self._unravelled(axes, grid.sums())
            pairs = zip(axes, sums.codes, strict=True)
            return Sums(tuple(self._lasting(*pair) for pair in pairs), sums.figures).narrowed()

        return chunk.kept(lasting, count)

    def _counted(self) -> list[str]:
        """The grids that are counted, of which the others are made."""
        names = sorted(self._needed)
        return [n for n in names if not any(SHAPES[m].covers(SHAPES[n]) for m in names)]

    def sums(self, name: str) -> Sums:
        """What was counted: the groups that have a call, with their code on each axis."""
        found = self._sums.get(name)
        if found is None:
            found = self._sums[name] = self._finished(name)
        return found

    def _finished(self, name: str) -> Sums:
        axes = SHAPES[name].axes
        if name in self._grids:
            sums = self._grids[name].sums()
            if self._parts[name]:
                parts = [self._current(axes, part) for part in self._parts[name]]
                sums = Sums.joined([*parts, sums])
                sums = self.grouped(sums, sums.codes[0])
        else:
            source = next(n for n in self._grids if SHAPES[n].covers(SHAPES[name]))
            of_source = dict(zip(SHAPES[source].axes, self.sums(source).codes, strict=True))
            codes = self._ravelled(axes, (of_source[axis] for axis in axes))
            sums = self.grouped(self.sums(source), codes)
        return self._unravelled(axes, sums)

    def _ravelled(self, axes: tuple[str, ...], codes: Iterable[IntArray]) -> IntArray:
        """The codes of a grid, from those on its axes."""
        first, *others = codes
        for axis, other in zip(axes[1:], others, strict=True):
            first = first * self._size(axis) + other
        return first

    def _unravelled(self, axes: tuple[str, ...], sums: Sums) -> Sums:
        return Sums(np.unravel_index(sums.codes[0], tuple(map(self._size, axes))), sums.figures)

    def _lasting(self, axis: str, codes: IntArray) -> IntArray:
        """Codes as they stay for other questions."""
        if axis == "slot":
            return self.calendar.numbers.take(codes)
        return self.view.lasting(axis, codes)

    def _current(self, axes: tuple[str, ...], part: Sums) -> Sums:
        """The sums of some rows with the codes of this grid."""
        codes = self._ravelled(axes, map(self._current_codes, axes, part.codes))
        return Sums((codes,), part.figures)

    def _current_codes(self, axis: str, codes: IntArray) -> IntArray:
        """The codes that `_lasting` made such; of a slot also what it is a part of."""
        codes = codes.astype(np.int64)
        match axis:
            case "slot":
                return self.calendar.codes_of(codes)
            case "bucket":
                return self.calendar.buckets[1].take(self.calendar.codes_of(codes))
            case "cell":
                return self.calendar.cells.take(self.calendar.codes_of(codes))
            case _:
                return self.view.current(axis, codes)

    def merged(self, sums: Sums, axis: int) -> Sums:
        """The sums of a pair of axes by one of them alone."""
        return self.grouped(sums, sums.codes[axis])

    def grouped(self, sums: Sums, codes: IntArray) -> Sums:
        """Sums by other codes, one of each; those that occur are the codes of the result."""
        present, groups = numbered(codes)
        time = self.view.snapshot.column("time")
        merged = sums.regrouped(groups, len(present), time)
        return Sums((present,), merged.figures)

    def _grid(self, shape: Shape, packed: tuple[str, ...]) -> Grid:
        size = math.prod(map(self._size, shape.axes))
        coding, runs = self._coding(shape.axes), shape.axes == ("slot",)
        return Grid(coding, size, shape.measures, shape.extremes, runs, packed)

    def _size(self, axis: str) -> int:
        match axis:
            case "slot":
                return len(self.calendar)
            case "bucket":
                return len(self.calendar.buckets[0])
            case "cell":
                return CELLS
            case "strip":
                return STRIP_BLOCKS
            case _:
                return self.view.size(axis)

    def _coding(self, axes: tuple[str, ...]) -> Coding:
        first, *others = map(self._codes_of, axes)
        sizes = [self._size(axis) for axis in axes[1:]]

        def coding(chunk: Chunk) -> IntArray:
            codes = first(chunk)
            for size, other in zip(sizes, others, strict=True):
                codes = codes * size
                codes += other(chunk)
            return codes

        return coding

    def _codes_of(self, axis: str) -> Coding:
        match axis:
            case "slot":
                return self.calendar.codes
            case "bucket":
                return self.calendar.bucket_codes
            case "cell":
                return self.calendar.cell_codes
            case "strip":
                return self._strip_codes
            case _:
                return lambda chunk: chunk.codes(axis)

    def _strip_codes(self, chunk: Chunk) -> IntArray:
        request = self.request
        length = request.to_ms - request.from_ms
        found: IntArray = (chunk.time - request.from_ms) * STRIP_BLOCKS // length
        return found
