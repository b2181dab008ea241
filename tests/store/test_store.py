"""The store as a service: one writer and many readers, faults, and an end that waits for nobody."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from cpamp.errors import StoreUnavailable
from cpamp.store import Store
from cpamp.store.checking import check_columns
from cpamp.store.database import open_database, open_reader
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.reading import read_range
from cpamp.usage.event import ModelNames
from tests.store.samples import NOW, event, events

THREADS = ("writer", "tend", "readers")


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[Store]:
    """A store that tends its file often, stopped in any case."""
    open_database(path).close()
    store = Store(reactor, path, lambda: NOW, tend_seconds=0.05)
    store.startService()
    try:
        yield store
    finally:
        await store.stopService()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in a thread."""
    for _ in range(1000):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it did not happen")


def count(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM events").fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data/usage.sqlite"


@ensureDeferred
async def test_write_and_read(path: Path) -> None:
    async with running(path) as store:
        added = await store.add_events(events(0, 10))
        again = await store.add_events(events(5, 12), connection=3)
        await store.add_dead_letters([DeadLetter("{", "not JSON", 1)] * 3)
        assert (added.inserted, added.skipped) == (10, 0)
        assert again.new == [False] * 5 + [True] * 2
        assert (store.counts.events, store.counts.dead_letters, store.last_id) == (12, 3, 12)
        found = await store.read(read_range, store.dictionaries, 1, 12, callers=True)
        assert [one for _, one in found] == events(0, 12)
        assert store.snapshot().column("connection").tolist() == [1] * 10 + [3] * 2
        await store.write(lambda c: c.execute("INSERT INTO settings VALUES ('a', '1', 2)"))
        status = store.status()
        assert status["derived"] == {"ready": True, "rows": 12, "of": 12}
        assert status["store"] == {"ready": True, "problem": ""}
        with pytest.raises(StoreUnavailable, match="readonly"):
            await store.read(lambda conn: conn.execute("DELETE FROM events"))
    async with running(path) as store:
        assert (store.counts.events, store.counts.dead_letters) == (12, 3)
        assert store.status()["derived"]["ready"]
        assert await store.read(lambda c: c.execute("SELECT value FROM settings").fetchall()) == [
            ("1",)
        ]


@ensureDeferred
async def test_nothing_is_left_of_it(path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    async with running(path) as store:
        await store.add_events(events(0, 10))
        await store.read(count)
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if any(kind in name for kind in THREADS)]
    # The journal is folded in, and nobody has the file open.
    assert sorted(os.listdir(path.parent)) == ["columns", "usage.sqlite"]
    opened = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if link(fd)]
    assert not [name for name in opened if str(path.parent) in name]


def link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


@ensureDeferred
async def test_readers_beside_the_writer(path: Path) -> None:
    """Every committed event is whole for whoever reads it, its new texts too."""

    def newest(conn: sqlite3.Connection, store: Store) -> int:
        last = conn.execute("SELECT max(id) FROM events").fetchone()[0] or 0
        for number, one in read_range(conn, store.dictionaries, max(1, last - 20), last):
            assert one.model.model == f"model {number}"
        return int(last)

    async def reading(store: Store) -> None:
        while store.last_id < 1000:
            await store.read(newest, store)
            snapshot = store.snapshot()
            assert snapshot.column("who").tolist() == [1] * snapshot.n

    async with running(path) as store:
        readers = [Deferred.fromCoroutine(reading(store)) for _ in range(4)]
        who = event(0).who
        for first in range(1, 1001, 10):
            batch = [
                event(n, who=who, model=ModelNames(model=f"model {n}"))
                for n in range(first, first + 10)
            ]
            await store.add_events(batch)
        await gatherResults(readers)
        assert await store.read(newest, store) == 1000


# -- faults -------------------------------------------------------------------------------------


