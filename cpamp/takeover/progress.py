"""How far the history of another database has come: a setting of ours, by that database's path.

It is written in the transaction of the batch that it counts, so that a kill costs and doubles
nothing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Self

import attrs

from cpamp.store import settings as stored

SETTING = "takeovers_v1"


@attrs.frozen
class Progress:
    """What has come from one database.

    `last_id` and `last_letter` are that server's ids up to which everything is here; `of` is its
    greatest event id. Rows that are damaged or no events count as `unreadable`.
    """

    source: str
    # Ours took its place; otherwise it lies elsewhere.
    replaced: bool
    begun_at_ms: int
    of: int = 0
    last_id: int = 0
    added: int = 0
    skipped: int = 0
    unreadable: int = 0
    last_letter: int = 0
    letters: int = 0
    finished_at_ms: int = 0

    @property
    def path(self) -> Path:
        """The database."""
        return Path(self.source)

    @property
    def finished(self) -> bool:
        """Whether all of it has come."""
        return self.finished_at_ms > 0

    def record(self) -> dict[str, Any]:
        """The JSON of it."""
        return attrs.asdict(self)

    @classmethod
    def read(cls, record: dict[str, Any]) -> Self:
        """What `record` made."""
        return cls(**record)


def load(conn: sqlite3.Connection) -> list[Progress]:
    """All takeovers of this database, the first one first."""
    records = stored.get(conn, SETTING) or {}
    return [Progress.read(record) for record in records.values()]


def save(conn: sqlite3.Connection, progress: Progress, now_ms: int) -> None:
    """Write one of them, in the caller's transaction."""
    records = stored.get(conn, SETTING) or {}
    stored.put(conn, SETTING, {**records, progress.source: progress.record()}, now_ms)
