"""Sums over groups of rows, made in one pass (storage design, section 1).

A grid counts the rows of a selection by one or two axes. Integers stay exact: a chunk's sums are
exact in doubles, wide columns are summed in two halves, and the totals are integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from cpamp.analytics.facets import IntArray
from cpamp.analytics.packs import HALF_BITS, HIGH, Values
from cpamp.analytics.view import BoolArray, Chunk, Coding

_EXACT = float(1 << 53)
# Pairs up to so many are counted in a plain table; up to the next, by one look-up.
PLAIN = 1 << 13
LOOKED_UP = 1 << 24
# Rows at either end of a chunk that mostly hold all groups that are in it.
_NEAR = 1 << 12
TOKENS = ("input", "output", "reasoning", "cached", "cache_read", "cache_creation", "total")
# What can be added up besides calls and cost; with the latency come the `timed` calls.
MEASURES = ("failed", "latency", *TOKENS)
_ROWS = ("first", "last")
_NARROW = 1 << 31
_NEVER = np.iinfo(np.int64).min


@attrs.frozen(eq=False)
class Sums:
    """What was added up, an element per group.

    `codes` holds the groups' codes on each axis. `figures` has `calls`, `failed`, the token
    counts, `cost` in USD, `latency` in ms and the `timed` calls that have one, the `empty` calls
    that succeeded without a token, `unpriced` calls and `unpriced_tokens`, and `first` and `last`:
    the rows seen first and last in time.
    """

    codes: tuple[IntArray, ...]
    figures: Mapping[str, Values]

    def __len__(self) -> int:
        return len(self.figures["calls"])

    def __getitem__(self, name: str) -> Values:
        return self.figures[name]

    def __contains__(self, name: str) -> bool:
        return name in self.figures

    def taken(self, places: IntArray) -> Sums:
        """Some of the groups."""
        return Sums(
            tuple(codes[places] for codes in self.codes),
            {name: values[places] for name, values in self.figures.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[Sums]) -> Sums:
        """The groups of all parts, those that are in several of them too; what is left out is 0."""
        names = dict.fromkeys(name for part in parts for name in part.figures)
        return cls(
            tuple(
                np.concatenate(codes, dtype=np.int64)
                for codes in zip(*(part.codes for part in parts), strict=True)
            ),
            {name: _joined([part._values(name) for part in parts]) for name in names},
        )

    def narrowed(self) -> Sums:
        """The same in less memory, to be joined to others."""
        figures = {name: _narrowed(values) for name, values in self.figures.items()}
        return Sums(
            tuple(map(_narrowed, self.codes)),
            {name: v for name, v in figures.items() if name in _ROWS or v.any()},
        )

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(values.nbytes for values in (*self.codes, *self.figures.values()))

    def _values(self, name: str) -> Values:
        found = self.figures.get(name)
        return np.zeros(len(self), dtype=np.int32) if found is None else found

    def regrouped(self, groups: IntArray, count: int, time: Values) -> Sums:
        """The sums of groups of groups; `groups` has the new group of each, below `count`.

        `time` is the column of times.
        """
        if count == len(groups):
            # Nothing is to be added up.
            places = np.empty(count, dtype=np.int64)
            places[groups] = np.arange(count)
            return Sums((np.arange(count),), self.taken(places).figures)
        figures = {
            name: add_up(groups, values, count)
            for name, values in self.figures.items()
            if name not in _ROWS
        }
        if "last" in self.figures:
            figures["last"] = extreme(groups, self["last"], count, time, last=True)
            figures["first"] = extreme(groups, self["first"], count, time, last=False)
        return Sums((np.arange(count),), figures)


def _joined(parts: Sequence[Values]) -> Values:
    kinds = {part.dtype.kind for part in parts}
    kind = np.dtype(object if "O" in kinds else np.float64 if "f" in kinds else np.int64)
    return np.concatenate(parts, dtype=kind)


def _narrowed(values: Values) -> Values:
    if values.dtype != np.int64:
        return values
    fits = values.min(initial=0) >= -_NARROW and values.max(initial=0) < _NARROW
    return values.astype(np.int32) if fits else values


def numbered(codes: IntArray) -> tuple[IntArray, IntArray]:
    """The codes that occur, ascending, and which of them each is; codes are 0 or greater."""
    most = int(codes.max(initial=0))
    if most > 16 * len(codes) + PLAIN:
        present, places = np.unique(codes, return_inverse=True)
        return present, places.reshape(-1)
    met = np.zeros(most + 1, dtype=bool)
    met[codes] = True
    present = np.flatnonzero(met)
    numbers = np.empty(most + 1, dtype=np.int64)
    numbers[present] = np.arange(len(present))
    return present, numbers.take(codes)


def distinct(codes: IntArray) -> IntArray:
    """The codes that occur, ascending; several times as fast as `np.unique`."""
    ordered = np.sort(codes)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def standing_for(codes: IntArray) -> IntArray:
    """For each code the place of one that has it; all codes up to the greatest occur."""
    places = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    places[codes] = np.arange(len(codes))
    return places


def oldest_first(rows: IntArray, time: Values) -> IntArray:
    """The order of some rows by their time, then by their number."""
    order = np.argsort(rows)
    times = time.take(rows.take(order))
    if (times[1:] >= times[:-1]).all():
        return order
    return order.take(np.argsort(times, kind="stable"))


def add_up(groups: IntArray, values: Values, count: int) -> Values:
    """The sum of each group's values, exactly if they are integers."""
    if values.dtype.kind == "f":
        return np.bincount(groups, values, minlength=count)
    if values.dtype != object and (
        not len(values) or float(np.abs(values).max()) * len(values) < _EXACT
    ):
        return np.bincount(groups, values, minlength=count).astype(np.int64)
    sums = np.zeros(count, dtype=object)
    np.add.at(sums, groups, values.astype(object))
    return sums


