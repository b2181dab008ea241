"""The management API of one CPA (CPA contract, sections 2, 5, 9.1, 10 and 15).

Below treq's client, on Twisted's Agent: treq's shares one cookie jar (CPA's Set-Cookie would come
back on the next call), follows redirects, and unpacks what the proxy must pass as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import attrs
import orjson
import treq
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.threads import deferToThread
from twisted.web.client import (
    Agent,
    FileBodyProducer,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from cpamp.cpa.errors import (
    CpaProblem,
    CpaTimeout,
    KeyRefused,
    ManagementOff,
    NotCpa,
    PluginConflict,
    Unsupported,
    key_problem,
)
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.urls import Address
from cpamp.errors import CpaUnreachable

CONNECT_SECONDS = 10.0
CALL_SECONDS = 30.0
LISTING_SECONDS = 5.0
LISTING_BYTES = 64 * 1024 * 1024
QUEUE_BYTES = 256 * 1024 * 1024
SMALL_BYTES = 4 * 1024 * 1024
# Above this JSON is parsed in a thread.
THREAD_BYTES = 64 * 1024
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


@attrs.frozen
class CpaConfig:
    """What matters of CPA's own configuration."""

    usage_statistics_enabled: bool
    retention_seconds: int
    retention_is_default: bool
    proxy_url: str
    version: str

    @classmethod
    def read(cls, value: Any, version: str) -> CpaConfig:
        """The configuration of a `/config` reply; raises `NotCpa`."""
        names = ("usage-statistics-enabled", "usageStatisticsEnabled")
        if not isinstance(value, dict) or not any(name in value for name in names):
            raise NotCpa("what answers at that address is not CPA's management API")
        retention = _first(
            value, "redis-usage-queue-retention-seconds", "redisUsageQueueRetentionSeconds"
        )
        seconds = _number(retention)
        return cls(
            usage_statistics_enabled=_flag(_first(value, *names)),
            retention_seconds=60 if seconds is None else seconds,
            retention_is_default=seconds is None,
            proxy_url=str(_first(value, "proxy-url", "proxyUrl", "proxy_url") or ""),
            version=version,
        )


def _first(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if name in value), None)


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true", "yes", "on")
    return value is True


def _number(value: Any) -> int | None:
    try:
        return None if value is None or isinstance(value, bool) else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


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


