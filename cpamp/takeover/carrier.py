"""Bringing the history of one database in, batch by batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from cpamp.errors import StoreUnavailable
from cpamp.store import Store, dead_letters
from cpamp.takeover import reference
from cpamp.takeover.history import Batch, History, Letters
from cpamp.takeover.progress import Progress, save

T = TypeVar("T")
P = ParamSpec("P")
RETRY_SECONDS = 5.0


class Stopped(Exception):
    """The rest is left to the next start."""


@attrs.define(eq=False)
class Carrier:
    """Reads a batch while the one before it is stored, together with the mark of how far it goes.

    `progress` is what is stored; `problem` why it does not go on just now, or "".
    """

    _reactor: Any
    _store: Store
    _now_ms: Callable[[], int]
    _keep_raw: bool
    progress: Progress
    problem: str = ""
    stopping: bool = False
    _history: History = attrs.field(init=False)
    # The one thread in which the source is read.
    _pool: ThreadPool = attrs.field(factory=lambda: ThreadPool(1, 1, "takeover"), init=False)
    _storing: Deferred[None] | None = attrs.field(default=None, init=False)
    _pause: Deferred[None] | None = attrs.field(default=None, init=False)

    def stop(self) -> None:
        """End after the batch in hand."""
        self.stopping = True
        if self._pause is not None:
            self._pause.cancel()

    async def run(self) -> None:
        """Bring all of it in; raises `Stopped`, or what opening and reading the source raises."""
        self._pool.start()
        source = ExitStack()
        try:
            await self._in_thread(self._open, source)
            await self._bring_letters()
            await self._bring_events()
            finished = attrs.evolve(self.progress, finished_at_ms=self._now_ms())
            await self._until_stored(self._store.write, save, finished, self._now_ms())
            self.progress = finished
        finally:
            await self._in_thread(source.close)
            self._pool.stop()

    def _open(self, source: ExitStack) -> None:
        if not self.progress.replaced:
            source.enter_context(reference.unused(self.progress.path))
        conn = source.enter_context(reference.opened(self.progress.path))
        reference.check(conn)
        self._history = History(conn, self._now_ms(), self._keep_raw)

    async def _bring_letters(self) -> None:
        while True:
            batch = await self._in_thread(self._history.letters, self.progress.last_letter)
            if not batch.letters:
                return
            await self._store_letters(batch)

    async def _store_letters(self, batch: Letters) -> None:
        new = await self._store.read(dead_letters.missing, batch.letters)
        after = attrs.evolve(
            self.progress, last_letter=batch.last_id, letters=self.progress.letters + len(new)
        )

        def mark(conn: sqlite3.Connection) -> None:
            save(conn, after, self._now_ms())

        await self._until_stored(self._store.add_dead_letters, new, mark)
        self.progress = after

    async def _bring_events(self) -> None:
        last = self.progress.last_id
        try:
            while last < self.progress.of:
                batch = await self._in_thread(self._history.events, last, self.progress.of)
                last = batch.last_id
                await self._settled()
                self._storing = Deferred.fromCoroutine(self._store_batch(batch))
        finally:
            await self._settled()

    async def _settled(self) -> None:
        """Wait until nothing is being stored."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def _store_batch(self, batch: Batch) -> None:
        def mark(conn: sqlite3.Connection, new: Sequence[bool]) -> None:
            save(conn, self._after(batch, new), self._now_ms())

        added = await self._until_stored(self._store.add_events, batch.events, also=mark)
        self.progress = self._after(batch, added.new)

    def _after(self, batch: Batch, new: Sequence[bool]) -> Progress:
        before = self.progress
        return attrs.evolve(
            before,
            last_id=batch.last_id,
            added=before.added + sum(new),
            skipped=before.skipped + len(new) - sum(new),
            unreadable=before.unreadable + batch.unreadable,
        )

    async def _until_stored(
        self, write: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `write` gives, once the store takes it; raises `Stopped`."""
        while not self.stopping:
            try:
                result = await write(*args, **kwargs)
            except StoreUnavailable as error:
                self.problem = error.message
                await self._wait()
            else:
                self.problem = ""
                return result
        raise Stopped

    async def _wait(self) -> None:
        self._pause = deferLater(self._reactor, RETRY_SECONDS)
        try:
            await self._pause
        except CancelledError:
            pass
        finally:
            self._pause = None

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        result: T = await deferToThreadPool(self._reactor, self._pool, work, *args)
        return result
