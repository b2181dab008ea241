"""The table `api_tokens`: keys that may read, and nothing else."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from cpamp.store import versions
from cpamp.store.versions import Subject

SUBJECT: Subject = "tokens_version"
ALL = "SELECT id, name, digest, scopes, created_at_ms, last_used_ms FROM api_tokens ORDER BY id"
ADD = "INSERT INTO api_tokens (name, digest, scopes, created_at_ms) VALUES (?, ?, ?, ?)"
DELETE = "DELETE FROM api_tokens WHERE id = ?"
USED = "UPDATE api_tokens SET last_used_ms = ? WHERE id = ?"


def read(conn: sqlite3.Connection) -> tuple[list[tuple[Any, ...]], int]:
    """All of them as id, name, digest, scopes, when made, when used last; and their version."""
    rows = [(*row[:3], tuple(orjson.loads(row[3])), *row[4:]) for row in conn.execute(ALL)]
    return rows, versions.get(conn, SUBJECT)


def add(
    conn: sqlite3.Connection, name: str, digest: str, scopes: tuple[str, ...], now_ms: int
) -> None:
    """Add one; raises `sqlite3.IntegrityError` where there is one of that name."""
    conn.execute(ADD, (name, digest, orjson.dumps(scopes).decode(), now_ms))
    versions.bump(conn, SUBJECT, now_ms)


def delete(conn: sqlite3.Connection, number: int, now_ms: int) -> None:
    """Remove one, if it is there."""
    if conn.execute(DELETE, (number,)).rowcount:
        versions.bump(conn, SUBJECT, now_ms)


def used(conn: sqlite3.Connection, number: int, at_ms: int) -> None:
    """Note when it was used."""
    conn.execute(USED, (at_ms, number))