@attrs.define
class CpaClient:
    """Calls of one CPA with one key; every call asks the guard first."""

    _reactor: Any
    url: str
    key: str
    _guard: KeyGuard
    _agent: CpaAgent
    # CPA's version, as its last answer told it.
    version: str = attrs.field(default="", init=False)

    # -- what is asked of CPA -------------------------------------------------------------------

    async def config(self) -> CpaConfig:
        """CPA's configuration; raises a `CpaProblem` that says what is wrong."""
        body = await self._read("GET", "/v0/management/config", CALL_SECONDS, SMALL_BYTES)
        if not self.version:
            raise NotCpa("what answers at that address is not CPA: it tells no version")
        return CpaConfig.read(body, self.version)

    async def enable_usage_statistics(self) -> None:
        """Make CPA publish usage records."""
        path = "/v0/management/usage-statistics-enabled"
        await self._read("PUT", path, CALL_SECONDS, SMALL_BYTES, b'{"value":true}')

    async def auth_files(self, seconds: float = LISTING_SECONDS) -> list[dict[str, Any]]:
        """The listing of credentials."""
        return entries_of(
            await self._read("GET", "/v0/management/auth-files", seconds, LISTING_BYTES)
        )

    async def usage_queue(self, count: int) -> bytes:
        """The body of a pop of up to `count` records, which are CPA's no more."""
        path = f"/v0/management/usage-queue?count={count}"
        response = await self._checked("GET", path, CALL_SECONDS)
        return await self.body(response, QUEUE_BYTES, CALL_SECONDS)

    # -- how it is asked ------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: IBodyProducer | None = None,
        *,
        seconds: float,
        with_key: bool = True,
    ) -> IResponse:
        """One call, answered when the headers are in; the body is not read yet.

        With the key, the guard is asked first and told of the outcome.
        """
        if not with_key:
            return await self._send(method, target, headers, body, seconds)
        await self._guard.enter(self.url, self.key)
        headers.setRawHeaders("Authorization", [f"Bearer {self.key}"])
        try:
            response = await self._send(method, target, headers, body, seconds)
        except BaseException:
            self._guard.left(self.url, self.key)
            raise
        if response.code not in (401, 403):
            self._guard.accepted(self.url, self.key)
            self._note_version(response)
        return response

    async def judge(self, response: IResponse) -> tuple[bytes, CpaProblem | None]:
        """The body of a 401 or 403, and what it says of the key; tells the guard."""
        try:
            body = await self.body(response, SMALL_BYTES, CALL_SECONDS)
        except BaseException:
            self._guard.left(self.url, self.key)
            raise
        problem = key_problem(_error_text(body))
        if problem is None and response.code == 401:
            problem = KeyRefused("CPA refuses the management key")
        if problem is None:
            self._guard.left(self.url, self.key)
        else:
            self._guard.refused(self.url, self.key, problem)
        return body, problem

    async def _send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: IBodyProducer | None,
        seconds: float,
    ) -> IResponse:
        # An impossible URL is somebody's mistake: a `Problem`, not the client's ValueError.
        Address.of(self.url)
        sent: Deferred[IResponse] = self._agent.request(
            method.encode(), f"{self.url}{target}".encode(), headers, body
        )
        response: IResponse = await within(self._reactor, sent, seconds, "CPA did not answer")
        return response

    async def _checked(
        self, method: str, path: str, seconds: float, body: bytes | None = None
    ) -> IResponse:
        """A call that must succeed; raises the `CpaProblem` of any other answer."""
        headers = Headers({"Accept-Encoding": ["identity"]})
        producer: Any = None
        if body is not None:
            headers.setRawHeaders("Content-Type", ["application/json"])
            producer = FileBodyProducer(BytesIO(body))
        response = await self.request(method, path, headers, producer, seconds=seconds)
        if 200 <= response.code < 300:
            return response
        if response.code in (401, 403):
            text, problem = await self.judge(response)
            raise problem or self._refusal(response, text)
        raise self._refusal(response, await self.body(response, SMALL_BYTES, seconds))

    def _refusal(self, response: IResponse, body: bytes) -> CpaProblem:
        phrase = response.phrase.decode(errors="replace")
        text = f"{response.code} {phrase}"
        said = _error_text(body).strip()
        if response.code == 404 and not said:
            return ManagementOff(
                f"{text}: no management API there (switched off, another mode, or not CPA)"
            )
        if response.code == 409 and "plugin virtual auth" in said:
            return PluginConflict(f"{text}: {said[:512]}")
        if response.code in (404, 405, 501):
            return Unsupported(f"{text}: {said[:512]}".rstrip(": "))
        return CpaProblem(f"{text}: {said[:512]}".rstrip(": "))

    async def exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        seconds: float = CALL_SECONDS,
        limit: int = SMALL_BYTES,
    ) -> bytes:
        """A call that must succeed, and its whole reply; raises the `CpaProblem` of another."""
        response = await self._checked(method, path, seconds, body)
        return await self.body(response, limit, seconds)

    async def _read(
        self, method: str, path: str, seconds: float, limit: int, body: bytes | None = None
    ) -> Any:
        text = await self.exchange(method, path, body, seconds=seconds, limit=limit)
        try:
            if len(text) > THREAD_BYTES:
                return await deferToThread(orjson.loads, text)
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise NotCpa("what answers at that address is not CPA: its reply is no JSON") from error

    async def body(self, response: IResponse, limit: int, seconds: float) -> bytes:
        """The body of a response; raises a `CpaProblem` where it is longer, or breaks off."""
        parts: list[bytes] = []
        size = 0

        def collect(data: bytes) -> None:
            nonlocal size
            size += len(data)
            if size <= limit:
                parts.append(data)

        done: Deferred[None] = treq.collect(response, collect)
        await within(self._reactor, done, seconds, "CPA's answer broke off")
        if size > limit:
            raise CpaProblem(f"CPA's answer is larger than {limit} bytes")
        return b"".join(parts)

    def _note_version(self, response: IResponse) -> None:
        versions = response.headers.getRawHeaders("X-CPA-VERSION")
        if versions:
            self.version = versions[0]


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


def entries_of(listing: Any) -> list[dict[str, Any]]:
    """The entries of a listing of credentials, in any of its shapes; raises `NotCpa`."""
    if isinstance(listing, dict):
        if listing.get("name") or listing.get("id"):
            listing = [listing]
        else:
            listing = _first(listing, "auth_files", "authFiles", "files", "items", "data")
    if not isinstance(listing, list):
        raise NotCpa("CPA's list of credentials is not a list")
    return [entry for entry in listing if isinstance(entry, dict) and entry]


def _reason(error: BaseException) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        return str(reasons[0].value)
    return str(error) or type(error).__name__


def _error_text(body: bytes) -> str:
    """What CPA says is wrong: the member `error` of its reply, or the reply itself."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:4096].decode(errors="replace")
    if isinstance(value, dict) and isinstance(value.get("error"), str):
        return str(value["error"])
    return body[:4096].decode(errors="replace")


Connect = Callable[[str, str], CpaClient]
