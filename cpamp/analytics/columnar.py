"""Long tables as columns: they become JSON without a dictionary for each row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol, overload

import attrs
import numpy as np
import orjson

from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import numbered
from cpamp.analytics.packs import Values

Row = dict[str, Any]
# Rows, with those inside them, that are written at a time: little memory, and short holds of the
# interpreter's lock.
BLOCK = 2_048


def dumps(value: Any) -> bytes:
    """A value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # An integer beyond 64 bits, which the sum of hostile counts can be.
        return json.dumps(value, separators=(",", ":")).encode()


class Column(Protocol):
    """The values of one name."""

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The values of some rows, at least one, as JSON."""

    def values(self) -> Sequence[Any]:
        """All values."""

    def __len__(self) -> int: ...


@attrs.frozen(eq=False)
class Numbers:
    """Integers or floats; NaN stands for None."""

    numbers: Values

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The values of some rows as JSON."""
        some = self.numbers[start:stop]
        if some.dtype == object:
            return list(map(dumps, some.tolist()))
        return orjson.dumps(some, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")

    def values(self) -> Sequence[Any]:
        """All values."""
        found: list[Any] = self.numbers.tolist()
        if self.numbers.dtype.kind == "f" and np.isnan(self.numbers).any():
            return [None if value != value else value for value in found]
        return found

    def __len__(self) -> int:
        return len(self.numbers)


@attrs.frozen(eq=False)
class Texts:
    """Texts of which many are equal: row `i` has `names[codes[i]]`."""

    names: Sequence[str]
    codes: IntArray

    def taken(self, places: IntArray) -> Texts:
        """Some of the rows."""
        return Texts(self.names, self.codes.take(places))

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The values of some rows as JSON."""
        found: list[bytes] = self._encoded.take(self.codes[start:stop]).tolist()
        return found

    def values(self) -> Sequence[str]:
        """All values."""
        return [self.names[code] for code in self.codes.tolist()]

    def __len__(self) -> int:
        return len(self.codes)

    def ranks(self) -> IntArray:
        """For each row a number that is greater where the text is, and equal where it is equal."""
        present, places = numbered(self.codes)
        texts = [self.names[code] for code in present.tolist()]
        ranks = {text: rank for rank, text in enumerate(sorted(set(texts)))}
        return np.array([ranks[text] for text in texts], dtype=np.int64).take(places)

    @cached_property
    def _encoded(self) -> Values:
        """The names that occur, as JSON."""
        encoded = np.full(len(self.names), None, dtype=object)
        for code in numbered(self.codes)[0].tolist():
            encoded[code] = dumps(self.names[code])
        return encoded


@attrs.frozen(eq=False)
class Plain:
    """Any values."""

    _values: Sequence[Any]

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The values of some rows as JSON."""
        return list(map(dumps, self._values[start:stop]))

    def values(self) -> Sequence[Any]:
        """All values."""
        return self._values

    def __len__(self) -> int:
        return len(self._values)


@attrs.frozen(eq=False)
class Nested:
    """Lists of rows: row `i` has those of `table` from `bounds[i]` to `bounds[i + 1]`."""

    table: Table
    bounds: IntArray

    @classmethod
    def of(cls, table: Table, owners: IntArray, count: int) -> Nested:
        """`owners`, which ascend, say which of `count` rows each row of the table belongs to."""
        return cls(table, np.searchsorted(owners, np.arange(count + 1)))

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The values of some rows as JSON."""
        bounds: list[int] = self.bounds[start : stop + 1].tolist()
        first = bounds[0]
        rows = self.table.texts(first, bounds[-1])
        return [b"[%b]" % b",".join(rows[a - first : b - first]) for a, b in pairwise(bounds)]

    def values(self) -> Sequence[list[Row]]:
        """All values."""
        return [self.table.rows[begin:end] for begin, end in pairwise(self.bounds.tolist())]

    def __len__(self) -> int:
        return len(self.bounds) - 1


@attrs.frozen(eq=False)
class Shared:
    """Columns whose rows repeat: row `i` has the members of row `codes[i]` of `table`.

    Those are written once.
    """

    table: Table
    codes: IntArray

    def texts(self, start: int, stop: int) -> list[bytes]:
        """The members of some rows as JSON, without braces."""
        found: list[bytes] = self._encoded.take(self.codes[start:stop]).tolist()
        return found

    def values(self) -> Sequence[Row]:
        """The members of all rows."""
        return [self.table.rows[code] for code in self.codes.tolist()]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def _encoded(self) -> Values:
        return np.array(self.table.members(0, len(self.table)), dtype=object)


class Table(Sequence[Row]):
    """Rows as columns of one length, by name; as a sequence it has a dictionary for each row.

    An array of numbers, or any other sequence of values, may stand for its column.
    """

    def __init__(self, *parts: Mapping[str, Any] | Shared) -> None:
        self._columns: list[tuple[str, Column]] = []
        for part in parts:
            if isinstance(part, Shared):
                self._columns.append(("", part))
            else:
                for name, values in part.items():
                    self.add(name, values)

    def add(self, name: str, values: Any) -> None:
        """Have a column more, behind the others."""
        self._columns.append((name, _column(values)))
        self.__dict__.pop("rows", None)

    @cached_property
    def rows(self) -> list[Row]:
        """A dictionary for each row."""
        rows: list[Row] = [{} for _ in range(len(self))]
        for name, column in self._columns:
            for row, value in zip(rows, column.values(), strict=True):
                row |= value if isinstance(column, Shared) else {name: value}
        return rows

    def __len__(self) -> int:
        return len(self._columns[0][1])

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        return self.rows[place]

    def parts(self) -> Iterator[bytes]:
        """The rows as a JSON list, in parts."""
        yield b"["
        for start, stop in pairwise(self._blocks()):
            if start:
                yield b","
            yield b",".join(self.texts(start, stop))
        yield b"]"

    def texts(self, start: int, stop: int) -> list[bytes]:
        """Some rows as JSON."""
        return self._written(b"{%b}", start, stop)

    def members(self, start: int, stop: int) -> list[bytes]:
        """The same without braces."""
        return self._written(b"%b", start, stop)

    def _written(self, form: bytes, start: int, stop: int) -> list[bytes]:
        if start == stop:
            return []
        row = form % b",".join(
            b"%b" if isinstance(column, Shared) else dumps(name) + b":%b"
            for name, column in self._columns
        )
        columns = [column.texts(start, stop) for _, column in self._columns]
        return [row % values for values in zip(*columns, strict=True)]

    def _blocks(self) -> list[int]:
        """Where the parts begin, and the end of the last; nothing if there are no rows."""
        written = np.arange(len(self))
        for _, column in self._columns:
            if isinstance(column, Nested):
                written += column.bounds[:-1]
        begins = np.flatnonzero(np.diff(written // BLOCK)) + 1
        return [0, *begins.tolist(), len(self)] if len(self) else []


def _column(values: Any) -> Column:
    match values:
        case Numbers() | Texts() | Plain() | Nested():
            return values
        case np.ndarray():
            return Numbers(values)
        case _:
            return Plain(values)
