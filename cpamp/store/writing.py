"""The one connection that writes, and its transactions. Everything here runs in its thread."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.logger import Logger

from cpamp.columns.columns import Identity
from cpamp.errors import Problem, StoreUnavailable
from cpamp.store.database import check_identity, connect_alone, open_existing, store_id
from cpamp.store.derived import Derived
from cpamp.store.events import EventWriter, Written
from cpamp.store.place import Place
from cpamp.usage.event import Event

T = TypeVar("T")
# What is written in the transaction of some events; it is told which of them were new.
AlsoWrite = Callable[[sqlite3.Connection, Sequence[bool]], object]
GENERATION = "SELECT value FROM meta WHERE name = 'generation'"
# What SQLite raises for a wrong statement or value: no fault of the file, and no use to try again.
OUR_FAULTS = (
    sqlite3.ProgrammingError,
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
)


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
    _place: Place = attrs.field(init=False)
    _store: str = ""
    _log: Logger = attrs.Factory(Logger)

    def __attrs_post_init__(self) -> None:
        self._place = Place(self.path)

    def open(self) -> None:
        """Open the file, and read what the writer must know of it."""
        self._conn = open_existing(self.path)
        self._store = store_id(self._conn)
        self.events.load(self._conn)
        self._place = Place.of(self.path)
        self.derived.open(self._conn, self.identity(), self.events.last_id)

    def identity(self) -> Identity:
        """Of which store and generation columns must be."""
        assert self._conn is not None
        (generation,) = self._conn.execute(GENERATION).fetchone()
        return Identity(self._store, int(generation))

    @property
    def in_place(self) -> bool:
        """Whether the path still names the file that is open; may be asked in any thread."""
        return self._place.database_holds

    def transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction; raises `StoreUnavailable` with nothing written."""
        try:
            self._settle()
            assert self._conn is not None
            self._conn.execute("BEGIN IMMEDIATE")
            result = work(self._conn)
            self._check_place()
            self._conn.execute("COMMIT")
        except OUR_FAULTS:
            self._roll_back()
            raise
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

    def probe(self) -> None:
        """Raise `StoreUnavailable` if nothing could be written now."""
        self.transaction(lambda conn: None)

    def add(self, events: Sequence[Event], connection: int, also: AlsoWrite | None = None) -> Added:
        """Store the events that are new, and then their rows in the columns."""

        def work(conn: sqlite3.Connection) -> Written:
            written = self.events.add(conn, events, connection)
            if also is not None:
                also(conn, written.new)
            return written

        try:
            written = self.transaction(work)
        except BaseException:
            self._forget_added()
            raise
        try:
            if written.batch is not None:
                self.derived.append(written.batch)
        finally:
            # Last: what is counted from here on can be read from the columns.
            self.events.keep(written)
        inserted = sum(written.new)
        return Added(inserted, len(events) - inserted, written.new)

    def _forget_added(self) -> None:
        try:
            self.events.drop(self._conn)
        except sqlite3.Error:
            self.events.drop(None)

    def finish_columns(self) -> None:
        """Bring the columns level with the last commit."""
        if self._conn is not None:
            self.derived.finish(self._conn, self.events.last_id)

    def _roll_back(self) -> None:
        if self._conn is not None and self._conn.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("ROLLBACK")

    def _check_place(self) -> None:
        if not self._place.holds:
            raise StoreUnavailable(
                f"{self.path} is no longer the file that was opened; nothing is written to it"
            )

    def _settle(self) -> None:
        """Go on with the file that the path names now, if it is the same store."""
        if self._conn is not None and self._place.holds:
            return
        if not self.path.exists():
            raise StoreUnavailable(f"{self.path} is gone; put it back, or restart for an empty one")
        if self._conn is not None and self._place.database_holds:
            self._save_journal(self._conn)
        else:
            self._check_store()
        self._take_over()

    def _save_journal(self, conn: sqlite3.Connection) -> None:
        """The journal alone was moved or deleted: what is in it goes into the database."""
        busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailable(f"the journal of {self.path} is gone, and the file is in use")

    def _check_store(self) -> None:
        """Raise unless the file of that name is a copy of the database that was open."""
        try:
            with closing(connect_alone(self.path)) as conn:
                check_identity(conn, self.path)
                store = store_id(conn)
        except Problem as error:
            raise StoreUnavailable(error.message) from error
        if store != self._store:
            raise StoreUnavailable(
                f"{self.path} was replaced by another database; put the former one back, "
                "or restart to go on with this one"
            )

    def _take_over(self) -> None:
        before = self.events.last_id
        self._close_connection()
        self._place.leave()
        self._place.release()
        try:
            self.open()
        except Problem as error:
            raise StoreUnavailable(error.message) from error
        self._log.warn(
            "{path} was replaced; went from {before} events to {now}",
            path=str(self.path),
            before=before,
            now=self.events.last_id,
        )
        self.reopened()

    def _close_connection(self) -> None:
        """Close the connection, with what SQLite does at the last close."""
        if self._conn is not None:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None

    def close(self) -> None:
        """Close columns and connection."""
        with contextlib.suppress(StoreUnavailable, sqlite3.Error):
            self.finish_columns()
        self.derived.close()
        self._close_connection()
        self._place.release()
