"""The HTTP side of CPA's port (CPA contract, sections 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import attrs
from twisted.web import http, resource, server

from cpamp.simulator.answers import Answer, Call, error
from cpamp.simulator.faults import Fault
from cpamp.simulator.keys import LOCAL
from cpamp.simulator.management import management, moved, public

if TYPE_CHECKING:
    from cpamp.simulator.server import Simulator

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": (
        "X-CPA-TRACE-ID, X-CPA-VERSION, X-CPA-COMMIT, X-CPA-BUILD-DATE, X-CPA-SUPPORT-PLUGIN, "
        "X-CPA-HOME-VERSION, X-CPA-HOME-BUILD-DATE, X-SERVER-VERSION, X-SERVER-BUILD-DATE, "
        "Location, Retry-After, X-Request-Id, OpenAI-Request-Id"
    ),
}


class Root(resource.Resource):
    """Takes every path."""

    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._sim = simulator

    def render(self, request: server.Request) -> Any:
        """Judge the key, find the answer, and let faults strike."""
        sim = self._sim
        call = _call(request)
        address = _address(request)
        sim.note("http", f"{call.method} {call.path}", address, call.body)
        request.responseHeaders.removeHeader("Server")
        fault = sim.faults.http(call.method, call.path)
        if fault is not None and fault.do.get("never"):
            return server.NOT_DONE_YET
        if fault is not None and fault.do.get("close"):
            _transport(request).abortConnection()
            return server.NOT_DONE_YET
        if fault is not None and {"status", "body"} & fault.do.keys():
            # Something else answers in CPA's stead: nothing is popped or changed.
            answer, checked = Answer(200, b""), not fault.do.get("plain")
        else:
            answer, checked = self._answer(call, address)
        for name, value in ({} if answer.bare else CORS).items():
            request.responseHeaders.setRawHeaders(name, [value])
        if checked and not (fault and fault.do.get("plain")):
            for name, value in sim.version_headers().items():
                request.responseHeaders.setRawHeaders(name, [value])
        if fault is not None:
            answer = _faulty(answer, fault)
        # CPA computes a bcrypt for every call that presents a key.
        delay = sim.bcrypt_ms / 1000 if checked else 0.0
        delay += float(fault.do.get("delay_ms", 0)) / 1000 if fault else 0.0
        delay += answer.delay_ms / 1000
        if delay:
            sim.reactor.callLater(delay, _send, sim, request, answer, fault)
        else:
            _send(sim, request, answer, fault)
        return server.NOT_DONE_YET

    def _answer(self, call: Call, address: str) -> tuple[Answer, bool]:
        """The answer, and whether the key was looked at."""
        sim = self._sim
        if call.method == "OPTIONS":
            return Answer(204), False
        found = public(sim, call)
        if found is not None:
            return found, False
        if not call.path.startswith("/v0/management/") or not sim.keys.on or sim.home:
            return Answer(404), False
        elsewhere = moved(call)
        if elsewhere is not None:
            return elsewhere, False
        status, text = sim.keys.refusal(address, presented_key(call))
        if status:
            return error(status, text), True
        return management(sim, call), True


def presented_key(call: Call) -> str:
    """The key of a call: of `Authorization`, and only without it of `X-Management-Key`."""
    header = call.headers.get("authorization", "")
    if header:
        scheme, space, key = header.partition(" ")
        return key if space and scheme.lower() == "bearer" else header
    return call.headers.get("x-management-key", "")


def _call(request: server.Request) -> Call:
    path, _, query = request.uri.decode("latin-1").partition("?")
    headers = {
        name.decode("latin-1").lower(): values[0].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    assert request.content is not None
    return Call(
        request.method.decode("latin-1"),
        unquote(path),
        parse_qs(query, keep_blank_values=True),
        headers,
        request.content.read(),
    )


def _address(request: server.Request) -> str:
    """The caller's address, as CPA takes it: it trusts every proxy."""
    forwarded = request.getHeader("X-Forwarded-For")
    if forwarded:
        return forwarded.split(",")[0].strip()
    peer = request.getHeader("X-Real-IP") or request.getClientAddress().host
    return LOCAL[0] if peer == "localhost" else peer


def _faulty(answer: Answer, fault: Fault) -> Answer:
    do = fault.do
    body = answer.body
    if "body" in do:
        body = str(do["body"]).encode("utf-8" if do.get("utf8") else "latin-1", errors="replace")
    if "repeat" in do and body is not None:
        body = body * int(do["repeat"])
    return attrs.evolve(
        answer,
        status=int(do.get("status", answer.status)),
        body=body,
        content_type=str(do.get("type", answer.content_type)),
        headers={**answer.headers, **do.get("headers", {})},
    )


def _send(sim: Simulator, request: server.Request, answer: Answer, fault: Fault | None) -> None:
    if request._disconnected:
        return
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.responseHeaders.setRawHeaders(name, [value])
    body = answer.body
    if body is None:
        if answer.status not in http.NO_BODY_CODES:
            request.setHeader("Content-Length", "0")
        request.defaultContentType = None
        request.finish()
        return
    request.setHeader("Content-Type", answer.content_type)
    request.setHeader("Content-Length", str(len(body)))
    do = fault.do if fault else {}
    if "cut" in do:
        request.write(body[: int(do["cut"])])
        sim.reactor.callLater(0.05, _transport(request).loseConnection)
    elif "drip" in do:
        _drip(sim, request, body, int(do["drip"]), float(do.get("drip_ms", 10)) / 1000)
    else:
        request.write(body)
        request.finish()


def _drip(sim: Simulator, request: server.Request, body: bytes, size: int, pause: float) -> None:
    if request._disconnected:
        return
    request.write(body[:size])
    if len(body) > size:
        sim.reactor.callLater(pause, _drip, sim, request, body[size:], size, pause)
    else:
        request.finish()


def _transport(request: server.Request) -> Any:
    return request.channel.transport


class CpaSite(server.Site):
    """The HTTP server behind the sniffed port."""

    displayTracebacks = False

    def log(self, request: http.Request) -> None:
        """Calls are noted by the simulator itself."""
