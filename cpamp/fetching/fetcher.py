"""One document by HTTP: redirects followed, packed or not, within a time and a size."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import attrs
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    ProxyAgent,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IResponse
from zope.interface import implementer

from cpamp.fetching.proxy import Proxy, ProxyUnusable
from cpamp.fetching.tunnel import Tunnel, TunnelRefused, basic, handshake

REDIRECTS = frozenset((301, 302, 303, 307, 308))
MOST_REDIRECTS = 10
_FAILURES = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    ProxyUnusable,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
    SSL.Error,
    TunnelRefused,
    # Of a URL or a header that is none.
    ValueError,
    VerificationError,
    zlib.error,
)
# Through which proxy a URL is reached; None: directly.
Way = Callable[[str], Proxy | None]


class FetchFailed(Exception):
    """There is no document, for a reason that a person can be told."""


@attrs.frozen
class Document:
    """An answer of any status. `body` is unpacked; `etag` is "" where there is none."""

    status: int
    phrase: str
    body: bytes
    etag: str


@attrs.frozen
class Fetcher:
    """Fetches documents of at most `max_bytes`, each in at most `seconds` with all its steps."""

    _reactor: Any
    _seconds: float
    _max_bytes: int
    # An `IPolicyForHTTPS`: whom to trust.
    _tls: Any = attrs.Factory(BrowserLikePolicyForHTTPS)

    async def get(self, url: str, way: Way, if_none_match: str = "") -> Document:
        """The document at a URL; raises `FetchFailed`."""
        fetching: Deferred[Document] = Deferred.fromCoroutine(self._get(url, way, if_none_match))
        try:
            return await fetching.addTimeout(self._seconds, self._reactor)
        except TimeoutError as error:
            raise FetchFailed(f"no whole answer within {self._seconds:g} s") from error
        except _FAILURES as error:
            raise FetchFailed(_reason(error)) from error

    async def _get(self, url: str, way: Way, if_none_match: str) -> Document:
        for _ in range(MOST_REDIRECTS + 1):
            if urlsplit(url).scheme not in ("http", "https"):
                raise FetchFailed("redirected to what is not HTTP")
            response = await self._request(url, way(url), if_none_match)
            target = (response.headers.getRawHeaders("Location") or [""])[0]
            moved = response.code in REDIRECTS and target
            # What a redirect says besides is read too, so that its connection ends.
            body = await _body(response, self._max_bytes)
            if not moved:
                etag = (response.headers.getRawHeaders("ETag") or [""])[0]
                return Document(response.code, response.phrase.decode(errors="replace"), body, etag)
            url = urljoin(url, target)
        raise FetchFailed(f"more than {MOST_REDIRECTS} redirects")

    async def _request(self, url: str, proxy: Proxy | None, if_none_match: str) -> IResponse:
        headers = Headers({"Accept-Encoding": ["gzip"], "User-Agent": ["cpamp"]})
        if if_none_match:
            headers.setRawHeaders("If-None-Match", [if_none_match])
        pool = HTTPConnectionPool(self._reactor, persistent=False)
        routes = _Routes(self._reactor, self._tls, proxy)
        agent: Agent | ProxyAgent = Agent.usingEndpointFactory(self._reactor, routes, pool)
        if proxy is not None and not proxy.is_socks and url.startswith("http:"):
            # HTTP proxies are asked for the URL itself; many tunnel to port 443 alone.
            agent = ProxyAgent(routes.to_proxy(proxy), self._reactor, pool)
            if proxy.user:
                headers.setRawHeaders(b"Proxy-Authorization", [basic(proxy)])
        response: IResponse = await agent.request(b"GET", url.encode(), headers)
        return response


@implementer(IAgentEndpointFactory)
@attrs.frozen
class _Routes:
    """The way to a URL's host: direct or through a proxy, by TCP or TLS."""

    _reactor: Any
    _tls: Any
    _proxy: Proxy | None

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Where to connect for this URL."""
        host, port = uri.host.decode("ascii"), uri.port
        if self._proxy is None:
            endpoint: Any = HostnameEndpoint(self._reactor, host, port)
        else:
            proxy = self._proxy
            endpoint = Tunnel(self.to_proxy(proxy), lambda: handshake(proxy, host, port))
        return self._secured(endpoint, uri.host, port) if uri.scheme == b"https" else endpoint

    def to_proxy(self, proxy: Proxy) -> IStreamClientEndpoint:
        """Where to connect for the proxy itself."""
        endpoint: Any = HostnameEndpoint(self._reactor, proxy.host, proxy.port)
        if proxy.scheme == "https":
            return self._secured(endpoint, proxy.host.encode(), proxy.port)
        return endpoint  # type: ignore[no-any-return]

    def _secured(self, endpoint: Any, host: bytes, port: int) -> IStreamClientEndpoint:
        secured: IStreamClientEndpoint = wrapClientTLS(
            self._tls.creatorForNetloc(host, port), endpoint
        )
        return secured


async def _body(response: IResponse, limit: int) -> bytes:
    """The whole body, unpacked; raises `FetchFailed` beyond `limit` bytes."""
    packed = b"gzip" in b"".join(response.headers.getRawHeaders(b"Content-Encoding") or []).lower()
    receiver = _Receiver(limit, packed)
    delivering: Any = response
    delivering.deliverBody(receiver)
    return await receiver.done


class _Receiver(Protocol):
    """Collects a body; `done` fires with it, and ends the connection when cancelled."""

    transport: Any

    def __init__(self, limit: int, packed: bool) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self.transport.loseConnection())
        self._limit = limit
        self._unpacker = zlib.decompressobj(31) if packed else None
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """A piece of the body. Never unpacks more than what is wanted of it."""
        if self.done.called:
            return
        try:
            if self._unpacker is not None:
                data = self._unpacker.decompress(data, self._limit + 1 - self._size)
        except zlib.error as error:
            self._fail(error)
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit:
            self._fail(FetchFailed(f"the answer is larger than {self._limit} bytes"))

    def _fail(self, error: Exception) -> None:
        self.transport.loseConnection()
        self.done.errback(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended, or has been cut."""
        if self.done.called:
            return
        if not reason.check(ResponseDone, PotentialDataLoss):
            self.done.errback(reason)
        elif self._unpacker is not None and self._size and not self._unpacker.eof:
            self.done.errback(FetchFailed("the answer was cut short"))
        else:
            self.done.callback(b"".join(self._parts))


def _reason(error: BaseException) -> str:
    """What went wrong, from the innermost of the client's errors."""
    reasons = getattr(error, "reasons", None)
    if reasons:
        return _reason(reasons[0].value)
    return str(error) or type(error).__name__
