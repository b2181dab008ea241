"""All that the panel wants to know when it starts, in one answer (panel contract, 9.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import orjson
from twisted.internet.defer import Deferred, TimeoutError
from twisted.web.http_headers import Headers

from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.cpa.errors import CpaTimeout
from cpamp.errors import Problem
from cpamp.web.proxy import NotConfigured
from cpamp.web.request import ApiRequest
from cpamp.web.route import route
from cpamp.web.shapes.bootstrap import Started

PATH = "/v0/management/panel/bootstrap"
CPA_SECONDS = 2.0
# What the last question has at least, where the first one took all.
LEAST_SECONDS = 0.2
_VERSIONS = {
    "version": ("X-CPA-VERSION", "X-Server-Version"),
    "commit": ("X-CPA-COMMIT", "X-Server-Commit"),
    "buildDate": ("X-CPA-BUILD-DATE", "X-Server-Build-Date"),
}
_SWITCHES = (
    "debug",
    "logging-to-file",
    "request-log",
    "usage-statistics-enabled",
    "redis-usage-queue-retention-seconds",
    "request-retry",
    "ws-auth",
)
_KINDS = (
    "gemini-api-key",
    "interactions-api-key",
    "codex-api-key",
    "xai-api-key",
    "claude-api-key",
    "vertex-api-key",
    "openai-compatibility",
)
_YES = ("1", "true", "yes", "on")


@attrs.define
class Bootstrap:
    """The start of the panel. `own` names what is known without asking anybody."""

    _reactor: Any
    _own: Mapping[str, Callable[[], Any]]
    _client_of: Callable[[], CpaClient | None]

    @route(
        "GET",
        PATH,
        summary="All that the panel starts with, CPA's part last",
        answer=Started,
    )
    async def bootstrap(self, request: ApiRequest) -> None:
        """One JSON object in two lines: what is our own is sent before CPA is waited for.

        The first line and a closing brace are JSON too, for readers that don't wait either.
        """
        asked: Deferred[dict[str, Any]] = Deferred.fromCoroutine(self._parts())
        own = orjson.dumps({name: tell() for name, tell in self._own.items()})
        async with request.stream("application/json") as out:
            await out.write(own.removesuffix(b"}") + b"\n")
            await out.write(b',"cpa":' + orjson.dumps(await asked) + b"}\n")

    async def _parts(self) -> dict[str, Any]:
        """What CPA tells of itself: for each part its data, or why there are none."""
        until = self._reactor.seconds() + CPA_SECONDS
        try:
            client = self._client_of()
            if client is None:
                raise NotConfigured("usage service is not configured")
            headers, config = await self._introduced(client)
        except Problem as problem:
            return dict.fromkeys((*_PARTS, "models"), problem.body())
        parts = {name: _part(read, headers, config) for name, read in _PARTS.items()}
        return parts | {"models": await self._models(client, config, until)}

    async def _models(self, client: CpaClient, config: Any, until: float) -> dict[str, Any]:
        """How many models a client of CPA has, in the time that is left."""
        key = next(iter(_keys(config)), "")
        left = max(until - self._reactor.seconds(), LEAST_SECONDS)
        try:
            return {"data": await client.served_models(key, left)}
        except Problem as problem:
            return problem.body()

    async def _introduced(self, client: CpaClient) -> tuple[Headers, Any]:
        asked: Deferred[tuple[Headers, Any]] = Deferred.fromCoroutine(
            client.introduction(CPA_SECONDS)
        )
        try:
            # The turn at a key that CPA has not judged yet may have to be waited for.
            return await asked.addTimeout(CPA_SECONDS, self._reactor)
        except TimeoutError as error:
            raise CpaTimeout(f"CPA did not answer within {CPA_SECONDS:g} s") from error


def _part(read: Callable[[Headers, Any], Any], headers: Headers, config: Any) -> dict[str, Any]:
    try:
        return {"data": read(headers, config)}
    except Problem as problem:
        return problem.body()


def _version(headers: Headers, config: Any) -> dict[str, Any]:
    """Of those headers that there are; their names have changed."""
    found = {name: _header(headers, *names) for name, names in _VERSIONS.items()}
    return {name: value for name, value in found.items() if value}


def _switches(headers: Headers, config: Any) -> dict[str, Any]:
    """Under CPA's own names, as far as this version has them; no keys."""
    routing = config.get("routing")
    strategy = routing.get("strategy") if isinstance(routing, dict) else None
    found = {name: config.get(name) for name in _SWITCHES} | {"routing/strategy": strategy}
    return {name: value for name, value in found.items() if value is not None}


def _usage(headers: Headers, config: Any) -> dict[str, Any]:
    return CpaConfig.read(config, _version(headers, config).get("version", "")).usage_json()


def _plugins(headers: Headers, config: Any) -> dict[str, Any]:
    plugins = config.get("plugins")
    return {
        "supported": _header(headers, "X-CPA-SUPPORT-PLUGIN").lower() in _YES,
        "enabled": isinstance(plugins, dict) and plugins.get("enabled") is True,
    }


def _client_keys(headers: Headers, config: Any) -> dict[str, str]:
    """The keys of CPA's clients, masked, by the hashes under which their events are stored."""
    return {hashlib.sha256(key.encode()).hexdigest(): _masked(key) for key in _keys(config)}


def _keys(config: Any) -> dict[str, None]:
    """The keys of CPA's clients, in its order."""
    keys = config.get("api-keys")
    known = (key.strip() for key in keys if isinstance(key, str)) if isinstance(keys, list) else ()
    return dict.fromkeys(filter(None, known))


def _providers(headers: Headers, config: Any) -> dict[str, int]:
    """How many entries each kind of provider has that CPA is configured with."""
    found = {kind: config.get(kind) for kind in _KINDS}
    return {kind: len(entries) for kind, entries in found.items() if isinstance(entries, list)}


def _masked(key: str) -> str:
    """Two characters at each end of a key that is long enough to bear that."""
    return "******" if len(key) < 12 else f"{key[:2]}******{key[-2:]}"


def _header(headers: Headers, *names: str) -> str:
    return next((values[0] for name in names if (values := headers.getRawHeaders(name))), "")


_PARTS: Mapping[str, Callable[[Headers, Any], Any]] = {
    "version": _version,
    "switches": _switches,
    "usage": _usage,
    "plugins": _plugins,
    "clientKeys": _client_keys,
    "providers": _providers,
}
