"""The table `dead_letter_events`: records that could not be made into events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

# Payload bytes that are kept of each, and how many are kept.
PAYLOAD_BYTES = 64 * 1024
KEPT = 10_000

ADD = "INSERT INTO dead_letter_events (payload, error, created_at_ms) VALUES (?, ?, ?)"
TRIM = """
DELETE FROM dead_letter_events WHERE id <= (
    SELECT id FROM dead_letter_events ORDER BY id DESC LIMIT 1 OFFSET ?
)
"""
COUNT = "SELECT count(*) FROM dead_letter_events"
OF_TIMES = """
SELECT payload, error, created_at_ms FROM dead_letter_events
WHERE created_at_ms IN (SELECT value FROM json_each(?))
"""
NEWEST = """
SELECT id, payload, error, created_at_ms FROM dead_letter_events ORDER BY id DESC LIMIT ?
"""


class DeadLetter(NamedTuple):
    """A refused record: its redacted payload, why, and when."""

    payload: str
    error: str
    created_at_ms: int


def add(conn: sqlite3.Connection, letters: Iterable[DeadLetter]) -> int:
    """Store some, drop the oldest beyond `KEPT`; returns how many there are now."""
    conn.executemany(ADD, letters)
    conn.execute(TRIM, (KEPT,))
    return count(conn)


def missing(conn: sqlite3.Connection, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Those that are not stored."""
    times = orjson.dumps([letter.created_at_ms for letter in letters]).decode()
    stored = {DeadLetter(*row) for row in conn.execute(OF_TIMES, (times,))}
    return [letter for letter in letters if letter not in stored]


def count(conn: sqlite3.Connection) -> int:
    """How many there are."""
    return int(conn.execute(COUNT).fetchone()[0])


def newest(conn: sqlite3.Connection, limit: int) -> list[DeadLetter]:
    """The newest few, newest first."""
    return [DeadLetter(*row[1:]) for row in conn.execute(NEWEST, (limit,))]
