"""From the intake into the store, or into the spool while the store can't take it.

A batch is forgotten only when it is committed or spooled. Decoding and committing take turns in
their threads: side by side they would only wait for each other's interpreter lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from cpamp.collect.decoding import Decoded, decode_items
from cpamp.collect.intake import Intake, Item
from cpamp.collect.spool import Spool, SpoolFull
from cpamp.errors import StoreUnavailable
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.writing import Added
from cpamp.usage.event import Event
from cpamp.usage.record import Control

BATCH = 500
# How long a batch that is not full waits for more, in seconds.
FILL_SECONDS = 0.05
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)


class Storing(Protocol):
    """The part of the store that collection uses."""

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
    # Attempts stored by credential, for the comparison with CPA's own counters.
    by_credential: Counter[str] = attrs.Factory(Counter)


@attrs.define(eq=False)
class Pipeline:
    """Moves records on. `on_control` hears of control messages."""

    _reactor: Any
    _store: Storing
    intake: Intake
    spool: Spool
    _names: Naming
    _now_ms: Callable[[], int]
    _on_control: Callable[[Control], None]
    keep_raw: bool = False
    totals: Totals = attrs.Factory(Totals)
    problem: str = ""
    _pool: ThreadPool = attrs.field(init=False)
    _stopping: bool = False
    _running: Deferred[None] | None = None
    _replaying: Deferred[None] | None = None
    _fill: Deferred[Any] | None = None
    _retry: Deferred[Any] | None = None
    _log: Logger = attrs.Factory(Logger)

    def __attrs_post_init__(self) -> None:
        self._pool = ThreadPool(1, 1, "intake")

    def start(self) -> None:
        """Begin; what an earlier run spooled goes first."""
        self._pool.start()
        self.spool.open()
        if self.spool.events:
            self._replay()
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda f: self._log.failure("collection broke", failure=f))

    async def stop(self) -> None:
        """Store or spool everything that is in the intake, and end."""
        self._stopping = True
        self.intake.wake()
        for pause in (self._fill, self._retry):
            if pause is not None:
                pause.cancel()
        if self._running is not None:
            await self._running
        if self._replaying is not None:
            await self._replaying
        await self._in_thread(self.spool.close)
        self._pool.stop()

    async def _in_thread(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await deferToThreadPool(self._reactor, self._pool, work, *args, **kwargs)

    # -- the way of a batch ---------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._stopping or len(self.intake):
            if not len(self.intake):
                await self.intake.wait_for_items()
                continue
            if len(self.intake) < BATCH and not self._stopping:
                await self._wait_to_fill()
            items = self.intake.take(BATCH)
            decoded = await self._in_thread(
                decode_items, items, self._now_ms(), keep_raw=self.keep_raw
            )
            self.totals.consumed_at_ms = self._now_ms()
            for control in decoded.controls:
                self._on_control(control)
            await self._names.fill(decoded.events)
            await self._settle(items, decoded)

    async def _wait_to_fill(self) -> None:
        self._fill = deferLater(self._reactor, FILL_SECONDS, lambda: None)
        try:
            await self._fill
        except CancelledError:
            return
        finally:
            self._fill = None

    async def _settle(self, items: list[Item], decoded: Decoded) -> None:
        """Bring a decoded batch to safety; then its room in the intake is free."""
        events = decoded.events
        for start in range(0, len(events), BATCH):
            await self._keep(events[start : start + BATCH])
        if decoded.letters:
            await self._until_stored(lambda: self._store.add_dead_letters(decoded.letters))
        self.intake.settled(items)

    async def _keep(self, events: list[Event]) -> None:
        while True:
            # What is newer than the spool goes behind it.
            if self._replaying is None:
                try:
                    await self._add(events)
                except StoreUnavailable as error:
                    self._in_trouble(error)
                else:
                    return
            try:
                await self._in_thread(self.spool.append, events)
            except SpoolFull as full:
                self.problem = f"store: {full}"
                await self._pause(0)
            else:
                self._replay()
                return

    async def _add(self, events: list[Event]) -> None:
        added = await self._store.add_events(events)
        self.problem = ""
        totals = self.totals
        totals.inserted += added.inserted
        totals.skipped += added.skipped
        totals.inserted_at_ms = self._now_ms()
        totals.by_credential.update(
            event.who.auth_index
            for event, new in zip(events, added.new, strict=True)
            if new and event.who.auth_index
        )

    def _in_trouble(self, error: StoreUnavailable) -> None:
        if not self.problem:
            self._log.error("events go to the spool: {reason}", reason=error.message)
        self.problem = f"store: {error.message}"

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        tries = 0
        while True:
            try:
                await store()
                return
            except StoreUnavailable as error:
                self._in_trouble(error)
                if self._stopping and tries >= len(RETRY_SECONDS):
                    self._log.error("dead letters are lost: {reason}", reason=error.message)
                    return
                await self._pause(tries)
                tries += 1

    async def _pause(self, tries: int) -> None:
        seconds = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
        self._retry = deferLater(self._reactor, seconds, lambda: None)
        try:
            await self._retry
        except CancelledError:
            return
        finally:
            self._retry = None

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
        """Store what was spooled, oldest first, as soon as the store takes it."""
        tries = 0
        while not (self._stopping and tries > 1):
            found = await self._in_thread(self.spool.oldest)
            if found is None:
                self._log.info("the spool is empty again")
                return
            file, batches = found
            try:
                for batch in batches:
                    await self._add(batch)
            except StoreUnavailable as error:
                self._in_trouble(error)
                await self._pause(tries)
                tries += 1
                continue
            tries = 0
            await self._in_thread(self.spool.remove, file, sum(map(len, batches)))

    def status(self) -> dict[str, Any]:
        """Members of `/status`."""
        return {
            "intakeBytes": self.intake.size,
            "intakeLimitBytes": self.intake.limit,
            "spoolBytes": self.spool.size,
            "spoolEvents": self.spool.events,
            "spoolLimitBytes": self.spool.limit,
        }


def spool_folder(data_dir: Path) -> Path:
    """Where spool files lie."""
    return data_dir / "spool"
