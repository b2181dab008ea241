"""Everything else of the management API, passed on to CPA (server contract, 15 and 22 B-11).

Bodies go both ways as they come, each at the pace of its receiver. What CPA says of the saved key
is told to the guard, so that a wrong key is not tried again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import FileBodyProducer, ResponseDone
from twisted.web.http import NO_BODY_CODES, PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IBodyProducer, IResponse
from zope.interface import implementer

from cpamp.cpa.client import CpaClient, Refused
from cpamp.cpa.errors import AT_CPA
from cpamp.errors import CpaUnreachable, Problem, Problems
from cpamp.web.body import BodyStream
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Access, Body, Reply, route

FIRST_BYTE_SECONDS = 60.0
# What CPA says of a change of credential files.
ANSWER_BYTES = 1024 * 1024
QUEUE_PATH = "v0/management/usage-queue"
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
# What a browser must not tell CPA through us, and what we say ourselves.
NEVER_SENT = HOP_BY_HOP | frozenset(
    (
        b"host",
        b"authorization",
        b"cookie",
        b"content-length",
        b"expect",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-management-key",
        b"x-real-ip",
    )
)
NEVER_PASSED = HOP_BY_HOP | frozenset((b"set-cookie", b"server", b"content-length", b"date"))


class NotConfigured(Problem):
    """There is no CPA to pass a call on to."""

    code = "usage_service_not_configured"
    status = 428


class QueueIsOurs(Problem):
    """Popping CPA's queue through the proxy would take records from the collector."""

    code = "usage_queue_reserved"
    status = 409


# What comes of passing a call on: CPA's own answer, or one of these.
ANY_KIND = ("*/*",)
PASSING: Problems = (NotConfigured, QueueIsOurs, *AT_CPA)


@attrs.define
class Proxy:
    """Passes calls on. `client_of` gives the client of the present connection, if there is one."""

    client_of: Callable[[], CpaClient | None]
    passed: int = 0

    @route(
        ANY_METHOD,
        "/v0/management/<path:rest>",
        summary="CPA's management API, with the saved key",
        body=Body.stream(),
        produces=ANY_KIND,
        problems=PASSING,
        fallback=True,
        ends_with_client=True,
    )
    async def management(self, request: ApiRequest, rest: str) -> Reply | None:
        """Any method but OPTIONS."""
        return await self.pass_on(request, with_key=True)

    @route(
        ("GET", "POST", "PUT", "PATCH", "DELETE"),
        "/v0/resource/plugins",
        summary="Pages of CPA's plugins",
        access=Access.OPTIONAL,
        body=Body.stream(),
        produces=ANY_KIND,
        problems=PASSING,
        ends_with_client=True,
    )
    @route(
        ("GET", "POST", "PUT", "PATCH", "DELETE"),
        "/v0/resource/plugins/<path:rest>",
        summary="Pages of CPA's plugins",
        access=Access.OPTIONAL,
        body=Body.stream(),
        produces=ANY_KIND,
        problems=PASSING,
        ends_with_client=True,
    )
    async def plugins(self, request: ApiRequest, rest: str = "") -> Reply | None:
        """With the saved key for the admin, with none for everybody else."""
        return await self.pass_on(request, with_key=request.is_admin)

    @route(
        "GET",
        "/v1/models",
        summary="The models of CPA, by the caller's own client key",
        access=Access.OPTIONAL,
        body=Body.stream(),
        produces=ANY_KIND,
        problems=PASSING,
    )
    @route(
        "GET",
        "/models",
        summary="The models of CPA, by the caller's own client key",
        access=Access.OPTIONAL,
        body=Body.stream(),
        produces=ANY_KIND,
        problems=PASSING,
    )
    async def models(self, request: ApiRequest) -> Reply | None:
        """The caller's Authorization goes along, unless it is the admin key."""
        query = request.uri.partition(b"?")[2]
        target = b"/v1/models" + (b"?" + query if query else b"")
        return await self.pass_on(request, with_key=False, own_key=True, target=target)

    @property
    def client(self) -> CpaClient:
        """The client of the present connection; raises `NotConfigured`."""
        client = self.client_of()
        if client is None:
            raise NotConfigured("usage service is not configured")
        return client

    async def pass_on(
        self,
        request: ApiRequest,
        *,
        with_key: bool,
        own_key: bool = False,
        target: bytes = b"",
    ) -> Reply | None:
        """Pass a call on; None where the answer is on its way already.

        With the saved key, or else with the caller's own if `own_key`.
        """
        client = self.client
        if unquote(request.path.decode("latin-1")).strip("/").lower() == QUEUE_PATH:
            raise QueueIsOurs(
                "usage records are collected by this server; use /v0/management/usage/export"
            )
        self.passed += 1
        # What CPA says of the saved key is told as ours: its 401 would make a panel log its user
        # out, whose key is right.
        try:
            response = await client.request(
                request.method.decode("latin-1"),
                (target or request.uri).decode("ascii"),
                _headers(request, with_key=with_key, own_key=own_key),
                _body(request),
                seconds=FIRST_BYTE_SECONDS,
                with_key=with_key,
            )
        except Refused as refused:
            return _passed_on(refused)
        await _answer(request, response)
        return None

    async def exchange(self, request: ApiRequest, target: str, body: bytes) -> Reply:
        """Pass a change on whose body was read already, and read CPA's answer whole."""
        client = self.client
        self.passed += 1
        headers = _headers(request, with_key=True, own_key=False)
        # The answer is read here, not merely passed on.
        headers.setRawHeaders("Accept-Encoding", ["identity"])
        try:
            response = await client.request(
                request.method.decode("latin-1"),
                target,
                headers,
                _sender(body),
                seconds=FIRST_BYTE_SECONDS,
            )
        except Refused as refused:
            return _passed_on(refused)
        answer = await client.body(response, ANSWER_BYTES, FIRST_BYTE_SECONDS)
        told = {name.decode("latin-1"): values[0] for name, values in _told(response)}
        return Reply(response.code, answer, {n: v.decode("latin-1") for n, v in told.items()})


