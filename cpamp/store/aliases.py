"""The table `api_key_aliases`: what people call a client's key (pricing contract, section 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import attrs

from cpamp.store import versions
from cpamp.store.versions import Subject

SUBJECT: Subject = "aliases_version"

ALL = """
SELECT api_key_hash, alias, updated_at_ms FROM api_key_aliases
ORDER BY alias COLLATE NOCASE, api_key_hash
"""
PUT = """
INSERT INTO api_key_aliases (api_key_hash, alias, folded, updated_at_ms) VALUES (?, ?, ?, ?)
"""
DELETE = "DELETE FROM api_key_aliases WHERE api_key_hash = ?"


@attrs.frozen
class Alias:
    """The name of a key, which goes by its hash (lower-case hexadecimal SHA-256)."""

    api_key_hash: str
    alias: str
    updated_at_ms: int

    @property
    def folded(self) -> str:
        """By what names are compared: no two keys share it."""
        return self.alias.lower()


def read(conn: sqlite3.Connection) -> tuple[list[Alias], int]:
    """All of them, by name, and their version."""
    return [Alias(*row) for row in conn.execute(ALL)], versions.get(conn, SUBJECT)


def put(
    conn: sqlite3.Connection, gone: Iterable[str], aliases: Iterable[Alias], now_ms: int
) -> None:
    """Take the names of some hashes away, and set others; names may change hands."""
    new = list(aliases)
    # First all go: two keys may exchange their names.
    conn.executemany(DELETE, [(key,) for key in (*gone, *(a.api_key_hash for a in new))])
    conn.executemany(PUT, [(a.api_key_hash, a.alias, a.folded, a.updated_at_ms) for a in new])
    versions.bump(conn, SUBJECT, now_ms)


def delete(conn: sqlite3.Connection, api_key_hash: str, now_ms: int) -> None:
    """Take the name of a key away, if it has one."""
    if conn.execute(DELETE, (api_key_hash,)).rowcount:
        versions.bump(conn, SUBJECT, now_ms)
