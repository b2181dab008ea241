"""The tables of quota windows (inspection contract, 13; point 21 of section 16)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

KEPT_MS = 30 * 86_400_000
# Points are all kept for so long; those that become older are looked at for so long.
FINE_MS, THINNED_MS = 2 * 86_400_000, 86_400_000
# Windows that nobody has seen for so long.
KEPT_WINDOW_MS = 90 * 86_400_000


class Point(NamedTuple):
    """What a window was at one time; a percentage of None was not told."""

    window: int
    observed_at_ms: int
    source: str
    used_percent: float | None
    cycle_end_ms: int | None


WINDOWS = """
SELECT id, window_id, scope_kind, scope_key, state FROM quota_windows
WHERE account_key = ? AND provider = ? ORDER BY id
"""
PUT_WINDOW = """
INSERT INTO quota_windows (
    account_key, provider, window_id, scope_kind, scope_key, last_seen_ms, state
) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (account_key, provider, window_id, scope_kind, scope_key) DO UPDATE
SET last_seen_ms = excluded.last_seen_ms, state = excluded.state
RETURNING id
"""
HEAD = """
SELECT observed_at_ms, authority FROM quota_heads
WHERE account_key = ? AND provider = ? AND scope = ?
"""
PUT_HEAD = "INSERT OR REPLACE INTO quota_heads VALUES (?, ?, ?, ?, ?)"
ADD_POINT = "INSERT OR IGNORE INTO quota_points VALUES (?, ?, ?, ?, ?)"
POINTS = """
SELECT window, observed_at_ms, source, used_percent, cycle_end_ms FROM quota_points
WHERE window = ? AND observed_at_ms >= ? ORDER BY observed_at_ms
"""
# The newest of each window stays.
FORGET_POINTS = """
DELETE FROM quota_points WHERE window = :window AND observed_at_ms < min(
    :kept, (SELECT max(observed_at_ms) FROM quota_points WHERE window = :window)
)
"""
# Of what has become old lately, the last of each hour stays, and the last before a reset.
THIN = """
DELETE FROM quota_points WHERE window = :window AND observed_at_ms IN (
    SELECT observed_at_ms FROM (
        SELECT observed_at_ms, used_percent, lead(observed_at_ms) OVER later AS next_ms,
            lead(used_percent) OVER later AS next_used
        FROM quota_points
        WHERE window = :window AND observed_at_ms >= :thinned AND observed_at_ms < :fine
        WINDOW later AS (ORDER BY observed_at_ms)
    ) WHERE next_ms / 3600000 = observed_at_ms / 3600000
        AND (used_percent IS NULL OR next_used >= used_percent)
)
"""
FORGET = (
    """
    DELETE FROM quota_points
    WHERE window IN (SELECT id FROM quota_windows WHERE last_seen_ms < ?)
    """,
    "DELETE FROM quota_windows WHERE last_seen_ms < ?",
    "DELETE FROM quota_heads WHERE observed_at_ms < ?",
)
Key = tuple[str, str, str]


def windows(
    conn: sqlite3.Connection, account_key: str, provider: str
) -> dict[Key, tuple[int, dict[str, Any]]]:
    """The windows of an account: their number and state by what they are called."""
    return {
        (row[1], row[2], row[3]): (row[0], orjson.loads(row[4]))
        for row in conn.execute(WINDOWS, (account_key, provider))
    }


def put_window(
    conn: sqlite3.Connection,
    account_key: str,
    provider: str,
    key: Key,
    last_seen_ms: int,
    state: dict[str, Any],
) -> int:
    """Store what has become of a window: its number."""
    row = (account_key, provider, *key, last_seen_ms, orjson.dumps(state).decode())
    return int(conn.execute(PUT_WINDOW, row).fetchone()[0])


def head(
    conn: sqlite3.Connection, account_key: str, provider: str, scope: str
) -> tuple[int, int] | None:
    """Time and authority of the newest observation of a scope."""
    found: tuple[int, int] | None = conn.execute(HEAD, (account_key, provider, scope)).fetchone()
    return found


def put_head(conn: sqlite3.Connection, row: Sequence[Any]) -> None:
    """Store these: account key, provider, scope, time, authority."""
    conn.execute(PUT_HEAD, row)


def add_point(conn: sqlite3.Connection, point: Point) -> bool:
    """Store a point; whether it was not there before."""
    return conn.execute(ADD_POINT, point).rowcount > 0


def points(conn: sqlite3.Connection, window: int, since_ms: int) -> list[Point]:
    """The points of a window, oldest first."""
    return [Point(*row) for row in conn.execute(POINTS, (window, since_ms))]


def forget_old(conn: sqlite3.Connection, now_ms: int) -> None:
    """Thin points out, delete old ones, and windows that have not been seen for long.

    To be called every few hours at least, so that all are thinned out in their time.
    """
    fine = now_ms - FINE_MS
    times = {"kept": now_ms - KEPT_MS, "fine": fine, "thinned": fine - THINNED_MS}
    for (window,) in conn.execute("SELECT id FROM quota_windows").fetchall():
        conn.execute(THIN, {"window": window, **times})
        conn.execute(FORGET_POINTS, {"window": window, **times})
    for statement in FORGET:
        conn.execute(statement, (now_ms - KEPT_WINDOW_MS,))
