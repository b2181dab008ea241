"""The table `inspection_claims`: what inspection has disabled (inspection contract, 6.6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

INTENDED, HELD = "intended", "held"


class Claim(NamedTuple):
    """A credential that inspection disabled, or was about to; times in ms, a mark of 0: unknown."""

    file_name: str
    provider: str
    auth_index: str
    account_id: str
    account_snapshot: str
    state: str
    mark_ms: int
    disabled_at_ms: int


ALL = "SELECT * FROM inspection_claims"
PUT = "INSERT OR REPLACE INTO inspection_claims VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
DROP = """
DELETE FROM inspection_claims WHERE file_name = ? AND provider = ? AND auth_index = ?
    AND account_id = ? AND account_snapshot = ?
"""


def every(conn: sqlite3.Connection) -> list[Claim]:
    """All claims."""
    return [Claim(*row) for row in conn.execute(ALL)]


def put(conn: sqlite3.Connection, claims: Iterable[Claim]) -> None:
    """Store claims, in place of those on the same credentials."""
    conn.executemany(PUT, claims)


def drop(conn: sqlite3.Connection, claims: Iterable[Claim]) -> None:
    """Delete claims."""
    conn.executemany(DROP, [claim[:5] for claim in claims])
