"""The database of the existing server, read without leaving a trace at it (server contract, 21)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cpamp.errors import Problem
from cpamp.security.lock import lock_path
from cpamp.store.database import APPLICATION_ID, connect_alone, file_uri
from cpamp.takeover.rows import NEEDED

# The beginning of every SQLite file, and where in it the application's id is.
MAGIC, HEADER_BYTES, APPLICATION_AT = b"SQLite format 3\0", 100, 68
JOURNAL, INDEX, ROLLBACK = "-wal", "-shm", "-journal"
TABLES = frozenset(("settings", "usage_events"))
NAMES = "SELECT name FROM sqlite_master WHERE type = 'table'"
COLUMNS = "SELECT name FROM pragma_table_info(?)"
STAMP = "SELECT value FROM settings WHERE key = ?"
# The formats that are known of what that server keeps beside the events.
STAMPS = {
    "usage_monitoring_model_format_version": ("1",),
    "usage_account_history_identity_format_version": ("1", "2", "identity-2:model-1"),
    "usage_dashboard_hourly_format_version": ("2", "3"),
}
AGGREGATES = "SELECT schema_version FROM usage_hourly_aggregate_state"
AGGREGATE_VERSIONS = (1, 2, 3)


class Unreadable(Problem):
    """The database of the existing server can't be taken over; nothing was changed."""

    code = "takeover_refused"


def beside(path: Path, suffix: str) -> Path:
    """The file of this suffix that belongs to a database."""
    return path.with_name(path.name + suffix)


def is_foreign(path: Path) -> bool:
    """Whether the file is an SQLite database, damaged or not, that is not one of ours."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError:
        return False
    application = int.from_bytes(header[APPLICATION_AT : APPLICATION_AT + 4])
    return header.startswith(MAGIC) and application != APPLICATION_ID


@contextmanager
def unused(path: Path) -> Iterator[None]:
    """Keep the existing server from a database elsewhere; raises `Unreadable` where it has it.

    Its lock file stays as it is, and is not made where there is none: then nobody runs.
    """
    try:
        fd = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Unreadable(f"the existing server runs on {path}; stop it first") from error
    finally:
        os.close(fd)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a database that nobody has open, its journal included, and write to none of its files.

    Raises `Unreadable` where that can't be done.
    """
    if _size(beside(path, ROLLBACK)):
        raise Unreadable(
            f"{path} was not stopped cleanly; start and stop the existing server on it once"
        )
    if not _size(beside(path, JOURNAL)):
        with closing(connect_alone(path)) as conn:
            yield conn
        return
    with _index(beside(path, INDEX)), closing(_connect_with_journal(path)) as conn:
        yield conn


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _connect_with_journal(path: Path) -> sqlite3.Connection:
    # With an index that can't be written, SQLite keeps one of its own in memory.
    return sqlite3.connect(f"{file_uri(path, 'ro')}&readonly_shm=1", uri=True)


@contextmanager
def _index(index: Path) -> Iterator[None]:
    """Have a file by the name of the journal's index, which must be there, be it empty."""
    if index.exists():
        yield
        return
    index.touch()
    try:
        yield
    finally:
        index.unlink()


def is_reference(conn: sqlite3.Connection) -> bool:
    """Whether the open database has the tables of the existing server."""
    return tables(conn) >= TABLES


def tables(conn: sqlite3.Connection) -> set[str]:
    """The names of its tables."""
    return {name for (name,) in conn.execute(NAMES)}


def columns(conn: sqlite3.Connection, table: str) -> set[str]:
    """The names of a table's columns; older databases lack some."""
    return {name for (name,) in conn.execute(COLUMNS, (table,))}


def check(conn: sqlite3.Connection) -> None:
    """Raise `Unreadable` where the database is of a format that nobody here knows."""
    missing = NEEDED - columns(conn, "usage_events")
    if missing:
        raise Unreadable(f"its table usage_events lacks {', '.join(sorted(missing))}")
    for key, known in STAMPS.items():
        row = conn.execute(STAMP, (key,)).fetchone()
        if row is not None and row[0] not in known:
            raise Unreadable(f"unsupported {key} {row[0]!r}")
    if "usage_hourly_aggregate_state" in tables(conn):
        for (version,) in conn.execute(AGGREGATES):
            if version not in AGGREGATE_VERSIONS:
                raise Unreadable(f"unsupported schema of hourly aggregates {version!r}")