def extreme(groups: IntArray, rows: IntArray, count: int, time: Values, *, last: bool) -> IntArray:
    """Of each group the row that is last in time, or first; of one time the last or first row."""
    times = time.take(rows)
    sign = 1 if last else -1
    best = np.full(count, _NEVER)
    np.maximum.at(best, groups, sign * times)
    at = np.flatnonzero(sign * times == best.take(groups))
    found = np.full(count, _NEVER)
    np.maximum.at(found, groups.take(at), sign * rows.take(at))
    return sign * found


@attrs.define(eq=False)
class Grid:
    """Counts chunks by codes below `size`.

    `measures` are added up; they lie in the packs of `packed`, which grids of one pass share.
    Codes of more groups than fit a plain table are numbered in the order in which they are met.
    """

    coding: Coding
    size: int
    measures: tuple[str, ...] = MEASURES
    extremes: bool = True
    # Whether equal codes mostly stand together.
    runs: bool = False
    packed: tuple[str, ...] = MEASURES
    _numbers: IntArray | None = None
    _met: list[IntArray] = attrs.Factory(list)
    _room: int = 0
    _groups: int = 0
    _sums: dict[str, Values] = attrs.Factory(dict)
    _names: frozenset[str] = attrs.field(init=False)
    _first: IntArray = attrs.Factory(lambda: np.zeros(0, dtype=np.int64))
    _last: IntArray = attrs.Factory(lambda: np.zeros(0, dtype=np.int64))
    _newest_ms: int | None = None

    def __attrs_post_init__(self) -> None:
        timed = ("timed",) if "latency" in self.measures else ()
        halves = [name + HIGH for name in self.measures]
        self._names = frozenset(("calls", *timed, *self.measures, *halves))

    def add(self, chunk: Chunk) -> None:
        """Count some rows; chunks come in ascending order of rows."""
        codes = self._numbered(self.coding(chunk))
        count = self._groups
        if self._room < count:
            self._grow(count)
        add = _adder(codes, count) if self.runs else partial(_by_code, codes, count)
        found: dict[str, Values] = {}
        for pack in chunk.packs(self.packed):
            if not self._names.isdisjoint(name for name, _ in pack.parts):
                found |= pack.unpacked(add(pack.weights))
        for name in self._names & found.keys():
            self._into(name, found[name])
        self._into("cost", add(chunk.cost))
        if chunk.view.unpriced.any():
            self._add_unpriced(codes, chunk, count)
        if self.extremes:
            self._add_extremes(codes, chunk, found["calls"] > 0)

    def _numbered(self, codes: IntArray) -> IntArray:
        if self.size <= PLAIN:
            self._groups = self.size
            return codes
        if self.size > LOOKED_UP:
            return self._searched(codes)
        if self._numbers is None:
            self._numbers = np.full(self.size, -1, dtype=np.int32)
        numbers = self._numbers.take(codes)
        if int(numbers.min()) < 0:
            added = distinct(codes[numbers < 0])
            self._numbers[added] = np.arange(self._groups, self._groups + len(added))
            self._met.append(added)
            self._groups += len(added)
            numbers = self._numbers.take(codes)
        return numbers.astype(np.intp)

    def _searched(self, codes: IntArray) -> IntArray:
        """Numbers of codes that are too many for a table: those met are kept in order."""
        present, inverse = np.unique(codes, return_inverse=True)
        known = self._met[0] if self._met else np.zeros(0, dtype=np.int64)
        order = self._numbers if self._numbers is not None else known
        at = np.searchsorted(known, present)
        inside = at < len(known)
        is_known = np.zeros(len(present), dtype=bool)
        is_known[inside] = known[at[inside]] == present[inside]
        added = present[~is_known]
        numbers = np.empty(len(present), dtype=np.int64)
        numbers[is_known] = order[at[is_known]]
        fresh = np.arange(self._groups, self._groups + len(added))
        numbers[~is_known] = fresh
        merged, merged_order = np.concatenate((known, added)), np.concatenate((order, fresh))
        by_code = np.argsort(merged, kind="stable")
        self._met, self._numbers = [merged[by_code]], merged_order[by_code]
        self._groups += len(added)
        return numbers[inverse]

    def _grow(self, count: int) -> None:
        room = max(count, 2 * self._room)
        more = np.zeros(room - self._room, dtype=np.int64)
        for name, values in self._sums.items():
            self._sums[name] = np.concatenate((values, more.astype(values.dtype)))
        self._first = np.concatenate((self._first, more - 1))
        self._last = np.concatenate((self._last, more - 1))
        self._room = room

    def _into(self, name: str, values: Values) -> None:
        sums = self._sums.get(name)
        if sums is None:
            sums = self._sums[name] = np.zeros(self._room, dtype=values.dtype)
        sums[: len(values)] += values

    def _add_unpriced(self, codes: IntArray, chunk: Chunk, count: int) -> None:
        at = np.flatnonzero(chunk.unpriced)
        if not len(at):
            return
        concerned = codes.take(at)
        self._into("unpriced", np.bincount(concerned, minlength=count))
        tokens = chunk.column("total").take(at).astype(np.int64)
        self._into("unpriced_tokens", add_up(concerned, tokens, count).astype(np.int64))

    def _add_extremes(self, codes: IntArray, chunk: Chunk, met: BoolArray) -> None:
        """Take in the first and the last row of the groups that are met in the chunk."""
        rows, time = chunk.numbers, chunk.time
        if not chunk.in_order:
            order = np.argsort(time, kind="stable")
            rows, codes, time = rows[order], codes[order], time[order]
        count = len(met)
        first, last = self._first[:count], self._last[:count]
        in_order = self._newest_ms is None or self._newest_ms <= int(time[0])
        self._newest_ms = max(int(time[-1]), self._newest_ms or int(time[-1]))
        if in_order:
            # Of several values for one place the last one stays.
            last[codes[-_NEAR:]] = rows[-_NEAR:]
            if bool((met & (last < chunk.numbers[0])).any()):
                last[codes] = rows
            fresh = met & (first < 0)
            if fresh.any():
                at = np.flatnonzero(fresh.take(codes))[::-1]
                first[codes.take(at)] = rows.take(at)
            return
        column = chunk.view.snapshot.column("time")
        last[:] = _merged(last, _lasts(codes, rows, count), column, np.greater_equal)
        first[:] = _merged(first, _lasts(codes[::-1], rows[::-1], count), column, np.less)

    def sums(self) -> Sums:
        """The sums of all groups that have a call, and the code of each."""
        calls = self._sums.get("calls", np.zeros(0, dtype=np.int64))[: self._groups]
        present = np.flatnonzero(calls)
        figures: dict[str, Values] = {
            name: values[present] for name, values in self._sums.items() if not name.endswith(HIGH)
        }
        for name in self.measures:
            figures[name] = self._joined(name, present)
        for name in ("calls", "timed", "unpriced", "unpriced_tokens"):
            figures.setdefault(name, np.zeros(len(present), dtype=np.int64))
        figures.setdefault("cost", np.zeros(len(present)))
        if self.extremes:
            figures["last"], figures["first"] = self._last[present], self._first[present]
        return Sums((self._code_of(present),), figures)

    def _joined(self, name: str, present: IntArray) -> Values:
        low = self._sums.get(name, np.zeros(self._room, dtype=np.int64))[present]
        high = self._sums.get(name + HIGH)
        if high is None:
            return low
        high = high[present]
        if not len(high) or int(np.abs(high).max()) < 1 << (HALF_BITS - 2):
            return np.asarray(low + (high << HALF_BITS))
        return np.asarray(low.astype(object) + high.astype(object) * (1 << HALF_BITS))

    def _code_of(self, present: IntArray) -> IntArray:
        if self.size <= PLAIN:
            return present
        if self.size > LOOKED_UP:
            codes = np.empty(self._groups, dtype=np.int64)
            if self._met:
                codes[self._numbers] = self._met[0]
            return codes[present]
        met = np.concatenate(self._met) if self._met else np.zeros(0, dtype=np.int64)
        return met[present]


