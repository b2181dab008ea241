"""The made-up CPA answers as the recorded one did, byte for byte over RESP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
import treq
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.web.client import Agent, FileBodyProducer
from twisted.web.http_headers import Headers

from cpamp.simulator.server import Simulator
from tests import transcripts
from tests.transcripts import KEY, Turn, Wire, bulks

NOW_MS = 1_795_425_600_000


@asynccontextmanager
async def simulator() -> AsyncIterator[tuple[Simulator, int]]:
    """A made-up CPA of the recorded one's version and key, and its port."""
    sim = Simulator(reactor, key=KEY, now_ms=lambda: NOW_MS, version="dev")
    port = sim.listen(0)
    try:
        yield sim, port
    finally:
        await sim.close()


async def connected(port: int) -> Wire:
    wire: Wire = await connectProtocol(HostnameEndpoint(reactor, b"127.0.0.1", port), Wire())
    return wire


async def call(port: int, request: dict[str, Any]) -> tuple[int, list[tuple[str, str]], str]:
    """A recorded request, sent again: status, headers and body."""
    agent = Agent(reactor)
    headers = Headers({k: [v.replace("KEY", KEY)] for k, v in request["headers"].items()})
    body = request["body"]
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        body = FileBodyProducer(BytesIO(text.encode()))
    url = f"http://127.0.0.1:{port}{request['path']}".encode()
    response = await agent.request(request["method"].encode(), url, headers, body)
    pairs = [
        (name.decode().lower(), value.decode())
        for name, values in response.headers.getAllRawHeaders()
        for value in values
    ]
    return response.code, pairs, (await treq.content(response)).decode()


# -- RESP ---------------------------------------------------------------------------------------


def arrange(name: str, sim: Simulator, turns: list[Turn]) -> None:
    """The state in which the recording found CPA."""
    waiting = list(transcripts.records(turns))
    if name == "subscribe":
        # Three others, which the subscription must not give.
        waiting = [b'{"older":%d}' % i for i in range(3)]
    sim.queue.fill(waiting)


def happen(sim: Simulator, data: bytes) -> None:
    """Make happen in CPA what it told of unasked."""
    for word, channel, payload in zip(*[iter(bulks(data))] * 3, strict=True):
        assert word == b"message"
        if payload == b'{"refresh":true}':
            sim.refresh()
        elif channel == b"errors":
            sim.error_event(json.loads(payload))
        else:
            sim.queue.publish(payload)


async def replayed(name: str, sim: Simulator, port: int, size: int) -> None:
    """Say what the client said, in pieces of `size` bytes, and hear what CPA said."""
    turns = transcripts.resp(name)
    arrange(name, sim, turns)
    wire = await connected(port)
    spoken = False
    for number, turn in enumerate(turns):
        if turn.from_client:
            if name.startswith("wrong") and number == 6:
                # The recording has two failures over HTTP here, which make the ban.
                for _ in range(2):
                    await call(port, transcripts.http("wrong-key")["request"])
            for i in range(0, len(turn.data), size):
                wire.transport.write(turn.data[i : i + size])
        elif turn.closed:
            assert await wire.end() == b""
        else:
            if not spoken:
                happen(sim, turn.data)
            assert await wire.take(len(turn.data)) == turn.data
        spoken = turn.from_client
    assert wire.data == b""
    wire.transport.loseConnection()


@pytest.mark.parametrize("size", [1 << 20, 1, 7])
@pytest.mark.parametrize("name", transcripts.RESP)
@ensureDeferred
async def test_a_conversation(name: str, size: int) -> None:
    async with simulator() as (sim, port):
        await replayed(name, sim, port, size)


@ensureDeferred
async def test_what_was_queued_before_a_subscription_stays_queued() -> None:
    async with simulator() as (sim, port):
        await replayed("subscribe", sim, port, 1 << 20)
        assert sim.queue.pop(10) == [b'{"older":0}', b'{"older":1}', b'{"older":2}']


# -- HTTP ---------------------------------------------------------------------------------------

# The recording machine could not reach the release server and the plugin store.
UNREACHED = {"latest-version", "plugin-store"}
# Content that the made-up CPA makes up in its own way: the same members, other values.
OWN_CONTENT = {
    "api-key-usage",
    "auth-files-models",
    "codex-auth-url",
    "logs",
    "model-definitions-codex",
    "request-error-logs",
    "v1-models",
    "auth-files-download",
}
VARIES = {"date", "content-length", "transfer-encoding"}


def prepare(name: str, sim: Simulator, reply: dict[str, Any]) -> None:
    """The state in which the recording found CPA, taken from its own reply."""
    body = reply["body"]
    parsed = json.loads(body) if body.startswith(("{", "[")) else body
    if name.startswith("auth-files") and "files" in parsed:
        sim.auth_files = parsed["files"]
    elif name == "config":
        sim.config = parsed
    elif name == "config-yaml":
        sim.config_yaml = body
    elif name == "auth-file-delete":
        sim.auth_files[0]["name"] = "new.json"
    elif name.startswith("queue-") and isinstance(parsed, list):
        for item in parsed:
            sim.queue.publish(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode())
    elif name.startswith("api-call") and "status_code" in parsed:
        said = {"status": parsed["status_code"], "headers": parsed["header"]}
        sim.api_rules.rules = [{"reply": {**said, "body": parsed["body"]}}]
    elif name == "banned":
        for _ in range(5):
            sim.keys.refusal("127.0.0.1", "wrong")
    elif name == "v1-models":
        sim.config["api-keys"] = None
    elif isinstance(parsed, dict) and set(parsed) <= set(sim.config):
        sim.config.update(parsed)


@pytest.mark.parametrize("name", [n for n in transcripts.HTTP if n not in UNREACHED])
@ensureDeferred
async def test_a_call(name: str) -> None:
    recorded = transcripts.http(name)
    reply = recorded["response"]
    async with simulator() as (sim, port):
        prepare(name, sim, reply)
        status, headers, body = await call(port, recorded["request"])
    assert status == reply["status"]
    wanted = [(n.lower(), v) for n, v in reply["headers"] if n.lower() not in VARIES]
    given = [(n, v) for n, v in headers if n not in VARIES]
    if name in OWN_CONTENT:
        # A file's name is made up, too.
        wanted, given = [[n for n, _ in pairs] for pairs in (wanted, given)]  # type: ignore[misc]
    assert sorted(given) == sorted(wanted)
    if name in OWN_CONTENT:
        ours, theirs = json.loads(body), json.loads(reply["body"])
        assert set(ours) == set(theirs) or not ours
    elif body != reply["body"]:
        assert json.loads(body) == json.loads(reply["body"])
