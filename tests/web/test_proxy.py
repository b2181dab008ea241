"""The proxy of the real daemon, between a client and a CPA that are both made of raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cpamp.bench.measure import MIB, anonymous_bytes, percentile
from cpamp.lab import ADMIN_KEY, Manager, wait_until
from tests.daemon import Lab
from tests.web.upstream import Call, Upstream, reply, upstream

CPA_KEY = "the-management-key-of-cpa"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
GIB = 1024 * MIB


class Pair:
    """A daemon and the upstream that it takes for its CPA."""

    def __init__(self, cpa: Upstream, manager: Manager) -> None:
        self.cpa = cpa
        self.manager = manager

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.manager.http.port), timeout=30)

    def send(self, head: str, body: bytes = b"", key: str = ADMIN_KEY) -> socket.socket:
        """A connection on which a request was sent."""
        client = self.connect()
        lines = [head + " HTTP/1.1", "Host: manager.example"]
        lines += [f"Authorization: Bearer {key}"] if key else []
        client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return client

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One call with exactly these headers."""
        client = http.client.HTTPConnection("127.0.0.1", self.manager.http.port, timeout=30)
        client.request(method, path, body, ADMIN if headers is None else headers)
        response = client.getresponse()
        whole = response.read()
        client.close()
        return response, whole

    @property
    def memory(self) -> int:
        return anonymous_bytes(self.manager.process.pid)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    lab = Lab(tmp_path_factory.mktemp("proxy"))
    with upstream() as cpa:
        manager = lab.manager(
            CPA_UPSTREAM_URL=cpa.url,
            CPA_MANAGEMENT_KEY=CPA_KEY,
            USAGE_COLLECTOR_MODE="http",
            CPAMP_PUBLIC_PLUGIN_PATHS="codex-invite",
        )
        manager.start()
        manager.wait_for_collector()
        yield Pair(cpa, manager)
        assert "Traceback" not in manager.process.output(10_000_000)
        lab.close()


# -- headers ------------------------------------------------------------------------------------

SENT = {
    **ADMIN,
    "Connection": "keep-alive, X-Named",
    "X-Named": "for the next hop",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "TE": "trailers",
    "Upgrade": "websocket",
    "Cookie": "session=of-the-panel",
    "Forwarded": "for=127.0.0.1",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "127.0.0.1",
    "X-Management-Key": "guessed",
    "X-CPAMP-Auth-File-Name": "a.json",
    "User-Agent": "a panel/1",
    "Accept": "text/plain",
    "X-Custom": "kept",
}
HOST_ALONE = {"host", "connection", "accept-encoding", "authorization"}


def test_what_cpa_is_told_of_a_call(pair: Pair) -> None:
    pair.cpa.on("/v0/management/debug", reply(200, b"{}"))
    assert pair.call("GET", "/v0/management/debug?a=%2F&a=b&&c", headers=SENT)[0].status == 200
    (call,) = pair.cpa.asked("/v0/management/debug")
    assert call.target == "/v0/management/debug?a=%2F&a=b&&c"
    assert call.all("Authorization") == [f"Bearer {CPA_KEY}"]
    assert call.all("Host") == [pair.cpa.url.removeprefix("http://")]
    passed = {name.lower(): value for name, value in call.headers if name.lower() not in HOST_ALONE}
    assert passed == {"user-agent": "a panel/1", "accept": "text/plain", "x-custom": "kept"}
    assert ADMIN_KEY not in str(call.headers)


