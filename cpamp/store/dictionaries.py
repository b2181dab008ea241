"""The dictionary tables: texts that repeat together, stored once and referred to by number."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from cpamp.usage.event import Caller, End, ModelNames, Way, Who

Row = TypeVar("Row", bound=tuple[Any, ...])


@attrs.frozen
class Table(Generic[Row]):
    """A dictionary table: its name, columns, and how a row of it becomes a value."""

    name: str
    columns: tuple[str, ...]
    make: Callable[..., Row]
    # How many rows the writer remembers; None: all.
    remembered: int | None = None

    @property
    def insert(self) -> str:
        """The statement that adds a row of this number."""
        names = ", ".join(("id", "digest", *self.columns))
        marks = ", ".join("?" * (len(self.columns) + 2))
        return f"INSERT INTO {self.name} ({names}) VALUES ({marks})"

    @property
    def select(self) -> str:
        """The statement that reads rows from a number on."""
        return f"SELECT id, {', '.join(self.columns)} FROM {self.name} WHERE id > ? ORDER BY id"

    @property
    def some(self) -> str:
        """The statement that reads the rows of a JSON array of numbers."""
        names = ", ".join(("id", *self.columns))
        return f"SELECT {names} FROM {self.name} WHERE id IN (SELECT value FROM json_each(?))"

    @property
    def find(self) -> str:
        """The statement that finds a row's number by its digest."""
        return f"SELECT id FROM {self.name} WHERE digest = ?"


def _end(failed: int, *rest: Any) -> End:
    return End(bool(failed), *rest)


WHO = Table("who", Who._fields, Who)
MODEL = Table("model", ModelNames._fields, ModelNames)
WAY = Table("way", Way._fields, Way)
KEY = Table("key", ("api_key_hash",), lambda text: (text,))
CALLER = Table("caller", Caller._fields, Caller, remembered=10_000)
ENDING = Table("ending", End._fields, _end, remembered=5_000)
TABLES: tuple[Table[Any], ...] = (WHO, MODEL, WAY, KEY, CALLER, ENDING)


def digest(row: tuple[Any, ...]) -> bytes:
    """What a row is found by: 16 bytes of its texts, each with its length before it."""
    hashed = hashlib.blake2b(digest_size=16)
    for value in row:
        text = str(int(value) if isinstance(value, bool) else value).encode(errors="replace")
        hashed.update(len(text).to_bytes(4, "little"))
        hashed.update(text)
    return hashed.digest()


@attrs.define
class Writer(Generic[Row]):
    """Numbers for rows, as the writer gives them out.

    Numbers that a transaction gave out count only once it is committed: `keep` or `drop` must
    follow every use.
    """

    table: Table[Row]
    # Those that are remembered.
    numbers: OrderedDict[Row, int] = attrs.Factory(OrderedDict)
    _added: list[Row] = attrs.Factory(list)
    _last: int = 0

    def load(self, conn: sqlite3.Connection) -> None:
        """Read what the table holds."""
        self.numbers.clear()
        found = conn.execute(f"SELECT max(id) FROM {self.table.name}").fetchone()[0]
        self._last = found or 0
        if self.table.remembered is None:
            for number, *values in conn.execute(self.table.select, (0,)):
                self.numbers[self.table.make(*values)] = number

    def look_up(self, conn: sqlite3.Connection, row: Row) -> int:
        """The number of a row that is not among `numbers`; it is added if it is new."""
        key = digest(row)
        found = conn.execute(self.table.find, (key,)).fetchone()
        if found is not None:
            number = int(found[0])
        else:
            self._last += 1
            number = self._last
            conn.execute(self.table.insert, (number, key, *row))
        self.numbers[row] = number
        self._added.append(row)
        return number

    def keep(self) -> None:
        """The transaction is committed."""
        self._added.clear()
        if self.table.remembered is not None:
            while len(self.numbers) > self.table.remembered:
                self.numbers.popitem(last=False)

    def drop(self, conn: sqlite3.Connection | None) -> None:
        """The transaction was rolled back; `conn` is None where the database is gone."""
        for row in self._added:
            self.numbers.pop(row, None)
        self._added.clear()
        if conn is not None:
            found = conn.execute(f"SELECT max(id) FROM {self.table.name}").fetchone()[0]
            self._last = found or 0


@attrs.define
class Reader(Generic[Row]):
    """The rows of a table by number, read once and again only for what was added."""

    table: Table[Row]
    rows: list[Row | None] = attrs.Factory(lambda: [None])

    def refresh(self, conn: sqlite3.Connection) -> list[Row | None]:
        """All rows by number; those that were added since the last call are read."""
        known = self.rows
        added = conn.execute(self.table.select, (len(known) - 1,)).fetchall()
        if not added:
            return known
        rows = known + [None] * (added[-1][0] + 1 - len(known))
        for number, *values in added:
            rows[number] = self.table.make(*values)
        # Threads do this side by side: each works with its own list, and the longest is kept.
        if len(rows) > len(self.rows):
            self.rows = rows
        return rows


@attrs.define
class BoundedReader(Generic[Row]):
    """Rows of a table that may have very many, by number; the last used are remembered."""

    table: Table[Row]
    _remembered: dict[int, Row] = attrs.Factory(dict)

    def get(self, conn: sqlite3.Connection, numbers: Iterable[int]) -> Mapping[int, Row]:
        """The rows of these numbers."""
        known = self._remembered
        wanted = set(numbers)
        found = {number: known[number] for number in wanted & known.keys()}
        missing = wanted - found.keys()
        if missing:
            for number, *values in conn.execute(self.table.some, (str(sorted(missing)),)):
                found[number] = self.table.make(*values)
            limit = self.table.remembered or 0
            kept = known if len(known) + len(missing) <= limit else {}
            # A new dictionary in one assignment: other threads see the old one or this one.
            self._remembered = {**kept, **found}
        return found
