"""Runs transports as the machine of `auto` says (usage contract, 2.3, 13 B4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from cpamp.collect.auto import PROBE_SECONDS, Auto, Event, Step
from cpamp.collect.interfaces import Listener, Transport, kind_of, stage_of
from cpamp.collect.transports import TRANSPORTS, Link
from cpamp.errors import Problem

_log = Logger()


def names_of(mode: str) -> Sequence[str]:
    """The transports of a mode, best first."""
    return (mode,) if mode in TRANSPORTS else tuple(TRANSPORTS)


@attrs.define(eq=False)
class Runner:
    """Keeps one transport running; tries better ones beside it."""

    link: Link
    _names: Sequence[str] = ()
    _auto: Auto = attrs.Factory(Auto)
    _running: Transport | None = None
    # A better one that is being tried.
    _probing: Transport | None = None
    _stopped: bool = False
    # The pause or wait that a stop or a change cuts short.
    _pause: Deferred[Any] | None = None
    _prober: Deferred[None] | None = None
    _outcome: Deferred[Any] | None = None

    @property
    def transport(self) -> str:
        """The one in use, or being tried."""
        return self._names[self._auto.current] if self._names else ""

    async def run(self) -> None:
        """Collect until stopped."""
        self._names = names_of(self.link.config.mode)
        self._auto = Auto(transports=len(self._names))
        # The listener is told through us, to know what works.
        listener, self.link.listener = self.link.listener, _Heard(self, self.link.listener)
        self._prober = Deferred.fromCoroutine(self._probe_now_and_then())
        try:
            while not self._stopped:
                step = await self._use(self._names[self._auto.current])
                if step is not None and not self._stopped:
                    await self._wait(step)
        finally:
            self.link.listener = listener
            if self._probing is not None:
                await self._probing.stop()
            self._prober.cancel()

    async def _use(self, name: str) -> Step | None:
        """Run a transport to its end; what to do next."""
        transport = self._running = self._running or TRANSPORTS[name](self.link)
        try:
            outcome = self._outcome or Deferred.fromCoroutine(transport.run())
            self._outcome = None
            await outcome
        except Problem as problem:
            if self._stopped or self._running is not transport:
                return None
            self._running = None
            self.link.listener.failed(name, stage_of(problem, name), problem)
            self._auto, step = self._auto.on(Event.of(kind_of(problem)))
            return step
        except CancelledError:
            return None
        if self._running is transport:
            self._running = None
        return None

    async def _wait(self, step: Step) -> None:
        seconds = step.after
        if step.for_key:
            config = self.link.config
            seconds = max(self.link.guard.wait_seconds(config.url, config.key), 1.0)
        if seconds <= 0:
            return
        self._pause = deferLater(self.link.reactor, seconds, lambda: None)
        try:
            await self._pause
        except CancelledError:
            return
        finally:
            self._pause = None

    def heard_working(self, name: str) -> None:
        """A transport works: the one in use, or a better one beside it."""
        number = list(self._names).index(name)
        if number == self._auto.current:
            self._auto, _ = self._auto.on(Event.WORKS)

    # -- trying better ones ---------------------------------------------------------------------

    async def _probe_now_and_then(self) -> None:
        with suppress(CancelledError):
            while not self._stopped:
                await deferLater(self.link.reactor, PROBE_SECONDS, lambda: None)
                if self._auto.works and self._running is not None:
                    for number in self._auto.probes:
                        if await self._move_up(number):
                            break

    async def _move_up(self, number: int) -> bool:
        """Try a better transport; once it works the current one is stopped."""
        config = self.link.config
        if self.link.guard.wait_seconds(config.url, config.key) > 0:
            return False
        name = self._names[number]
        works: Deferred[str] = Deferred()
        link = attrs.evolve(self.link, listener=_Probe(works, self.link.listener))
        candidate = self._probing = TRANSPORTS[name](link)
        outcome = Deferred.fromCoroutine(candidate.run())
        outcome.addErrback(_as_text, works)
        adopted = False
        try:
            adopted = not await works and not self._stopped
        finally:
            self._probing = None
            if not adopted:
                outcome.addErrback(lambda _: None)
        if not adopted:
            return False
        _log.info("moving up to {name}", name=name)
        former, self._running = self._running, candidate
        self._auto, _ = self._auto.on(Event.BETTER_WORKS, number)
        self._outcome = outcome
        link.listener = self.link.listener
        if former is not None:
            await former.stop()
        self.cut_short()
        return True

    def cut_short(self) -> None:
        """Wait no longer before the next try."""
        if self._pause is not None:
            self._pause.cancel()

    async def stop(self) -> None:
        """Stop the transport in use, which hands over what is under way, and one that is tried."""
        self._stopped = True
        self.cut_short()
        for transport in (self._running, self._probing):
            if transport is not None:
                await transport.stop()


def _as_text(failure: Any, works: Deferred[str]) -> Any:
    if not works.called:
        works.callback(str(failure.value) or "failed")
        return None
    return failure


@attrs.define(eq=False)
class _Heard:
    """The listener, with the runner before it."""

    runner: Runner
    listener: Listener

    def connected(self, transport: str) -> None:
        self.runner.heard_working(transport)
        self.listener.connected(transport)

    def drained(self, problem: str) -> None:
        self.listener.drained(problem)

    def failed(self, transport: str, stage: str, problem: Problem) -> None:
        self.listener.failed(transport, stage, problem)


@attrs.define(eq=False)
class _Probe:
    """The listener of a transport that is tried: its failure is nobody's business."""

    works: Deferred[str]
    listener: Listener

    def connected(self, transport: str) -> None:
        self.listener.connected(transport)
        if not self.works.called:
            self.works.callback("")

    def drained(self, problem: str) -> None:
        self.listener.drained(problem)

    def failed(self, transport: str, stage: str, problem: Problem) -> None:
        pass
