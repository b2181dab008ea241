"""Writing events: each once, its texts in the dictionaries, what is unique in the details."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

import attrs
import numpy as np

from cpamp.columns.layout import BILLED, FAILED, HEADERS, NONE, Batch
from cpamp.store import metadata
from cpamp.store.dictionaries import TABLES, Writer
from cpamp.store.rows import make_batch, text_of
from cpamp.usage.event import Event
from cpamp.usage.models import SEPARATE
from cpamp.usage.timestamps import split

DAY_MS = 86_400_000
FORM_SHIFT = 20
# The form of a text that numbers don't give again; it is in the details.
OWN_TEXT = 15

STORED = """
SELECT 1 FROM events
WHERE timestamp_ms / 86400000 = ?1 / 86400000 AND substr(hash, -8) = substr(?2, -8) AND hash = ?2
"""
INVENTED = "SELECT 1 FROM events WHERE time_invented AND hash = ?"
ANY_INVENTED = "SELECT EXISTS (SELECT 1 FROM events WHERE time_invented)"
NEXT_DAY = """
SELECT min(timestamp_ms / 86400000) FROM events WHERE timestamp_ms / 86400000 > ?
"""
LAST_ID = "SELECT coalesce(max(id), 0) FROM events"
# Rows that one statement inserts or looks up: every statement gives the interpreter lock away.
ROWS = 100


def stored_hash(text: str) -> bytes | str:
    """A hash as it is stored: 32 bytes where the text is 64 lower-case hexadecimal digits."""
    if len(text) == 64:
        try:
            value = bytes.fromhex(text)
        except ValueError:
            return text
        return value if value.hex() == text else text
    return text


def shown_hash(value: bytes | str) -> str:
    """The text of a stored hash."""
    return value if isinstance(value, str) else value.hex()


def stored_ones(conn: sqlite3.Connection, keys: Sequence[tuple[int, str] | None]) -> list[bool]:
    """Which events are stored, by time in ms and hash; None is for those that nobody knows of."""
    asked = [(i, key[0], stored_hash(key[1])) for i, key in enumerate(keys) if key is not None]
    found = already_stored(conn, [(at_ms, value) for _, at_ms, value in asked])
    known = [False] * len(keys)
    for place in found:
        known[asked[place][0]] = True
    return known


def already_stored(conn: sqlite3.Connection, keys: Sequence[tuple[int, bytes | str]]) -> set[int]:
    """The places of those keys, of time in ms and stored hash, whose events are stored."""
    found: set[int] = set()
    for start in range(0, len(keys), ROWS):
        part = keys[start : start + ROWS]
        values = [value for key in part for value in key]
        found.update(start + row[0] for row in conn.execute(_look_up(len(part)), values))
    return found


@cache
def _look_up(count: int) -> str:
    rows = ", ".join(f"({i}, ?, ?)" for i in range(count))
    return f"""
WITH asked (place, at, hash) AS (VALUES {rows})
SELECT DISTINCT asked.place FROM asked CROSS JOIN events AS e
ON e.timestamp_ms / 86400000 = asked.at / 86400000
AND substr(e.hash, -8) = substr(asked.hash, -8) AND e.hash = asked.hash
"""


@cache
def _insertion(table: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * count)}"


def insert(conn: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert whole rows."""
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        values = [value for row in part for value in row]
        conn.execute(_insertion(table, len(part[0]), len(part)), values)


@attrs.frozen
class Written:
    """What a batch came to: which of its events were new, and the rows for the columns."""

    new: list[bool]
    batch: Batch | None


@attrs.define
class EventWriter:
    """Adds events in the caller's transaction; `keep` or `drop` must follow every `add`."""

    last_id: int = 0
    _any_invented: bool = False
    _writers: tuple[Writer[Any], ...] = attrs.Factory(lambda: tuple(map(Writer, TABLES)))

    def load(self, conn: sqlite3.Connection) -> None:
        """Read what the database holds."""
        self.last_id = int(conn.execute(LAST_ID).fetchone()[0])
        self._any_invented = bool(conn.execute(ANY_INVENTED).fetchone()[0])
        for writer in self._writers:
            writer.load(conn)

    def add(self, conn: sqlite3.Connection, events: Sequence[Event], connection: int) -> Written:
        """Insert the events that are not stored yet; the first of equal ones wins."""
        hashes = [stored_hash(event.event_hash) for event in events]
        stored = already_stored(
            conn, [(e.timestamp_ms, h) for e, h in zip(events, hashes, strict=True)]
        )
        new: list[bool] = []
        seen: set[bytes | str] = set()
        rows = _Rows(self.last_id + 1, connection)
        for i, event in enumerate(events):
            value = hashes[i]
            if i in stored or value in seen or self._is_known(conn, event, value):
                new.append(False)
                continue
            seen.add(value)
            new.append(True)
            rows.add(event, value, self._references(conn, event))
        rows.insert(conn)
        self._any_invented = self._any_invented or any(e.time_invented for e in events)
        return Written(new, rows.batch())

    def keep(self, written: Written) -> None:
        """The transaction is committed."""
        self.last_id += len(written.batch) if written.batch else 0
        for writer in self._writers:
            writer.keep()

    def drop(self, conn: sqlite3.Connection | None) -> None:
        """The transaction was rolled back; `conn` is None where the database is gone."""
        for writer in self._writers:
            writer.drop(conn)

    def _is_known(self, conn: sqlite3.Connection, event: Event, value: bytes | str) -> bool:
        """Whether the event is stored under another time."""
        if self._any_invented and conn.execute(INVENTED, (value,)).fetchone():
            return True
        return event.time_invented and self._on_any_day(conn, value)

    @staticmethod
    def _on_any_day(conn: sqlite3.Connection, value: bytes | str) -> bool:
        # One look-up a day; there are far fewer days than events.
        day = -(2**62)
        while True:
            day = conn.execute(NEXT_DAY, (day,)).fetchone()[0]
            if day is None:
                return False
            if conn.execute(STORED, (day * DAY_MS, value)).fetchone():
                return True

    def _references(self, conn: sqlite3.Connection, event: Event) -> list[int]:
        """The numbers of the event's rows in the dictionaries, in the order of `TABLES`."""
        key = (event.api_key_hash,)
        rows = (event.who, event.model, event.way, key, event.caller, event.end)
        return [
            writer.numbers.get(row) or writer.look_up(conn, row)
            for writer, row in zip(self._writers, rows, strict=True)
        ]