Adder = Callable[[Values], Values]


def _by_code(codes: IntArray, count: int, weights: Values) -> Values:
    """The sums of weights by code."""
    found: Values = np.bincount(codes, weights, minlength=count)
    return found


def _adder(codes: IntArray, count: int) -> Adder:
    """The same for codes that stand together: each run is summed first."""
    starts = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))
    if len(starts) * 8 > len(codes):
        return partial(_by_code, codes, count)
    heads = codes.take(starts)

    def add(weights: Values) -> Values:
        runs = np.add.reduceat(weights, starts, dtype=np.float64)
        return _by_code(heads, count, runs)

    return add


def _lasts(codes: IntArray, rows: IntArray, count: int) -> IntArray:
    """Of each group below `count` the row of it that stands last; −1 is none."""
    last = np.full(count, -1, dtype=np.int64)
    last[codes] = rows
    return last


def _merged(
    kept: IntArray, other: IntArray, time: Values, better: Callable[[Values, Values], Any]
) -> IntArray:
    """Of two rows for each group the better one by time; −1 is none."""
    both = np.flatnonzero((kept >= 0) & (other >= 0))
    merged = np.where(kept >= 0, kept, other)
    wins = both[better(time.take(other[both]), time.take(kept[both]))]
    merged[wins] = other[wins]
    return merged
