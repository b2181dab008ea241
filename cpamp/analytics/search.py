"""Substring search over the texts of events (analytics contract, section 8).

Texts that repeat lie in the dictionaries: they are searched there, and a row is meant if it
refers to one that was found. Request id and trace id are unique to an event: they lie, case-folded,
in one file beside the columns. A hash lies in the database, and is mapped when a part of one is
looked for.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import attrs
import numpy as np
import orjson

from cpamp.analytics.facets import IntArray
from cpamp.analytics.needles import HASH, Bytes, hashes_having, rows_having
from cpamp.analytics.view import BoolArray, View
from cpamp.columns.columns import Snapshot
from cpamp.columns.files import TextFile
from cpamp.store.events import NEXT_DAY
from cpamp.usage.event import Who

# Stands between two texts; no UTF-8 has it.
_BETWEEN = b"\xff"
_HEX = frozenset("0123456789abcdef")
# Up to so many trace ids are looked for in the texts first, one by one.
FEW_TRACES = 8
# Events of which hashes or trace ids are read at a time.
PIECE = 20_000


@attrs.define(eq=False)
class Haystack:
    """The texts of a dictionary's rows, one behind the other, by number of the row."""

    _text: bytearray = attrs.Factory(bytearray)
    _ends: list[int] = attrs.Factory(list)

    @property
    def count(self) -> int:
        """The number behind the last row."""
        return len(self._ends)

    def extend(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take in rows with ascending numbers, each with the texts that are searched."""
        for number, texts in rows:
            self._ends.extend([len(self._text)] * (number - len(self._ends)))
            folded = (text.casefold().encode(errors="replace") for text in texts)
            self._text += _BETWEEN.join(folded) + _BETWEEN
            self._ends.append(len(self._text))

    def having(self, needle: bytes, view: View) -> BoolArray:
        """By number: whether a text of the row has the needle in it."""
        ends = np.array(self._ends, dtype=np.int64)
        return rows_having(self._text, ends, needle, view.go_on)


@attrs.define(eq=False)
class HashColumn:
    """The hashes of one generation of columns that are binary; read when first searched.

    They are not among the columns, since few search for a part of a hash.
    """

    generation: int
    _file: TextFile
    _rows: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    @classmethod
    def new(cls, folder: Path, generation: int) -> HashColumn:
        """An empty one, in a file that goes with its last user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = TextFile.open(folder / f"hash-{threading.get_ident()}", new=True)
        os.unlink(file.path)
        return cls(generation, file)

    def read(self, conn: sqlite3.Connection, view: View) -> Bytes:
        """Of each row of the view its hash and a 1, or zeros; what is missing is read."""
        snapshot = view.snapshot
        with self._lock:
            while self._rows < snapshot.n:
                view.go_on()
                end = min(snapshot.n, self._rows + PIECE)
                ids = snapshot.ids_of(np.arange(self._rows, end))
                self._file.write(self._rows * (HASH + 1), _hashes(conn, ids))
                self._rows = end
        text = self._file.read(snapshot.n * (HASH + 1))
        return np.frombuffer(text, dtype=np.uint8).reshape(-1, HASH + 1)


def _hashes(conn: sqlite3.Connection, ids: IntArray) -> bytes:
    found = np.zeros((len(ids), HASH + 1), dtype=np.uint8)
    rows = conn.execute(HASHES, (int(ids[0]), int(ids[-1]))).fetchall()
    if rows:
        places = np.searchsorted(ids, [row[0] for row in rows])
        found[places, :HASH] = np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(
            -1, HASH
        )
        found[places, HASH] = 1
    return found.tobytes()


@attrs.define(eq=False)
class Searcher:
    """The haystacks, and how they keep up; `folder` is where columns lie."""

    _folder: Callable[[], Path]
    _hashes: HashColumn | None = None
    _who: Haystack = attrs.Factory(Haystack)
    _model: Haystack = attrs.Factory(Haystack)
    _way: Haystack = attrs.Factory(Haystack)
    _key: Haystack = attrs.Factory(Haystack)
    _caller: Haystack = attrs.Factory(Haystack)
    _ending: Haystack = attrs.Factory(Haystack)
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def rows(self, conn: sqlite3.Connection, view: View, text: str) -> BoolArray:
        """By row: whether a text of it has the text in it.

        Ids and hashes are looked at only where no text that repeats has it.
        """
        found = np.zeros(view.snapshot.n, dtype=bool)
        for name, table in self._tables(conn, view, text.casefold().encode(errors="replace")):
            if table.any() and not found.all():
                found |= table.take(view.snapshot.column(name))
        found = rows_with_text(view, text, found)
        digits = text.casefold()
        if not _HEX.issuperset(digits) or len(digits) > 2 * HASH:
            return found
        if len(digits) == 2 * HASH:
            found[_rows_with_hash(conn, view.snapshot, bytes.fromhex(digits))] = True
            return found
        hashes = self._hash_column(view.snapshot.generation).read(conn, view)
        return hashes_having(hashes, digits, view.go_on, found)

    def _hash_column(self, generation: int) -> HashColumn:
        with self._lock:
            if self._hashes is None or self._hashes.generation != generation:
                self._hashes = HashColumn.new(self._folder(), generation)
            return self._hashes

    def _refresh(self, conn: sqlite3.Connection, view: View) -> None:
        """Take in what was added to the dictionaries."""
        known = view.facets.known
        assert known is not None
        for haystack, rows, fields in (
            (self._who, known.who, _WHO),
            (self._model, known.model, _MODEL),
            (self._way, known.way, _WAY),
            (self._key, known.key, tuple),
        ):
            added = enumerate(rows[haystack.count :], haystack.count)
            haystack.extend((number, fields(row) if row else ()) for number, row in added)
        for haystack, statement in ((self._caller, CALLERS), (self._ending, ENDINGS)):
            found = conn.execute(statement, (haystack.count - 1,))
            haystack.extend((number, texts) for number, *texts in found)

    def _tables(
        self, conn: sqlite3.Connection, view: View, needle: bytes
    ) -> tuple[tuple[str, BoolArray], ...]:
        """For each column of references which of its numbers have the needle in a text."""
        with self._lock:
            self._refresh(conn, view)
            return (
                ("who", self._who.having(needle, view)),
                ("model", self._model.having(needle, view)),
                ("way", self._way.having(needle, view)),
                ("key", self._key.having(needle, view)),
                ("caller", self._caller.having(needle, view)),
                ("ending", self._ending.having(needle, view)),
            )


# Of the dictionaries, the fields that are searched.
_WHO = attrgetter(*(name for name in Who._fields if name not in ("provider", "auth_type")))
_MODEL = attrgetter("model", "requested_model", "resolved_model", "analytics_model")
_WAY = attrgetter("endpoint", "method", "path", "reasoning_effort", "service_tier")
CALLERS = """
SELECT id, client_ip, x_forwarded_for, user_agent FROM caller WHERE id > ? ORDER BY id
"""
ENDINGS = """
SELECT id, fail_summary, header_error_kind, header_error_code, plan_type
FROM ending WHERE id > ? ORDER BY id
"""
HASHES = """
SELECT id, hash FROM events
WHERE id BETWEEN ? AND ? AND typeof(hash) = 'blob' AND length(hash) = 32 ORDER BY id
"""
WHOLE_HASH = """
SELECT id FROM events
WHERE hash = ?1 AND substr(hash, -8) = substr(?1, -8) AND timestamp_ms / 86400000 = ?2
"""


TRACES = """
SELECT event FROM details WHERE event IN (SELECT value FROM json_each(?1))
AND trace_id IN (SELECT value FROM json_each(?2))
"""


def rows_with_text(view: View, text: str, known: BoolArray | None = None) -> BoolArray:
    """By row: whether an id has the text in it, or the row is `known`."""
    needle = text.casefold().encode(errors="replace")
    snapshot = view.snapshot
    if not snapshot.n or b"\n" in needle:
        return np.zeros(snapshot.n, dtype=bool) if known is None else known
    return rows_having(snapshot.texts(), snapshot.column("text_end"), needle, view.go_on, known)


def _rows_with_hash(conn: sqlite3.Connection, snapshot: Snapshot, value: bytes) -> list[int]:
    ids = [row[0] for day in _days(conn) for row in conn.execute(WHOLE_HASH, (value, day))]
    rows = (snapshot.row_of(number) for number in ids)
    return [row for row in rows if row is not None]


def _days(conn: sqlite3.Connection) -> Iterator[int]:
    day = -(2**62)
    while (day := conn.execute(NEXT_DAY, (day,)).fetchone()[0]) is not None:
        yield day


def ids_with_trace(conn: sqlite3.Connection, view: View, traces: Sequence[str]) -> IntArray:
    """The ids of the events that have one of these trace ids, exactly."""
    meant = np.full(view.snapshot.n, len(traces) > FEW_TRACES)
    for trace in () if len(traces) > FEW_TRACES else traces:
        meant |= rows_with_text(view, trace)
    candidates = view.snapshot.ids_of(np.flatnonzero(meant)).tolist() if meant.any() else []
    wanted, found = orjson.dumps(list(traces)).decode(), []
    for start in range(0, len(candidates), PIECE):
        view.go_on()
        piece = orjson.dumps(candidates[start : start + PIECE]).decode()
        found += [row[0] for row in conn.execute(TRACES, (piece, wanted))]
    return np.array(found, dtype=np.int64)
