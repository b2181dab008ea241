"""From the intake into the store, or into the spool while the store can't take it.

A batch is forgotten only when it is committed or spooled. While one batch is being committed the
next one is decoded; both in threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from cpamp.collect.decoding import Decoded, decode_items, letter
from cpamp.collect.intake import Intake, Item
from cpamp.collect.spool import Spool, SpoolFull, pack
from cpamp.collect.worker import Working
from cpamp.errors import StoreUnavailable
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.writing import Added
from cpamp.usage.event import Event
from cpamp.usage.record import Control

BATCH = 500
# How long a batch that is not full waits for more, in seconds.
FILL_SECONDS = 0.08
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
# What is in hand at a stop has this long to reach the store or the spool.
STOP_SECONDS = 15.0


class Storing(Protocol):
    """The part of the store that the pipeline uses."""

    async def add_events(self, events: Sequence[Event], connection: int = 1) -> Added:
        """Store the events that are new."""

    async def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep refused records."""


class Naming(Protocol):
    """Fills account names in."""

    async def fill(self, events: list[Event]) -> None:
        """Give events the names that are known of their credentials."""


@attrs.define
class Totals:
    """What was done since the process began; points in time in ms, 0 = never."""

    inserted: int = 0
    skipped: int = 0
    consumed_at_ms: int = 0
    inserted_at_ms: int = 0
    # Records that were here and reached neither the store nor the spool before the end.
    abandoned: int = 0


