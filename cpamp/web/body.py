"""Bodies on their way: what a client sends, and what it is sent, at the pace of the slower."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from cpamp.errors import BadRequest, TooLarge

# Buffered bytes at which the sender is made to wait.
HIGH_WATER = 256 * 1024


class BodyTooLarge(TooLarge):
    """The body is longer than the route takes."""

    code = "request_failed"


class BodyCut(BadRequest):
    """The client went away in the middle of its body."""

    code = "body_cut"


class BodyStream:
    """A body as it arrives, to be read once: ``async for chunk in body``.

    `transport` is paused while more than `HIGH_WATER` bytes wait to be read, unless nobody reads
    before the body is `whole`.
    """

    def __init__(self, transport: Any, limit: int | None, *, whole: bool = False) -> None:
        self._transport = transport
        self._limit = limit
        self._high_water = sys.maxsize if whole else HIGH_WATER
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._received = 0
        self._paused = False
        self._waiting: Deferred[None] | None = None
        self._error: Exception | None = None
        self.complete = False

    # -- filled by the request ------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """More has come."""
        self._received += len(data)
        if self._limit is not None and self._received > self._limit:
            self.fail(BodyTooLarge("http: request body too large"))
            return
        if self._error is None:
            self._chunks.append(data)
            self._buffered += len(data)
            self._wake()
        if self._buffered > self._high_water and not self._paused:
            self._paused = True
            self._transport.pauseProducing()

    def ended(self) -> None:
        """All has come."""
        self.complete = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """No more will come."""
        if self._error is None and not self.complete:
            self._error = error
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    # -- read by the handler --------------------------------------------------------------------

    def __aiter__(self) -> BodyStream:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.complete:
                raise StopAsyncIteration
            self._waiting = Deferred()
            await self._waiting
        chunk = self._chunks.popleft()
        self._buffered -= len(chunk)
        if self._paused and self._buffered <= self._high_water // 2:
            self._paused = False
            self._transport.resumeProducing()
        return chunk

    async def whole_up_to(self, limit: int) -> bytes:
        """All of it, unless that is more; raises `BodyTooLarge`."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge("http: request body too large")
            parts.append(chunk)
        return b"".join(parts)

    async def whole(self) -> bytes:
        """All of it; only for bodies with a small limit."""
        return b"".join([chunk async for chunk in self])


class ClientGone(Exception):
    """The client closed the connection; there is nobody left to answer."""


@implementer(IPushProducer)
class Outgoing:
    """An answer that is written piece by piece: ``await out.write(bytes)``.

    `write` returns when the client has taken enough of what was written before.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._blocked: Deferred[None] | None = None
        self._gone = False
        request.registerProducer(self, True)

    async def write(self, data: bytes) -> None:
        """Send more; raises `ClientGone`."""
        if self._gone:
            raise ClientGone
        self._request.write(data)
        if self._blocked is not None:
            await self._blocked
        if self._gone:
            raise ClientGone

    def finish(self) -> None:
        """All is written."""
        if not self._gone:
            self._request.unregisterProducer()
            self._request.finish()

    def abort(self) -> None:
        """Break the connection, so that what was sent can't be taken for the whole."""
        if not self._gone:
            self._request.unregisterProducer()
            self._request.channel.forceAbortClient()

    def pauseProducing(self) -> None:
        """The client is slow."""
        if self._blocked is None:
            self._blocked = Deferred()

    def resumeProducing(self) -> None:
        """The client has caught up."""
        blocked, self._blocked = self._blocked, None
        if blocked is not None:
            blocked.callback(None)

    def stopProducing(self) -> None:
        """The client is gone."""
        self._gone = True
        self._request.unregisterProducer()
        self.resumeProducing()
