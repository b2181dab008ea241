"""Keeps the coverage of one connection: in the store, over restarts, and for `/status`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from cpamp.collect.coverage import MINUTE_MS, STOPPED, Coverage
from cpamp.collect.worker import Working
from cpamp.errors import StoreUnavailable
from cpamp.store import Store
from cpamp.store import coverage as table
from cpamp.store.coverage import STATES, Run

DAY_MINUTES = 1440
HOLES_SHOWN = 20
# The time of day may differ by this much from what the monotonic clock makes of it.
JUMP_MS = 5_000


@attrs.define(eq=False)
class Logbook:
    """Tells facts to the coverage as they happen, and writes what it makes of them once a minute.

    `alive` is a file with the last moment (ms) at which the process ran: renewed with every tick,
    it bounds the time that a killed process missed.
    """

    _reactor: Any
    _store: Store
    _worker: Working
    _now_ms: Callable[[], int]
    _alive: Path
    _connection: int = 1
    coverage: Coverage = attrs.field(factory=Coverage, init=False)
    # Whether there is anything to be watched: since the first configuration.
    _begun: bool = attrs.field(default=False, init=False)
    _ready: bool = attrs.field(default=False, init=False)
    _early: list[Callable[[], None]] = attrs.field(factory=list, init=False)
    _recent: list[Run] = attrs.field(factory=list, init=False)
    _written_minute: int = attrs.field(default=0, init=False)
    _clocks: tuple[int, float] | None = attrs.field(default=None, init=False)
    _writing: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    async def open(self) -> None:
        """Find out until when an earlier process ran. Facts told before wait for this."""
        last = await self._worker.run(_read_moment, self._alive)
        minute = self._now_ms() // MINUTE_MS
        try:
            if last is None:
                newest = await self._store.read(table.last_minute, self._connection)
                last = None if newest is None else (newest + 1) * MINUTE_MS
            self._recent = await self._store.read(
                table.between, self._connection, minute - DAY_MINUTES, minute
            )
        except StoreUnavailable as error:
            self._log.warn("the former coverage can't be read: {reason}", reason=error.message)
        self._ready = True
        if last is not None:
            self._begin(last)
        early, self._early = self._early, []
        for fact in early:
            fact()

    def _begin(self, last_ms: int | None) -> None:
        if not self._begun:
            self._begun = True
            now = self._moment()
            self.coverage.started(now, last_ms)
            self.coverage.lost(now, STOPPED)

    def _moment(self) -> int:
        """The time of day, after having looked whether it goes on as it should."""
        now, monotonic = self._now_ms(), self._reactor.seconds()
        if self._clocks is not None:
            then, before = self._clocks
            if abs(now - then - (monotonic - before) * 1000) > JUMP_MS:
                self._log.warn("the clock jumped, or the machine slept")
                self.coverage.jumped(now)
        self._clocks = now, monotonic
        return now

    # -- facts ----------------------------------------------------------------------------------

    def tell(self, fact: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Tell `coverage` a fact of this moment: ``fact(now_ms, …)`` is one of its methods."""
        if self._ready:
            self._begin(None)
            fact(self._moment(), *args, **kwargs)
        else:
            self._early.append(lambda: self.tell(fact, *args, **kwargs))

    def retained(self, retention_ms: int) -> None:
        """CPA keeps queued records this long."""
        self.coverage.retained(retention_ms)

    # -- keeping --------------------------------------------------------------------------------

    async def tick(self, *, at_once: bool = False) -> None:
        """Time has passed; what is judged is written once a minute, or at once."""
        if not self._begun:
            return
        now = self._moment()
        self.coverage.tick(now)
        await self._worker.run(_write_moment, self._alive, now)
        minute = now // MINUTE_MS
        if at_once or minute != self._written_minute:
            self._written_minute = minute
            await self._writing.run(Deferred.fromCoroutine, self._write())

    async def _write(self) -> None:
        runs = self.coverage.take()
        if not runs:
            return
        try:
            await self._store.write(table.put, self._connection, runs)
        except StoreUnavailable:
            self.coverage.give_back(runs)
            return
        self._recent = table.merge([*self._recent, *runs])

    # -- showing --------------------------------------------------------------------------------

    def covers(self, from_ms: int, to_ms: int) -> bool:
        """Whether all of a stretch of the last day was covered, as far as is known."""
        first, last = from_ms // MINUTE_MS, (to_ms - 1) // MINUTE_MS
        runs = table.merge([*self._recent, *self.coverage.pending])
        return any(
            run.from_minute <= first and run.to_minute >= last and run.state == "covered"
            for run in runs
        )

    def status(self) -> dict[str, Any]:
        """The last 24 hours in minutes by state, the newest holes, and the open gap."""
        last = self._now_ms() // MINUTE_MS
        first = last - DAY_MINUTES + 1
        minutes = dict.fromkeys(STATES, 0)
        holes = []
        self._recent = [run for run in self._recent if run.to_minute >= first]
        for run in table.merge([*self._recent, *self.coverage.pending]):
            begin, end = max(run.from_minute, first), min(run.to_minute, last)
            if end < begin:
                continue
            minutes[run.state] += end - begin + 1
            if run.state != "covered":
                holes.append(_hole(run))
        gap = self.coverage.gap
        return {
            "last24h": {
                "coveredMinutes": minutes["covered"],
                "atRiskMinutes": minutes["at_risk"],
                "lostMinutes": minutes["lost"],
            },
            "holes": holes[-HOLES_SHOWN:],
            "gap": {"sinceMs": gap[0].since_ms, "reason": gap[-1].reason} if gap else None,
        }


def _hole(run: Run) -> dict[str, Any]:
    return {
        "fromMs": run.from_minute * MINUTE_MS,
        "toMs": (run.to_minute + 1) * MINUTE_MS,
        "state": run.state,
        "reason": run.reason,
    }


def _read_moment(alive: Path) -> int | None:
    try:
        return int(alive.read_text())
    except (OSError, ValueError):
        return None


def _write_moment(alive: Path, now_ms: int) -> None:
    # Not synced: a kill does not need it, and after a power cut an older moment is on the safe
    # side.
    try:
        alive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(alive, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, f"{now_ms:<16}".encode(), 0)
        finally:
            os.close(fd)
    except OSError:
        return