def test_what_the_client_is_told_of_an_answer(pair: Pair) -> None:
    headers = (
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "Basic"),
        ("Set-Cookie", "cpa=1"),
        ("Set-Cookie", "cpa=2"),
        ("Server", "cpa"),
        ("Access-Control-Allow-Origin", "http://elsewhere.example"),
        ("Access-Control-Expose-Headers", "X-Secret"),
        ("Content-Type", "text/x-made-up; charset=klingon"),
        ("X-CPA-VERSION", "7.2.140"),
        ("Content-Disposition", 'attachment; filename="a b.json"'),
        ("Link", "<a>"),
        ("Link", "<b>"),
    )
    pair.cpa.on("/v0/management/headers", reply(207, b"body", *headers))
    response, body = pair.call("GET", "/v0/management/headers")
    assert (response.status, response.reason, body) == (207, "Said So", b"body")
    got: dict[str, list[str]] = {}
    for name, value in response.getheaders():
        got.setdefault(name.lower(), []).append(value)
    got.pop("date")
    assert got == {
        "content-length": ["4"],
        "content-type": ["text/x-made-up; charset=klingon"],
        "x-cpa-version": ["7.2.140"],
        "content-disposition": ['attachment; filename="a b.json"'],
        "link": ["<a>", "<b>"],
        "server": [response.getheader("Server") or ""],
        "x-content-type-options": ["nosniff"],
        "access-control-allow-origin": ["*"],
        "access-control-allow-methods": ["GET, POST, PUT, PATCH, DELETE, OPTIONS"],
        "access-control-allow-headers": ["Authorization, Content-Type"],
    }
    assert response.getheader("Server") != "cpa"
    assert CPA_KEY not in str(response.getheaders())


def test_a_cookie_of_cpa_is_not_sent_back_to_it(pair: Pair) -> None:
    pair.cpa.on("/v0/management/cookies", reply(200, b"", ("Set-Cookie", "cpa=1; Path=/")))
    for _ in range(2):
        pair.call("GET", "/v0/management/cookies")
    assert [call.all("Cookie") for call in pair.cpa.asked("/v0/management/cookies")] == [[], []]


def test_a_redirect_is_passed_on_and_not_followed(pair: Pair) -> None:
    elsewhere = f"{pair.cpa.url}/v0/management/elsewhere"
    pair.cpa.on("/v0/management/moved", reply(302, b"", ("Location", elsewhere)))
    response, _ = pair.call("GET", "/v0/management/moved")
    assert (response.status, response.getheader("Location")) == (302, elsewhere)
    assert pair.cpa.asked("/v0/management/elsewhere") == []


@pytest.mark.parametrize("asked", ["gzip", "br;q=1.0, gzip;q=0.8", None])
def test_packed_bodies_are_passed_on_as_they_are(pair: Pair, asked: str | None) -> None:
    packed = gzip.compress(b"x" * 1000)
    pair.cpa.on("/v0/management/packed", reply(200, packed, ("Content-Encoding", "gzip")))
    headers = ADMIN | ({"Accept-Encoding": asked} if asked else {"Accept-Encoding": "identity"})
    response, body = pair.call("GET", "/v0/management/packed", headers=headers)
    assert (response.getheader("Content-Encoding"), body) == ("gzip", packed)
    (call,) = pair.cpa.asked("/v0/management/packed")
    assert call.all("Accept-Encoding") == [asked or "identity"]


# -- paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("/v0/management/a%2Fb%20c", "/v0/management/a%2Fb%20c"),
        ("/v0/management/a%7eb", "/v0/management/a%7eb"),
        ('/v0/management/a"<>|b?x="<>|', '/v0/management/a"<>|b?x="<>|'),
        ("/v0/management/plugins/", "/v0/management/plugins/"),
        ("/v0/management/x?", "/v0/management/x"),
    ],
)
def test_a_target_goes_to_cpa_as_it_came(pair: Pair, target: str, seen: str) -> None:
    pair.cpa.calls.clear()
    with pair.send(f"GET {target}") as client:
        assert client.recv(4096).startswith(b"HTTP/1.1 404 ")
    asked = [call.target for call in pair.cpa.calls]
    assert seen in asked


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_and_body_goes_to_cpa_once(pair: Pair, method: str) -> None:
    pair.cpa.on("/v0/management/thing", reply(200, b"" if method == "HEAD" else b"done"))
    body = None if method in ("GET", "HEAD") else b"\0\xff" * 5000
    for sent in (body, iter([b"\0\xff" * 2500, b"\0\xff" * 2500]) if body else None):
        assert pair.call(method, "/v0/management/thing", sent)[0].status == 200
    assert [call.method for call in pair.cpa.asked("/v0/management/thing")] == [method, method]


