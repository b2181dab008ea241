"""Work on the database while no daemon has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cpamp.errors import Problem
from cpamp.security.lock import FolderLock, LockError, ProcessLock
from cpamp.store.database import ForeignDatabase, open_existing


class NotADatabase(Problem):
    """There is no file at that path that could be ours."""

    code = "database_missing"


def existing(path: Path) -> Path:
    """The path, if a non-empty file is there; raises `NotADatabase`."""
    if path.is_dir():
        raise NotADatabase(f"SQLite database path is a directory: {path}")
    if not path.exists():
        raise NotADatabase(f"SQLite database not found at {path}")
    if path.stat().st_size == 0:
        raise NotADatabase(f"SQLite database at {path} is empty")
    return path


def open_ours(path: Path) -> sqlite3.Connection:
    """Open the database for writing; raises `NotADatabase` where it is somebody else's."""
    try:
        return open_existing(path)
    except ForeignDatabase as e:
        raise NotADatabase(
            f"{path} does not look like a CPA Manager Plus Manager Server database"
        ) from e


@contextmanager
def locked(path: Path, what: str) -> Iterator[ProcessLock]:
    """Hold the process lock; `what` names the lock in the error (``admin reset lock``)."""
    lock, folder = ProcessLock(path), FolderLock(path.parent)
    try:
        lock.acquire()
        folder.acquire()
    except LockError as e:
        lock.release()
        raise LockError(f"acquire {what}; stop Manager Server and retry: {e.message}") from e
    try:
        yield lock
    finally:
        folder.release()
        lock.release()
