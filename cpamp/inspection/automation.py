"""What newly collected events set off: cooldowns and candidates (inspection contract, 11, 12)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.inspection.candidates import Candidates, candidate_of
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.evidence import exhaustion_of
from cpamp.inspection.policy import COOLDOWN, DISABLE, QUEUE, Policy
from cpamp.store import Store, account_log, candidates, cooldowns, quota
from cpamp.usage.event import Event

# Statuses that may concern the credential.
STATUSES = (401, 402, 403, 429)
# Work that waits; what is more is dropped, since the same failure will come again.
MOST_WAITING = 256
FORGET_SECONDS = 3600.0


@attrs.define(eq=False)
class Automation(Service):
    """Hears of every new event, and does one thing after the other in the background."""

    _reactor: Any
    _store: Store
    _policy: Policy
    _cooldowns: Cooldowns
    _candidates: Candidates
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    # The newest exhaustion of each credential, and each failure that is to be counted.
    _waiting: dict[Any, Event] = attrs.field(factory=dict, init=False)
    _dropped: int = attrs.field(default=0, init=False)
    _working: Deferred[None] | None = attrs.field(default=None, init=False)
    _forgetting: LoopingCall = attrs.field(init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._forgetting = LoopingCall(self._forget_old)
        self._forgetting.clock = self._reactor

    def startService(self) -> None:
        """Begin to listen."""
        super().startService()
        self._forgetting.start(FORGET_SECONDS).addErrback(
            lambda f: self._log.failure("what is over is no longer deleted", failure=f)
        )

    def stopService(self) -> Deferred[None] | None:
        """End after what is being done."""
        super().stopService()
        if self._forgetting.running:
            self._forgetting.stop()
        self._waiting.clear()
        return self._working

    def _forget_old(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self._store.write(forget_all, self._now_ms()))
        done.addErrback(lambda f: self._log.warn("old rows stay: {f}", f=f.getErrorMessage()))
        return done

    def added(self, events: Sequence[Event]) -> None:
        """These were stored for the first time; called by the collector, which must not wait."""
        for event in events:
            end = event.end
            if end.failed and end.fail_status_code in STATUSES and event.who.auth_file_snapshot:
                self._wait(event)
        if self._waiting:
            self._begin(self._work())

    def _wait(self, event: Event) -> None:
        who = (event.who.auth_file_snapshot, event.who.auth_index)
        limited = event.end.fail_status_code == 429
        key = who if limited else (*who, event.event_hash)
        if key not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting[key] = event

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._working is not None or not self.running:
            work.close()
            return
        self._working = Deferred.fromCoroutine(work)
        self._working.addErrback(lambda f: self._log.failure("automation failed", failure=f))
        self._working.addCallback(self._worked)

    def _worked(self, _: Any) -> None:
        self._working = None
        if self._waiting and self.running:
            self._begin(self._work())

    async def _work(self) -> None:
        await self._policy.load()
        while self._waiting and self.running:
            event = self._waiting.pop(next(iter(self._waiting)))
            if not self._configured():
                continue
            try:
                await self._treat(event)
            except Problem as problem:
                self._log.warn(
                    "nothing was done about {file}: {reason}",
                    file=event.who.auth_file_snapshot,
                    reason=problem.message,
                )
        if self._dropped:
            self._log.warn("{n} failures were too many at once", n=self._dropped)
            self._dropped = 0

    async def _treat(self, event: Event) -> None:
        now_ms = self._now_ms()
        if self._policy.on(COOLDOWN):
            found = exhaustion_of(event, now_ms)
            if found is not None:
                await self._cooldowns.take(found)
        if self._policy.on(QUEUE):
            candidate = candidate_of(event, now_ms)
            if candidate is not None:
                await self._candidates.take(candidate, disable=self._policy.on(DISABLE))


def forget_all(conn: sqlite3.Connection, now_ms: int) -> None:
    """Delete what has long been over."""
    cooldowns.forget_old(conn, now_ms)
    candidates.forget_old(conn, now_ms)
    quota.forget_old(conn, now_ms)
    account_log.forget_old(conn, now_ms)
