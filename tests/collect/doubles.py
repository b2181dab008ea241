"""Stand-ins for threads and the reactor: everything else in these tests is the real thing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from cpamp.errors import StoreUnavailable
from cpamp.store import dead_letters
from cpamp.store.database import open_database, open_reader
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries, read_range
from cpamp.store.writing import Added, WriterConnection
from cpamp.usage.event import Event
from cpamp.usage.record import decode

NOW = 1_795_500_000_000


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that must not wait for anything."""
    results: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(results.append)
    assert results, "it still waits"
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


class Inline:
    """A worker whose thread is the caller's."""

    async def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return work(*args, **kwargs)


class Threadless:
    """The store's writer and readers on a real database, without threads.

    It can be told to be unavailable, to choke on an event, and to hold a commit back.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "usage.sqlite"
        open_database(self.path).close()
        self.dictionaries = Dictionaries()
        self.derived = Derived.beside(self.path, self.dictionaries)
        self.writer = WriterConnection(self.path, self.derived, lambda: None)
        self.writer.open()
        self.reader = open_reader(self.path)
        self.problem = ""
        self.poison: set[str] = set()
        self.hold: Deferred[None] | None = None
        self.hold_writes: Deferred[None] | None = None
        self.batches: list[int] = []
        self.connections: set[int] = set()
        self.writes = 0

    def _check(self) -> None:
        if self.problem:
            raise StoreUnavailable(self.problem)

    async def add_events(self, events: Sequence[Event], connection: int = 1) -> Added:
        if self.hold is not None:
            await self.hold
        self._check()
        if self.poison.intersection(event.request_id for event in events):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        self.batches.append(len(events))
        self.connections.add(connection)
        return self.writer.add(events, connection)

    async def add_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        await self.write(dead_letters.add, letters)

    async def write(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.hold_writes is not None:
            await self.hold_writes
        self._check()
        self.writes += 1
        return self.writer.transaction(lambda conn: work(conn, *args))

    async def read(self, work: Callable[..., Any], *args: Any) -> Any:
        self._check()
        return work(self.reader, *args)

    def snapshot(self) -> Any:
        assert self.derived.columns is not None
        return self.derived.columns.snapshot()

    # -- what the tests look at -----------------------------------------------------------------

    def events(self) -> list[Event]:
        last = self.writer.events.last_id
        return [event for _, event in read_range(self.reader, self.dictionaries, 1, last)]

    def requests(self) -> list[str]:
        return [event.request_id for event in self.events()]

    def letters(self) -> list[DeadLetter]:
        return dead_letters.newest(self.reader, 1000)[::-1]

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


class Wall:
    """A time of day that goes with a clock, and can be set."""

    def __init__(self, clock: Clock, start_ms: int = NOW) -> None:
        self.clock = clock
        self.ahead_ms = start_ms

    def __call__(self) -> int:
        return self.ahead_ms + round(self.clock.seconds() * 1000)


def record(number: int, **members: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-11-24T06:00:00.5Z",
        "request_id": f"req-{number:04}",
        "model": "gpt-5.5",
        "auth_index": "3f9a1c0b7d2e4856",
        "tokens": {"input_tokens": 10 + number, "output_tokens": 5},
        **members,
    }


def payload(number: int, **members: Any) -> bytes:
    return orjson.dumps(record(number, **members))


def event(number: int, **members: Any) -> Event:
    found = decode(payload(number, **members), now_ms=NOW)
    assert isinstance(found, Event)
    return found
