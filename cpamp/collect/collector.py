"""The collector of one CPA connection (usage contract, section 2; design, "Collection")."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.collect.config import CollectorConfig
from cpamp.collect.coverage import UNREACHABLE, Coverage
from cpamp.collect.intake import Intake
from cpamp.collect.interfaces import Kind, kind_of
from cpamp.collect.names import Listing, Names
from cpamp.collect.pipeline import Pipeline, spool_folder
from cpamp.collect.reconcile import Reconciliation, attempts
from cpamp.collect.runner import Runner
from cpamp.collect.spool import Spool
from cpamp.collect.transports import Link, ended
from cpamp.cpa.client import CpaClient
from cpamp.cpa.keyguard import KeyGuard
from cpamp.errors import CpaUnreachable, Problem, StoreUnavailable
from cpamp.store import Store, settings
from cpamp.store import coverage as coverage_table
from cpamp.store.coverage import Run
from cpamp.usage.record import Control

TICK_SECONDS = 15.0
CONFIG_SECONDS = 600.0
LISTING_SECONDS = 300.0
HEARTBEAT = "collector_heartbeat_v1"
DAY_MINUTES = 1440
HOLES_SHOWN = 20


@attrs.define(eq=False)
class Collector(Service):
    """Collects from one CPA for as long as it is configured to.

    `connect` makes a management client of a URL and a key.
    """

    _reactor: Any
    _store: Store
    _guard: KeyGuard
    _connect: Callable[[str, str], CpaClient]
    _now_ms: Callable[[], int]
    data_dir: Path
    spool_limit: int
    connection: int = 1
    keep_raw: bool = False
    pipeline: Pipeline = attrs.field(init=False)
    _config: CollectorConfig | None = None
    _runner: Runner | None = None
    _changing: Deferred[None] | None = None
    _wanted: CollectorConfig | None = None
    _names: Names = attrs.field(init=False)
    _client: CpaClient | None = None
    _coverage: Coverage = attrs.Factory(Coverage)
    _reconciliation: Reconciliation = attrs.Factory(Reconciliation)
    _state: str = "stopped"
    _transport: str = ""
    _upstream: str = ""
    _mode: str = "auto"
    _queue: str = "usage"
    _last_error: str = ""
    _publishing: bool | None = None
    _enabled_publishing: bool = False
    _calls: list[LoopingCall] = attrs.Factory(list)
    _recent: list[Run] = attrs.Factory(list)
    _begun: bool = False
    _log: Logger = attrs.Factory(Logger)

    def __attrs_post_init__(self) -> None:
        self._names = Names(self._reactor, self._list, self._now_ms, self._listed)
        self.pipeline = Pipeline(
            self._reactor,
            self._store,
            Intake(),
            Spool(spool_folder(self.data_dir), self.spool_limit),
            self._names,
            self._now_ms,
            self._control,
            keep_raw=self.keep_raw,
        )

    # -- life -----------------------------------------------------------------------------------

    def startService(self) -> None:
        """Begin to move what is there; what is collected is up to `configure`."""
        super().startService()
        self.pipeline.start()
        for work, seconds in (
            (self._tick, TICK_SECONDS),
            (self._look_at_config, CONFIG_SECONDS),
            (self._names.refresh, LISTING_SECONDS),
        ):
            call = LoopingCall(work)
            call.clock = self._reactor
            call.start(seconds, now=False).addErrback(
                lambda f: self._log.failure("a regular check of the collector failed", failure=f)
            )
            self._calls.append(call)

    def configure(self, config: CollectorConfig | None) -> None:
        """Collect by this configuration from now on; None stops.

        The same configuration again leaves a collector that works alone.
        """
        wanted = config if config is not None and config.enabled else None
        if wanted == self._config and self._runner is not None and self._state == "running":
            return
        self._wanted = wanted
        self._guard.retry()
        if self._changing is None:
            self._changing = Deferred.fromCoroutine(self._change())
            self._changing.addErrback(
                lambda f: self._log.failure("the collector could not be changed", failure=f)
            )
            self._changing.addBoth(self._changed)

    def _changed(self, _: Any) -> None:
        self._changing = None

    async def _change(self) -> None:
        """Stop the former run, and begin the newest one that is wanted."""
        while True:
            wanted = self._wanted
            await self._end_run()
            if wanted is not None and self.running:
                self._begin_run(wanted)
            if wanted is self._wanted:
                return

    def _begin_run(self, config: CollectorConfig) -> None:
        self._config = config
        self._client = self._connect(config.url, config.key)
        self._upstream, self._mode, self._queue = config.url, config.mode, config.queue
        self._state, self._last_error = "starting", ""
        self._enabled_publishing = False
        link = Link(
            self._reactor,
            config,
            self._guard,
            self._client,
            self.pipeline.intake,
            self,
            self._coverage.retention_ms / 1000,
        )
        runner = self._runner = Runner(link)
        done = Deferred.fromCoroutine(self._begin(runner))
        done.addErrback(lambda f: self._log.failure("collection ended", failure=f))

    async def _begin(self, runner: Runner) -> None:
        if not self._begun:
            self._begun = True
            self._coverage.started(self._now_ms(), await self._last_heartbeat())
        self._look_at_config()
        if self._runner is runner:
            await runner.run()

    async def _last_heartbeat(self) -> int | None:
        try:
            last: int | None = await self._store.read(settings.get, HEARTBEAT)
        except StoreUnavailable:
            return None
        return last

    async def _end_run(self) -> None:
        runner, self._runner = self._runner, None
        self._config = None
        if runner is not None:
            await runner.stop()
            self._coverage.lost(self._now_ms(), "collection was stopped")
        self._state = "stopped"

    async def _stop(self) -> None:
        for call in self._calls:
            call.stop()
        self._calls.clear()
        self._wanted = None
        if self._changing is not None:
            await ended(self._changing)
        await self._end_run()
        await self.pipeline.stop()
        self._coverage.tick(self._now_ms())
        await self._keep_coverage()

    def stopService(self) -> Deferred[Any]:
        """Unsubscribe or stop popping, store what is here, and end."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    # -- what the transports tell ---------------------------------------------------------------

    def connected(self, transport: str) -> None:
        """Records flow over this transport."""
        self._transport, self._state, self._last_error = transport, "running", ""
        self._coverage.connected(self._now_ms())

    def drained(self, problem: str) -> None:
        """What CPA had queued is here, or could not be had."""
        self._coverage.drained(self._now_ms(), problem)

    def failed(self, transport: str, stage: str, problem: Problem) -> None:
        """A transport does not work."""
        now = self._now_ms()
        self._transport = transport
        if kind_of(problem) is Kind.UNSUPPORTED and self._mode == "auto":
            # Not an error: the next one is tried.
            self._state, self._last_error = "starting", ""
        else:
            self._state, self._last_error = "error", f"{stage}: {problem.message}"
            self._log.warn("{error}", error=self._last_error)
        if isinstance(problem, CpaUnreachable):
            reason = UNREACHABLE
        else:
            reason = problem.message[:200]
        if transport == "subscribe" and problem.message == "EOF":
            self._coverage.dropped(now)
        self._coverage.lost(now, reason)

    def _control(self, control: Control) -> None:
        if control is Control.REFRESH:
            self._names.refresh()

    # -- what is asked of CPA now and then ------------------------------------------------------

    async def _list(self) -> Listing:
        if self._client is None:
            raise CpaUnreachable("no CPA is configured")
        return await self._client.auth_files()

    def _listed(self, entries: Listing) -> None:
        now = self._now_ms()
        stored = self.pipeline.totals.by_credential
        if self._reconciliation.listed(now, attempts(entries), stored):
            self._coverage.restarted(now)

    def _look_at_config(self) -> None:
        client, config = self._client, self._config
        if client is not None and config is not None:
            looking = Deferred.fromCoroutine(self._check_publishing(client, config))
            looking.addErrback(self._config_unknown)

    def _config_unknown(self, failure: Any) -> None:
        failure.trap(Problem, CancelledError)

    async def _check_publishing(self, client: CpaClient, config: CollectorConfig) -> None:
        """Read CPA's switch and retention; turn publishing on once, unless told not to."""
        found = await client.config()
        self._coverage.retention_ms = max(found.retention_seconds, 1) * 1000
        if self._runner is not None:
            self._runner.link.retention_seconds = found.retention_seconds
        publishing = found.usage_statistics_enabled
        self._note_publishing(publishing)
        if not publishing and config.ensure_publishing and not self._enabled_publishing:
            self._enabled_publishing = True
            await client.enable_usage_statistics()
            self._log.info("CPA's usage publishing was off and is on now")
            self._note_publishing(True)

    def _note_publishing(self, on: bool) -> None:
        self._publishing = on
        self._coverage.published(self._now_ms(), on)

    # -- coverage -------------------------------------------------------------------------------

    def _tick(self) -> Deferred[None] | None:
        if self._config is None:
            return None
        self._coverage.tick(self._now_ms())
        return Deferred.fromCoroutine(self._keep_coverage())

    async def _keep_coverage(self) -> None:
        """Write the minutes that were judged; what can't be written is kept."""
        now = self._now_ms()
        runs = self._coverage.take()
        try:
            await self._store.write(_write_coverage, self.connection, runs, now)
            minute = now // 60_000
            self._recent = await self._store.read(
                coverage_table.between, self.connection, minute - DAY_MINUTES, minute
            )
        except StoreUnavailable:
            self._coverage._runs = coverage_table.merge([*runs, *self._coverage._runs])

    def _coverage_status(self) -> dict[str, Any]:
        """The last 24 hours in minutes by state, and the newest holes."""
        last = self._now_ms() // 60_000
        first = last - DAY_MINUTES
        minutes = dict.fromkeys(coverage_table.STATES, 0)
        holes = []
        for run in coverage_table.merge([*self._recent, *self._coverage._runs]):
            begin, end = max(run.from_minute, first), min(run.to_minute, last)
            if end < begin:
                continue
            minutes[run.state] += end - begin + 1
            if run.state != "covered":
                holes.append(
                    {
                        "fromMs": run.from_minute * 60_000,
                        "toMs": (run.to_minute + 1) * 60_000,
                        "state": run.state,
                        "reason": run.reason,
                    }
                )
        gap = self._coverage.gap_since_ms
        open_gap = {"sinceMs": gap, "reason": self._coverage.gap_reason} if gap else None
        return {
            "last24h": {
                "coveredMinutes": minutes["covered"],
                "atRiskMinutes": minutes["at_risk"],
                "lostMinutes": minutes["lost"],
            },
            "holes": holes[-HOLES_SHOWN:],
            "gap": open_gap if self._config else None,
        }

    # -- status ---------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The member `collector` of `/status` (usage contract, 2.10), and ours."""
        totals = self.pipeline.totals
        error = self.pipeline.problem or self._last_error
        status: dict[str, Any] = {
            "collector": "error" if self.pipeline.problem else self._state,
            "upstream": self._upstream,
            "mode": self._mode,
            "transport": self._transport,
            "queue": self._queue,
            "lastConsumedAt": totals.consumed_at_ms,
            "lastInsertedAt": totals.inserted_at_ms,
            "totalInserted": totals.inserted,
            "totalSkipped": totals.skipped,
            "deadLetters": self._store.counts.dead_letters,
            "publishing": self._publishing,
            "cpaVersion": self._client.version if self._client else "",
            "coverage": self._coverage_status(),
            "reconciliation": self._reconciliation.status,
            **self.pipeline.status(),
        }
        if self._config is not None:
            status["key"] = self._guard.status(self._config.url, self._config.key)
        return {**status, "lastError": error} if error else status


def _write_coverage(conn: Any, connection: int, runs: list[Run], now_ms: int) -> None:
    coverage_table.put(conn, connection, runs)
    settings.put(conn, HEARTBEAT, now_ms, now_ms)
