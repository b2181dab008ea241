"""Calls of the management API, against a server on a real socket that answers as a test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from cpamp.cpa.client import (
    CALL_SECONDS,
    LISTING_SECONDS,
    SMALL_BYTES,
    CpaClient,
    CpaConfig,
)
from cpamp.cpa.credentials import Credentials
from cpamp.cpa.errors import (
    CpaProblem,
    CpaTimeout,
    KeyBanned,
    KeyRefused,
    ManagementOff,
    NotCpa,
    RemoteDisabled,
    Unsupported,
)
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.network import make_agent
from cpamp.cpa.urls import InvalidUrl
from cpamp.errors import CpaUnreachable, Problem
from tests import transcripts
from tests.web.upstream import CONFIG, Call, Script, Upstream, reply, upstream

VERSION = ("X-CPA-VERSION", "7.2.140")
CONFIG_PATH = "/v0/management/config"


@pytest.fixture
def cpa() -> Iterator[Upstream]:
    with upstream() as server:
        yield server


def client(cpa: Upstream, clock: Any = reactor) -> CpaClient:
    guard = KeyGuard(clock)
    return CpaClient(clock, cpa.url, "the-key", guard, make_agent(reactor))


def recorded(name: str) -> Script:
    """The recorded reply of that name."""
    said = transcripts.http(name)["response"]
    kept = [(n, v) for n, v in said["headers"] if n not in ("Content-Length", "Transfer-Encoding")]
    return reply(said["status"], said["body"].encode(), *kept)


async def problem(asking: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        await asking
    return caught.value


# -- what CPA really answered -------------------------------------------------------------------


@ensureDeferred
async def test_the_recorded_configuration(cpa: Upstream) -> None:
    cpa.on(CONFIG_PATH, recorded("config"))
    asking = client(cpa)
    assert await asking.config() == CpaConfig(
        usage_statistics_enabled=True,
        retention_seconds=3600,
        retention_is_default=False,
        proxy_url="http://127.0.0.1:19000",
        version="dev",
    )
    (call,) = cpa.asked(CONFIG_PATH)
    assert (call.method, call.all("Authorization")) == ("GET", ["Bearer the-key"])
    assert call.all("Accept-Encoding") == ["identity"]


@pytest.mark.parametrize("name", ["queue-count-3", "queue-count-100", "queue-empty"])
@ensureDeferred
async def test_the_recorded_queue(cpa: Upstream, name: str) -> None:
    cpa.on("/v0/management/usage-queue", recorded(name))
    body = await client(cpa).usage_queue(77)
    assert body.decode() == transcripts.http(name)["response"]["body"]
    (call,) = cpa.asked("/v0/management/usage-queue")
    assert call.target.endswith("?count=77")


@ensureDeferred
async def test_the_recorded_listing(cpa: Upstream) -> None:
    cpa.on("/v0/management/auth-files", recorded("auth-files"))
    entries = await client(cpa).auth_files()
    names = [entry["name"] for entry in entries]
    assert names == sorted(names, key=str.lower)
    assert "codex-alice-plus.json" in names


@ensureDeferred
async def test_the_recorded_switch(cpa: Upstream) -> None:
    bodies: list[bytes] = []

    async def take(call: Call) -> None:
        bodies.append(await call.body())
        # The body is read already: only the reply is missing.
        call.headers.clear()
        await recorded("usage-statistics-put")(call)

    cpa.on("/v0/management/usage-statistics-enabled", take)
    await client(cpa).enable_usage_statistics()
    (call,) = cpa.calls
    assert (call.method, bodies) == ("PUT", [b'{"value":true}'])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("no-key", KeyRefused),
        ("wrong-key", KeyRefused),
        ("banned", KeyBanned),
        ("unknown-management-path", ManagementOff),
        ("unknown-path", ManagementOff),
        ("queue-bad-count-0", CpaProblem),
        ("trailing-slash", CpaProblem),
    ],
)
@ensureDeferred
async def test_the_recorded_refusals(cpa: Upstream, name: str, kind: type[Problem]) -> None:
    cpa.on("/v0/management/usage-queue", recorded(name))
    assert type(await problem(client(cpa).usage_queue(1))) is kind


# -- what else may answer -----------------------------------------------------------------------

ANSWERS: list[tuple[Script, type[Problem], str]] = [
    (reply(200, CONFIG), NotCpa, "tells no version"),
    (reply(200, b"<html>log in</html>", VERSION), NotCpa, "its reply is no JSON"),
    (reply(200, b"", VERSION), NotCpa, "its reply is no JSON"),
    (reply(200, b"{}", VERSION), NotCpa, "not CPA's management API"),
    (reply(200, b"[]", VERSION), NotCpa, "not CPA's management API"),
    (reply(200, b"null", VERSION), NotCpa, "not CPA's management API"),
    (reply(302, b"", ("Location", "/login")), CpaProblem, "302 Said So"),
    (reply(401, b'{"error":"invalid management key"}'), KeyRefused, "invalid management key"),
    (reply(401, b"<html>proxy login</html>"), KeyRefused, "refuses the management key"),
    (reply(403, b'{"error":"remote management disabled"}'), RemoteDisabled, "allow-remote: true"),
    (reply(403, b'{"error":"remote management key not set"}'), ManagementOff, "secret-key"),
    (reply(403, b"<html>forbidden</html>"), CpaProblem, "403 Said So: <html>"),
    (reply(404), ManagementOff, "no management API there"),
    (reply(404, b"404 page not found"), Unsupported, "404 Said So: 404 page not found"),
    (reply(405), Unsupported, "405 Said So"),
    (reply(501, b"x" * 9000), Unsupported, "501 Said So: x"),
    (reply(429, b"", ("Retry-After", "5")), CpaProblem, "429 Said So"),
    (reply(500, b'{"error":"failed to save config: disk full"}'), CpaProblem, "disk full"),
    (reply(502, b"\xff\xfe"), CpaProblem, "502 Said So"),
    (reply(200, b"x" * (4 * SMALL_BYTES), VERSION), CpaProblem, "larger than 4194304 bytes"),
]


@pytest.mark.parametrize(("script", "kind", "said"), ANSWERS, ids=[said for _, _, said in ANSWERS])
@ensureDeferred
async def test_answers(cpa: Upstream, script: Script, kind: type[Problem], said: str) -> None:
    cpa.on(CONFIG_PATH, script)
    found = await problem(client(cpa).config())
    assert type(found) is kind
    assert said in found.message
    assert len(found.message) < 700


@ensureDeferred
async def test_the_version_is_remembered(cpa: Upstream) -> None:
    asking = client(cpa)
    await asking.config()
    assert asking.version == "7.2.140"


async def cut(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nX-CPA-VERSION: 7\r\nContent-Length: 100\r\n\r\n{")
    call.writer.close()


async def hang_up(call: Call) -> None:
    call.writer.close()


async def no_http(call: Call) -> None:
    await call.send(b"-ERR protocol error\r\n")
    call.writer.close()


@pytest.mark.parametrize("script", [cut, hang_up, no_http])
@ensureDeferred
async def test_answers_that_break_off(cpa: Upstream, script: Script) -> None:
    cpa.on(CONFIG_PATH, script)
    assert type(await problem(client(cpa).config())) is CpaUnreachable


@ensureDeferred
async def test_nobody_there() -> None:
    guard = KeyGuard(Clock())
    asking = CpaClient(reactor, "http://127.0.0.1:1", "k", guard, make_agent(reactor))
    found = await problem(asking.config())
    assert (type(found), found.code) == (CpaUnreachable, "cpa_unreachable")
    asking.url = "http://no such host"
    assert type(await problem(asking.config())) is InvalidUrl


async def until(ready: Callable[[], Any]) -> None:
    for _ in range(1000):
        if ready():
            return
        await deferLater(reactor, 0.005, lambda: None)
    raise AssertionError("waited in vain")


@asynccontextmanager
async def unanswered(cpa: Upstream, path: str, head: bytes) -> AsyncIterator[None]:
    """A path whose answer never comes, or stops after its head."""

    async def stall(call: Call) -> None:
        await call.send(head)
        await call.reader.read()

    cpa.on(path, stall)
    yield
    await until(lambda: all(call.gone.is_set() for call in cpa.asked(path)))


@pytest.mark.parametrize(
    ("ask", "path", "seconds"),
    [
        (lambda c: c.config(), CONFIG_PATH, CALL_SECONDS),
        (lambda c: c.usage_queue(1), "/v0/management/usage-queue", CALL_SECONDS),
        (lambda c: c.auth_files(), "/v0/management/auth-files", LISTING_SECONDS),
    ],
)
@ensureDeferred
async def test_no_answer_in_time(cpa: Upstream, ask: Any, path: str, seconds: float) -> None:
    clock = Clock()
    async with unanswered(cpa, path, b""):
        asking = Deferred.fromCoroutine(problem(ask(client(cpa, clock))))
        await until(lambda: cpa.asked(path))
        clock.advance(seconds - 1)
        assert not asking.called
        clock.advance(1)
        found = await asking
        assert (type(found), found.status) == (CpaTimeout, 504)
        assert found.message == f"CPA did not answer within {seconds:g} s"


@ensureDeferred
async def test_a_body_that_does_not_come(cpa: Upstream) -> None:
    clock = Clock()
    head = b"HTTP/1.1 200 OK\r\nX-CPA-VERSION: 7\r\nContent-Length: 100\r\n\r\n{"
    async with unanswered(cpa, CONFIG_PATH, head):
        asking = client(cpa, clock)
        asked = Deferred.fromCoroutine(problem(asking.config()))
        await until(lambda: asking.version)
        clock.advance(CALL_SECONDS)
        assert type(await asked) is CpaTimeout


@ensureDeferred
async def test_a_refused_key_is_sent_twice_and_no_more(cpa: Upstream) -> None:
    cpa.on(CONFIG_PATH, reply(401, b'{"error":"invalid management key"}'))
    asking = client(cpa)
    for _ in range(5):
        assert isinstance(await problem(asking.config()), KeyRefused)
    assert len(cpa.asked(CONFIG_PATH)) == 2


API_CALL = "/v0/management/api-call"


@ensureDeferred
async def test_what_a_provider_only_tells_goes_over_one_connection(cpa: Upstream) -> None:
    cpa.on(API_CALL, reply(200, b'{"status_code":200,"body":"x"}'))
    credentials = Credentials(client(cpa))
    for method in ("GET", "GET", "GET", "POST"):
        await credentials.api_call("i", "https://x", {}, seconds=5, method=method)
    first, second, third, change = cpa.asked(API_CALL)
    assert first.writer is second.writer is third.writer
    # What may change something has a connection of its own.
    assert change.writer is not first.writer


@ensureDeferred
async def test_it_is_sent_once_over_a_connection_that_has_gone_stale_too(cpa: Upstream) -> None:
    async def hang_up(call: Call) -> None:
        call.writer.close()

    cpa.on(API_CALL, reply(200, b'{"status_code":200}'))
    credentials = Credentials(client(cpa))
    await credentials.api_call("i", "https://x", {}, seconds=5)
    cpa.on(API_CALL, hang_up)
    asking = credentials.api_call("i", "https://x", {}, seconds=5)
    assert isinstance(await problem(asking), CpaUnreachable)
    assert len(cpa.asked(API_CALL)) == 1


# -- reading a configuration --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"usage-statistics-enabled": True}, (True, 60, True, "")),
        ({"usage-statistics-enabled": False}, (False, 60, True, "")),
        ({"usageStatisticsEnabled": "1"}, (True, 60, True, "")),
        ({"usage-statistics-enabled": " Yes "}, (True, 60, True, "")),
        ({"usage-statistics-enabled": "off"}, (False, 60, True, "")),
        ({"usage-statistics-enabled": 1}, (False, 60, True, "")),
        ({"usage-statistics-enabled": None}, (False, 60, True, "")),
    ],
)
def test_switches(members: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = CpaConfig.read(members, "v")
    assert (
        found.usage_statistics_enabled,
        found.retention_seconds,
        found.retention_is_default,
        found.proxy_url,
    ) == expected


@pytest.mark.parametrize(
    ("value", "seconds", "is_default"),
    [
        (60, 60, False),
        (0, 0, False),
        (-5, -5, False),
        ("90", 90, False),
        (12.7, 12, False),
        (None, 60, True),
        (True, 60, True),
        ("soon", 60, True),
        ([], 60, True),
        ("1e999", 60, True),
    ],
)
def test_retentions(value: Any, seconds: int, is_default: bool) -> None:
    members = {"usage-statistics-enabled": True, "redis-usage-queue-retention-seconds": value}
    found = CpaConfig.read(json.loads(json.dumps(members)), "v")
    assert (found.retention_seconds, found.retention_is_default) == (seconds, is_default)
