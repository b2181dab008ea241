"""Clients that leave: their questions end, what they wanted changed goes on."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from cpamp.web.auth import Guard
from cpamp.web.cors import Cors
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, route
from cpamp.web.surface import Surface
from tests.web.api import Gate, NoTokens, Patience


@attrs.define
class Slow:
    """Answers when it is let; `ended` fires with how a handler came to its end."""

    begun: Deferred[None] = attrs.Factory(Deferred)
    let: Deferred[None] = attrs.Factory(Deferred)
    ended: Deferred[str] = attrs.Factory(Deferred)

    @route("GET", "/slow", summary="A question", access=Access.PUBLIC)
    async def asked(self, request: ApiRequest) -> Any:
        return await self._work()

    @route("POST", "/slow", summary="A change", access=Access.PUBLIC)
    async def changed(self, request: ApiRequest) -> Any:
        return await self._work()

    @route("PUT", "/slow", summary="A long question", access=Access.PUBLIC, ends_with_client=True)
    async def asked_at_length(self, request: ApiRequest) -> Any:
        return await self._work()

    async def _work(self) -> dict[str, Any]:
        self.begun.callback(None)
        try:
            await self.let
        except CancelledError:
            self.ended.callback("cancelled")
            raise
        self.ended.callback("done")
        return {}


@pytest.mark.parametrize(
    ("method", "outcome"), [("GET", "cancelled"), ("POST", "done"), ("PUT", "cancelled")]
)
@ensureDeferred
async def test_a_client_leaves(method: str, outcome: str) -> None:
    slow = Slow()
    gone: Deferred[None] = Deferred()
    surface = Surface(
        [slow], guard=Guard(Gate(), Patience(), NoTokens()), cors=Cors([]), clock=reactor
    )
    port = reactor.listenTCP(0, surface.site(), interface="127.0.0.1")  # type: ignore[attr-defined]
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    client: Any = await connectProtocol(endpoint, Protocol())
    client.connectionLost = lambda reason: gone.callback(None)
    text = f"{method} /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    client.transport.write(text.encode())
    await slow.begun
    client.transport.abortConnection()
    await gone
    if outcome == "done":
        # Another answer comes after the server has seen that the client is gone.
        again: Any = await connectProtocol(endpoint, Protocol())
        again.transport.loseConnection()
        slow.let.callback(None)
    assert await slow.ended == outcome
    await port.stopListening()
