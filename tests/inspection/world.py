"""A made-up CPA, a store, and inspection between them, all in this process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.task import deferLater

from cpamp.cpa.client import CpaClient
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.network import make_agent
from cpamp.inspection.editor import Editor
from cpamp.inspection.executing import Executor
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.journal import Journal
from cpamp.inspection.locks import FileLocks
from cpamp.inspection.manual import ManualActions
from cpamp.inspection.ownership import Claims, Holders
from cpamp.inspection.probers import Probers
from cpamp.inspection.scheduler import Scheduler
from cpamp.inspection.settings import InspectionSettings
from cpamp.quota.feeds import QuotaFeed
from cpamp.quota.snapshots import Snapshots
from cpamp.simulator.server import Simulator
from cpamp.store import Store
from cpamp.store import claims as stored_claims
from cpamp.store.claims import Claim
from cpamp.store.database import open_database

KEY = "management-key"
SECONDS = 60.0


async def until(ready: Callable[[], Any], what: str) -> None:
    """Let the reactor run until something holds."""
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end, f"waited in vain: {what}"
        await deferLater(reactor, 0.005, lambda: None)


@attrs.define
class World:
    """Everything, and what a test wants to know of it. `ahead_ms` moves the daemon's clock."""

    folder: Path
    cpa: Simulator = attrs.field(init=False)
    store: Store = attrs.field(init=False)
    editor: Editor = attrs.field(init=False)
    snapshots: Snapshots = attrs.field(init=False)
    feed: QuotaFeed = attrs.field(init=False)
    journal: Journal = attrs.field(init=False)
    claims: Claims = attrs.field(init=False)
    inspector: Inspector = attrs.field(init=False)
    scheduler: Scheduler = attrs.field(init=False)
    manual: ManualActions = attrs.field(init=False)
    settings: InspectionSettings = attrs.field(factory=InspectionSettings)
    configured: bool = True
    ahead_ms: int = 0
    _agent: Any = attrs.field(init=False)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def start(self) -> None:
        database = self.folder / "usage.sqlite"
        if not database.exists():
            open_database(database).close()
        self.cpa = Simulator(reactor, key=KEY, now_ms=self.now_ms)
        port = self.cpa.listen(0)
        guard = KeyGuard(reactor)
        self._agent = make_agent(reactor)
        client = CpaClient(reactor, f"http://127.0.0.1:{port}", KEY, guard, self._agent)
        self.store = Store(reactor, database, self.now_ms)
        self.store.startService()
        self.editor = Editor(lambda: client, FileLocks())
        self.begin()

    def begin(self) -> None:
        """Inspection, as a new process would begin it."""
        self.snapshots = Snapshots(self.store, self.now_ms)
        self.feed = QuotaFeed(reactor, self.snapshots)
        self.journal = Journal(self.store, self.now_ms)
        self.claims = Claims(self.store, self.now_ms, self.journal)
        executor = Executor(self.editor, self.claims, Holders((self.claims,)), self.journal)
        self.inspector = Inspector(
            reactor,
            self.store,
            self.editor,
            self.claims,
            executor,
            Probers(reactor, self.now_ms),
            lambda: self.settings,
            lambda: self.configured,
            self.now_ms,
            self.feed.results,
        )
        self.manual = ManualActions(
            self.store, self.inspector, executor, lambda: self.configured, self.now_ms
        )
        self.inspector.startService()
        self.scheduler = Scheduler(
            reactor,
            self.store,
            self.inspector,
            lambda: self.settings,
            lambda: self.configured,
            self.now_ms,
        )

    async def stop(self) -> None:
        if self.inspector.running:
            await self.inspector.stopService()
        await self.store.stopService()
        await self._agent.close()
        await self.cpa.close()

    # -- what is asked of it --------------------------------------------------------------------

    async def over(self, run_id: int) -> dict[str, Any]:
        """The detail of a run when it has ended."""
        detail = await self.inspector.detail(run_id)
        end = time.monotonic() + SECONDS
        while detail["run"]["active"]:
            assert time.monotonic() < end, "the run does not end"
            await deferLater(reactor, 0.005, lambda: None)
            detail = await self.inspector.detail(run_id)
        return detail

    async def inspect(self, **settings: Any) -> dict[str, Any]:
        """One run by these settings, to its end."""
        self.settings = InspectionSettings().merged(settings)
        begun = await self.inspector.start("manual", "manual")
        return await self.over(begun["run"]["id"])

    async def held(self) -> list[Claim]:
        return await self.store.read(stored_claims.every)

    def entry(self, runtime_id: str) -> dict[str, Any]:
        return next(entry for entry in self.cpa.auth_files if entry["id"] == runtime_id)

    def calls(self, what: str) -> list[dict[str, Any]]:
        """The calls that CPA saw of a method and path, oldest first."""
        return [note for note in self.cpa.notes if note["what"].startswith(what)]

    def disabled(self) -> set[str]:
        """The runtime ids that are disabled."""
        return {entry["id"] for entry in self.cpa.auth_files if entry["disabled"]}


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    made = World(folder)
    made.start()
    try:
        yield made
    finally:
        await made.stop()
