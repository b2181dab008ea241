"""Reading the events and dead letters of the existing server, batch by batch. Everything blocks."""

from __future__ import annotations

import sqlite3
from typing import Any

import attrs

from cpamp.collect.decoding import letter
from cpamp.store.dead_letters import KEPT, DeadLetter
from cpamp.takeover.progress import Progress, save
from cpamp.takeover.reference import columns, tables
from cpamp.takeover.rows import RowReader, Unusable, selection
from cpamp.usage.event import Event

BATCH = 500
LETTERS_BATCH = 100
GREATEST = "SELECT max(id) FROM usage_events"
GIVEN_OUT = "SELECT seq FROM sqlite_sequence WHERE name = 'usage_events'"
OLDEST_LETTER = "SELECT id FROM dead_letter_events ORDER BY id DESC LIMIT 1 OFFSET ?"
LETTERS = """
SELECT id, CAST(payload AS BLOB), error, created_at_ms FROM dead_letter_events
WHERE id > ? ORDER BY id LIMIT ?
"""


def begin(conn: sqlite3.Connection, source: sqlite3.Connection, begun: Progress) -> None:
    """Note, in the caller's transaction, that the history of a database is to come."""
    of = History(source, begun.begun_at_ms).greatest_id()
    save(conn, attrs.evolve(begun, of=of), begun.begun_at_ms)


@attrs.define
class Batch:
    """The events behind some id up to `last_id`, and how many rows could not be read as such."""

    last_id: int
    events: list[Event] = attrs.Factory(list)
    unreadable: int = 0


@attrs.frozen
class Letters:
    """Dead letters behind some id up to `last_id`."""

    last_id: int
    letters: list[DeadLetter]


@attrs.define
class History:
    """Reads a database that stays as it is. `now_ms` stands in for times that are missing."""

    conn: sqlite3.Connection
    now_ms: int
    keep_raw: bool = False
    _reader: RowReader = attrs.field(init=False)
    _select: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = RowReader(self.keep_raw)
        selected = selection(columns(self.conn, "usage_events"))
        self._select = f"SELECT id, {selected} FROM usage_events"

    def greatest_id(self) -> int:
        """The greatest id of an event, as the table or else the list of such ids says."""
        for statement in (GREATEST, GIVEN_OUT):
            try:
                row = self.conn.execute(statement).fetchone()
            except sqlite3.DatabaseError:
                continue
            if row and row[0]:
                return int(row[0])
        return 0

    def events(self, after: int, of: int) -> Batch:
        """The next events with ids above `after` and up to `of`."""
        try:
            rows = self.conn.execute(
                f"{self._select} WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", (after, of, BATCH)
            ).fetchall()
        except sqlite3.DatabaseError:
            return self._salvaged(after, min(after + BATCH, of))
        batch = Batch(rows[-1][0] if len(rows) == BATCH else of)
        for row in rows:
            self._take(batch, row)
        return batch

    def _salvaged(self, after: int, last: int) -> Batch:
        """What can be read around a damaged page, or a text that is none."""
        batch = Batch(last)
        self.conn.text_factory = _text
        for number in range(after + 1, last + 1):
            try:
                row = self.conn.execute(f"{self._select} WHERE id = ?", (number,)).fetchone()
            except sqlite3.DatabaseError:
                batch.unreadable += 1
                continue
            if row is not None:
                self._take(batch, row)
        self.conn.text_factory = str
        return batch

    def _take(self, batch: Batch, row: tuple[Any, ...]) -> None:
        try:
            batch.events.append(self._reader.event(row[1:], self.now_ms))
        except Unusable:
            batch.unreadable += 1

    def letters(self, after: int) -> Letters:
        """The next dead letters behind this id; those that would be dropped at once are left out.

        There are no more where there are none.
        """
        if "dead_letter_events" not in tables(self.conn):
            return Letters(after, [])
        row = self.conn.execute(OLDEST_LETTER, (KEPT,)).fetchone()
        after = max(after, row[0] if row else 0)
        rows = self.conn.execute(LETTERS, (after, LETTERS_BATCH)).fetchall()
        found = [letter(payload, error, at_ms) for _, payload, error, at_ms in rows]
        return Letters(rows[-1][0] if rows else after, found)


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
