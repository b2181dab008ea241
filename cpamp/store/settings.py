"""The table `settings`: JSON values by key (server contract, section 6)."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

GET = "SELECT value FROM settings WHERE key = ?"
PUT = """
INSERT INTO settings (key, value, updated_at_ms) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms
"""
# Prices that came with the package are nobody's work.
HISTORY = """
SELECT EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM dead_letter_events)
    OR EXISTS (SELECT 1 FROM model_prices WHERE source <> 'embedded')
    OR EXISTS (SELECT 1 FROM api_key_aliases)
"""


def get(conn: sqlite3.Connection, key: str) -> Any:
    """The value of a setting; None where it is not set."""
    row = conn.execute(GET, (key,)).fetchone()
    return None if row is None else orjson.loads(row[0])


def put(conn: sqlite3.Connection, key: str, value: Any, now_ms: int) -> None:
    """Set a setting."""
    conn.execute(PUT, (key, orjson.dumps(value).decode(), now_ms))


def last_written_ms(conn: sqlite3.Connection) -> int:
    """When a setting was written last."""
    return int(conn.execute("SELECT coalesce(max(updated_at_ms), 0) FROM settings").fetchone()[0])


def has_history(conn: sqlite3.Connection) -> bool:
    """Whether anything was ever collected, or entered."""
    return bool(conn.execute(HISTORY).fetchone()[0])
