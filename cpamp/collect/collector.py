"""The collector of one CPA connection (usage contract, section 2; design, "Collection")."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.collect.config import CollectorConfig
from cpamp.collect.coverage import DOWN, FULL, STOPPED
from cpamp.collect.intake import Intake
from cpamp.collect.logbook import TICK_SECONDS, Logbook
from cpamp.collect.names import Listing, Names
from cpamp.collect.pipeline import Pipeline
from cpamp.collect.reconciler import Reconciler
from cpamp.collect.run import NOTHING, Run
from cpamp.collect.spool import Spool
from cpamp.collect.transports import ended
from cpamp.collect.worker import Worker
from cpamp.cpa.client import Connect
from cpamp.cpa.keyguard import KeyGuard
from cpamp.errors import CpaUnreachable
from cpamp.store import Store
from cpamp.usage.event import Event
from cpamp.usage.record import Control

LISTING_SECONDS = 300.0


@attrs.define(eq=False)
class Collector(Service):
    """Collects from one CPA for as long as it is configured to.

    `connect` makes a management client of a URL and a key. Totals outlive a run, but not the
    process; names and what is said of a run's transport are the newest run's alone.
    """

    _reactor: Any
    _store: Store
    _guard: KeyGuard
    _connect: Connect
    _now_ms: Callable[[], int]
    _data_dir: Path
    _spool_limit: int
    # Hears of the events that were not there before.
    _on_added: Callable[[list[Event]], None]
    _connection: int = 1
    _keep_raw: bool = False
    pipeline: Pipeline = attrs.field(init=False)
    logbook: Logbook = attrs.field(init=False)
    _worker: Worker = attrs.field(init=False)
    _names: Names = attrs.field(init=False)
    _reconciler: Reconciler = attrs.field(init=False)
    # The newest run, which may be over.
    _run: Run | None = attrs.field(default=None, init=False)
    _wanted: CollectorConfig | None = attrs.field(default=None, init=False)
    _changing: Deferred[None] | None = attrs.field(default=None, init=False)
    _opening: Deferred[None] | None = attrs.field(default=None, init=False)
    _blocked: bool = attrs.field(default=False, init=False)
    _calls: list[LoopingCall] = attrs.field(factory=list, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        folder = self._data_dir / "spool" / str(self._connection)
        self._worker = Worker(self._reactor, "intake")
        self._names = Names(self._reactor, self._worker, self._list, self._now_ms, self._listed)
        self.pipeline = Pipeline(
            self._reactor,
            self._worker,
            self._store,
            Intake(self._now_ms),
            Spool(folder, self._spool_limit),
            self._names,
            self._now_ms,
            self._heard,
            self._on_added,
            self._connection,
            self._keep_raw,
        )
        self.logbook = Logbook(
            self._reactor,
            self._store,
            self._worker,
            self._now_ms,
            folder / "alive",
            self._connection,
        )
        self._reconciler = Reconciler(
            self._reactor,
            self._store,
            self._worker,
            self._now_ms,
            self.logbook.covers,
            lambda: self.logbook.tell(self.logbook.coverage.restarted),
        )

    # -- life -----------------------------------------------------------------------------------

    def startService(self) -> None:
        """Begin to move what is there; what is collected is up to `configure`."""
        super().startService()
        self._worker.start()
        self.pipeline.start()
        self._opening = Deferred.fromCoroutine(self.logbook.open())
        self._opening.addErrback(self._unexpected)
        for work, seconds in ((self._tick, TICK_SECONDS), (self._names.look, LISTING_SECONDS)):
            call = LoopingCall(work)
            call.clock = self._reactor
            call.start(seconds, now=False).addErrback(self._unexpected)
            self._calls.append(call)

    def _unexpected(self, failure: Any) -> None:
        self._log.failure("a part of the collector failed", failure=failure)

    def configure(self, config: CollectorConfig | None) -> None:
        """Collect by this configuration from now on; None stops.

        A run that works by the same configuration is left alone.
        """
        wanted = config if config is not None and config.enabled else None
        if self._changing is None and self._works_by(wanted):
            return
        self._wanted = wanted
        if self._changing is None:
            self._changing = Deferred.fromCoroutine(self._change())
            self._changing.addErrback(self._unexpected)
            self._changing.addBoth(self._changed)

    def retry(self) -> None:
        """A person asks for another try, of a refused key too (usage contract, 13 B5)."""
        self._guard.retry()
        if self._run is not None and not self._run.over:
            self._run.retry()

    def _works_by(self, config: CollectorConfig | None) -> bool:
        run = self._run
        return run is not None and run.state == "running" and run.config == config

    def _changed(self, _: Any) -> None:
        self._changing = None

    async def _change(self) -> None:
        """Stop the former run, and begin the newest one that is wanted."""
        if self._run is not None:
            await self._run.stop(STOPPED)
        # Another may have come to be wanted meanwhile.
        wanted = self._wanted
        if wanted is not None and self.running:
            self._names.begin()
            self._reconciler.begin()
            client = self._connect(wanted.url, wanted.key)
            self._run = Run(
                self._reactor, wanted, self._guard, client, self.pipeline.intake, self.logbook
            )
            self._run.start()

    async def _stop(self) -> None:
        for call in self._calls:
            call.stop()
        self._calls.clear()
        self._wanted = None
        for work in (self._changing, self._opening):
            if work is not None:
                await ended(work)
        if self._run is not None:
            await self._run.stop(DOWN)
        await self.pipeline.stop()
        if self.pipeline.totals.abandoned:
            self.logbook.tell(self.logbook.coverage.abandoned)
        await self.logbook.end()
        self._worker.stop()

    def stopService(self) -> Deferred[Any]:
        """Unsubscribe or stop popping, store what is here, and end."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    # -- now and then ---------------------------------------------------------------------------

    def _heard(self, control: Control) -> None:
        if control is Control.REFRESH:
            self._names.refresh()

    async def _list(self) -> Listing:
        if self._run is None or self._run.over:
            raise CpaUnreachable("no CPA is configured")
        return await self._run.client.auth_files()

    def _listed(self, entries: Listing) -> None:
        judging = Deferred.fromCoroutine(self._reconciler.listed(entries))
        judging.addErrback(self._unexpected)

    def _tick(self) -> Deferred[None]:
        self._watch_room()
        return Deferred.fromCoroutine(self.logbook.tick())

    def _watch_room(self) -> None:
        """A poller that waits for room is not told of as failed, but CPA's queue runs over."""
        coverage = self.logbook.coverage
        full = not self.pipeline.intake.room
        if full and not self._blocked:
            self.logbook.tell(coverage.lost, FULL)
        elif self._blocked and not full and self._run and self._run.state == "running":
            self.logbook.tell(coverage.connected)
            self.logbook.tell(coverage.drained)
        self._blocked = full

    # -- status ---------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The member `collector` of `/status` (usage contract, 2.10), and ours."""
        totals, run, problem = self.pipeline.totals, self._run, self.pipeline.problem
        status: dict[str, Any] = {
            **(NOTHING if run is None else run.status()),
            "lastConsumedAt": totals.consumed_at_ms,
            "lastInsertedAt": totals.inserted_at_ms,
            "totalInserted": totals.inserted,
            "totalSkipped": totals.skipped,
            "deadLetters": self._store.counts.dead_letters,
            "coverage": self.logbook.status(),
            "reconciliation": self._reconciler.status,
            **self.pipeline.status(),
        }
        error = problem or (run.last_error if run is not None else "")
        if problem:
            status["collector"] = "error"
        return {**status, "lastError": error} if error else status
