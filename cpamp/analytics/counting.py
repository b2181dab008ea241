"""All that a request counts, in one pass over its rows (storage design, section 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import attrs
import numpy as np

from cpamp.analytics.calendar import Calendar
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import MEASURES, Grid, Sums
from cpamp.analytics.request import AnalyticsRequest
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import Chunk, Coding, View

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
    """A grid: its one or two axes, and what it adds up."""

    axes: tuple[str, ...]
    measures: tuple[str, ...] = MEASURES
    extremes: bool = True


SHAPES = {
    "models": Shape(("model",)),
    "people": Shape(("who", "model")),
    "credentials": Shape(("who",), LIGHT),
    "clients": Shape(("client", "model")),
    "contexts": Shape(("client", "who"), TIMED),
    "slots": Shape(("slot",), extremes=False),
    "credential_buckets": Shape(("bucket", "who")),
    "client_buckets": Shape(("bucket", "client"), extremes=False),
    "model_buckets": Shape(("bucket", "model"), extremes=False),
    "cell_models": Shape(("cell", "model"), LIGHT, extremes=False),
    "cell_clients": Shape(("cell", "client"), LIGHT, extremes=False),
    "cell_providers": Shape(("cell", "provider"), LIGHT, extremes=False),
    "strips": Shape(("strip", "who"), LIGHT),
}
STRIP_BLOCKS = 20
CELLS = 7 * 24


class Counting:
    """The counters of one request; each is made when a section needs it, and made once."""

    def __init__(self, request: AnalyticsRequest, selection: Selection) -> None:
        self.request = request
        self.selection = selection
        self.view: View = selection.view
        self._needed: set[str] = set()
        self._grids: dict[str, Grid] = {}
        self._sums: dict[str, Sums] = {}
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
        self._sums.clear()
        self.counters.clear()

    def need(self, *names: str) -> None:
        """Have a grid of `SHAPES` counted."""
        self._needed.update(names)

    def run(self) -> None:
        """Look at all rows."""
        if "people" in self._needed:
            self._needed.discard("models")
        shapes = {name: SHAPES[name] for name in sorted(self._needed)}
        used = {measure for shape in shapes.values() for measure in shape.measures}
        packed = tuple(measure for measure in MEASURES if measure in used)
        self._grids = {name: self._grid(shape, packed) for name, shape in shapes.items()}
        counters = [*self._grids.values(), *self.counters]
        for chunk in self.selection.chunks():
            for counter in counters:
                counter.add(chunk)

    def sums(self, name: str) -> Sums:
        """What was counted: the groups that have a call, with their code on each axis."""
        found = self._sums.get(name)
        if found is None:
            found = self._sums[name] = self._finished(name)
        return found

    def _finished(self, name: str) -> Sums:
        if name == "models" and name not in self._grids:
            return self.merged(self.sums("people"), 1)
        sums, axes = self._grids[name].sums(), SHAPES[name].axes
        if len(axes) == 1:
            return sums
        width = self._size(axes[1])
        return Sums((sums.codes[0] // width, sums.codes[0] % width), sums.figures)

    def merged(self, sums: Sums, axis: int) -> Sums:
        """The sums of a pair of axes by one of them alone."""
        return self.grouped(sums, sums.codes[axis])

    def grouped(self, sums: Sums, codes: IntArray) -> Sums:
        """Sums by other codes, one of each; those that occur are the codes of the result."""
        present, groups = np.unique(codes, return_inverse=True)
        time = self.view.snapshot.column("time")
        merged = sums.regrouped(groups.reshape(-1), len(present), time)
        return Sums((present,), merged.figures)

    def _grid(self, shape: Shape, packed: tuple[str, ...]) -> Grid:
        size = 1
        for axis in shape.axes:
            size *= self._size(axis)
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
        if len(axes) == 1:
            return self._codes_of(axes[0])
        first, second = map(self._codes_of, axes)
        width = self._size(axes[1])
        return lambda chunk: first(chunk) * width + second(chunk)

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
