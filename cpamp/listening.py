"""The HTTP port, or ports: bound at once or not at all, watched, and closed without haste.

Source: server contract, sections 2.3 (HTTP_ADDR) and 17.1, with point B-17 of section 22.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
from twisted.internet import endpoints
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from cpamp.errors import Problem


class ListenError(Problem):
    """A port can't be bound, or its description makes no sense."""

    code = "listen_failed"


def describe(http_addr: str) -> str:
    """The Twisted endpoint description of a ``host:port``; raises `ListenError`.

    No host means every IPv4 address; a port of 0 means any.
    """
    host, colon, port = http_addr.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise ListenError(f'"{http_addr}" is not host:port')
    interface = endpoints.quoteStringArgument(host or "0.0.0.0")
    # A burst of clients would otherwise wait for a second, for their next SYN.
    return f"tcp:port={port}:interface={interface}:backlog=1024"


@attrs.define(eq=False)
class Listener:
    """Binds a factory to every described endpoint, or where there is none to ``host:port``."""

    _reactor: Any
    _http_addr: str
    _descriptions: Sequence[str]
    factory: Any
    # Ends the open connections within that many seconds.
    _drain: Callable[[float], Awaitable[int]]
    ports: list[Any] = attrs.field(factory=list, init=False)
    _closing: bool = attrs.field(default=False, init=False)

    def bind(self, died: Callable[[], None]) -> None:
        """Bind all; raises `ListenError` and leaves none bound where one fails.

        `died` is called once for a port that ends without having been asked to.
        """
        self._closing = False
        for description in self._descriptions or [self._http_addr]:
            try:
                self.ports.append(self._listen(description, died))
            except Exception as e:
                self.close()
                raise ListenError(str(e).rstrip(".")) from e

    def _listen(self, description: str, died: Callable[[], None]) -> Any:
        bound: list[Any] = []
        failed: list[Failure] = []
        watched = _Watched(self.factory, lambda: None if self._closing else died())
        if not self._descriptions:
            description = describe(description)
        endpoint = endpoints.serverFromString(self._reactor, description)
        endpoint.listen(watched).addCallbacks(bound.append, failed.append)
        if failed:
            failed[0].raiseException()
        if not bound:
            raise ListenError("the endpoint does not listen at once")
        return bound[0]

    def addresses(self) -> list[str]:
        """Where it listens: host:port, or whatever a port of another kind calls its place."""
        places = [port.getHost() for port in self.ports]
        return [f"{p.host}:{p.port}" if hasattr(p, "port") else str(p) for p in places]

    async def drain(self, seconds: float) -> int:
        """Take no more connections, and end the open ones; returns how many were broken off."""
        closed = self.close()
        broken_off = await self._drain(seconds)
        await closed
        return broken_off

    def close(self) -> Deferred[Any]:
        """Take no more connections; those that are open go on. Fires when the ports are closed."""
        self._closing = True
        ports, self.ports = self.ports, []
        return gatherResults([maybeDeferred(port.stopListening) for port in ports])


class _Watched(Factory):
    """Tells when its port has gone; otherwise the factory that it stands for."""

    def __init__(self, factory: Any, stopped: Callable[[], None]) -> None:
        self.factory = factory
        self._stopped = stopped

    def logPrefix(self) -> str:
        """What the log calls it."""
        return "HTTP"

    def doStart(self) -> None:
        """The port is bound."""
        self.factory.doStart()

    def doStop(self) -> None:
        """The port is no more."""
        self.factory.doStop()
        self._stopped()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """The protocol of a new connection."""
        return self.factory.buildProtocol(addr)