@attrs.define(eq=False)
class Pipeline:
    """Moves records on, those of one CPA connection. `on_control` hears of control messages,
    `on_added` of the events that were not there before; neither may raise or take long.
    """

    _reactor: Any
    _worker: Working
    _store: Storing
    intake: Intake
    spool: Spool
    _names: Naming
    _now_ms: Callable[[], int]
    _on_control: Callable[[Control], None]
    _on_added: Callable[[list[Event]], None]
    _connection: int = 1
    _keep_raw: bool = False
    totals: Totals = attrs.field(factory=Totals, init=False)
    # Why the store and the spool do not take events; "" while they do.
    _store_trouble: str = attrs.field(default="", init=False)
    _spool_trouble: str = attrs.field(default="", init=False)
    _stop_by: float | None = attrs.field(default=None, init=False)
    _running: Deferred[None] | None = attrs.field(default=None, init=False)
    _replaying: Deferred[None] | None = attrs.field(default=None, init=False)
    _pauses: set[Deferred[None]] = attrs.field(factory=set, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def start(self) -> None:
        """Begin; what an earlier run spooled goes first."""
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(self._broke)

    def _broke(self, failure: Any) -> None:
        self._log.failure("collection broke", failure=failure)
        self._store_trouble = f"collection broke: {failure.getErrorMessage()}; restart cpamp"

    async def stop(self) -> None:
        """Store or spool everything that is in the intake, and end."""
        self._stop_by = self._reactor.seconds() + STOP_SECONDS
        self.intake.wake()
        for pause in list(self._pauses):
            pause.cancel()
        if self._running is not None:
            await self._running
        if self._replaying is not None:
            await self._replaying
        await self._worker.run(self.spool.close)

    @property
    def problem(self) -> str:
        """Why events are not stored at once, as `/status` shows it; "" if they are."""
        troubles = [text for text in (self._store_trouble, self._spool_trouble) if text]
        return f"store: {'; '.join(troubles)}" if troubles else ""

    @property
    def _stopping(self) -> bool:
        return self._stop_by is not None

    @property
    def _too_late(self) -> bool:
        return self._stop_by is not None and self._reactor.seconds() >= self._stop_by

    # -- the way of a batch ---------------------------------------------------------------------

    async def _run(self) -> None:
        await self._open_spool()
        committing: Deferred[None] | None = None
        while not self._stopping or len(self.intake):
            if not await self._filled():
                continue
            items = self.intake.take(BATCH)
            self.totals.consumed_at_ms = items[-1].arrived_ms
            decoded: Decoded = await self._worker.run(decode_items, items, keep_raw=self._keep_raw)
            for control in decoded.controls:
                self._on_control(control)
            await self._names.fill(decoded.events)
            if committing is not None:
                await committing
            committing = Deferred.fromCoroutine(self._settle(items, decoded))
        if committing is not None:
            await committing

    async def _open_spool(self) -> None:
        try:
            await self._worker.run(self.spool.open)
        except OSError as error:
            self._log.error("the spool can't be used: {error}", error=error)
        if self.spool.events:
            self._log.info("{n} events are in the spool", n=self.spool.events)
            self._replay()

    async def _filled(self) -> bool:
        """Wait for something, and a moment longer for a full batch; whether there is any."""
        if self._stopping:
            return bool(len(self.intake))
        await self.intake.arrival(1)
        if not self.intake.has(BATCH) and not self._stopping:
            filling = self.intake.arrival(BATCH)
            timer = self._reactor.callLater(FILL_SECONDS, self.intake.wake)
            await filling
            if timer.active():
                timer.cancel()
        return bool(len(self.intake))

    async def _settle(self, items: list[Item], decoded: Decoded) -> None:
        """Bring a decoded batch to safety; then its room in the intake is free."""
        for start in range(0, len(decoded.events), BATCH):
            await self._keep(decoded.events[start : start + BATCH])
        if decoded.letters:
            await self._keep_letters(decoded.letters)
        self.intake.settled(items)

    async def _keep(self, events: list[Event]) -> None:
        """Store a batch, or spool it; goes on trying until either has worked."""
        tries = 0
        while not self._too_late:
            # What is newer than the spool goes behind it.
            if self._replaying is None and await self._added(events):
                return
            if await self._spooled(events):
                self._replay()
                return
            await self._pause(tries)
            tries += 1
        self.totals.abandoned += len(events)
        self._log.error("{n} events are lost: {reason}", n=len(events), reason=self.problem)

    async def _added(self, events: list[Event]) -> bool:
        try:
            await self._add(events)
        except StoreUnavailable as error:
            self._in_trouble(error.message)
            return False
        return True

    async def _spooled(self, events: list[Event]) -> bool:
        try:
            await self._worker.run(self.spool.append, events)
        except SpoolFull as full:
            self._spool_trouble = str(full)
            return False
        except Exception as error:
            self._log.failure("events can't be spooled")
            self._spool_trouble = repr(error)
            return False
        self._spool_trouble = ""
        return True

    async def _add(self, events: list[Event]) -> None:
        """Store events; one that can't be stored costs none of its neighbours."""
        try:
            added = await self._store.add_events(events, self._connection)
        except StoreUnavailable:
            raise
        except Exception as error:
            await self._add_apart(events, error)
            return
        self._store_trouble = self._spool_trouble = ""
        self.totals.inserted += added.inserted
        self.totals.skipped += added.skipped
        self.totals.inserted_at_ms = self._now_ms()
        self._on_added([event for event, new in zip(events, added.new, strict=True) if new])

    async def _add_apart(self, events: list[Event], error: Exception) -> None:
        if len(events) > 1:
            middle = len(events) // 2
            await self._add(events[:middle])
            await self._add(events[middle:])
            return
        self._log.error("an event can't be stored: {error!r}", error=error)
        reason = f"{type(error).__name__}: {error}"
        await self._store.add_dead_letters([letter(pack(events), reason, self._now_ms())])

    async def _keep_letters(self, letters: list[DeadLetter]) -> None:
        tries = 0
        while not self._too_late:
            try:
                await self._store.add_dead_letters(letters)
            except StoreUnavailable as error:
                self._in_trouble(error.message)
                await self._pause(tries)
                tries += 1
            else:
                if self._replaying is None:
                    self._store_trouble = ""
                return
        self._log.error("{n} dead letters are lost", n=len(letters))

    def _in_trouble(self, reason: str) -> None:
        if not self._store_trouble:
            self._log.error("the store does not take events: {reason}", reason=reason)
        self._store_trouble = reason

    async def _pause(self, tries: int) -> None:
        seconds = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
        pause: Deferred[None] = deferLater(self._reactor, seconds, lambda: None)
        self._pauses.add(pause)
        try:
            await pause
        except CancelledError:
            return
        finally:
            self._pauses.discard(pause)

    # -- the spool ------------------------------------------------------------------------------

    def _replay(self) -> None:
        if self._replaying is None:
            self._replaying = Deferred.fromCoroutine(self._replay_all())
            self._replaying.addErrback(
                lambda f: self._log.failure("the spool can't be replayed", failure=f)
            )
            self._replaying.addBoth(self._replayed)

    def _replayed(self, _: Any) -> None:
        self._replaying = None

    async def _replay_all(self) -> None:
        """Store what was spooled, oldest first, as soon as the store takes it.

        At a stop the rest stays where it is: it is safe there.
        """
        tries = 0
        while not self._stopping:
            try:
                if not await self._replay_file():
                    self._log.info("the spool is empty")
                    return
                tries = 0
            except (StoreUnavailable, OSError) as error:
                self._in_trouble(str(error))
                await self._pause(tries)
                tries += 1

    async def _replay_file(self) -> bool:
        """Store the oldest file's events; whether there was one."""
        spooled = await self._worker.run(self.spool.oldest)
        if spooled is None:
            return False
        for batch in spooled.batches:
            if self._stopping:
                return True
            await self._add(batch)
        await self._worker.run(self.spool.remove, spooled)
        return True

    def status(self) -> dict[str, Any]:
        """Members of `/status`."""
        return {
            "intakeBytes": self.intake.size,
            "intakeLimitBytes": self.intake.limit,
            "spoolBytes": self.spool.size,
            "spoolEvents": self.spool.events,
            "spoolLimitBytes": self.spool.limit,
        }