def test_a_body_arrives_whole(pair: Pair) -> None:
    bodies: list[bytes] = []

    async def take(call: Call) -> None:
        bodies.append(await call.body())
        await call.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    pair.cpa.on("/v0/management/take", take)
    body = bytes(range(256)) * 4000
    assert pair.call("PUT", "/v0/management/take", body)[0].status == 204
    parts = (body[i : i + 10_000] for i in range(0, len(body), 10_000))
    assert pair.call("PUT", "/v0/management/take", parts)[0].status == 204
    assert bodies == [body, body]


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_change_is_never_sent_twice(pair: Pair, method: str) -> None:
    async def hang_up(call: Call) -> None:
        call.writer.close()

    pair.cpa.on("/v0/management/again", reply(200, b"{}"))
    assert pair.call("GET", "/v0/management/again")[0].status == 200
    pair.cpa.on("/v0/management/again", hang_up)
    response, body = pair.call(method, "/v0/management/again")
    assert (response.status, json.loads(body)["code"]) == (502, "cpa_unreachable")
    # A read may have met a connection that had gone stale, and is asked once more.
    times = len(pair.cpa.asked("/v0/management/again"))
    assert times == (2 if method == "GET" else 1)


@pytest.mark.parametrize(
    "path",
    [
        "usage-queue",
        "usage-queue?count=10",
        "usage-queue/",
        "USAGE-QUEUE",
        "Usage-Queue?x",
        "%75sage-queue",
        "usage%2Dqueue",
        "usage-queue%2F",
        "usage%2dqueue%2f?count=1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
def test_the_queue_is_ours(pair: Pair, path: str, method: str) -> None:
    with pair.send(f"{method} /v0/management/{path}") as client:
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 409 "), answer
    assert b'"usage_queue_reserved"' in answer


@pytest.mark.parametrize(
    "path",
    [
        "usage-queue#",
        "usage-queue#x",
        "usage-queue?count=1#x",
        "./usage-queue",
        "x/../usage-queue",
        "x/%2e%2E/usage-queue",
        "/usage-queue",
        "usage-queue%00",
        "usage-queue%0d%0a",
        "usage-queue\x01",
        "usage-queue\xa0",
        "x\\usage-queue",
        "x%5cusage-queue",
    ],
)
def test_targets_that_others_read_differently_are_refused(pair: Pair, path: str) -> None:
    for prefix in ("/v0/management/", f"{pair.cpa.url}/v0/management/"):
        with pair.send(f"GET {prefix}{path}") as client:
            answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
    forbidden = [c for c in pair.cpa.calls if "count=100" not in c.target and "queue" in c.target]
    assert forbidden == []


# -- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"X-Management-Key": CPA_KEY}, {"Cookie": "a"}])
def test_a_stranger_is_told_by_us_and_cpa_not_asked(pair: Pair, headers: dict[str, str]) -> None:
    pair.cpa.on("/v0/management/debug", reply(200, b"{}"))
    response, body = pair.call("GET", "/v0/management/debug", headers=headers)
    assert (response.status, json.loads(body)["code"]) == (401, "invalid_admin_key")
    assert pair.cpa.asked("/v0/management/debug") == []


REFUSALS = [
    (401, b'{"error":"invalid management key"}', "cpa_key_refused"),
    (401, b"<html>log in</html>", "cpa_key_refused"),
    (403, b'{"error":"remote management disabled"}', "cpa_remote_disabled"),
    (
        403,
        b'{"error":"IP banned due to too many failed attempts. Try again in 29m59s"}',
        "cpa_banned",
    ),
]


@pytest.mark.parametrize(("status", "body", "code"), REFUSALS)
def test_what_cpa_says_of_the_saved_key_is_no_logout(
    tmp_path_factory: pytest.TempPathFactory, status: int, body: bytes, code: str
) -> None:
    lab = Lab(tmp_path_factory.mktemp("refused"))
    with upstream() as cpa, ExitStack() as ends:
        ends.callback(lab.close)
        manager = lab.manager()
        manager.start()
        setup = {
            "cpaBaseUrl": cpa.url,
            "cpaManagementKey": CPA_KEY,
            "requestMonitoringEnabled": False,
        }
        manager.http.json("POST", "/setup", setup)
        cpa.on("/v0/management/debug", reply(status, body))
        answers = [manager.http.request("GET", "/v0/management/debug") for _ in range(5)]
        assert {(s, json.loads(b)["code"]) for s, b in answers} == {(502, code)}
        # One that judges the key may be asked twice; all else is answered here.
        assert len(cpa.asked("/v0/management/debug")) == (2 if "key" in code else 1)


def test_another_refusal_is_passed_on(pair: Pair) -> None:
    pair.cpa.on("/v0/management/plugin", reply(403, b'{"error":"not this one"}'))
    response, body = pair.call("GET", "/v0/management/plugin")
    assert (response.status, body) == (403, b'{"error":"not this one"}')


def test_a_refusal_that_breaks_off_does_not_hold_up_what_comes_next(pair: Pair) -> None:
    async def break_off(call: Call) -> None:
        await call.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nshort")
        call.writer.close()

    pair.cpa.on("/v0/management/broken", break_off)
    pair.cpa.on("/v0/management/debug", reply(200, b"{}"))
    assert pair.call("GET", "/v0/management/broken")[0].status == 502
    assert pair.call("GET", "/v0/management/debug")[0].status == 200


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/models", ["Bearer client-key"]),
        ("/models", ["Bearer client-key"]),
        ("/v0/management/codex-invite", ["Bearer client-key"]),
        ("/v0/management/codex-invite/page", ["Bearer client-key"]),
        ("/v0/resource/plugins/codex-invite/page", []),
    ],
)
def test_a_call_without_the_admin_key(pair: Pair, path: str, seen: list[str]) -> None:
    target = "/v1/models" if path == "/models" else path
    pair.cpa.on(target, reply(200, b"{}"))
    headers = {
        "Authorization": "Bearer client-key",
        "Cookie": "a=1",
        "X-Management-Key": "guessed",
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
    }
    assert pair.call("GET", f"{path}?x=1", headers=headers)[0].status == 200
    (call,) = pair.cpa.asked(target)
    assert call.target == f"{target}?x=1"
    assert call.all("Authorization") == seen
    # CPA counts what is wrong with such a call against its caller.
    assert call.all("X-Forwarded-For") == ["127.0.0.1"]
    assert [call.all(name) for name in ("Cookie", "X-Management-Key", "X-Real-IP")] == [[], [], []]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/v1/models", []),
        ("/v0/management/codex-invite/page", [f"Bearer {CPA_KEY}"]),
        ("/v0/resource/plugins/codex-invite/page", [f"Bearer {CPA_KEY}"]),
    ],
)
def test_the_admin_key_never_leaves(pair: Pair, path: str, seen: list[str]) -> None:
    pair.cpa.on(path, reply(200, b"{}"))
    assert pair.call("GET", path)[0].status == 200
    (call,) = pair.cpa.asked(path)
    assert call.all("Authorization") == seen
    assert ADMIN_KEY not in str(call.headers)


