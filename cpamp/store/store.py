"""The store: one writer, a pool of readers, the columns, and their life (storage design, 2, 3)."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import attrs
from twisted.application.service import Service
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from cpamp.columns.columns import Snapshot
from cpamp.errors import StoreUnavailable
from cpamp.store import dead_letters
from cpamp.store.database import file_uri, open_reader
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.upkeep import Upkeep
from cpamp.store.writing import Added, AlsoWrite, WriterConnection
from cpamp.usage.event import Event

T = TypeVar("T")
P = ParamSpec("P")
READERS = 4
# Those that compute as well, so that other reads need not wait for them.
QUESTIONERS = 2
UPKEEP_SECONDS = 30.0
# Subjects of `Store.alter`: details of stored events, and what is known of quota windows.
DETAILS, QUOTA = "details", "quota"
# How often columns that fell behind try again, and how often new rows are synced: a start reads
# few rows again, and other programs see nearly all.
TEND_SECONDS = 5.0


@attrs.frozen
class Counts:
    """What `/status` counts, kept and not counted anew."""

    events: int
    dead_letters: int


@attrs.define(eq=False)
class Store(Service):
    """All access to the database. Every method that touches it returns a Deferred.

    The database must exist when the service starts (`database.open_database`).
    """

    _reactor: Any
    _path: Path
    _now_ms: Callable[[], int]
    _tend_seconds: float = TEND_SECONDS
    dictionaries: Dictionaries = attrs.field(factory=Dictionaries, init=False)
    problem: str = attrs.field(default="", init=False)
    # By subject: how often `alter` has written since the start.
    alterations: Counter[str] = attrs.field(factory=Counter, init=False)
    _derived: Derived = attrs.field(init=False)
    _writer: WriterConnection = attrs.field(init=False)
    _upkeep: Upkeep = attrs.field(init=False)
    _write_pool: ThreadPool = attrs.field(init=False)
    _tend_pool: ThreadPool = attrs.field(init=False)
    _read_pool: adbapi.ConnectionPool | None = attrs.field(default=None, init=False)
    _question_pool: adbapi.ConnectionPool | None = attrs.field(default=None, init=False)
    _renewal_listeners: list[Callable[[], object]] = attrs.field(factory=list, init=False)
    _calls: list[LoopingCall] = attrs.field(factory=list, init=False)
    _tending: Deferred[None] | None = attrs.field(default=None, init=False)
    _dead_letters: int = attrs.field(default=0, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._derived = Derived.beside(self._path, self.dictionaries)
        self._writer = WriterConnection(self._path, self._derived, self._reopened)
        self._upkeep = Upkeep(self._path, self._now_ms, lambda: self._writer.in_place)

    # -- life -----------------------------------------------------------------------------------

    def startService(self) -> None:
        """Open the connections; columns that are behind catch up in the background."""
        super().startService()
        self._writer.open()
        with closing(open_reader(self._path)) as conn:
            self._dead_letters = dead_letters.count(conn)
        self._write_pool = ThreadPool(1, 1, "writer")
        self._tend_pool = ThreadPool(1, 1, "tend")
        self._write_pool.start()
        self._tend_pool.start()
        self._open_readers()
        for call, seconds in (
            (LoopingCall(self._tend), self._tend_seconds),
            (LoopingCall(self._in_background, self._upkeep.run), UPKEEP_SECONDS),
        ):
            call.clock = self._reactor
            call.start(seconds, now=True)
            self._calls.append(call)

    def _open_readers(self) -> None:
        self._read_pool = self._open_pool("readers", READERS)
        self._question_pool = self._open_pool("questioners", QUESTIONERS)

    def _open_pool(self, name: str, size: int) -> adbapi.ConnectionPool:
        pool = adbapi.ConnectionPool(
            "sqlite3",
            file_uri(self._path, "ro"),
            uri=True,
            check_same_thread=False,
            isolation_level=None,
            timeout=5.0,
            cp_reactor=self._reactor,
            cp_min=1,
            cp_max=size,
            cp_name=name,
            cp_openfun=self._prepare_reader,
        )
        pool.start()
        return pool

    def _take_pools(self) -> list[adbapi.ConnectionPool]:
        """The pools, which are the caller's to close."""
        pools = [pool for pool in (self._read_pool, self._question_pool) if pool is not None]
        self._read_pool = self._question_pool = None
        return pools

    def _prepare_reader(self, conn: sqlite3.Connection) -> None:
        if not self._writer.in_place:
            raise sqlite3.OperationalError(f"{self._path} is not the file that was opened")
        conn.execute("PRAGMA query_only=ON")
        conn.execute("PRAGMA busy_timeout=5000")

    def _reopened(self) -> None:
        """The file was replaced: readers must begin anew."""
        self.dictionaries.forget()
        self._reactor.callFromThread(self._renew_readers)

    def _renew_readers(self) -> None:
        if self._read_pool is not None and self.running:
            # Left to its own end: a read that is under way finishes on the file that it has.
            old = self._take_pools()
            self._open_readers()
            for pool in old:
                self._in_background(pool.close)
            self._tend()
            for listener in self._renewal_listeners:
                listener()

    def on_renewal(self, listener: Callable[[], object]) -> None:
        """Call this when rows may have become others without a write: the file was replaced."""
        self._renewal_listeners.append(listener)

    async def _stop(self) -> None:
        for call in self._calls:
            call.stop()
        self._calls.clear()
        if self._tending is not None:
            await self._tending
        for pool in self._take_pools():
            # In a thread, since it waits for the reads that are under way.
            await self._in_background(pool.close)
        await deferToThreadPool(self._reactor, self._tend_pool, lambda: None)
        await deferToThreadPool(self._reactor, self._write_pool, self._writer.close)
        self._write_pool.stop()
        self._tend_pool.stop()

    def stopService(self) -> Deferred[Any]:
        """Let the writer finish, sync the columns, close everything."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    # -- writing --------------------------------------------------------------------------------

    async def add_events(
        self, events: Sequence[Event], connection: int = 1, also: AlsoWrite | None = None
    ) -> Added:
        """Store the events that are new, all or none; raises `StoreUnavailable`.

        `also` writes in the same transaction.
        """
        return await self._in_writer(self._writer.add, events, connection, also)

    async def write(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``work(conn, …)`` in one transaction in the writer's thread, and commit it.

        Raises `StoreUnavailable` with nothing written.
        """
        return await self._in_writer(
            self._writer.transaction, lambda conn: work(conn, *args, **kwargs)
        )

    async def alter(
        self,
        subject: str,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`write`, counted: answers that tell of the subject and are kept are no longer good."""
        result = await self.write(work, *args, **kwargs)
        self.alterations[subject] += 1
        return result

    async def add_dead_letters(
        self,
        letters: Sequence[DeadLetter],
        also: Callable[[sqlite3.Connection], object] | None = None,
    ) -> None:
        """Keep refused records; raises `StoreUnavailable`. `also` writes in that transaction."""

        def work(conn: sqlite3.Connection) -> int:
            if also is not None:
                also(conn)
            return dead_letters.add(conn, letters)

        self._dead_letters = await self.write(work)

    async def _in_writer(self, work: Callable[..., T], *args: Any) -> T:
        try:
            result: T = await deferToThreadPool(self._reactor, self._write_pool, work, *args)
        except StoreUnavailable as error:
            if error.message != self.problem:
                self._log.error("{problem}", problem=error.message)
            self.problem = error.message
            raise
        if self.problem:
            self._log.info("the database can be written again")
            self.problem = ""
        return result

    # -- reading --------------------------------------------------------------------------------

    async def read(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``work(conn, …)`` on a read-only connection in a reader's thread."""
        return await self._in_pool(self._read_pool, work, *args, **kwargs)

    async def ask(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same for work that computes for long; such work waits its turn."""
        return await self._in_pool(self._question_pool, work, *args, **kwargs)

    @staticmethod
    async def _in_pool(
        pool: adbapi.ConnectionPool | None, work: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        if pool is None:
            raise StoreUnavailable("the store is closed")
        try:
            return await pool.runWithConnection(work, *args, **kwargs)  # type: ignore[no-any-return]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the database can't be read: {error}") from error

    @property
    def level(self) -> bool:
        """Whether the columns have all events; while they have not, `status` says how many."""
        return self._derived.level

    @property
    def columns_folder(self) -> Path:
        """Where the columns lie."""
        return self._derived.folder

    def snapshot(self) -> Snapshot:
        """The rows of the columns that there are now."""
        assert self._derived.columns is not None
        return self._derived.columns.snapshot()

    @property
    def last_id(self) -> int:
        """The id of the newest stored event."""
        return self._writer.events.last_id

    @property
    def counts(self) -> Counts:
        """How many events and dead letters there are."""
        return Counts(self.last_id, self._dead_letters)

    def status(self) -> dict[str, Any]:
        """Members of `/status`: the file and its WAL, the columns, and what is wrong."""
        return {
            "database": self._upkeep.snapshot,
            "derived": self._derived.status(self.last_id),
            "store": {"ready": not self.problem, "problem": self.problem},
        }

    # -- tending --------------------------------------------------------------------------------

    def _in_background(self, work: Callable[[], T]) -> Deferred[T]:
        done: Deferred[T] = deferToThreadPool(self._reactor, self._tend_pool, work)
        done.addErrback(lambda f: self._log.failure("upkeep of the database failed", failure=f))
        return done

    def _tend(self) -> None:
        if self._tending is None:
            self._tending = Deferred.fromCoroutine(self._tend_all())
            self._tending.addErrback(lambda f: self._log.failure("tending failed", failure=f))
            self._tending.addBoth(self._tended)

    def _tended(self, _: Any) -> None:
        self._tending = None

    async def _tend_all(self) -> None:
        """See whether the file is in its place, let columns catch up, and sync what has grown."""
        if self.problem or not self._writer.in_place:
            try:
                await self._in_writer(self._writer.probe)
            except StoreUnavailable:
                return
        if not self._derived.level:
            await deferToThreadPool(self._reactor, self._tend_pool, self._catch_up)
            if self.running:
                await deferToThreadPool(
                    self._reactor, self._write_pool, self._writer.finish_columns
                )
        if self._derived.wants_sync:
            await deferToThreadPool(self._reactor, self._tend_pool, self._derived.sync)

    def _catch_up(self) -> None:
        columns = self._derived.columns
        if columns is None:
            return
        with closing(open_reader(self._path)) as conn:
            while self.running and self._derived.catch_up(conn, columns):
                pass
