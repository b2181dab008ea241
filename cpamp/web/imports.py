"""Import over HTTP, direct and in chunks (usage contract, 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from cpamp.errors import BadRequest, Problems
from cpamp.importing.forms import ImportInvalid
from cpamp.importing.job import ImportFailed, ImportJob
from cpamp.importing.session import (
    LimitExceeded,
    QuotaExceeded,
    SessionConflict,
    SessionInvalid,
    SessionNotFound,
    SessionTooLarge,
    SessionUnavailable,
)
from cpamp.importing.sessions import Sessions
from cpamp.store import Store
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, JSON, Body, Reply, route, whole
from cpamp.web.shapes import bodies, manager

DIRECT_BYTES = 64 * 1024 * 1024
SESSIONS = "/v0/management/usage/import-sessions"

UPLOADING: Problems = (SessionNotFound, SessionConflict, SessionUnavailable)


@attrs.define
class Imports:
    """`/v0/management/usage/import` and `…/import-sessions`."""

    _reactor: Any
    _store: Store
    _sessions: Sessions
    _now_ms: Callable[[], int]

    @route(
        "POST",
        "/v0/management/usage/import",
        summary="Import a file: exported events, raw records, or a legacy snapshot; also gzip",
        body=Body.stream(DIRECT_BYTES, ("application/x-ndjson", JSON, "application/gzip")),
        answer=manager.ImportResult,
        problems=(ImportInvalid, ImportFailed),
    )
    async def direct(self, request: ApiRequest) -> Any:
        """Read and stored while it arrives."""
        job = ImportJob(self._reactor, self._store, self._now_ms, self._sessions.scratch)
        return (await job.run(request.body)).body()

    @route(
        "POST",
        SESSIONS,
        summary="Begin a resumable upload",
        body=Body.json(bodies.UploadBody, 64 * 1024),
        answer=manager.Upload,
        problems=(SessionInvalid, SessionConflict, LimitExceeded, QuotaExceeded, SessionTooLarge),
    )
    async def begin(self, request: ApiRequest) -> Any:
        """Or find the one with the same resume key."""
        return Reply(201, await self._sessions.create(await request.json()))

    @route("GET", SESSIONS, summary="All uploads", answer=manager.Uploads)
    async def listed(self, request: ApiRequest) -> Any:
        """So that an abandoned one can be found."""
        return {"sessions": await self._sessions.listed()}

    @route(
        "GET",
        f"{SESSIONS}/<session>",
        summary="An upload",
        answer=manager.Upload,
        problems=(SessionNotFound,),
    )
    async def shown(self, request: ApiRequest, session: str) -> Any:
        """How far it is."""
        return await self._sessions.shown(session)

    @route(
        "PUT",
        f"{SESSIONS}/<session>/chunk",
        summary="The next piece of an upload",
        query={"offset": whole("where it begins, where the last one ended", required=True)},
        body=Body.stream(kinds=("application/octet-stream",)),
        answer=manager.Upload,
        problems=(*UPLOADING, BadRequest, SessionInvalid, SessionTooLarge, QuotaExceeded),
    )
    async def chunk(self, request: ApiRequest, session: str) -> Any:
        """On the disk when it is answered."""
        text = request.query("offset") or ""
        if not text.isdecimal() or len(text) > 18:
            raise BadRequest("offset must be a whole number")
        length = request.header("Content-Length")
        return await self._sessions.write(
            session, int(text), request.body, int(length) if length else None
        )

    @route(
        "POST",
        f"{SESSIONS}/<session>/complete",
        summary="Import what was uploaded",
        answer=manager.Upload,
        problems=UPLOADING,
    )
    async def complete(self, request: ApiRequest, session: str) -> Any:
        """Goes on in the background."""
        upload, done = await self._sessions.complete(session)
        return Reply(200 if done else 202, upload)

    @route(ANY_METHOD, f"{SESSIONS}/<session>/<action>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, session: str, action: str) -> Any:
        """What is below an upload and is none of the other routes."""
        raise SessionNotFound("there is no such action for a usage import upload")

    @route(
        "DELETE",
        f"{SESSIONS}/<session>",
        summary="Give an upload up",
        answer=manager.Upload,
        problems=UPLOADING,
    )
    async def cancel(self, request: ApiRequest, session: str) -> Any:
        """What was imported so far stays."""
        upload, done = await self._sessions.cancel(session)
        return Reply(200 if done else 202, upload)
