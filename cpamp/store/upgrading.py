"""Bringing a database of an earlier version up to this one, before anything else uses it.

A step is ``schema/upgrade-to-vN.sql`` and takes bounded time. What grows with the data is left to
the daemon, in small batches after the start.
"""

from __future__ import annotations

import importlib.resources
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cpamp.store.backup import backup
from cpamp.store.transaction import transaction


def shipped(version: int) -> str:
    """The statements that upgrade to this version from the one before it."""
    files = importlib.resources.files("cpamp.store")
    return files.joinpath("schema", f"upgrade-to-v{version}.sql").read_text(encoding="utf-8")


def upgrade(
    conn: sqlite3.Connection, path: Path, to: int, statements: Callable[[int], str] = shipped
) -> None:
    """Upgrade step by step, each in one transaction; a copy of what was is kept beside it.

    The copy is named after the version that it has: ``usage.sqlite.v1``.
    """
    (found,) = conn.execute("PRAGMA user_version").fetchone()
    if found >= to:
        return
    copy = path.with_name(f"{path.name}.v{found}")
    copy.unlink(missing_ok=True)
    backup(conn, copy)
    for version in range(found + 1, to + 1):
        with transaction(conn):
            for statement in _statements(statements(version)):
                conn.execute(statement)
            conn.execute(f"PRAGMA user_version={version}")


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit before it begins."""
    found, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return [*found, rest] if rest.strip() else found
