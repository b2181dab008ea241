"""Begins the inspections that the schedule wants (inspection contract, 2.1 and 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.schedule import Due, LastRun, due, next_at_ms
from cpamp.inspection.settings import InspectionSettings, Schedule
from cpamp.store import Store
from cpamp.store import inspection as stored

TICK_SECONDS = 10.0


@attrs.define(eq=False)
class Scheduler(Service):
    """Looks at the clock now and then. `seed` tells servers of one schedule apart."""

    _reactor: Any
    _store: Store
    _inspector: Inspector
    _settings_of: Callable[[], InspectionSettings]
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    _seed: str = ""
    _ticking: LoopingCall = attrs.field(init=False)
    # The schedule that was seen last, and since when it has been this one.
    _schedule: Schedule | None = attrs.field(default=None, init=False)
    _since_ms: int = attrs.field(default=0, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = self._reactor

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._ticking.start(TICK_SECONDS).addErrback(
            lambda f: self._log.failure("inspections are no longer scheduled", failure=f)
        )

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._ticking.running:
            self._ticking.stop()

    def _tick(self) -> Deferred[None]:
        ticked = Deferred.fromCoroutine(self.look())
        ticked.addErrback(lambda f: self._log.failure("a look at the schedule failed", failure=f))
        return ticked

    async def look(self) -> None:
        """End what an earlier process left under way, and begin what is due."""
        try:
            await self._inspector.recover()
            moment = await self._due()
            if moment is not None and self._settings_of().enabled:
                await self._inspector.start("scheduled", moment.key)
        except Problem as problem:
            # A run is under way, the store or CPA can't be reached: the next look may do better.
            self._log.debug("no scheduled inspection: {reason}", reason=problem.message)

    async def next_at_ms(self) -> int | None:
        """When the next inspection will be due; None while nothing is scheduled."""
        settings = self._settings_of()
        if not settings.enabled or not self._configured():
            return None
        return next_at_ms(settings.schedule, self._now_ms(), await self._last())

    async def _due(self) -> Due | None:
        settings = self._settings_of()
        if settings.schedule != self._schedule:
            # At the start there is nothing to compare with: what was missed is made up.
            self._since_ms = 0 if self._schedule is None else self._now_ms()
            self._schedule = settings.schedule
        if not settings.enabled or not self._configured():
            return None
        return due(
            settings.schedule,
            self._now_ms(),
            await self._last(),
            since_ms=self._since_ms,
            seed=self._seed,
        )

    async def _last(self) -> LastRun | None:
        last = await self._store.read(stored.latest_scheduled)
        return None if last is None else LastRun(*last)
