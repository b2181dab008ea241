"""Details go after their days; figures, ids and the check for duplicates stay."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from cpamp.analytics.engine import Engine
from cpamp.pricing.aliases import AliasBook
from cpamp.pricing.cost import PriceBook
from cpamp.store import Store
from cpamp.store.checking import check_columns
from cpamp.store.database import open_database, open_reader
from cpamp.store.retention import DAY_MS, Retention
from cpamp.usage.event import Event
from cpamp.usage.record import decode

RECORDS = Path(__file__).parent.parent / "data/cpa/records.jsonl"


def events() -> list[Event]:
    """All recorded events, the raw payloads kept."""
    found = [
        decode(line, now_ms=1_790_000_000_000, keep_raw=True)
        for line in RECORDS.read_bytes().splitlines()
    ]
    return [event for event in found if isinstance(event, Event)]


def counts(conn: sqlite3.Connection) -> Any:
    """Rows with metadata, with a payload, with a request id; and the sum of tokens."""
    return conn.execute(
        "SELECT count(metadata), count(raw), count(request_id), "
        "(SELECT sum(total_tokens) FROM events) FROM details"
    ).fetchone()


@asynccontextmanager
async def running_store(path: Path, now_ms: int) -> AsyncIterator[Store]:
    """A store on a new database, stopped in any case: its threads would outlive the test."""
    open_database(path).close()
    store = Store(reactor, path, lambda: now_ms)
    store.startService()
    try:
        yield store
    finally:
        await store.stopService()


# days of details and payloads, how many days after the last event; what goes
CASES = [
    (0, 0, 1000, "nothing"),
    (0, 7, 8, "payloads"),
    (7, 0, 8, "all"),
    (7, 3, 5, "payloads"),
    (7, 7, -400, "nothing"),
]


@pytest.mark.parametrize(("details", "payload", "days", "goes"), CASES)
@ensureDeferred
async def test_retention(tmp_path: Path, details: int, payload: int, days: int, goes: str) -> None:
    some = events()
    now_ms = max(event.timestamp_ms for event in some) + days * DAY_MS
    async with running_store(tmp_path / "usage.sqlite", now_ms) as store:
        await store.add_events(some)
        before = await store.read(counts)
        engine = Engine(store, lambda: PriceBook({}), AliasBook, lambda: now_ms)
        tag = engine.tag("a question")
        retention = Retention(reactor, store, lambda: now_ms, details, payload)
        # The first pass begins with the service.
        retention.startService()
        await retention.passed()
        await retention.stopService()
        after = await store.read(counts)
        # What clients have of answers that may show details is good only where none went.
        assert tag
        assert (engine.tag("a question") == tag) == (goes == "nothing")
        assert (await store.add_events(some)).inserted == 0
    assert min(before) > 0
    assert after[0] == (0 if goes == "all" else before[0])
    assert after[1] == (before[1] if goes == "nothing" else 0)
    assert after[2:] == before[2:]
    with closing(open_reader(tmp_path / "usage.sqlite")) as conn:
        assert check_columns(conn, tmp_path / "usage.sqlite").differing == ""
