"""The management API of one CPA (CPA contract, sections 2, 5, 9.1, 10 and 15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NoReturn

import attrs
import orjson
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.web.client import FileBodyProducer
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse

from cpamp.cpa.errors import (
    CpaProblem,
    KeyRefused,
    ManagementOff,
    NotCpa,
    PluginConflict,
    QueueCut,
    Unsupported,
    key_problem,
)
from cpamp.cpa.keyguard import Call, KeyGuard
from cpamp.cpa.network import Body, CpaAgent, within
from cpamp.cpa.urls import Address
from cpamp.errors import Problem

CALL_SECONDS = 30.0
LISTING_SECONDS = 5.0
LISTING_BYTES = 64 * 1024 * 1024
QUEUE_BYTES = 256 * 1024 * 1024
SMALL_BYTES = 4 * 1024 * 1024
# Above this JSON is parsed in a thread.
THREAD_BYTES = 64 * 1024


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

    def usage_json(self) -> dict[str, Any]:
        """What of it concerns usage, as answers of ours carry it (server contract, 11.1)."""
        return {
            "usageStatisticsEnabled": self.usage_statistics_enabled,
            "redisUsageQueueRetentionSeconds": self.retention_seconds,
            "retentionSourceDefault": self.retention_is_default,
        }


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


class Refused(Exception):
    """CPA answered 401 or 403, and not because of the key."""

    def __init__(self, response: IResponse, body: bytes) -> None:
        super().__init__(response.code)
        self.response = response
        self.body = body


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

    async def introduction(self, seconds: float) -> tuple[Headers, dict[str, Any]]:
        """The headers that CPA tells of itself, and its configuration with all its members.

        Raises a `CpaProblem` that says what is wrong.
        """
        response = await self._checked("GET", "/v0/management/config", seconds)
        body = await self._json(await self.body(response, SMALL_BYTES, seconds))
        if not isinstance(body, dict):
            raise NotCpa("what answers at that address is not CPA's management API")
        return response.headers, body

    async def enable_usage_statistics(self) -> None:
        """Make CPA publish usage records."""
        path = "/v0/management/usage-statistics-enabled"
        await self._read("PUT", path, CALL_SECONDS, SMALL_BYTES, b'{"value":true}')

    async def auth_files(self, seconds: float = LISTING_SECONDS) -> list[dict[str, Any]]:
        """The listing of credentials."""
        return entries_of(
            await self._read("GET", "/v0/management/auth-files", seconds, LISTING_BYTES)
        )

    async def served_models(self, client_key: str, seconds: float) -> int:
        """How many models CPA serves to a client with this key, as one of its clients asks.

        Raises a `CpaProblem` that says why that is not known.
        """
        headers = Headers({"Accept-Encoding": ["identity"]})
        headers.setRawHeaders("Authorization", [f"Bearer {client_key}"])
        response = await self.request("GET", "/v1/models", headers, seconds=seconds, with_key=False)
        said = await self.body(response, SMALL_BYTES, seconds)
        if response.code != 200:
            raise self._refusal(response, said)
        listing = await self._json(said)
        models = listing.get("data") if isinstance(listing, dict) else None
        return len(models) if isinstance(models, list) else 0

    async def usage_queue(self, count: int) -> bytes:
        """The body of a pop of up to `count` records, which are CPA's no more.

        Raises `QueueCut` with what came of it where it breaks off.
        """
        path = f"/v0/management/usage-queue?count={count}"
        response = await self._checked("GET", path, CALL_SECONDS)
        collecting = Body(QUEUE_BYTES)
        try:
            return await self._whole(response, collecting, CALL_SECONDS)
        except Problem as problem:
            text = f"a reply of CPA's queue broke off: {problem.message}"
            raise QueueCut(text, collecting.received) from problem

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
        reads: bool = False,
    ) -> IResponse:
        """One call, answered when the headers are in; the body is not read yet.

        With the key, the guard is asked first and told of the outcome: raises the `CpaProblem` that
        CPA has with the key, and `Refused` where it refuses something else.
        """
        if not with_key:
            return await self._send(method, target, headers, body, seconds, reads)
        call = await self._guard.enter(self.url, self.key)
        headers.setRawHeaders("Authorization", [f"Bearer {self.key}"])
        said = b""
        try:
            response = await self._send(method, target, headers, body, seconds, reads)
            if response.code in (401, 403):
                said = await self.body(response, SMALL_BYTES, CALL_SECONDS)
        except BaseException:
            call.left()
            raise
        if response.code in (401, 403):
            self._refuse(call, response, said)
        call.accepted()
        self._note_version(response)
        return response

    @staticmethod
    def _refuse(call: Call, response: IResponse, said: bytes) -> NoReturn:
        problem = key_problem(_error_text(said))
        if problem is None and response.code == 401:
            problem = KeyRefused("CPA refuses the management key")
        if problem is None:
            call.left()
            raise Refused(response, said)
        call.refused(problem)
        raise problem

    async def _send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: IBodyProducer | None,
        seconds: float,
        reads: bool,
    ) -> IResponse:
        # An impossible URL is somebody's mistake: a `Problem`, not the client's ValueError.
        Address.of(self.url)
        send = self._agent.read if reads else self._agent.request
        sent: Deferred[IResponse] = send(
            method.encode(), f"{self.url}{target}".encode(), headers, body
        )
        response: IResponse = await within(self._reactor, sent, seconds, "CPA did not answer")
        return response

    async def _checked(
        self,
        method: str,
        path: str,
        seconds: float,
        body: bytes | None = None,
        *,
        reads: bool = False,
    ) -> IResponse:
        """A call that must succeed; raises the `CpaProblem` of any other answer."""
        headers = Headers({"Accept-Encoding": ["identity"]})
        producer: Any = None
        if body is not None:
            headers.setRawHeaders("Content-Type", ["application/json"])
            producer = FileBodyProducer(BytesIO(body))
        try:
            response = await self.request(
                method, path, headers, producer, seconds=seconds, reads=reads
            )
        except Refused as refused:
            raise self._refusal(refused.response, refused.body) from refused
        if 200 <= response.code < 300:
            return response
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
        reads: bool = False,
    ) -> bytes:
        """A call that must succeed, and its whole reply; raises the `CpaProblem` of another.

        `reads`: it changes nothing, although its method is not one to read by.
        """
        response = await self._checked(method, path, seconds, body, reads=reads)
        return await self.body(response, limit, seconds)

    async def _read(
        self, method: str, path: str, seconds: float, limit: int, body: bytes | None = None
    ) -> Any:
        return await self._json(
            await self.exchange(method, path, body, seconds=seconds, limit=limit)
        )

    @staticmethod
    async def _json(text: bytes) -> Any:
        return await deferToThread(_parsed, text) if len(text) > THREAD_BYTES else _parsed(text)

    async def body(self, response: IResponse, limit: int, seconds: float) -> bytes:
        """The body of a response; raises a `CpaProblem` where it is longer, or breaks off."""
        return await self._whole(response, Body(limit), seconds)

    async def _whole(self, response: IResponse, collecting: Body, seconds: float) -> bytes:
        delivering: Any = response
        delivering.deliverBody(collecting)
        whole: bytes = await within(
            self._reactor, collecting.done, seconds, "CPA's answer broke off"
        )
        return whole

    def _note_version(self, response: IResponse) -> None:
        versions = response.headers.getRawHeaders("X-CPA-VERSION")
        if versions:
            self.version = versions[0]


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


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotCpa("what answers at that address is not CPA: its reply is no JSON") from error


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
