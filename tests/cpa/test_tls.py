"""RESP over TLS: verified unless told otherwise, and never with ALPN."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor, ssl

from cpamp.cpa.errors import KeyRefused
from cpamp.cpa.resp import Popper, RespError, Subscriber, connect, login
from cpamp.cpa.urls import Address
from cpamp.simulator.server import Simulator
from tests.certificates import make_certificate

KEY = "management-key"


@asynccontextmanager
async def simulator(folder: Path, days: int = 1) -> AsyncIterator[tuple[Simulator, Address]]:
    """A CPA with a certificate that it made itself, and that takes ALPN for HTTP."""
    sim = Simulator(reactor, key=KEY, now_ms=lambda: time.time_ns() // 1_000_000)
    key, certificate = make_certificate(folder, days=days)
    tls: Any = ssl.DefaultOpenSSLContextFactory(str(key), str(certificate))
    tls.getContext().set_alpn_select_callback(lambda connection, offered: b"http/1.1")
    port = sim.listen(0, tls)
    try:
        yield sim, Address("localhost", port, tls=True)
    finally:
        await sim.close()


@pytest.mark.parametrize("days", [1, -1])
@ensureDeferred
async def test_a_certificate_of_its_own(tmp_path: Path, days: int) -> None:
    async with simulator(tmp_path, days) as (sim, address):
        payloads: list[bytes] = []
        protocol = Subscriber(payloads.append)
        await connect(reactor, address, protocol, skip_verify=True)
        await login(reactor, protocol, KEY)
        await protocol.subscribe_to("usage")
        sim.publish([{"id": 1}])
        await protocol.leave()
        assert payloads[0] == b'{"support_refresh":true}'
        assert b'"id":1' in payloads[1]


@ensureDeferred
async def test_a_wrong_key_over_tls(tmp_path: Path) -> None:
    async with simulator(tmp_path) as (_, address):
        protocol = Popper()
        await connect(reactor, address, protocol, skip_verify=True)
        with pytest.raises(KeyRefused):
            await login(reactor, protocol, "wrong")
        protocol.give_up("done")
        await protocol.lost


@ensureDeferred
async def test_verification_keeps_the_key_from_a_stranger(tmp_path: Path) -> None:
    async with simulator(tmp_path) as (sim, address):
        protocol = Popper()
        await connect(reactor, address, protocol, skip_verify=False)
        with pytest.raises(RespError) as caught:
            await login(reactor, protocol, KEY)
        assert (caught.value.stage, caught.value.message) == (
            "auth",
            "TLS: certificate verify failed",
        )
        assert sim.notes == []
