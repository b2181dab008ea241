"""A database as the server that cpamp replaces leaves it, for the figure of taking it over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from cpamp.bench.workloads import batches, codex
from cpamp.takeover.rows import COLUMNS
from cpamp.usage.event import Event
from cpamp.usage.lines import export_line

TABLES = f"""
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at_ms INTEGER);
CREATE TABLE usage_events (id INTEGER PRIMARY KEY AUTOINCREMENT, {", ".join(COLUMNS)});
"""
INSERT = f"INSERT INTO usage_events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def make(path: Path, count: int) -> None:
    """So many records of Codex, each with its quota headers, in a new database."""
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.executescript(TABLES)
        for rows in batches(_rows(codex(count, keep_raw=True)), 1_000):
            conn.executemany(INSERT, rows)


def _rows(events: Iterable[Event]) -> Iterator[tuple[Any, ...]]:
    for event in events:
        told = {
            **orjson.loads(export_line(event)),
            **event.caller._asdict(),
            "fail_body": event.end.fail_summary or None,
            "response_metadata_json": event.metadata.decode(),
            "raw_json": event.raw.decode(),
        }
        yield tuple(told.get(name) for name in COLUMNS)
