"""The one connection that writes, and its transactions. Everything here runs in its thread."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs

from cpamp.columns.columns import Identity
from cpamp.errors import Problem, StoreUnavailable
from cpamp.store.database import check_identity, open_existing, store_id
from cpamp.store.derived import Derived
from cpamp.store.events import EventWriter
from cpamp.usage.event import Event

T = TypeVar("T")
GENERATION = "SELECT value FROM meta WHERE name = 'generation'"
BUMP = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"


@attrs.frozen
class Added:
    """What storing some events came to; `new[i]` says whether event i was not there before."""

    inserted: int
    skipped: int
    new: list[bool]


@attrs.define(eq=False)
class WriterConnection:
    """Commits whole transactions, and only into the file that the path names."""

    path: Path
    derived: Derived
    # Called after the file was replaced by another copy of the same store.
    reopened: Callable[[], None]
    events: EventWriter = attrs.Factory(EventWriter)
    _conn: sqlite3.Connection | None = None
    _file: tuple[int, int] = (0, 0)
    _store: str = ""

    def open(self) -> None:
        """Open the file, and read what the writer must know of it."""
        self._conn = open_existing(self.path)
        self._file = self._names()
        self._store = store_id(self._conn)
        self.events.load(self._conn)
        self.derived.open(self.identity(), self.events.last_id)

    def identity(self) -> Identity:
        """Of which store and generation columns must be."""
        assert self._conn is not None
        (generation,) = self._conn.execute(GENERATION).fetchone()
        return Identity(self._store, int(generation))

    def _names(self) -> tuple[int, int]:
        found = os.stat(self.path)
        return found.st_dev, found.st_ino

    def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction; raises `StoreUnavailable` with nothing written."""
        try:
            self._settle()
            assert self._conn is not None
            self._conn.execute("BEGIN IMMEDIATE")
            result = work(self._conn)
            self._check_place()
            self._conn.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StoreUnavailable(f"the database can't be written: {error}") from error
        except OSError as error:
            self._roll_back()
            raise StoreUnavailable(f"the database can't be reached: {error}") from error
        except BaseException:
            self._roll_back()
            raise
        return result

    def add(self, events: Sequence[Event], connection: int) -> Added:
        """Store the events that are new, and then their rows in the columns."""
        try:
            written = self.transaction(lambda conn: self.events.add(conn, events, connection))
        except BaseException:
            self._forget_added()
            raise
        self.events.keep(written)
        if written.batch is not None:
            self.derived.append(written.batch)
        inserted = sum(written.new)
        return Added(inserted, len(events) - inserted, written.new)

    def _forget_added(self) -> None:
        try:
            self.events.drop(self._conn)
        except sqlite3.Error:
            self.events.drop(None)

    def change_generation(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a change that is no append, after which the columns are made anew."""

        def both(conn: sqlite3.Connection) -> T:
            result = work(conn)
            conn.execute(BUMP)
            return result

        result = self.transaction(both)
        assert self._conn is not None
        self.events.load(self._conn)
        self.derived.close()
        self.derived.open(self.identity(), self.events.last_id)
        self.reopened()
        return result

    def finish_columns(self) -> None:
        """Bring the columns level with the last commit."""
        if self._conn is not None:
            self.derived.finish(self._conn, self.events.last_id)

    def _roll_back(self) -> None:
        if self._conn is not None and self._conn.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("ROLLBACK")

    def _check_place(self) -> None:
        if self._names() != self._file:
            raise StoreUnavailable(
                f"{self.path} is no longer the file that was opened; nothing is written to it"
            )

    def _settle(self) -> None:
        """Go on with the file that the path names now, if it is the same store."""
        try:
            same = self._names() == self._file
        except FileNotFoundError as error:
            raise StoreUnavailable(
                f"{self.path} is gone; put it back, or restart for an empty one"
            ) from error
        if same and self._conn is not None:
            return
        self._take_over()

    def _take_over(self) -> None:
        try:
            conn = open_existing(self.path)
        except Problem as error:
            raise StoreUnavailable(error.message) from error
        try:
            check_identity(conn, self.path)
            if store_id(conn) != self._store:
                raise StoreUnavailable(
                    f"{self.path} was replaced by another database; put the former one back, "
                    "or restart to go on with this one"
                )
        except BaseException:
            conn.close()
            raise
        self.close_connection()
        self._conn, self._file = conn, self._names()
        self.events.load(conn)
        self.derived.close()
        self.derived.open(self.identity(), self.events.last_id)
        self.reopened()

    def close_connection(self) -> None:
        """Close the connection, with what SQLite does at the last close."""
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None

    def close(self) -> None:
        """Close columns and connection."""
        with contextlib.suppress(StoreUnavailable):
            self.finish_columns()
        self.derived.close()
        self.close_connection()
