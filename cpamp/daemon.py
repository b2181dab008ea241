"""The life of the process: what starts in which order, and what ends in which.

Source: server contract, sections 3 and 17.1, with point B-17 of section 22.
"""

from __future__ import annotations

import atexit
import gc
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from cpamp import signals
from cpamp.errors import Problem
from cpamp.listening import Listener
from cpamp.security import files
from cpamp.security.admin import AdminGate
from cpamp.security.datakey import DataKeyError
from cpamp.security.lock import FolderLock, ProcessLock
from cpamp.security.vault import Vault
from cpamp.settings import Settings
from cpamp.setup.bootstrap import Bootstrapped, bootstrap
from cpamp.setup.service import SetupService
from cpamp.store import Store
from cpamp.store.database import open_database
from cpamp.takeover.replacing import take_place
from cpamp.takeover.service import how_to_go_back

# Requests that are being answered when the daemon is told to end get this long, in seconds.
GRACE_SECONDS = 10.0
# A terminal's Ctrl-C comes twice where a wrapper passes it on: a second signal counts only later.
IMPATIENT_SECONDS = 1.0
ADMIN_KEY_FILE = "admin-key.txt"


class StartFailed(SystemExit, Exception):
    """The start ended at a stage that the log names; the exit status is 1.

    A SystemExit, so that the interpreter adds no traceback to that line; and an Exception, so
    that twistd removes its process number file and tells the process that it was started by.
    """


@attrs.frozen
class _StageError(Exception):
    """A stage of the start failed for a reason that a person can be told."""

    stage: str
    reason: str


class Loading(Protocol):
    """A part that must have read the database before anybody asks for it."""

    def load(self, conn: sqlite3.Connection) -> None:
        """Read what it holds."""


@attrs.define(eq=False)
class Daemon(Service):
    """Starts the parts before the reactor serves anything, and stops them in order.

    The whole start is synchronous: whatever fails in it makes twistd end with status 1, in the
    background too. `key_in_log` says whether a generated admin key may be logged, since the log
    is a terminal's; otherwise it goes to a private file.
    """

    _reactor: Any
    _settings: Settings
    _lock: ProcessLock
    _folders: FolderLock
    # The folder of unfinished uploads.
    _uploads: Path
    _vault: Vault
    _gate: AdminGate
    _store: Store
    _setup: SetupService
    # What is held in memory whole, and read before the port opens.
    _held: tuple[Loading, ...]
    listener: Listener
    # Started in this order once the store is there; stopped in the reverse, before the port.
    _workers: tuple[Service, ...]
    _now_ms: Callable[[], int]
    _key_in_log: bool
    _started: list[Service] = attrs.field(factory=list, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def startService(self) -> None:
        """Go through the stages of section 3; raises `StartFailed`."""
        files.private_umask()
        files.raise_descriptor_limit()
        spare_the_collector()
        signals.end_with_the_terminal(self._reactor)
        try:
            self._start()
        except _StageError as e:
            self.listener.close()
            self._folders.release()
            self._lock.release()
            self._log.critical("{stage}: {reason}", stage=e.stage, reason=e.reason)
            raise StartFailed(1) from e
        Service.startService(self)

    def _start(self) -> None:
        with _stage("acquire manager database process lock"):
            self._lock.acquire()
            files.make_folder(self._settings.data_dir)
            self._folders.acquire()
        with _stage("load data key"):
            self._vault.load()
        with _stage("take over the existing server's database"):
            replaced = take_place(
                self._lock.database, self._uploads, self._vault.sealed, self._now_ms()
            )
        with _stage("bootstrap manager server"):
            found = self._bootstrap()
        self._gate.credential = found.credential
        self._setup.begin(found)
        self._announce(found, replaced)
        with _stage("http listen"):
            self.listener.bind(self._listener_died)
        for address in self.listener.addresses():
            self._log.info("cpa-manager-plus listening on {address}", address=address)
        with _stage("open sqlite"):
            self._store.startService()
        self._start_workers()

    def _start_workers(self) -> None:
        """From here on there are threads, which only an ordered stop ends."""
        try:
            for worker in self._workers:
                worker.startService()
                self._started.append(worker)
            self._setup.start_collecting()
        except Exception as e:
            self._log.failure("start workers: {reason}", reason=e)
            self._end_as_failed()

    def _bootstrap(self) -> Bootstrapped:
        with _stage("open sqlite"):
            conn = open_database(self._lock.database)
        try:
            found = bootstrap(conn, self._settings, self._vault, self._now_ms())
            for part in self._held:
                part.load(conn)
            return found
        except DataKeyError as e:
            raise _StageError("load data key", e.message) from e
        finally:
            conn.close()

    def _announce(self, found: Bootstrapped, replaced: Path | None) -> None:
        """The log lines of section 3, step 6."""
        if replaced is not None:
            self._log.info(
                "CPA Manager Plus legacy data migrated: the existing database is kept unchanged "
                "as {place}, its events are brought in now; to go back, {how}",
                place=replaced,
                how=how_to_go_back(self._lock.database, replaced),
            )
        if not found.generated_key:
            self._log.info("CPA Manager Plus admin credential initialized")
        elif self._key_in_log:
            self._log.info("CPA Manager Plus admin key generated: {key}", key=found.generated_key)
        else:
            place = self._settings.data_dir / ADMIN_KEY_FILE
            files.replace(place, found.generated_key.encode() + b"\n")
            self._log.info("CPA Manager Plus admin key generated: see {place}", place=place)
        if found.data_key_created:
            self._log.info("CPA Manager Plus data key created at {path}", path=self._vault.path)
        if self._vault.problem:
            self._log.error(
                "the saved CPA connection can't be used: {problem}; set it up again, "
                "or put the right data key back and restart",
                problem=self._vault.problem,
            )

    def stopService(self) -> Deferred[Any]:
        """The order of section 17.1. Fires when all of it has ended."""
        Service.stopService(self)
        signals.overhear_echoes()
        self._reactor.callLater(IMPATIENT_SECONDS, signals.end_at_once)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for worker in reversed(self._started):
            await self._ended(worker.stopService)
        await self._ended(lambda: self.listener.drain(GRACE_SECONDS))
        await self._ended(self._store.stopService)
        self._folders.release()
        self._lock.release()
        self._log.info("everything that was collected is stored")

    async def _ended(self, stop: Callable[[], Any]) -> None:
        """Stop one part; its failure is logged and does not keep the others running."""
        try:
            await maybeDeferred(stop)
        except Exception:
            self._log.failure("a part did not stop as it should")

    def _listener_died(self) -> None:
        self._log.critical("the HTTP listener has ended; the daemon ends too")
        self._end_as_failed()

    def _end_as_failed(self) -> None:
        """Stop in order, with a status that makes a supervisor start the daemon again (B-17).

        The reactor ends with 0 when it is merely stopped, and twistd has no word in that.
        """
        atexit.register(os._exit, 1)
        self._reactor.callWhenRunning(self._reactor.stop)


def spare_the_collector() -> None:
    """Look for garbage in cycles seldom: records are trees, and come by the ten thousand."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    # The event loop need not wait long for a thread that computes.
    sys.setswitchinterval(0.002)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """Name the stage of whatever a person could have caused."""
    try:
        yield
    except Problem as e:
        raise _StageError(name, e.message) from e
    except (OSError, sqlite3.Error) as e:
        raise _StageError(name, str(e)) from e