@ensureDeferred
async def test_a_file_that_is_gone_for_a_while(path: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside.sqlite"
    async with running(path) as store:
        await store.add_events(events(0, 10))
        os.rename(path, aside)
        # It is told without anybody having asked.
        await until(lambda: not store.status()["store"]["ready"])
        assert "is gone; put it back" in store.status()["store"]["problem"]
        with pytest.raises(StoreUnavailable, match="is gone"):
            await store.add_events(events(10, 20))
        os.rename(aside, path)
        await until(lambda: store.status()["store"] == {"ready": True, "problem": ""})
        assert (await store.add_events(events(5, 20))).inserted == 10
        assert await store.read(count) == 20


@ensureDeferred
async def test_a_copy_in_its_place(path: Path, tmp_path: Path) -> None:
    """Readers go on with the copy as the writer does."""
    aside = tmp_path / "aside.sqlite"
    async with running(path) as store:
        await store.add_events(events(0, 10))
        await gatherResults([Deferred.fromCoroutine(store.read(count)) for _ in range(8)])
        with closing(open_reader(path)) as conn, closing(sqlite3.connect(aside)) as copy:
            conn.backup(copy)
        await store.add_events(events(10, 30))
        os.replace(aside, path)
        await until(lambda: store.last_id == 10)
        # The columns are opened after the events are counted.
        await until(lambda: store.level and store.snapshot().n == 10)
        # The answer of the writer comes after its word to the readers.
        assert (await store.add_events(events(0, 20))).inserted == 10
        counts = await gatherResults([Deferred.fromCoroutine(store.read(count)) for _ in range(8)])
        assert counts == [20] * 8
    with closing(open_reader(path)) as conn:
        assert check_columns(conn, path).differing == ""


@ensureDeferred
async def test_columns_that_are_gone_at_the_start(path: Path) -> None:
    async with running(path) as store:
        for first in range(0, 30_000, 500):
            await store.add_events(events(first, first + 500))
    shutil.rmtree(path.with_name("columns"))
    async with running(path) as store:
        status = store.status()["derived"]
        assert (status["ready"], status["of"]) == (False, 30_000)
        rows = []
        for first in range(30_000, 33_000, 100):
            await store.add_events(events(first, first + 100))
            rows.append(store.snapshot().n)
        await until(lambda: bool(store.status()["derived"]["ready"]))
        assert rows == sorted(rows)
        assert store.snapshot().column("input").tolist() == list(range(33_000))


@ensureDeferred
async def test_new_rows_are_synced_within_seconds(path: Path) -> None:
    def synced() -> int:
        with closing(open_reader(path)) as conn:
            return check_columns(conn, path).rows

    async with running(path) as store:
        for last in (10, 25):
            await store.add_events(events(0, last))
            await until(lambda rows=last: synced() == rows)  # type: ignore[misc]


# -- the end ------------------------------------------------------------------------------------


@ensureDeferred
async def test_a_stop_waits_for_what_is_being_written(path: Path) -> None:
    async with running(path) as store:
        pending = [Deferred.fromCoroutine(store.add_events(events(n, n + 50))) for n in (0, 50)]
    assert [added.inserted for added in await gatherResults(pending)] == [50, 50]
    with closing(open_reader(path)) as conn:
        assert count(conn) == 100
        assert check_columns(conn, path).rows == 100


@ensureDeferred
async def test_the_reactor_goes_on_while_a_stop_waits_for_a_read(path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(conn: sqlite3.Connection) -> int:
        begun.set()
        go_on.wait(10)
        return count(conn)

    ticks: list[Any] = []
    async with running(path) as store:
        reading = Deferred.fromCoroutine(store.read(slow))
        await until(begun.is_set)
        stopping = store.stopService()
        await deferLater(reactor, 0.05)
        ticks.append(stopping.called)
        go_on.set()
        await stopping
        assert await reading == 0
        # What comes too late is told so.
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.read(count)
        store.startService()
    assert ticks == [False]


@ensureDeferred
async def test_upkeep(path: Path) -> None:
    async with running(path) as store:
        await store.add_events(events(0, 500))
        await until(lambda: store.status()["database"]["checkpoint"]["mode"] == "passive")
        status = store.status()["database"]
        checkpoint = status["checkpoint"]
        assert (checkpoint["busy"], checkpoint["executedAtMs"], checkpoint["durationMs"]) == (
            0,
            NOW,
            0,
        )
        assert checkpoint["checkpointedFrames"] <= checkpoint["logFrames"]
        assert status["journalSizeLimitBytes"] == 268_435_456
        sizes = (status["databaseBytes"], status["walBytes"], status["shmBytes"])
        assert status["totalBytes"] == sum(sizes)
