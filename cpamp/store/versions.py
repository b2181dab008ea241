"""Versions of what is changed as a whole: the price book, the aliases. Kept in the table `meta`.

A version is the ms at which it was made, or one more than the last one. So no two states of one
thing share a version, not even after an older copy of the file was put back and changed again.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

Subject = Literal["prices_version", "aliases_version", "tokens_version"]

GET = "SELECT value FROM meta WHERE name = ?"
BUMP = """
INSERT INTO meta (name, value) VALUES (:name, :now_ms)
ON CONFLICT (name) DO UPDATE SET value = max(CAST(value AS INTEGER) + 1, :now_ms)
"""


def get(conn: sqlite3.Connection, subject: Subject) -> int:
    """The version; 0 where it was never changed."""
    row = conn.execute(GET, (subject,)).fetchone()
    return 0 if row is None else int(row[0])


def bump(conn: sqlite3.Connection, subject: Subject, now_ms: int) -> None:
    """Make a new version, in the transaction of the change."""
    conn.execute(BUMP, {"name": subject, "now_ms": now_ms})
