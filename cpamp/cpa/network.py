"""HTTP connections to CPA, and what goes wrong on the way, as problems that a person can read.

Below treq's client, on Twisted's Agent: treq's shares one cookie jar (CPA's Set-Cookie would come
back on the next call), follows redirects, and unpacks what the proxy must pass as it is.
"""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from cpamp.cpa.errors import CpaProblem, CpaTimeout
from cpamp.errors import CpaUnreachable

CONNECT_SECONDS = 10.0
_LOST = (
    ConnectError,
    ConnectingCancelledError,
    DNSLookupError,
    ResponseFailed,
    ResponseNeverReceived,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ConnectionError,
)


@implementer(IAgent)
@attrs.frozen
class CpaAgent:
    """Reads over kept connections; every change over a fresh one, so that it is sent only once.

    A kept connection may have gone stale, and then the call is sent again, which the pool does
    for DELETE too.
    """

    _kept: Agent
    _fresh: Agent
    _pool: HTTPConnectionPool

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """One call, answered when the headers are in."""
        agent = self._kept if method in (b"GET", b"HEAD") else self._fresh
        return agent.request(method, uri, headers, bodyProducer)

    def read(
        self, method: bytes, uri: bytes, headers: Headers, body: IBodyProducer | None
    ) -> Deferred[IResponse]:
        """A call that changes nothing, whatever its method, over a kept connection.

        It is sent once all the same: the pool sends again only what has a method to read by.
        """
        return self._kept.request(method, uri, headers, body)

    def close(self) -> Deferred[None]:
        """Close the kept connections."""
        closed: Deferred[None] = self._pool.closeCachedConnections()
        return closed


def make_agent(reactor: Any) -> CpaAgent:
    """The HTTP client of all calls to CPA."""
    kept = HTTPConnectionPool(reactor, persistent=True)
    kept.maxPersistentPerHost = 16
    fresh = HTTPConnectionPool(reactor, persistent=False)
    return CpaAgent(
        Agent(reactor, connectTimeout=CONNECT_SECONDS, pool=kept),
        Agent(reactor, connectTimeout=CONNECT_SECONDS, pool=fresh),
        kept,
    )


class Body(Protocol):
    """Collects a body; breaks the connection off where it is too large, or nobody waits for it."""

    transport: Any

    def __init__(self, limit: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self.transport.loseConnection())
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def received(self) -> bytes:
        """What has come so far."""
        return b"".join(self._parts)

    def dataReceived(self, data: bytes) -> None:
        """A piece of the body."""
        self._size += len(data)
        if self._size <= self._limit:
            self._parts.append(data)
        elif not self.done.called:
            self.done.errback(CpaProblem(f"CPA's answer is larger than {self._limit} bytes"))
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended, or has been cut."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(self.received)
        else:
            self.done.errback(reason)


async def within(reactor: Any, done: Deferred[Any], seconds: float, what: str) -> Any:
    """The result of `done`; raises `CpaTimeout` or `CpaUnreachable` instead of network errors."""
    timed_out = False

    def expire() -> None:
        nonlocal timed_out
        timed_out = True
        done.cancel()

    timer = reactor.callLater(seconds, expire)
    try:
        return await done
    except CancelledError as error:
        if timed_out:
            raise CpaTimeout(f"{what} within {seconds:g} s") from error
        raise
    except _LOST as error:
        if timed_out:
            raise CpaTimeout(f"{what} within {seconds:g} s") from error
        if any(reason.check(CancelledError) for reason in getattr(error, "reasons", ())):
            # The caller's wish, which the client wraps in a failure of its own.
            raise CancelledError from error
        raise CpaUnreachable(f"CPA can't be reached: {_reason(error)}") from error
    finally:
        if timer.active():
            timer.cancel()


def _reason(error: BaseException) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        return str(reasons[0].value)
    return str(error) or type(error).__name__
