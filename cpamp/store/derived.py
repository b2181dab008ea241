"""Keeping the columns level with the database: at once, or behind it and catching up."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import attrs
from twisted.logger import Logger

from cpamp.columns.columns import Columns, Identity
from cpamp.columns.files import NoRoom
from cpamp.columns.layout import Batch
from cpamp.store.deriving import first_difference, read_batch
from cpamp.store.reading import Dictionaries

FOLDER = "columns"
# Rows at the end that a start compares with the database.
COMPARED_ROWS = 500


@attrs.define(eq=False)
class Derived:
    """The columns of one database.

    `append` is called by the writer thread after each commit, `catch_up` by another thread while
    the columns are behind; `level` says which of the two holds.
    """

    folder: Path
    known: Dictionaries
    columns: Columns | None = None
    level: bool = False
    problem: str = ""
    # Held while rows are added or the columns are replaced.
    _lock: threading.Lock = attrs.Factory(threading.Lock)
    _log: Logger = attrs.Factory(Logger)

    @classmethod
    def beside(cls, database: Path, known: Dictionaries) -> Derived:
        """The columns that lie beside a database file."""
        return cls(database.parent / FOLDER, known)

    def open(self, conn: sqlite3.Connection, identity: Identity, last_id: int) -> None:
        """Take the columns as last synced, or begin with none where they are not usable."""
        place = self._place(identity)
        with self._lock:
            found = Columns.recover(place, identity, last_id)
            if found is not None and not self._agrees(conn, found):
                self._log.warn("the columns are not those of this database")
                found = None
            if found is None:
                self._log.info("columns are made anew from {n} events", n=last_id)
                found = Columns.create(place, identity)
            self.columns = found
            self.level = found.last_id == last_id
            self._remove_others(place)

    def _place(self, identity: Identity) -> Path:
        return self.folder / str(identity.generation)

    def _agrees(self, conn: sqlite3.Connection, columns: Columns) -> bool:
        """Whether the newest rows are those of the database, which may be an older copy."""
        snapshot = columns.snapshot()
        if not snapshot.n:
            return True
        row = max(0, snapshot.n - COMPARED_ROWS)
        batch = read_batch(conn, self.known, snapshot.id_of(row) - 1, COMPARED_ROWS)
        if batch is None or batch.first_id != snapshot.id_of(row):
            return False
        return not first_difference(snapshot, batch, row)

    def _remove_others(self, kept: Path) -> None:
        for other in self.folder.glob("*"):
            if other != kept:
                shutil.rmtree(other, ignore_errors=True)

    def append(self, batch: Batch) -> None:
        """Add the rows of a commit, if the columns are level; never raises for want of room."""
        if self.level:
            with self._lock:
                self._add(batch)

    def _add(self, batch: Batch) -> bool:
        assert self.columns is not None
        try:
            self.columns.append(batch)
        except NoRoom as error:
            self.level = False
            if not self.problem:
                self._log.error("no room for the columns: {error}", error=error)
            self.problem = f"no room for the columns ({error.strerror}); they go on when there is"
            return False
        self.problem = ""
        return True

    def catch_up(self, conn: sqlite3.Connection, columns: Columns) -> bool:
        """Add one batch of the rows that are missing; whether there may be more of them.

        `columns` is what there was to fill before `conn` was opened: what has taken its place
        meanwhile may belong to another file.
        """
        with self._lock:
            if self.level or columns is not self.columns:
                return False
            batch = read_batch(conn, self.known, columns.last_id)
            return batch is not None and self._add(batch)

    def finish(self, conn: sqlite3.Connection, last_id: int) -> None:
        """Add what is missing, in the writer's thread: from here on the columns are level."""
        assert self.columns is not None
        while self.catch_up(conn, self.columns):
            pass
        with self._lock:
            if self.columns is not None and self.columns.last_id == last_id:
                self.level = True

    @property
    def wants_sync(self) -> bool:
        """Whether rows were added since the last sync."""
        columns = self.columns
        return columns is not None and columns.n != columns.synced_rows

    def sync(self) -> None:
        """Bring the columns to the disk; failures are logged, since nothing depends on it."""
        columns = self.columns
        if columns is None or not self.wants_sync:
            return
        try:
            columns.sync()
        except OSError as error:
            self._log.warn("columns could not be synced: {error}", error=error)

    def close(self) -> None:
        """Sync what was added, and let go."""
        with self._lock:
            self.sync()
            self.columns = None
            self.level = False

    def status(self, last_id: int) -> dict[str, Any]:
        """``{ready, rows, of}`` and the problem, if there is one."""
        rows = self.columns.n if self.columns is not None else 0
        status: dict[str, Any] = {"ready": self.level, "rows": rows, "of": last_id}
        return {**status, "problem": self.problem} if self.problem else status
