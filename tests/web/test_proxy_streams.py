"""Proxied bodies of any length: piece by piece, in no memory, and ended with their client."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from cpamp.bench.measure import MIB, percentile
from cpamp.lab import ADMIN_KEY, wait_until
from tests.web.proxied import Pair
from tests.web.upstream import Call

GIB = 1024 * MIB


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
