"""Substring search over the texts of events (analytics contract, section 8).

Texts that repeat lie in the dictionaries: they are searched there, and a row is meant if it
refers to one that was found. Request id and trace id are unique to an event: they lie, case-folded,
in one file beside the columns.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import attrs
import numpy as np
import orjson

from cpamp.analytics.facets import IntArray
from cpamp.analytics.view import BoolArray, View
from cpamp.columns.columns import Snapshot
from cpamp.store.events import NEXT_DAY
from cpamp.usage.event import Who

# Stands between two texts; no UTF-8 has it.
_BETWEEN = b"\xff"
_HEX = frozenset("0123456789abcdef")


@attrs.define(eq=False)
class Haystack:
    """The texts of a dictionary's rows, one behind the other, by number of the row."""

    _text: bytearray = attrs.Factory(bytearray)
    _starts: list[int] = attrs.Factory(list)

    @property
    def count(self) -> int:
        """The number behind the last row."""
        return len(self._starts)

    def extend(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        """Take in rows with ascending numbers, each with the texts that are searched."""
        for number, texts in rows:
            start = len(self._text)
            self._starts.extend([start] * (number + 1 - len(self._starts)))
            folded = (text.casefold().encode(errors="replace") for text in texts)
            self._text += _BETWEEN.join(folded) + _BETWEEN

    def having(self, needle: bytes) -> BoolArray:
        """By number: whether a text of the row has the needle in it."""
        found = np.zeros(self.count, dtype=bool)
        places = np.fromiter(_places(self._text, needle, 0, len(self._text)), dtype=np.int64)
        # Of rows with the same start, all but the last are empty.
        found[np.searchsorted(self._starts, places, side="right") - 1] = len(places) > 0
        return found


def _places(text: Any, needle: bytes, start: int, end: int) -> Iterator[int]:
    at = text.find(needle, start, end)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1, end)


@attrs.define(eq=False)
class Searcher:
    """The haystacks, and how they keep up."""

    _who: Haystack = attrs.Factory(Haystack)
    _model: Haystack = attrs.Factory(Haystack)
    _way: Haystack = attrs.Factory(Haystack)
    _key: Haystack = attrs.Factory(Haystack)
    _caller: Haystack = attrs.Factory(Haystack)
    _ending: Haystack = attrs.Factory(Haystack)
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def tables(
        self, conn: sqlite3.Connection, view: View, text: str
    ) -> tuple[tuple[str, BoolArray], ...]:
        """For each axis which of its codes a row must have to be found."""
        with self._lock:
            self._refresh(conn, view)
            return self._found(text.casefold().encode(errors="replace"))

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

    def _found(self, needle: bytes) -> tuple[tuple[str, BoolArray], ...]:
        return (
            ("who", self._who.having(needle)),
            ("model", self._model.having(needle)),
            ("way", self._way.having(needle)),
            ("key", self._key.having(needle)),
            ("caller", self._caller.having(needle)),
            ("ending", self._ending.having(needle)),
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
HASHES = "SELECT id FROM events WHERE typeof(hash) = 'blob' AND instr(lower(hex(hash)), ?)"
WHOLE_HASH = """
SELECT id FROM events
WHERE hash = ?1 AND substr(hash, -8) = substr(?1, -8) AND timestamp_ms / 86400000 = ?2
"""


def rows_with_text(snapshot: Snapshot, text: str) -> IntArray:
    """The rows of which an id has the text in it, ascending."""
    needle = text.casefold().encode(errors="replace")
    if not snapshot.n or b"\n" in needle:
        return np.zeros(0, dtype=np.int64)
    ends = snapshot.column("text_end")
    texts = snapshot.texts()
    places = np.fromiter(_places(texts, needle, 0, int(ends[-1])), dtype=np.int64)
    return np.unique(np.searchsorted(ends, places, side="right"))


def rows_with_hash(conn: sqlite3.Connection, snapshot: Snapshot, text: str) -> IntArray:
    """The rows of which the hash has the text in it, ascending; only hexadecimal text can be."""
    needle = text.casefold()
    if not _HEX.issuperset(needle) or len(needle) > 64:
        return np.zeros(0, dtype=np.int64)
    if len(needle) == 64:
        value = bytes.fromhex(needle)
        ids = [row[0] for day in _days(conn) for row in conn.execute(WHOLE_HASH, (value, day))]
    else:
        ids = [row[0] for row in conn.execute(HASHES, (needle,))]
    rows = (snapshot.row_of(number) for number in ids)
    return np.unique(np.array([row for row in rows if row is not None], dtype=np.int64))


def _days(conn: sqlite3.Connection) -> Iterator[int]:
    day = -(2**62)
    while (day := conn.execute(NEXT_DAY, (day,)).fetchone()[0]) is not None:
        yield day


def ids_with_trace(conn: sqlite3.Connection, snapshot: Snapshot, traces: Sequence[str]) -> IntArray:
    """The ids of the events that have one of these trace ids, exactly."""
    rows = [rows_with_text(snapshot, trace) for trace in traces]
    candidates = snapshot.ids_of(np.unique(np.concatenate(rows))) if snapshot.n else np.zeros(0)
    found = conn.execute(
        "SELECT event FROM details WHERE event IN (SELECT value FROM json_each(?1))"
        " AND trace_id IN (SELECT value FROM json_each(?2))",
        (orjson.dumps(candidates.tolist()).decode(), orjson.dumps(list(traces)).decode()),
    )
    return np.array([row[0] for row in found], dtype=np.int64)
