"""The port: descriptions, all or none, and being told when it dies."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from cpamp.listening import Listener, ListenError, describe


async def nobody(_seconds: float) -> int:
    """No connection is open."""
    return 0


@pytest.mark.parametrize(
    ("http_addr", "description"),
    [
        ("0.0.0.0:18317", "tcp:port=18317:interface=0.0.0.0:backlog=1024"),
        ("127.0.0.1:0", "tcp:port=0:interface=127.0.0.1:backlog=1024"),
        (":80", "tcp:port=80:interface=0.0.0.0:backlog=1024"),
        ("[::1]:80", r"tcp:port=80:interface=\:\:1:backlog=1024"),
        ("localhost:80", "tcp:port=80:interface=localhost:backlog=1024"),
    ],
)
def test_descriptions(http_addr: str, description: str) -> None:
    assert describe(http_addr) == description


@pytest.mark.parametrize("http_addr", ["", "80", "host", "host:", "host:http", "h:-1", "h:65536"])
def test_no_address(http_addr: str) -> None:
    with pytest.raises(ListenError, match="is not host:port"):
        describe(http_addr)


def test_every_description_is_bound() -> None:
    memory = MemoryReactor()
    listener = Listener(memory, "", ["tcp:1:interface=127.0.0.1", "tcp:2"], Factory(), nobody)
    listener.bind(lambda: None)
    assert [server[0] for server in memory.tcpServers] == [1, 2]


@ensureDeferred
async def test_a_busy_port_leaves_none_bound() -> None:
    factory = Factory()
    first = Listener(reactor, "127.0.0.1:0", (), factory, nobody)
    first.bind(lambda: None)
    busy = first.addresses()[0].rpartition(":")[2]
    both = [describe("127.0.0.1:0"), describe(f"127.0.0.1:{busy}")]
    second = Listener(reactor, "", both, factory, nobody)
    with pytest.raises(ListenError, match="Address already in use"):
        second.bind(lambda: None)
    assert second.ports == []
    await first.close()
    first.bind(lambda: None)
    await first.close()


@ensureDeferred
async def test_death_is_told_and_closing_is_not() -> None:
    deaths: list[str] = []
    listener = Listener(reactor, "127.0.0.1:0", (), Factory(), nobody)
    listener.bind(lambda: deaths.append("dead"))
    await listener.ports[0].stopListening()
    assert deaths == ["dead"]
    quiet = Listener(reactor, "127.0.0.1:0", (), Factory(), nobody)
    quiet.bind(lambda: deaths.append("no"))
    await quiet.close()
    assert deaths == ["dead"]


@pytest.mark.parametrize("description", ["nonsense:1", "tcp:x", "ssl:1:privateKey=/none"])
def test_bad_descriptions(description: str) -> None:
    with pytest.raises(ListenError):
        Listener(reactor, "", [description], Factory(), nobody).bind(lambda: None)
