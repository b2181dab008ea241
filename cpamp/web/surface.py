"""The whole surface: every declared route in one Klein app, and who may ask for what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import attrs
from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import server
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as NoSuchMethod
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from cpamp.errors import Problem
from cpamp.usage.redact import redact_name
from cpamp.web.auth import Guard
from cpamp.web.body import BodyTooLarge
from cpamp.web.channel import Channel
from cpamp.web.cors import Cors
from cpamp.web.draining import OpenChannels
from cpamp.web.errors import (
    HostilePath,
    MethodNotAllowed,
    NoSuchPath,
    failure_reply,
    problem_reply,
)
from cpamp.web.request import ApiRequest
from cpamp.web.route import Reply, Route, routes_of

PLAIN_404 = Reply(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})
# No fragment: one server takes it for a part of the path and the next one drops it, so that what
# is judged here would be another path there.
PLAIN_TARGET = re.compile(rb"[!\"$-~]+")
# Below these a path that does not exist is told of in JSON.
API_PREFIXES = ("/v0/management", "/usage-service", "/setup", "/status")


@attrs.frozen
class Decision:
    """What becomes of a request: its route, or why it is refused."""

    route: Route | None = None
    refusal: Reply | None = None


class Surface:
    """Routes requests, from the declarations of some resources.

    `base_path` is the prefix under which all of it is hosted, "" for none.
    """

    def __init__(
        self,
        resources: Iterable[object],
        *,
        guard: Guard,
        cors: Cors,
        clock: Any,
        base_path: str = "",
    ) -> None:
        self.guard = guard
        self.cors = cors
        self.clock = clock
        self.log = Logger(namespace="cpamp.web")
        self._base = base_path.rstrip("/").encode()
        self._app = Klein()
        self._app.url_map.merge_slashes = False
        self._app.url_map.strict_slashes = False
        self._app.url_map.converters["regex"] = _Regex
        # The routes that are no fallbacks: what they have, no other takes with another method.
        own = Map(merge_slashes=False, strict_slashes=False, converters={"regex": _Regex})
        self.routes: dict[str, Route] = {}
        for resource in resources:
            for declared, handler in routes_of(resource):
                endpoint = self._add(declared, handler)
                if not declared.fallback:
                    own.add(Rule(declared.path, methods=declared.methods, endpoint=endpoint))
        # The app runs handlers; paths and methods were judged before, by the same rules.
        self._urls = own.bind("cpamp"), self._app.url_map.bind("cpamp")

    def _add(self, declared: Route, handler: Callable[..., Any]) -> str:
        endpoint = f"{','.join(sorted(declared.methods))} {declared.path}"
        self.routes[endpoint] = declared

        def run(request: ApiRequest, **parameters: str) -> Deferred[Any]:
            done = Deferred.fromCoroutine(handler(request, **parameters))
            done.addCallbacks(_as_reply, _as_failed, errbackArgs=(request,))
            done.addCallback(_send, request)
            return done if declared.ends_with_client else _shielded(done)

        self._app.route(declared.path, methods=sorted(declared.methods), endpoint=endpoint)(run)
        return endpoint

    def site(self) -> Site:
        """The factory of the connections."""
        return Site(self, self._app.resource())

    def without_base(self, uri: bytes) -> bytes:
        """A request's target below the base path; b"" where it lies outside."""
        if not self._base:
            return uri
        rest = uri[len(self._base) :]
        if not uri.startswith(self._base) or rest[:1] not in (b"", b"/", b"?"):
            return b""
        return rest if rest.startswith(b"/") else b"/" + rest

    @property
    def base_path(self) -> str:
        """The prefix under which all is hosted."""
        return self._base.decode()

    # -- judging a request ----------------------------------------------------------------------

    def admit(self, request: ApiRequest, length: int | None) -> Decision:
        """What becomes of a request whose headers are in, with a body of `length` bytes."""
        try:
            route = self._find(request)
        except Problem as problem:
            return Decision(refusal=self._told(problem, request))
        if route is None:
            return Decision(refusal=Reply(204))
        limit = route.body.limit
        refusal = self.guard.refusal(route.access, request.header("Authorization"), request.peer)
        if refusal is None and limit is not None and length is not None and length > limit:
            refusal = BodyTooLarge("http: request body too large")
        return Decision(route, None if refusal is None else problem_reply(refusal))

    def _find(self, request: ApiRequest) -> Route | None:
        """The route; None for an OPTIONS request, which needs none."""
        if not request.uri:
            raise NoSuchPath("there is nothing outside the base path")
        if not PLAIN_TARGET.fullmatch(request.uri):
            raise HostilePath("the target has characters that no target has")
        path = checked_path(request.path)
        method = request.method.decode("ascii", errors="replace")
        try:
            found = self._match(path, method)
        except NoSuchPath:
            if method == "OPTIONS":
                return None
            raise
        except MethodNotAllowed as error:
            if method == "OPTIONS":
                return None
            self._refuse_stranger(path, error, request)
            raise
        return found

    def _match(self, path: str, method: str) -> Route:
        for urls in self._urls:
            try:
                endpoint, _ = urls.match(path, method=method)
            except NoSuchMethod as error:
                raise MethodNotAllowed(list(error.valid_methods or ())) from error
            except (HTTPException, RequestRedirect):
                continue
            return self.routes[endpoint]
        raise NoSuchPath("there is nothing of that path")

    def _refuse_stranger(self, path: str, error: MethodNotAllowed, request: ApiRequest) -> None:
        """Who may not use a path is not told which methods it has."""
        known = self._match(path, min(error.allowed))
        refusal = self.guard.refusal(known.access, request.header("Authorization"), request.peer)
        if refusal is not None:
            raise refusal

    def _told(self, problem: Problem, request: ApiRequest) -> Reply:
        path = request.path.decode(errors="replace")
        if isinstance(problem, NoSuchPath) and not path.startswith(API_PREFIXES):
            return PLAIN_404
        return problem_reply(problem)


