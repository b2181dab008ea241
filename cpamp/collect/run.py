"""One run of collection, by one configuration: its transports, and how they do."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from cpamp.collect.config import CollectorConfig
from cpamp.collect.coverage import DEFAULT_RETENTION_MS, UNREACHABLE
from cpamp.collect.intake import Intake
from cpamp.collect.interfaces import Kind, kind_of
from cpamp.collect.logbook import Logbook
from cpamp.collect.publishing import Publishing
from cpamp.collect.runner import Runner
from cpamp.collect.transports import Dropped, Link
from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.cpa.errors import QueueCut
from cpamp.cpa.keyguard import KeyGuard
from cpamp.errors import CpaUnreachable, Problem

REASON_CHARS = 200
# After a failure that nobody has foreseen.
AGAIN_SECONDS = 30.0


@attrs.define(eq=False)
class Run:
    """Hears of the transports and of CPA's configuration, until it is stopped.

    What it is told after its end is of no interest: the next run may have begun.
    """

    _reactor: Any
    config: CollectorConfig
    _guard: KeyGuard
    client: CpaClient
    _intake: Intake
    _logbook: Logbook
    # stopped, starting, running or error.
    state: str = attrs.field(default="starting", init=False)
    last_error: str = attrs.field(default="", init=False)
    _link: Link = attrs.field(init=False)
    _runner: Runner = attrs.field(init=False)
    _publishing: Publishing = attrs.field(init=False)
    _running: Deferred[None] | None = attrs.field(default=None, init=False)
    _pause: Deferred[None] | None = attrs.field(default=None, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._link = Link(
            self._reactor, self.config, self._guard, self.client, self._intake, listener=self
        )
        self._runner = Runner(self._link)
        self._publishing = Publishing(
            self._reactor, self.client, self.config.ensure_publishing, self._configured
        )

    @property
    def over(self) -> bool:
        """Whether it was stopped."""
        return self.state == "stopped"

    def start(self) -> None:
        """Begin to collect."""
        self._intake.begin()
        self._publishing.start()
        self._running = Deferred.fromCoroutine(self._collect())
        self._running.addErrback(lambda f: self._log.failure("collection broke", failure=f))

    async def _collect(self) -> None:
        """Run the transports; an error in them that nobody has foreseen does not end it all."""
        while not self.over:
            try:
                await self._runner.run()
            except Exception as error:
                self._log.failure("a transport broke")
                self._troubled(f"connect: {error!r}", repr(error)[:REASON_CHARS])
            if not self.over:
                await self._wait()
                self._runner = Runner(self._link)

    async def _wait(self) -> None:
        self._pause = deferLater(self._reactor, AGAIN_SECONDS, lambda: None)
        try:
            await self._pause
        except CancelledError:
            return
        finally:
            self._pause = None

    async def stop(self, reason: str) -> None:
        """Take no more from CPA, hand over what is under way, and end."""
        if self.over:
            return
        self.state = "stopped"
        self._publishing.stop()
        if self._pause is not None:
            self._pause.cancel()
        stopping = Deferred.fromCoroutine(self._runner.stop())
        self._intake.end()
        await stopping
        self._logbook.tell(self._logbook.coverage.lost, reason)

    def retry(self) -> None:
        """Try again now what waits for its time."""
        self._runner.cut_short()
        if self._pause is not None:
            self._pause.cancel()

    # -- what the transports tell ---------------------------------------------------------------

    def connected(self, transport: str) -> None:
        """Records flow over this transport."""
        if self.over:
            return
        self.state, self.last_error = "running", ""
        self._logbook.tell(self._logbook.coverage.connected)
        self._publishing.connected()

    def drained(self, problem: str) -> None:
        """What CPA had queued is here, or could not be had."""
        if not self.over:
            self._logbook.tell(self._logbook.coverage.drained, problem)

    def failed(self, transport: str, stage: str, problem: Problem) -> None:
        """A transport does not work, or no longer."""
        if self.over:
            return
        coverage = self._logbook.coverage
        self._publishing.disconnected()
        if isinstance(problem, Dropped):
            self._logbook.tell(coverage.dropped)
        if isinstance(problem, QueueCut):
            self._logbook.tell(coverage.cut)
        if isinstance(problem, CpaUnreachable) or isinstance(problem.__cause__, CpaUnreachable):
            self._troubled(f"{stage}: {problem.message}", UNREACHABLE, cpa_is_down=True)
        else:
            self._troubled(f"{stage}: {problem.message}", problem.message[:REASON_CHARS])
        if kind_of(problem) is Kind.UNSUPPORTED and self.config.mode == "auto":
            # Not an error: the next transport is tried.
            self.state, self.last_error = "starting", ""
        else:
            self._log.warn("{error}", error=self.last_error)

    def _troubled(self, error: str, reason: str, *, cpa_is_down: bool = False) -> None:
        self.state, self.last_error = "error", error
        coverage = self._logbook.coverage
        self._logbook.tell(coverage.lost, reason, cpa_is_down=cpa_is_down)

    # -- what CPA's configuration tells ---------------------------------------------------------

    def _configured(self, found: CpaConfig | None) -> None:
        if self.over:
            return
        if found is None:
            if self._logbook.coverage.retention_ms is None:
                self._logbook.retained(DEFAULT_RETENTION_MS)
            return
        seconds = max(found.retention_seconds, 1)
        self._link.retention_seconds = self._runner.link.retention_seconds = seconds
        self._logbook.retained(seconds * 1000)
        self._logbook.tell(self._logbook.coverage.published, found.usage_statistics_enabled)

    def status(self) -> dict[str, Any]:
        """Members of `/status` (usage contract, 2.10), and ours."""
        config = self.config
        return {
            "collector": self.state,
            "upstream": config.url,
            "mode": config.mode,
            "transport": self._runner.transport,
            "queue": config.queue,
            "publishing": self._publishing.publishing,
            "cpaVersion": self.client.version,
            "key": self._guard.status(config.url, config.key),
        }


# Before the first run.
NOTHING: dict[str, Any] = {
    "collector": "stopped",
    "upstream": "",
    "mode": "auto",
    "transport": "",
    "queue": "usage",
    "publishing": None,
    "cpaVersion": "",
    "key": {"state": "unknown"},
}