@attrs.define
class _Rows:
    """What is to be inserted of some new events."""

    first_id: int
    connection: int
    events: list[tuple[Any, ...]] = attrs.Factory(list)
    details: list[tuple[Any, ...]] = attrs.Factory(list)
    billed: list[tuple[int, ...]] = attrs.Factory(list)
    # For the columns.
    numbers: list[tuple[int, ...]] = attrs.Factory(list)
    separate: list[bool] = attrs.Factory(list)
    flags: list[int] = attrs.Factory(list)
    texts: list[bytes] = attrs.Factory(list)

    def add(self, event: Event, value: bytes | str, references: list[int]) -> None:
        """Add one; `value` is its hash as it is stored."""
        number = self.first_id + len(self.events)
        parts: tuple[int, int] | None = (event.sub_ns, 0)
        if event.sub_ns < 0:
            parts = split(event.timestamp, event.timestamp_ms)
        sub_ns, form = parts or (0, OWN_TEXT)
        packed_form = sub_ns | form << FORM_SHIFT
        self.events.append(_event_row(number, value, event, references, packed_form))
        details = _detail_row(number, event, own_text=parts is None)
        if details is not None:
            self.details.append(details)
        if event.billed is not None:
            self.billed.append((number, *event.billed))
        self._add_to_columns(event, value, references, packed_form)

    def _add_to_columns(
        self, event: Event, value: bytes | str, references: list[int], form: int
    ) -> None:
        who, model, way, key, caller, ending = references
        latency = NONE if event.latency_ms is None else event.latency_ms
        ttft = NONE if event.ttft_ms is None else event.ttft_ms
        names = (who, model, way, key, ending, caller)
        self.numbers.append((event.timestamp_ms, form, *names, *event.tokens, latency, ttft))
        self.separate.append(event.model.cache_input_mode == SEPARATE)
        self.flags.append(
            (FAILED if event.end.failed else 0)
            | (BILLED if event.billed else 0)
            | (HEADERS if event.has_headers else 0)
        )
        own_hash = value if isinstance(value, str) else ""
        self.texts.append(text_of(event.request_id, event.trace_id, own_hash))

    def insert(self, conn: sqlite3.Connection) -> None:
        """Insert all of it."""
        insert(conn, "events", [(*row, self.connection) for row in self.events])
        insert(conn, "details", self.details)
        insert(conn, "billed", self.billed)

    def batch(self) -> Batch | None:
        """The rows for the columns; None if there are none."""
        if not self.events:
            return None
        numbers = np.array(self.numbers, dtype=np.int64)
        connection = np.full((len(numbers), 1), self.connection, dtype=np.int64)
        return make_batch(
            self.first_id,
            np.concatenate((numbers, connection), axis=1),
            np.array(self.separate, dtype=np.bool_),
            np.array(self.flags, dtype=np.int64),
            self.texts,
        )


def _event_row(
    number: int, value: bytes | str, event: Event, references: list[int], form: int
) -> tuple[Any, ...]:
    """The columns of the table in their order, but for the last one, the connection."""
    return (
        number,
        value,
        event.timestamp_ms,
        form,
        event.created_at_ms,
        *references,
        *event.tokens,
        event.latency_ms,
        event.ttft_ms,
        event.auth_snapshot_at_ms or None,
        1 if event.time_invented else None,
    )


def _detail_row(number: int, event: Event, *, own_text: bool) -> tuple[Any, ...] | None:
    packed = None
    if event.metadata:
        packed = metadata.pack(event.metadata, event.trace_id, event.quota_recover_at_ms)
    row = (
        event.request_id or None,
        event.trace_id or None,
        packed,
        metadata.VERSION if packed else None,
        event.quota_recover_at_ms or None,
        event.quota_used_percent,
        event.timestamp if own_text else None,
        event.fail_body or None,
        event.unknown.decode() or None,
        event.raw.decode() or None,
    )
    return None if row == _NOTHING else (number, *row)


_NOTHING = (None,) * 10