class _Regex(BaseConverter):
    """A path segment that a pattern describes."""

    def __init__(self, url_map: Any, pattern: str) -> None:
        super().__init__(url_map)
        self.regex = pattern


def checked_path(raw: bytes) -> str:
    """The decoded path of a request; raises `HostilePath` for what no route has."""
    if not raw.startswith(b"/") or len(raw) > 8192:
        raise HostilePath("the path must begin with a slash")
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise HostilePath("the path is not UTF-8") from error
    segments = path.split("/")[1:]
    if {".", ".."} & set(segments) or "" in segments[:-1]:
        raise HostilePath("the path has empty or dot segments")
    if any(c in path for c in "\0\\\r\n"):
        raise HostilePath("the path has characters that no path has")
    return path


def _shielded(done: Deferred[Any]) -> Deferred[Any]:
    """What fires with `done`, and does not end it when it is cancelled."""
    outer: Deferred[Any] = Deferred()
    done.chainDeferred(outer)
    return outer


def _as_reply(value: Any) -> Reply | None:
    return value if isinstance(value, Reply) or value is None else Reply(body=value)


def _as_failed(failure: Failure, request: ApiRequest) -> Reply | None:
    # Klein cancels the handler when the client has gone.
    if request._disconnected and failure.check(CancelledError):
        return None
    return failure_reply(failure)


def _send(reply: Reply | None, request: ApiRequest) -> Any:
    if reply is not None and not request._disconnected:
        request.send(reply)
    # The answer is finished by the request itself.
    return server.NOT_DONE_YET


class Site(server.Site):
    """Makes a channel for every connection, and writes the access log."""

    requestFactory = ApiRequest
    displayTracebacks = False

    def __init__(self, surface: Surface, resource: Any) -> None:
        super().__init__(resource, reactor=surface.clock)
        self.surface = surface
        self.clock = surface.clock
        self.channels = OpenChannels(surface.clock)
        self._log = Logger(namespace="cpamp.access")

    def buildProtocol(self, addr: Any) -> Any:
        """A channel for a new connection."""
        channel: Any = Channel()
        channel.factory = self
        channel.site = self
        channel.requestFactory = self.requestFactory
        channel.timeOut = Channel.timeOut
        channel.callLater = self.clock.callLater
        return channel

    def log(self, request: Any) -> None:
        """One line per request: no query, no headers, nothing that could be a secret."""
        path = request.path.decode(errors="replace")
        self._log.info(
            "http {method} {path} status={status} duration={duration:.1f}ms remote={peer}",
            method=printable(request.method.decode(errors="replace")),
            path=printable(unquote(path)),
            status=request.code,
            duration=(self.clock.seconds() - request.started) * 1000,
            peer=request.peer,
        )


def printable(text: str) -> str:
    """A text in one printable line of bounded length, without secrets."""
    return "".join(c if c.isprintable() else "?" for c in redact_name(text[:500]))
