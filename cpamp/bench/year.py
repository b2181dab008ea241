"""Real inspections on a real database, but by a simulated clock, without network and threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.inspection.automation import forget_all
from cpamp.inspection.editor import Editor
from cpamp.inspection.executing import Executor
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.journal import Journal
from cpamp.inspection.locks import FileLocks
from cpamp.inspection.ownership import Claims, Holders
from cpamp.inspection.probers import Probers
from cpamp.inspection.settings import InspectionSettings
from cpamp.quota.feeds import QuotaFeed
from cpamp.quota.snapshots import Snapshots
from cpamp.simulator import fixtures
from cpamp.simulator.answers import Call
from cpamp.simulator.management import management
from cpamp.simulator.server import Simulator
from cpamp.store.database import open_database
from cpamp.store.transaction import transaction

START_MS = 1_795_500_000_000
STEP_MS = 600_000
RUNS_A_DAY = 86_400_000 // STEP_MS
RUNS_BETWEEN_CLEANING = 6


@attrs.frozen
class _Store:
    """The store, whose threads are the caller."""

    conn: sqlite3.Connection

    async def read(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(self.conn, *args)

    async def write(self, work: Callable[..., Any], *args: Any) -> Any:
        with transaction(self.conn):
            return work(self.conn, *args)

    async def alter(self, subject: str, work: Callable[..., Any], *args: Any) -> Any:
        return await self.write(work, *args)


@attrs.frozen
class _Cpa:
    """CPA, whose network is the caller."""

    sim: Simulator

    async def exchange(self, method: str, path: str, body: bytes | None = None, **_: Any) -> bytes:
        where, query = (*path.split("?", 1), "")[:2]
        answer = management(self.sim, Call(method, where, parse_qs(query), {}, body or b""))
        return answer.body or b""


def _done(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that waits for nothing."""
    failures: list[Any] = []
    over = Deferred.fromCoroutine(work)
    over.addErrback(failures.append)
    if failures:
        failures[0].raiseException()
    assert over.called


def inspect(data: Path, accounts: int, runs: int, end_ms: int | None = None) -> float:
    """So many inspections, ten minutes apart, of so many accounts in use: MB that these take.

    The last one is at `end_ms`. The folder may have a database already, and keeps it.
    """
    path = data / "usage.sqlite"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        open_database(path).close()
    now_ms = (end_ms or START_MS + runs * STEP_MS) - runs * STEP_MS
    sim = Simulator(Clock(), key="k", now_ms=lambda: now_ms, quotas=True)
    sim.auth_files = [
        fixtures.auth_file(f"codex-{i:03}.json", "codex", f"user-{i:03}@example.com")
        for i in range(accounts)
    ]
    client: Any = _Cpa(sim)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        # How often the disk is waited for says nothing about sizes.
        conn.execute("PRAGMA synchronous = OFF")
        before = _bytes(conn)
        store: Any = _Store(conn)
        editor = Editor(lambda: client, FileLocks())
        journal = Journal(store, lambda: now_ms)
        claims = Claims(store, lambda: now_ms, journal)
        settings = InspectionSettings().merged(
            {"autoActionMode": "disable", "autoRecoverEnabled": True}
        )
        inspector = Inspector(
            Clock(),
            store,
            editor,
            claims,
            Executor(editor, claims, Holders((claims,)), journal),
            Probers(Clock(), lambda: now_ms),
            lambda: settings,
            lambda: True,
            lambda: now_ms,
            QuotaFeed(Clock(), Snapshots(store, lambda: now_ms)).results,
        )
        inspector.startService()
        for number in range(runs):
            now_ms += STEP_MS
            _done(inspector.start("scheduled", f"interval:10:{now_ms // STEP_MS}"))
            if number % RUNS_BETWEEN_CLEANING == 0:
                with transaction(conn):
                    forget_all(conn, now_ms)
        return (_bytes(conn) - before) / 1e6


def _bytes(conn: sqlite3.Connection) -> int:
    """What the database takes, the pages that are free again included."""
    (pages,), (size,) = (
        conn.execute(f"PRAGMA {n}").fetchone() for n in ("page_count", "page_size")
    )
    return int(pages) * int(size)
