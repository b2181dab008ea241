"""The table `account_log`: what was done to credentials, and by whom."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import attrs
import orjson

KEPT_MS = 90 * 86_400_000
ALL_FILES = "*"


class Actor(StrEnum):
    """Who did something: outside are other programs, and people beside this server."""

    DAEMON = "daemon"
    PERSON = "person"
    OUTSIDE = "outside"


@attrs.frozen
class Note:
    """Something that was done to a credential; an index of "" means its whole file.

    `means` is the part of the daemon that did it, or through what a person did.
    """

    file_name: str
    auth_index: str
    action: str
    actor: Actor
    means: str
    done: bool = True
    reason: str = ""
    evidence: Mapping[str, Any] = attrs.Factory(dict)


ADD = """
INSERT INTO account_log (
    at_ms, file_name, auth_index, action, actor, means, done, reason, evidence
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
FORGET = "DELETE FROM account_log WHERE at_ms < ?"


def add(conn: sqlite3.Connection, at_ms: int, notes: Iterable[Note]) -> None:
    """Write down what was done at a time."""
    conn.executemany(ADD, [(at_ms, *_values(note)) for note in notes])


def forget_old(conn: sqlite3.Connection, now_ms: int) -> None:
    """Delete what is long past."""
    conn.execute(FORGET, (now_ms - KEPT_MS,))


def _values(note: Note) -> tuple[Any, ...]:
    fields = attrs.astuple(note, recurse=False)
    return (*fields[:-1], orjson.dumps(dict(note.evidence)).decode())
