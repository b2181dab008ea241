"""A request: looked up when its headers are in, refused or started before its body is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http import NO_BODY_CODES

from cpamp.errors import InvalidJson, Problem
from cpamp.web.body import BodyCut, BodyStream, BodyTooLarge, ClientGone, Outgoing
from cpamp.web.errors import json_bytes, problem_reply, reason
from cpamp.web.route import Body, Reply, Route

if TYPE_CHECKING:
    from cpamp.web.surface import Surface

# What orjson says of a value with something behind it.
_MORE_FOLLOWS = "unexpected content after document"


class ApiRequest(server.Request):
    """One request to the HTTP surface."""

    defaultContentType = None
    route: Route | None = None
    channel: Any
    started: float = 0.0
    _refusal: Reply | None = None
    _answered_early = False
    _received = 0

    def __init__(self, channel: Any, *args: Any, **keywords: Any) -> None:
        super().__init__(channel, *args, **keywords)
        # Until the headers tell more of it.
        self.body = BodyStream(channel.transport, 0)

    @property
    def surface(self) -> Surface:
        """What there is to be asked for."""
        return self.channel.factory.surface  # type: ignore[no-any-return]

    # -- called by the channel ------------------------------------------------------------------

    def gotLength(self, length: int | None) -> None:
        """The headers are in: find the route, and refuse or begin."""
        self.started = self.surface.clock.seconds()
        self._set_target(self.channel._command, self.channel._path, self.channel._version)
        decision = self.surface.admit(self, length)
        self.route, self._refusal = decision.route, decision.refusal
        taken = self.route.body if self.route else Body(0)
        self.body = BodyStream(self.channel.transport, taken.limit, whole=not taken.streamed)
        super().gotLength(0)
        if self._refusal is not None:
            self.requestHeaders.removeHeader(b"Expect")
            if length != 0:
                self.surface.clock.callLater(0, self._refuse_early)
        elif self.route and self.route.body.streamed:
            self.channel.setTimeout(None)
            self.surface.clock.callLater(0, self._begin)

    def _set_target(self, method: bytes, uri: bytes, version: bytes) -> None:
        self.method, self.clientproto = method, version
        self.uri = self.surface.without_base(uri)
        self.path = self.uri.partition(b"?")[0]

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body."""
        if self._refusal is not None or self._answered_early:
            return
        self.body.received(data)
        self._received += len(data)
        limit = self.route.body.limit if self.route else None
        if limit is not None and self._received > limit and not self.startedWriting:
            self._refusal = problem_reply(BodyTooLarge("http: request body too large"))
            self._refuse_early()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The body is complete."""
        self.body.ended()
        if self._answered_early:
            return
        if self.route is None or self._refusal is not None or not self.route.body.streamed:
            self._begin()

    def _begin(self) -> None:
        if self._disconnected or self._answered_early:
            return
        if self._refusal is not None:
            self.send(self._refusal)
        else:
            self.process()

    def _refuse_early(self) -> None:
        if self._disconnected or self._answered_early or self.startedWriting:
            return
        assert self._refusal is not None
        self._answered_early = True
        body = self._set_up(self._refusal)
        self.responseHeaders.setRawHeaders("Connection", ["close"])
        if self.method == b"HEAD":
            body = b""
        lines = [b"HTTP/1.1 %d %s" % (self.code, reason(self.code))]
        lines += [b"%s: %s" % pair for pair in _pairs(self.responseHeaders.getAllRawHeaders())]
        self.sentLength = len(body)
        self.channel.factory.log(self)
        self.channel.answer_early(b"\r\n".join(lines) + b"\r\n\r\n", body)

    def getRequestHostname(self) -> bytes:
        """For Klein, which would fail over a `Host` that is not UTF-8; nothing else asks."""
        return b"cpamp"

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone."""
        self.body.fail(BodyCut("the client went away"))
        super().connectionLost(reason)

    # -- used by handlers -----------------------------------------------------------------------

    @property
    def peer(self) -> str:
        """The address of the client's end of the connection."""
        return getattr(self.channel.getPeer(), "host", "") or ""

    @property
    def is_admin(self) -> bool:
        """Whether the request carries the admin key."""
        return self.surface.guard.is_admin(self.header("Authorization"))

    @property
    def only_key(self) -> str:
        """The hash of the one client key whose events may be told of; "" for those of all."""
        return self.surface.guard.only_key(self.header("Authorization"))

    def header(self, name: str) -> str | None:
        """A header's first value; bytes that are not UTF-8 are replaced."""
        values = self.requestHeaders.getRawHeaders(name.encode())
        return values[0].decode(errors="replace") if values else None

    @property
    def parameters(self) -> Mapping[str, list[str]]:
        """All parameters of the query."""
        text = self.uri.partition(b"?")[2].decode(errors="replace")
        return parse_qs(text, keep_blank_values=True, max_num_fields=10_000)

    def query(self, name: str) -> str | None:
        """The first value of a parameter of the query."""
        values = self.parameters.get(name)
        return values[0] if values else None

    async def json(self) -> Any:
        """The first JSON value of the body, whatever follows it; raises `InvalidJson`."""
        return _first_json(await self.body.whole())

    async def large_json(self, *, optional: bool = False) -> Any:
        """The same of a body that may be large: read in a thread.

        An empty body is null where it is `optional`.
        """
        body = await self.body.whole()
        if optional and not body.strip():
            return None
        return await deferToThread(_first_json, body)

    async def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; raises `InvalidJson`."""
        value = await self.json()
        if not isinstance(value, dict):
            raise InvalidJson("the body must be a JSON object")
        return value

    def send(self, reply: Reply) -> None:
        """Answer, whole."""
        body = self._set_up(reply)
        if reply.status not in NO_BODY_CODES:
            self.write(body)
        self.finish()

    def _set_up(self, reply: Reply) -> bytes:
        self.setResponseCode(reply.status, reason(reply.status))
        self._common_headers()
        body = reply.body
        if body is not None and not isinstance(body, bytes):
            body = json_bytes(body)
            self.responseHeaders.setRawHeaders("Content-Type", ["application/json"])
        for name, value in reply.headers.items():
            self.responseHeaders.setRawHeaders(name, [value])
        # Where nothing follows, a length would be taken for that of the answer that is meant.
        if reply.status not in NO_BODY_CODES:
            self.responseHeaders.setRawHeaders("Content-Length", [str(len(body or b""))])
        return body or b""

    def _common_headers(self) -> None:
        headers = self.responseHeaders
        headers.setRawHeaders("X-Content-Type-Options", ["nosniff"])
        headers.setRawHeaders("Cache-Control", ["no-store"])
        if self.route is None or self.route.cors:
            for name, value in self.surface.cors.headers(self.header("Origin")).items():
                headers.setRawHeaders(name, [value])

    @asynccontextmanager
    async def stream(
        self, content_type: str, headers: Mapping[str, str] | None = None, status: int = 200
    ) -> AsyncIterator[Outgoing]:
        """Answer piece by piece; an exception inside breaks the connection off (usage, B13)."""
        self.setResponseCode(status)
        self._common_headers()
        self.responseHeaders.setRawHeaders("Content-Type", [content_type])
        for name, value in (headers or {}).items():
            self.responseHeaders.setRawHeaders(name, [value])
        out = Outgoing(self)
        try:
            yield out
        except ClientGone:
            return
        except BaseException as error:
            out.abort()
            if isinstance(error, Problem):
                self.surface.log.warn("an answer broke off: {error}", error=error.message)
                return
            raise
        out.finish()

    def finish(self) -> None:
        """The answer is complete."""
        if self._disconnected:
            return
        if self.route and self.route.body.streamed and not self.body.complete:
            self.responseHeaders.setRawHeaders("Connection", ["close"])
            self.channel.stop_reading_body()
        super().finish()


def _first_json(body: bytes) -> Any:
    try:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if error.msg != _MORE_FOLLOWS:
                raise
            return orjson.loads(error.doc[: error.pos])
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"the body is not valid JSON: {error}") from error


def _pairs(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in headers for value in values]
