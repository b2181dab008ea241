"""What the proxy passes on to CPA and back, and what it does not."""

from __future__ import annotations

import gzip
import json

import pytest

from cpamp.lab import ADMIN_KEY
from tests.daemon import Lab
from tests.web.proxied import ADMIN, CPA_KEY, Pair
from tests.web.upstream import Call, reply

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


def test_cpa_can_not_be_reached(lab: Lab) -> None:
    manager = lab.manager(CPA_UPSTREAM_URL="http://127.0.0.1:1", CPA_MANAGEMENT_KEY=CPA_KEY)
    manager.start()
    status, body = manager.http.request("GET", "/v0/management/debug")
    assert (status, json.loads(body)["code"]) == (502, "cpa_unreachable")