def test_cpa_can_not_be_reached(lab: Lab) -> None:
    manager = lab.manager(CPA_UPSTREAM_URL="http://127.0.0.1:1", CPA_MANAGEMENT_KEY=CPA_KEY)
    manager.start()
    status, body = manager.http.request("GET", "/v0/management/debug")
    assert (status, json.loads(body)["code"]) == (502, "cpa_unreachable")


# -- streams ------------------------------------------------------------------------------------


async def a_gigabyte(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
    piece = b"x" * (256 * 1024)
    for _ in range(GIB // len(piece)):
        await call.send(piece)


def settling(call: Call) -> Callable[[], bool]:
    """Tells, asked again and again, when CPA is being held back: it has sent no more for 0.1 s."""
    seen, since = call.sent_bytes, time.monotonic()

    def settled() -> bool:
        nonlocal seen, since
        if call.sent_bytes != seen:
            seen, since = call.sent_bytes, time.monotonic()
        return time.monotonic() - since >= 0.1

    return settled


def test_a_gigabyte_for_a_slow_client_takes_no_memory(pair: Pair) -> None:
    pair.cpa.on("/v0/management/big", a_gigabyte)
    before = pair.memory
    most, taken = 0, 0
    with pair.send("GET /v0/management/big") as client:
        wait_until(lambda: bool(pair.cpa.asked("/v0/management/big")), what="the call")
        (call,) = pair.cpa.asked("/v0/management/big")
        wait_until(settling(call), what="CPA to be held back")
        assert call.sent_bytes < 64 * MIB
        most = max(most, pair.memory)
        buffer = bytearray(MIB)
        while taken < GIB:
            size = client.recv_into(buffer)
            assert size, "the answer broke off"
            if taken // (64 * MIB) != (taken + size) // (64 * MIB):
                most = max(most, pair.memory)
            taken += size
    assert taken >= GIB
    assert most - before < 20 * MIB


def test_a_large_upload_to_a_slow_cpa_takes_no_memory(pair: Pair) -> None:
    go = asyncio.Event()
    received = 0

    async def sink(call: Call) -> None:
        nonlocal received
        await go.wait()
        while received < 256 * MIB:
            received += len(await call.reader.read(MIB))
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    pair.cpa.on("/v0/management/sink", sink)
    before = pair.memory
    head = f"PUT /v0/management/sink HTTP/1.1\r\nHost: x\r\nContent-Length: {256 * MIB}\r\n"
    with pair.connect() as client:
        client.sendall(f"{head}Authorization: Bearer {ADMIN_KEY}\r\n\r\n".encode())
        client.settimeout(0.5)
        sent = 0
        piece = b"x" * MIB
        with contextlib.suppress(TimeoutError):
            while True:
                sent += client.send(piece)
        assert sent < 64 * MIB
        assert pair.memory - before < 20 * MIB
        pair.cpa.soon(go.set)
        client.settimeout(30)
        while sent < 256 * MIB:
            sent += client.send(piece[: 256 * MIB - sent])
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert pair.memory - before < 20 * MIB


def test_500_slow_streams_at_once(pair: Pair) -> None:
    async def forever(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"5\r\ntick\n\r\n")
            await asyncio.sleep(0.5)

    pair.cpa.on("/v0/management/slow", forever)
    with ExitStack() as clients:
        streams = [clients.enter_context(pair.send("GET /v0/management/slow")) for _ in range(500)]
        for stream in streams:
            got = b""
            while b"tick" not in got:
                got += stream.recv(4096)
            assert got.startswith(b"HTTP/1.1 200 ")
        assert len(pair.cpa.asked("/v0/management/slow")) == 500
        taken = []
        for _ in range(20):
            start = time.perf_counter()
            assert pair.manager.http.request("GET", "/health")[0] == 200
            taken.append(time.perf_counter() - start)
        assert percentile(taken, 0.5) < 0.1
    calls = pair.cpa.asked("/v0/management/slow")
    wait_until(lambda: all(c.gone.is_set() for c in calls), what="all calls to end")


async def never(call: Call) -> None:
    await call.reader.read()


async def half(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await call.reader.read()


async def endless(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await call.send(b"x" * 65536)


@pytest.mark.parametrize("script", [never, half, endless])
def test_a_client_that_hangs_up_ends_the_call_to_cpa(pair: Pair, script: Any) -> None:
    pair.cpa.on("/v0/management/watched", script)
    client = pair.send("GET /v0/management/watched")
    wait_until(lambda: bool(pair.cpa.asked("/v0/management/watched")), what="the call")
    (call,) = pair.cpa.asked("/v0/management/watched")
    if script is not never:
        assert client.recv(100)
    assert not call.gone.is_set()
    client.close()
    assert call.gone.wait(60)


def test_a_client_that_hangs_up_in_the_middle_of_its_body(pair: Pair) -> None:
    pair.cpa.on("/v0/management/watched", never)
    head = f"PUT /v0/management/watched HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}"
    client = pair.connect()
    client.sendall(f"{head}\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    wait_until(lambda: bool(pair.cpa.asked("/v0/management/watched")), what="the call")
    (call,) = pair.cpa.asked("/v0/management/watched")
    client.close()
    assert call.gone.wait(60)


def test_an_answer_that_cpa_breaks_off_does_not_look_whole(pair: Pair) -> None:
    async def cut(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n")
        call.writer.close()

    pair.cpa.on("/v0/management/cut", cut)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        pair.call("GET", "/v0/management/cut")


def test_each_piece_is_passed_on_when_it_comes(pair: Pair) -> None:
    more = asyncio.Event()

    async def events(call: Call) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        await call.send(head + b"data: 1\n\n")
        await more.wait()
        await call.send(b"data: 2\n\n")
        call.writer.close()

    pair.cpa.on("/v0/management/events", events)
    with pair.send("GET /v0/management/events") as client:
        got = b""
        while b"data: 1" not in got:
            got += client.recv(4096)
        pair.cpa.soon(more.set)
        while b"data: 2" not in got:
            got += client.recv(4096)
