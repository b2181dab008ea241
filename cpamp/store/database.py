"""Opening the database file: ours or none, and never another's (storage design; server, 18, 21)."""

from __future__ import annotations

import importlib.resources
import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from cpamp.errors import Problem
from cpamp.store.upgrading import upgrade

# "cpmp"; tells our files from all others.
APPLICATION_ID = 0x63706D70
VERSION = 2
BUSY_MS = 5_000
# A checkpoint in the writer's own commit every so many pages of 4 KiB.
CHECKPOINT_PAGES = 2_000
# The journal is cut to this size when it begins anew.
JOURNAL_BYTES = 67_108_864


class ForeignDatabase(Problem):
    """The file is not a database of cpamp; it was not written to."""

    code = "foreign_database"


class NewerDatabase(Problem):
    """The file was written by a later version of cpamp; it was not written to."""

    code = "newer_database"


def schema(version: int = VERSION) -> str:
    """The statements that make an empty database of this version."""
    files = importlib.resources.files("cpamp.store")
    return files.joinpath("schema", f"v{version}.sql").read_text(encoding="utf-8")


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database for writing, made anew where there is no file or an empty one.

    Raises `ForeignDatabase` and `NewerDatabase` without having written anything.
    """
    if not path.exists() or path.stat().st_size == 0:
        _create(path)
    return open_existing(path)


def open_existing(path: Path) -> sqlite3.Connection:
    """Open an existing database of ours for writing, upgraded; raises as `open_database` does."""
    with closing(connect_alone(path)) as conn:
        check_identity(conn, path)
    conn = _connect(path, "rw")
    try:
        check_identity(conn, path)
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        conn.execute(f"PRAGMA journal_size_limit={JOURNAL_BYTES}")
        upgrade(conn, path, VERSION)
    except BaseException:
        conn.close()
        raise
    return conn


def open_reader(path: Path) -> sqlite3.Connection:
    """Open an existing database of ours for reading alone."""
    conn = _connect(path, "ro")
    try:
        check_identity(conn, path)
        conn.execute("PRAGMA query_only=ON")
    except BaseException:
        conn.close()
        raise
    return conn


def connect_alone(path: Path) -> sqlite3.Connection:
    """A connection to a file as it is, without its journal; it leaves no trace of itself.

    Any other connection plays the journal back, or lays files beside it.
    """
    return sqlite3.connect(f"{file_uri(path, 'ro')}&immutable=1", uri=True)


def file_uri(path: Path, mode: str) -> str:
    """The URI by which SQLite opens a file; it never creates one. `mode` is ``ro`` or ``rw``."""
    return f"file:{quote(str(path))}?mode={mode}"


def check_identity(conn: sqlite3.Connection, path: Path) -> None:
    """Raise unless the open file is a database of ours that this version can use."""
    try:
        (application,) = conn.execute("PRAGMA application_id").fetchone()
        (version,) = conn.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        # Locked, or gone: nothing is known of it.
        raise
    except sqlite3.DatabaseError as error:
        raise ForeignDatabase(f"{path} is not an SQLite database: {error}") from error
    if application != APPLICATION_ID:
        raise ForeignDatabase(
            f"{path} is not a database of cpamp and was left as it is; "
            "name another place in USAGE_DB_PATH, or move the file away"
        )
    if version > VERSION:
        raise NewerDatabase(f"{path} was written by a later version of cpamp (schema {version})")


def store_id(conn: sqlite3.Connection) -> str:
    """The random name of this database, which columns and copies refer to."""
    return str(conn.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()[0])


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    conn = sqlite3.connect(
        file_uri(path, mode),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )
    conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return conn


def _create(path: Path) -> None:
    """Build the database under a temporary name, and give it its own when it is whole."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    conn = sqlite3.connect(new, isolation_level=None)
    try:
        conn.execute("PRAGMA page_size=4096")
        conn.execute("PRAGMA auto_vacuum=INCREMENTAL")
        conn.executescript(schema())
        conn.execute(f"PRAGMA application_id={APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version={VERSION}")
        conn.execute("INSERT INTO meta VALUES ('store_id', ?)", (secrets.token_hex(16),))
        conn.execute("INSERT INTO meta VALUES ('generation', '1')")
    finally:
        conn.close()
    with new.open("rb") as f:
        os.fsync(f.fileno())
    _set_journal_aside(path)
    new.replace(path)


def _set_journal_aside(path: Path) -> None:
    """A journal without its database must not be taken for the new one's.

    It is kept, since it may hold commits of a database that was moved away and comes back.
    """
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    journal = path.with_name(f"{path.name}-wal")
    if journal.exists() and journal.stat().st_size:
        kept, number = path.with_name(f"{path.name}.left-over-wal"), 1
        while kept.exists():
            number += 1
            kept = path.with_name(f"{path.name}.left-over-{number}-wal")
        journal.rename(kept)
    journal.unlink(missing_ok=True)
