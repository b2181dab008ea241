"""A copy of the database while it is in use (server contract, section 21)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path


def backup(conn: sqlite3.Connection, target: Path) -> None:
    """Copy the database of a connection, as it is now, to a new private file; it is on disk after.

    The writer goes on meanwhile. The copy is a single file: its journal is folded in.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        conn.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    with target.open("rb") as f:
        os.fsync(f.fileno())