def _passed_on(refused: Refused) -> Reply:
    """A refusal that is not about the saved key."""
    return Reply(refused.response.code, refused.body, {"Content-Type": "application/json"})


def public_plugin(proxy: Proxy, head: str) -> object:
    """The resource of a head below /v0/management/ that the operator opens to everybody."""

    class PublicPlugin:
        @route(
            ANY_METHOD,
            f"/v0/management/{head}",
            summary="A plugin that the operator has opened",
            access=Access.OPTIONAL,
            body=Body.stream(),
            produces=ANY_KIND,
            problems=PASSING,
            ends_with_client=True,
        )
        @route(
            ANY_METHOD,
            f"/v0/management/{head}/<path:rest>",
            summary="A plugin that the operator has opened",
            access=Access.OPTIONAL,
            body=Body.stream(),
            produces=ANY_KIND,
            problems=PASSING,
            ends_with_client=True,
        )
        async def plugin(self, request: ApiRequest, rest: str = "") -> Reply | None:
            return await proxy.pass_on(request, with_key=request.is_admin, own_key=True)

    return PublicPlugin()


def _headers(request: ApiRequest, *, with_key: bool, own_key: bool) -> Headers:
    """The headers of the call to CPA; the saved key is put in by the client."""
    headers = Headers(dict(_sent(request.requestHeaders)))
    if not headers.hasHeader(b"Accept-Encoding"):
        headers.setRawHeaders(b"Accept-Encoding", [b"identity"])
    if not with_key:
        # CPA is to count a stranger's failures against the stranger, not against this server.
        headers.setRawHeaders("X-Forwarded-For", [request.peer])
    own = request.requestHeaders.getRawHeaders(b"Authorization")
    if own_key and own and not request.is_admin:
        headers.setRawHeaders(b"Authorization", own[:1])
    return headers


def _body(request: ApiRequest) -> Any:
    """What the client sends along, as it comes."""
    length = request.header("Content-Length")
    if request.requestHeaders.hasHeader("Transfer-Encoding"):
        return BodySender(request.body, None)
    return BodySender(request.body, int(length)) if length and length != "0" else None


def _sent(headers: Headers) -> Iterator[tuple[bytes, list[bytes]]]:
    """The request headers that go on to CPA."""
    named = _named(headers)
    for name, values in headers.getAllRawHeaders():
        low = name.lower()
        if low not in NEVER_SENT and low not in named and not low.startswith(b"x-cpamp-"):
            yield name, list(values)


