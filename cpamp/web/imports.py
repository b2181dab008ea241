"""Import over HTTP, direct and in chunks (usage contract, 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from cpamp.errors import BadRequest
from cpamp.importing.job import ImportJob
from cpamp.importing.session import SessionNotFound
from cpamp.importing.sessions import Sessions
from cpamp.store import Store
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, Reply, route
from cpamp.web.shapes import manager

DIRECT_BYTES = 64 * 1024 * 1024
SESSIONS = "/v0/management/usage/import-sessions"


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
        body=Body.stream(DIRECT_BYTES),
        answer=manager.ImportResult,
    )
    async def direct(self, request: ApiRequest) -> Any:
        """Read and stored while it arrives."""
        job = ImportJob(self._reactor, self._store, self._now_ms, self._sessions.scratch)
        return (await job.run(request.body)).body()

    @route(
        "POST",
        SESSIONS,
        summary="Begin a resumable upload",
        body=Body(64 * 1024),
        answer=manager.Upload,
    )
    async def begin(self, request: ApiRequest) -> Any:
        """Or find the one with the same resume key."""
        return Reply(201, await self._sessions.create(await request.json()))

    @route("GET", SESSIONS, summary="All uploads", answer=manager.Uploads)
    async def listed(self, request: ApiRequest) -> Any:
        """So that an abandoned one can be found."""
        return {"sessions": await self._sessions.listed()}

    @route("GET", f"{SESSIONS}/<number>", summary="An upload", answer=manager.Upload)
    async def shown(self, request: ApiRequest, number: str) -> Any:
        """How far it is."""
        return await self._sessions.shown(number)

    @route(
        "PUT",
        f"{SESSIONS}/<number>/chunk",
        summary="The next piece of an upload",
        query={"offset": "where it begins, which must be where the last one ended"},
        body=Body.stream(),
        answer=manager.Upload,
    )
    async def chunk(self, request: ApiRequest, number: str) -> Any:
        """On the disk when it is answered."""
        text = request.query("offset") or ""
        if not text.isdecimal() or len(text) > 18:
            raise BadRequest("offset must be a whole number")
        length = request.header("Content-Length")
        return await self._sessions.write(
            number, int(text), request.body, int(length) if length else None
        )

    @route(
        "POST",
        f"{SESSIONS}/<number>/complete",
        summary="Import what was uploaded",
        answer=manager.Upload,
    )
    async def complete(self, request: ApiRequest, number: str) -> Any:
        """Goes on in the background."""
        session, done = await self._sessions.complete(number)
        return Reply(200 if done else 202, session)

    @route(ANY_METHOD, f"{SESSIONS}/<number>/<action>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, number: str, action: str) -> Any:
        """What is below an upload and is none of the other routes."""
        raise SessionNotFound("there is no such action for a usage import upload")

    @route("DELETE", f"{SESSIONS}/<number>", summary="Give an upload up", answer=manager.Upload)
    async def cancel(self, request: ApiRequest, number: str) -> Any:
        """What was imported so far stays."""
        session, done = await self._sessions.cancel(number)
        return Reply(200 if done else 202, session)
