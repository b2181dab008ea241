"""WAL upkeep: a checkpoint now and then, beside the writer's own (server contract, 18.2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

SIZE_LIMIT = 268_435_456
TRUNCATE_EVERY_MS = 300_000
BUSY_MS = 250


@attrs.define
class Upkeep:
    """Runs in a thread of its own; `snapshot` is what the last run saw."""

    path: Path
    now_ms: Callable[[], int]
    snapshot: dict[str, Any] = attrs.field(init=False)
    _last_truncate_ms: int = 0

    def __attrs_post_init__(self) -> None:
        self.snapshot = {
            **self._sizes(),
            "journalSizeLimitBytes": SIZE_LIMIT,
            "checkpoint": {
                "mode": "pending",
                "busy": 0,
                "logFrames": 0,
                "checkpointedFrames": 0,
                "executedAtMs": 0,
                "durationMs": 0,
            },
        }

    def run(self) -> None:
        """Checkpoint what can be without waiting; truncate a WAL that has grown too large."""
        started = self.now_ms()
        checkpoint: dict[str, Any] = {"mode": "passive", "executedAtMs": started}
        try:
            with closing(self._connect()) as conn:
                busy, log, done = self._checkpoint(conn, "PASSIVE")
                if self._may_truncate(busy, log, done, started):
                    self._last_truncate_ms = started
                    checkpoint["mode"] = "truncate"
                    busy, log, done = self._checkpoint(conn, "TRUNCATE")
                    if busy:
                        checkpoint["error"] = "the WAL is in use"
        except sqlite3.Error as error:
            busy, log, done = 1, 0, 0
            checkpoint["error"] = str(error)
        checkpoint |= {"busy": busy, "logFrames": log, "checkpointedFrames": done}
        checkpoint["durationMs"] = self.now_ms() - started
        if self._last_truncate_ms:
            checkpoint["lastTruncateAttemptAtMs"] = self._last_truncate_ms
        self.snapshot = {
            **self._sizes(),
            "journalSizeLimitBytes": SIZE_LIMIT,
            "checkpoint": checkpoint,
        }

    def _connect(self) -> sqlite3.Connection:
        conn = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=BUSY_MS / 1000,
        )
        conn.execute(f"PRAGMA journal_size_limit={SIZE_LIMIT}")
        return conn

    @staticmethod
    def _checkpoint(conn: sqlite3.Connection, mode: str) -> tuple[int, int, int]:
        busy, log, done = conn.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return busy, log, done

    def _may_truncate(self, busy: int, log: int, done: int, now_ms: int) -> bool:
        if self._size("-wal") <= SIZE_LIMIT or busy or log != done:
            return False
        return now_ms - self._last_truncate_ms >= TRUNCATE_EVERY_MS

    def _size(self, suffix: str) -> int:
        try:
            return self.path.with_name(self.path.name + suffix).stat().st_size
        except OSError:
            return 0

    def _sizes(self) -> dict[str, int]:
        sizes = {
            "databaseBytes": self._size(""),
            "walBytes": self._size("-wal"),
            "shmBytes": self._size("-shm"),
        }
        return {**sizes, "totalBytes": sum(sizes.values())}