def _named(headers: Headers) -> set[bytes]:
    """The headers that `Connection` names: they are meant for the next hop alone."""
    return {
        name.strip().lower()
        for value in headers.getRawHeaders(b"Connection", [])
        for name in value.split(b",")
    }


def _sender(body: bytes) -> Any:
    """A body that is here already."""
    return FileBodyProducer(BytesIO(body)) if body else None


def _told(response: IResponse) -> Iterator[tuple[bytes, list[bytes]]]:
    """The response headers that go on to the client."""
    for name, values in response.headers.getAllRawHeaders():
        low = name.lower()
        if low not in NEVER_PASSED and not low.startswith(b"access-control-"):
            yield name, list(values)


async def _answer(request: ApiRequest, response: IResponse) -> None:
    """Pass a response on: status and headers at once, the body as it comes."""
    request.setResponseCode(response.code, response.phrase)
    request._common_headers()
    request.responseHeaders.removeHeader("Cache-Control")
    for name, values in _told(response):
        request.responseHeaders.setRawHeaders(name, values)
    # The client keeps what concerns the connection to itself; in a HEAD the length does not.
    told: Any = response.headers.getRawHeaders(b"Content-Length")
    if told is None and response.length is not UNKNOWN_LENGTH and request.method != b"HEAD":
        told = [b"%d" % response.length]
    if told is not None and response.code not in NO_BODY_CODES:
        request.responseHeaders.setRawHeaders(b"Content-Length", told)
    delivering: Any = response
    if request.method == b"HEAD" or response.code in NO_BODY_CODES:
        # Nothing follows; reading it lets the connection to CPA be used again.
        delivering.deliverBody(_Nobody())
        request.finish()
        return
    done: Deferred[None] = Deferred()
    delivering.deliverBody(BodyReceiver(request, done))
    await done


class _Nobody(Protocol):
    def dataReceived(self, data: bytes) -> None:
        """Not looked at."""


@implementer(IPushProducer)
class BodyReceiver(Protocol):
    """CPA's body on its way to the client; CPA waits while the client is slow."""

    transport: Any

    def __init__(self, request: ApiRequest, done: Deferred[None]) -> None:
        self._request = request
        self._done = done
        self._gone = False

    def connectionMade(self) -> None:
        """The body begins."""
        self._request.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """A piece of the body."""
        if not self._gone:
            self._request.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body has ended, or has been cut."""
        if self._gone:
            return
        self._gone = True
        self._request.unregisterProducer()
        if reason.check(ResponseDone, PotentialDataLoss):
            self._request.finish()
        else:
            self._request.channel.forceAbortClient()
        self._done.callback(None)

    def pauseProducing(self) -> None:
        """The client is slow."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The client has caught up."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The client is gone: CPA need not go on."""
        if self._gone:
            return
        self._gone = True
        self._request.unregisterProducer()
        self.transport.loseConnection()
        self._done.callback(None)


@implementer(IBodyProducer)
class BodySender:
    """The client's body on its way to CPA; the client waits while CPA is slow."""

    def __init__(self, body: BodyStream, length: int | None) -> None:
        self.length: Any = UNKNOWN_LENGTH if length is None else length
        self._body = body
        self._sending: Deferred[None] | None = None
        self._paused: Deferred[None] | None = None

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Send all of it."""
        self._sending = Deferred.fromCoroutine(self._send(consumer))
        return self._sending

    async def _send(self, consumer: Any) -> None:
        try:
            async for chunk in self._body:
                if self._paused is not None:
                    await self._paused
                consumer.write(chunk)
        except Problem as problem:
            raise CpaUnreachable(problem.message) from problem

    def pauseProducing(self) -> None:
        """CPA is slow."""
        if self._paused is None:
            self._paused = Deferred()

    def resumeProducing(self) -> None:
        """CPA has caught up."""
        paused, self._paused = self._paused, None
        if paused is not None:
            paused.callback(None)

    def stopProducing(self) -> None:
        """CPA wants no more."""
        if self._sending is not None:
            self._sending.cancel()
