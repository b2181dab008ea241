"""The recorded traffic of a real CPA (tests/data/cpa)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

FOLDER = Path(__file__).parent / "data" / "cpa"
KEY = "lab-management-key"
# For how long a wire waits for more, which only a failing test does.
SECONDS = 60
RESP = sorted(path.stem for path in (FOLDER / "resp").glob("*.jsonl"))
HTTP = sorted(path.stem for path in (FOLDER / "http").glob("*.json"))


@attrs.frozen
class Turn:
    """What one side said, or that CPA closed."""

    from_client: bool
    data: bytes
    closed: bool = False


def resp(name: str) -> list[Turn]:
    """A conversation on the RESP side."""
    turns = []
    for line in (FOLDER / "resp" / f"{name}.jsonl").read_text().splitlines()[1:]:
        said = json.loads(line)
        data = said.get("data", "").encode("latin-1")
        turns.append(Turn(said["from"] == "C", data, bool(said.get("closed"))))
    return turns


def http(name: str) -> dict[str, Any]:
    """One request and its reply."""
    found: dict[str, Any] = json.loads((FOLDER / "http" / f"{name}.json").read_text())
    return found


def bulks(data: bytes) -> list[bytes]:
    """All bulk strings in some replies."""
    found, at = [], 0
    while (at := data.find(b"$", at)) >= 0:
        end = data.index(b"\r\n", at)
        length = int(data[at + 1 : end])
        at = end + 2
        if length >= 0:
            found.append(data[at : at + length])
            at += length
    return found


def records(turns: list[Turn]) -> Iterator[bytes]:
    """The usage records that CPA sent in a conversation."""
    for turn in turns:
        if not turn.from_client and not turn.closed:
            yield from (payload for payload in bulks(turn.data) if payload.startswith(b'{"timest'))


class Wire(Protocol):
    """One end of a connection, for a test that says byte by byte what is sent and expected."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def _more(self) -> None:
        self._waiting = Deferred()
        await self._waiting.addTimeout(SECONDS, reactor)

    async def take(self, length: int) -> bytes:
        """The next `length` bytes, or fewer where the other end closes before."""
        while len(self.data) < length and not self.closed:
            await self._more()
        taken, self.data = self.data[:length], self.data[length:]
        return taken

    async def end(self) -> bytes:
        """What comes until the other end closes."""
        while not self.closed:
            await self._more()
        return self.data


class Wires(Factory):
    """Listens, and hands out the connections in their order."""

    noisy = False

    def __init__(self) -> None:
        self._come: list[Wire] = []
        self._wanted: list[Deferred[Wire]] = []

    def buildProtocol(self, addr: Any) -> Wire:
        wire = Wire()
        if self._wanted:
            self._wanted.pop(0).callback(wire)
        else:
            self._come.append(wire)
        return wire

    async def next(self) -> Wire:
        """The next connection."""
        if self._come:
            return self._come.pop(0)
        wanted: Deferred[Wire] = Deferred()
        self._wanted.append(wanted)
        return await wanted
