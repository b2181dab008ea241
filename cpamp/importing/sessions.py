"""Resumable uploads: chunks on disk, then one import in the background (usage contract, 8)."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.importing.folder import UploadFolder
from cpamp.importing.forms import ImportInvalid
from cpamp.importing.job import ImportFailed, ImportJob, gathered
from cpamp.importing.session import (
    ID,
    Creation,
    Incoming,
    LimitExceeded,
    Limits,
    QuotaExceeded,
    Session,
    SessionConflict,
    SessionInvalid,
    SessionNotFound,
    SessionTooLarge,
    SessionUnavailable,
)
from cpamp.store import Store

T = TypeVar("T")
READ_BYTES = 1024 * 1024
# Why an upload can't be imported, by its status.
_NOT_NOW = {
    "uploading": "usage import upload is not complete",
    "cancelled": "usage import upload is cancelled",
    "failed": "usage import upload failed and cannot be retried",
}


@attrs.define(eq=False)
class Sessions(Service):
    """All uploads of one data directory."""

    _reactor: Any
    _store: Store
    _folder: UploadFolder
    _limits: Limits
    _now_ms: Callable[[], int]
    _sessions: dict[str, Session] = attrs.Factory(dict)
    _cleaner: LoopingCall | None = None
    _imports: set[Deferred[None]] = attrs.Factory(set)
    # Held while one of the metadata files is replaced.
    _keeping: DeferredLock = attrs.Factory(DeferredLock)
    _log: Logger = attrs.Factory(Logger)

    # -- life -----------------------------------------------------------------------------------

    @property
    def scratch(self) -> Path:
        """Where files may lie that don't outlive an import."""
        return self._folder.path

    def startService(self) -> None:
        """Find the uploads of earlier runs."""
        super().startService()
        self._folder.open()
        self._sessions = {session.id: session for session in self._folder.recover()}
        self._cleaner = LoopingCall(self._expire)
        self._cleaner.clock = self._reactor
        seconds = min(max(self._limits.ttl_ms / 4000, 1.0), 900.0)
        self._cleaner.start(seconds, now=False).addErrback(
            lambda f: self._log.failure("cleaning uploads failed", failure=f)
        )

    def stopService(self) -> Deferred[Any]:
        """Let imports stop at a batch; they can be completed again after a restart."""
        super().stopService()
        if self._cleaner is not None:
            self._cleaner.stop()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for session in self._sessions.values():
            if session.job is not None:
                session.job.cancelled = True
        for done in list(self._imports):
            await done

    async def _expire(self) -> None:
        edge = self._now_ms() - self._limits.ttl_ms
        for session in list(self._sessions.values()):
            if session.updated_at_ms <= edge and session.idle:
                del self._sessions[session.id]
                try:
                    await self._in_thread(self._folder.remove, session)
                except OSError as error:
                    self._log.warn("an expired upload is left: {error}", error=error)

    # -- what may be asked ----------------------------------------------------------------------

    async def create(self, request: Any) -> dict[str, Any]:
        """A new upload, or the one with the same resume key."""
        wanted = Creation.read(request)
        await self._expire()
        for session in self._sessions.values():
            if wanted.resume_key and session.resume_key == wanted.resume_key:
                if (session.filename, session.size_bytes) != (wanted.filename, wanted.size_bytes):
                    raise SessionConflict("the resume key belongs to another file")
                return self._body(session)
        self._check_room(wanted.size_bytes)
        session = self._new(wanted)
        self._sessions[session.id] = session
        try:
            await self._in_thread(self._folder.create, session)
        except OSError as error:
            del self._sessions[session.id]
            with contextlib.suppress(OSError):
                await self._in_thread(self._folder.remove, session)
            raise _unavailable(error) from error
        return self._body(session)

    def _check_room(self, size: int) -> None:
        if size > self._limits.disk_bytes:
            raise SessionTooLarge("the file is larger than usage imports may be")
        active = [session for session in self._sessions.values() if session.active]
        if len(active) >= self._limits.sessions:
            raise LimitExceeded("too many usage imports are under way")
        if sum(session.size_bytes for session in active) + size > self._limits.disk_bytes:
            raise QuotaExceeded("there is no room for another usage import")

    def _new(self, wanted: Creation) -> Session:
        now = self._now_ms()
        return Session(
            id=secrets.token_hex(16),
            filename=wanted.filename,
            size_bytes=wanted.size_bytes,
            chunk_size_bytes=min(self._limits.chunk_bytes, wanted.size_bytes),
            created_at_ms=now,
            updated_at_ms=now,
            resume_key=wanted.resume_key,
        )

    async def listed(self) -> list[dict[str, Any]]:
        """All uploads, newest first."""
        await self._expire()
        newest_first = sorted(self._sessions.values(), key=lambda s: s.created_at_ms, reverse=True)
        return [self._body(session) for session in newest_first]

    async def shown(self, number: str) -> dict[str, Any]:
        """One upload."""
        return self._body(await self._found(number))

    async def write(
        self, number: str, offset: int, body: Incoming, length: int | None
    ) -> dict[str, Any]:
        """Append a chunk; it is on the disk when this returns, or not at all."""
        session = await self._found(number)
        if session.status != "uploading" or session.cancelling:
            raise SessionConflict(f"usage import upload is {session.status}")
        if session.busy.locked:
            raise SessionConflict("another chunk of this upload is being received")
        if offset != session.received_bytes:
            raise SessionConflict(f"chunk offset mismatch: expected {session.received_bytes}")
        most = min(session.chunk_size_bytes, session.size_bytes - offset)
        if length is not None and length > most:
            raise SessionTooLarge(f"a chunk may have at most {most} bytes here")
        await session.busy.acquire()
        session.incoming = body
        try:
            await self._receive(session, body, most)
        finally:
            session.incoming = None
            session.busy.release()
        return self._body(session)

    async def _receive(self, session: Session, body: Incoming, most: int) -> None:
        """Take a chunk; what goes wrong leaves the upload as it was."""
        offset, size = session.received_bytes, 0
        try:
            async for data in gathered(body):
                if size + len(data) > most:
                    raise SessionTooLarge(f"a chunk may have at most {most} bytes here")
                await self._in_thread(self._folder.append, session, offset + size, data)
                size += len(data)
            if not size:
                raise SessionInvalid("the chunk is empty")
            await self._in_thread(self._folder.sync, session)
            session.received_bytes = offset + size
            session.status = "ready" if offset + size == session.size_bytes else "uploading"
            await self._keep(session)
        except BaseException as error:
            session.received_bytes, session.status = offset, "uploading"
            with contextlib.suppress(OSError):
                await self._in_thread(self._folder.cut, session, offset)
            if isinstance(error, OSError):
                raise _unavailable(error) from error
            raise

    async def complete(self, number: str) -> tuple[dict[str, Any], bool]:
        """Begin the import; the upload, and whether it is done already."""
        session = await self._found(number)
        if session.status in ("completed", "processing"):
            return self._body(session), session.status == "completed"
        if session.busy.locked or (session.status != "ready" and not session.retryable):
            raise SessionConflict(_NOT_NOW.get(session.status, _NOT_NOW["uploading"]))
        if session.cancelling:
            raise SessionConflict(_NOT_NOW["cancelled"])
        before = (session.status, session.error, session.retryable, session.result)
        session.status, session.error, session.retryable = "processing", "", False
        session.result = None
        try:
            await self._keep(session)
        except SessionUnavailable:
            session.status, session.error, session.retryable, session.result = before
            raise
        session.job = ImportJob(self._reactor, self._store, self._now_ms, self._folder.path)
        done = Deferred.fromCoroutine(self._process(session, session.job))
        self._imports.add(done)
        done.addErrback(lambda f: self._log.failure("an import failed", failure=f))
        done.addBoth(lambda _: self._imports.discard(done))
        return self._body(session), False

    async def cancel(self, number: str) -> tuple[dict[str, Any], bool]:
        """Give an upload up; the upload, and whether that is done."""
        session = await self._found(number)
        if not session.active:
            return self._body(session), True
        session.cancelling = True
        if session.status == "processing":
            await self._keep(session)
            if session.job is not None:
                session.job.cancelled = True
            return self._body(session), not session.active
        if session.incoming is not None:
            session.incoming.fail(SessionConflict("usage import upload is cancelled"))
        await session.busy.acquire()
        session.busy.release()
        session.status, session.retryable = "cancelled", False
        await self._keep(session)
        await self._drop_data(session)
        return self._body(session), True

    # -- the import -----------------------------------------------------------------------------

    async def _process(self, session: Session, job: ImportJob) -> None:
        try:
            await job.run(self._data(session))
            # Where the daemon ends, the file is imported again later: that adds what is missing.
            session.status = "completed" if not job.cancelled else "processing"
        except (ImportInvalid, ImportFailed) as error:
            session.status, session.error = "failed", error.message
            session.retryable = isinstance(error, ImportFailed) and error.retryable
        except Exception:
            self._log.failure("an import failed")
            session.status, session.error = "failed", "internal server error"
        if session.cancelling:
            session.status, session.error, session.retryable = "cancelled", "", False
        session.job, session.result = None, job.report.body()
        await self._keep(session)
        if not session.active:
            await self._drop_data(session)

    async def _data(self, session: Session) -> AsyncIterator[bytes]:
        file = await self._in_thread(self._folder.reader, session)
        with file:
            while data := await self._in_thread(file.read, READ_BYTES):
                yield data

    # -- small things ---------------------------------------------------------------------------

    def _body(self, session: Session) -> dict[str, Any]:
        return session.body(self._limits.ttl_ms)

    async def _found(self, number: str) -> Session:
        await self._expire()
        session = self._sessions.get(number) if ID.fullmatch(number) else None
        if session is None:
            raise SessionNotFound("there is no such usage import upload")
        return session

    async def _keep(self, session: Session) -> None:
        """Write down what is known of an upload; raises `SessionUnavailable`."""
        await self._keeping.acquire()
        try:
            session.updated_at_ms = self._now_ms()
            await self._in_thread(self._folder.save, session.id, session.kept())
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            self._keeping.release()

    async def _drop_data(self, session: Session) -> None:
        # What can't be removed now goes when the upload expires.
        with contextlib.suppress(OSError):
            await self._in_thread(self._folder.remove_data, session)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        pool = self._reactor.getThreadPool()
        result: T = await deferToThreadPool(self._reactor, pool, work, *args)
        return result


def _unavailable(error: OSError) -> Problem:
    return SessionUnavailable(f"the upload can't be kept: {error.strerror or error}")
