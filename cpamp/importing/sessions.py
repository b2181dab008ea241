"""Resumable uploads: chunks on disk, then one import in the background (usage contract, 8)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import orjson
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.importing.forms import ImportInvalid
from cpamp.importing.job import ImportJob
from cpamp.store import Store

READ_BYTES = 1024 * 1024
TERMINAL = ("completed", "failed", "cancelled")
_ID = re.compile(r"[0-9a-f]{32}")


class SessionInvalid(Problem):
    """The request makes no sense for an upload."""

    code = "usage_import_session_invalid_request"
    status = 400


class SessionNotFound(Problem):
    """There is no such upload, or no longer."""

    code = "usage_import_session_not_found"
    status = 404


class SessionConflict(Problem):
    """The upload is not in a state for that."""

    code = "usage_import_session_conflict"
    status = 409


class SessionTooLarge(Problem):
    """More bytes than may come."""

    code = "usage_import_session_too_large"
    status = 413


class QuotaExceeded(Problem):
    """There is no room for another upload."""

    code = "usage_import_session_quota_exceeded"
    status = 507


class LimitExceeded(Problem):
    """Too many uploads are under way."""

    code = "usage_import_session_limit_exceeded"
    status = 429


class SessionUnavailable(Problem):
    """The upload's files can't be used."""

    code = "usage_import_session_unavailable"
    status = 500


@attrs.define
class Limits:
    """What uploads may take; the time to live in ms."""

    chunk_bytes: int
    disk_bytes: int
    sessions: int
    ttl_ms: int


@attrs.define
class Session:
    """One upload, as it is on disk and in replies."""

    id: str
    filename: str
    size_bytes: int
    chunk_size_bytes: int
    created_at_ms: int
    updated_at_ms: int
    status: str = "uploading"
    received_bytes: int = 0
    resume_key: str = ""
    retryable: bool = False
    error: str = ""
    result: dict[str, Any] | None = None
    cancelling: bool = False
    # Not kept: a chunk or an import is under way.
    busy: DeferredLock = attrs.field(factory=DeferredLock, eq=False)
    job: ImportJob | None = attrs.field(default=None, eq=False)

    @property
    def active(self) -> bool:
        """Whether it takes a place and room."""
        return self.status not in TERMINAL or (self.status == "failed" and self.retryable)

    def body(self, ttl_ms: int) -> dict[str, Any]:
        """The reply."""
        body = {
            "id": self.id,
            "filename": self.filename,
            "status": self.status,
            "size_bytes": self.size_bytes,
            "received_bytes": self.received_bytes,
            "chunk_size_bytes": self.chunk_size_bytes,
            "created_at_ms": self.created_at_ms,
            "updated_at_ms": self.updated_at_ms,
            "expires_at_ms": self.updated_at_ms + ttl_ms,
            "retryable": self.retryable,
        }
        if self.error:
            body["error"] = self.error
        if self.result is not None:
            body["result"] = self.result
        return body

    def record(self) -> bytes:
        """What is kept on disk."""
        names = [a.name for a in attrs.fields(Session) if a.name not in ("busy", "job")]
        return orjson.dumps({name: getattr(self, name) for name in names})


@attrs.define(eq=False)
class Sessions(Service):
    """All uploads of one data directory."""

    _reactor: Any
    _store: Store
    folder: Path
    limits: Limits
    _now_ms: Callable[[], int]
    _sessions: dict[str, Session] = attrs.Factory(dict)
    _cleaner: LoopingCall | None = None
    _imports: set[Deferred[None]] = attrs.Factory(set)
    _log: Logger = attrs.Factory(Logger)

    # -- life -----------------------------------------------------------------------------------

    def startService(self) -> None:
        """Find the uploads of earlier runs."""
        super().startService()
        if self.folder.is_symlink():
            raise SessionUnavailable(f"{self.folder} is a symbolic link, which is refused")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._recover()
        seconds = min(max(self.limits.ttl_ms / 4000, 1.0), 900.0)
        self._cleaner = LoopingCall(self._expire)
        self._cleaner.clock = self._reactor
        self._cleaner.start(seconds, now=False).addErrback(
            lambda f: self._log.failure("cleaning uploads failed", failure=f)
        )

    def stopService(self) -> Deferred[Any]:
        """Let imports stop at a batch; they go on with `complete` after a restart."""
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

    def _recover(self) -> None:
        for file in self.folder.glob("*.json"):
            try:
                session = Session(**orjson.loads(file.read_bytes()))
            except (ValueError, TypeError, OSError):
                file.unlink(missing_ok=True)
                continue
            self._judge(session)
            self._sessions[session.id] = session
            self._save(session)
        for file in self.folder.glob("*.part"):
            if file.stem not in self._sessions:
                file.unlink(missing_ok=True)

    def _judge(self, session: Session) -> None:
        """The data file tells how far an upload had come."""
        if not session.active:
            return
        part = self._part(session)
        size = part.stat().st_size if part.exists() else -1
        if session.cancelling:
            session.status, session.retryable = "cancelled", False
        elif size < 0 or size > session.size_bytes:
            session.status, session.retryable = "failed", False
            session.error = "the uploaded data is missing or damaged"
        else:
            session.received_bytes = size
            whole = size == session.size_bytes
            session.status = "ready" if whole else "uploading"

    # -- files (all in threads, but at the start) -----------------------------------------------

    def _part(self, session: Session) -> Path:
        return self.folder / f"{session.id}.part"

    def _save(self, session: Session) -> None:
        target = self.folder / f"{session.id}.json"
        aside = target.with_suffix(".json.new")
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(session.record())
            f.flush()
            os.fsync(f.fileno())
        aside.replace(target)

    def _remove(self, session: Session, *, data_alone: bool = False) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._part(session).unlink()
        if not data_alone:
            with contextlib.suppress(FileNotFoundError):
                (self.folder / f"{session.id}.json").unlink()

    async def _saved(self, session: Session) -> dict[str, Any]:
        session.updated_at_ms = self._now_ms()
        try:
            await deferToThread(self._save, session)
        except OSError as error:
            raise SessionUnavailable(f"the upload can't be kept: {error.strerror}") from error
        return session.body(self.limits.ttl_ms)

    async def _expire(self) -> None:
        edge = self._now_ms() - self.limits.ttl_ms
        for session in list(self._sessions.values()):
            idle = session.job is None and not session.busy.locked
            if session.updated_at_ms < edge and idle:
                del self._sessions[session.id]
                await deferToThread(self._remove, session)

    async def _found(self, number: str) -> Session:
        await self._expire()
        session = self._sessions.get(number) if _ID.fullmatch(number) else None
        if session is None:
            raise SessionNotFound("there is no such usage import upload")
        return session

    # -- what may be asked ----------------------------------------------------------------------

    async def create(self, request: Any) -> dict[str, Any]:
        """A new upload, or the one with the same resume key."""
        name, size, key = _creation(request)
        await self._expire()
        if key:
            for session in self._sessions.values():
                if session.resume_key == key:
                    if (session.filename, session.size_bytes) != (name, size):
                        raise SessionConflict("the resume key belongs to another file")
                    return session.body(self.limits.ttl_ms)
        if size > self.limits.disk_bytes:
            raise SessionTooLarge("the file is larger than uploads may be")
        active = [s for s in self._sessions.values() if s.active]
        if len(active) >= self.limits.sessions:
            raise LimitExceeded("too many usage imports are under way")
        if sum(s.size_bytes for s in active) + size > self.limits.disk_bytes:
            raise QuotaExceeded("there is no room for another usage import")
        now = self._now_ms()
        chunk = min(self.limits.chunk_bytes, size)
        session = Session(secrets.token_hex(16), name, size, chunk, now, now, resume_key=key)
        self._sessions[session.id] = session
        await deferToThread(_create, self._part(session))
        return await self._saved(session)

    async def listed(self) -> list[dict[str, Any]]:
        """All uploads, newest first."""
        await self._expire()
        found = sorted(self._sessions.values(), key=lambda s: -s.created_at_ms)
        return [session.body(self.limits.ttl_ms) for session in found]

    async def shown(self, number: str) -> dict[str, Any]:
        """One upload."""
        return (await self._found(number)).body(self.limits.ttl_ms)

    async def write(
        self, number: str, offset: int, body: AsyncIterator[bytes], length: int | None
    ) -> dict[str, Any]:
        """Append a chunk; it is on the disk when this returns, or not at all."""
        session = await self._found(number)
        if session.status != "uploading":
            raise SessionConflict(f"usage import upload is {session.status}")
        if session.busy.locked:
            raise SessionConflict("another chunk of this upload is being received")
        if offset != session.received_bytes:
            raise SessionConflict(f"chunk offset mismatch: expected {session.received_bytes}")
        most = min(session.chunk_size_bytes, session.size_bytes - offset)
        if length is not None and length > most:
            raise SessionTooLarge(f"a chunk may have at most {most} bytes here")
        await session.busy.acquire()
        try:
            size = await self._receive(session, offset, body, most)
            if size == 0:
                raise SessionInvalid("the chunk is empty")
            if session.cancelling:
                raise SessionConflict("usage import upload is cancelled")
            session.received_bytes = offset + size
            if session.received_bytes == session.size_bytes:
                session.status = "ready"
            return await self._saved(session)
        finally:
            session.busy.release()

    async def _receive(
        self, session: Session, offset: int, body: AsyncIterator[bytes], most: int
    ) -> int:
        part = self._part(session)
        size = 0
        try:
            async for data in body:
                if size + len(data) > most:
                    raise SessionTooLarge(f"a chunk may have at most {most} bytes here")
                await deferToThread(_append, part, offset + size, data)
                size += len(data)
            await deferToThread(_sync, part)
        except BaseException as error:
            with contextlib.suppress(OSError):
                await deferToThread(os.truncate, part, offset)
            if isinstance(error, OSError):
                raise SessionUnavailable(f"the chunk can't be kept: {error.strerror}") from error
            raise
        return size

    async def complete(self, number: str) -> tuple[dict[str, Any], bool]:
        """Begin the import; the upload, and whether it is done already."""
        session = await self._found(number)
        if session.status == "completed":
            return session.body(self.limits.ttl_ms), True
        if session.status == "processing":
            return session.body(self.limits.ttl_ms), False
        if session.status == "uploading":
            raise SessionConflict("usage import upload is not complete")
        if session.status == "cancelled":
            raise SessionConflict("usage import upload is cancelled")
        if session.status == "failed" and not session.retryable:
            raise SessionConflict("usage import upload has failed and cannot be retried")
        session.status, session.error, session.retryable = "processing", "", False
        body = await self._saved(session)
        job = session.job = ImportJob(self._reactor, self._store, self._now_ms, self.folder)
        done = Deferred.fromCoroutine(self._process(session, job))
        self._imports.add(done)
        done.addBoth(lambda _: self._imports.discard(done))
        return body, False

    async def _process(self, session: Session, job: ImportJob) -> None:
        try:
            report = await job.run(_file_chunks(self._part(session)))
            stopped = job.cancelled and not session.cancelling
            session.status = "cancelled" if session.cancelling else "completed"
            if stopped:
                # The daemon is ending: the file is imported again, which adds what is missing.
                session.status = "processing"
        except ImportInvalid as error:
            report, session.status, session.error = job.report, "failed", error.message
        except Problem as error:
            report, session.status, session.error = job.report, "failed", error.message
            session.retryable = True
        except Exception:
            self._log.failure("an import failed")
            report, session.status, session.error = job.report, "failed", "internal error"
        session.job, session.result = None, report.body()
        await self._saved(session)
        if not session.active:
            await deferToThread(self._remove, session, data_alone=True)

    async def cancel(self, number: str) -> tuple[dict[str, Any], bool]:
        """Give an upload up; the upload, and whether that is done."""
        session = await self._found(number)
        if not session.active:
            return session.body(self.limits.ttl_ms), True
        session.cancelling = True
        if session.job is not None:
            session.job.cancelled = True
            return await self._saved(session), False
        await session.busy.acquire()
        session.busy.release()
        session.status, session.retryable = "cancelled", False
        body = await self._saved(session)
        await deferToThread(self._remove, session, data_alone=True)
        return body, True


def _creation(request: Any) -> tuple[str, int, str]:
    if not isinstance(request, dict) or set(request) - {"filename", "size_bytes", "resume_key"}:
        raise SessionInvalid("the body must be an object with filename, size_bytes, resume_key")
    name, size = request.get("filename"), request.get("size_bytes")
    key = request.get("resume_key") or ""
    if name is not None and not isinstance(name, str):
        raise SessionInvalid("filename must be a text")
    if type(size) is not int or size <= 0:
        raise SessionInvalid("size_bytes must be a positive integer")
    if not isinstance(key, str) or (key and not _ID.fullmatch(key)):
        raise SessionInvalid("resume_key must be 32 lower-case hexadecimal digits")
    base = re.split(r"[/\\]", name or "")[-1].replace("\0", "").strip()[:240]
    return base or "usage-import.jsonl", size, key


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _append(path: Path, offset: int, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        if os.pwrite(fd, data, offset) < len(data):
            raise OSError(28, "no room for the upload")
    finally:
        os.close(fd)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


async def _file_chunks(path: Path) -> AsyncIterator[bytes]:
    file = await deferToThread(path.open, "rb")
    try:
        while data := await deferToThread(file.read, READ_BYTES):
            yield data
    finally:
        file.close()
