"""The stream of what has changed."""

from __future__ import annotations

import http.client
import json
import signal
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.lab import Manager, free_port
from cpamp.web.live import (
    HEARTBEAT,
    HEARTBEAT_SECONDS,
    PATH,
    PATIENCE_SECONDS,
    TICK_SECONDS,
    Live,
    SlowClient,
    State,
    last_event_id,
    messages,
)
from tests.answers import events
from tests.daemon import Lab

IMPORT = "/v0/management/usage/import"
PRICES = "/v0/management/model-prices"
RUNNING = {"collector": "running", "transport": "subscribe"}
FINE = {"store": {"ready": True, "problem": ""}}
FULL = {"store": {"ready": False, "problem": "the disk is full"}}
STATE = State(10, RUNNING, 3, 4, FINE)


def parsed(text: bytes) -> list[tuple[str, Any]]:
    """The messages of a text: their events with their data; comments and the like are left out."""
    found = []
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            assert list(fields) == ["id", "event", "data"]
            found.append((fields["event"], json.loads(fields["data"])))
    return found


# -- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "since", "now", "expected"),
    [
        (STATE, None, STATE, []),
        (
            None,
            None,
            STATE,
            [
                ("rows", {"rows": 10, "added": 0}),
                ("collector", RUNNING),
                ("prices", {"version": 3}),
                ("aliases", {"version": 4}),
                ("health", FINE),
            ],
        ),
        (
            STATE,
            None,
            State(12, RUNNING, 3, 4, FINE),
            [("rows", {"rows": 12, "added": 2, "first_id": 11, "last_id": 12})],
        ),
        (
            STATE,
            7,
            State(9, RUNNING, 3, 4, FINE),
            [("rows", {"rows": 9, "added": 9, "first_id": 1, "last_id": 9, "reset": True})],
        ),
        (STATE, None, State(10, {}, 3, 4, FINE), [("collector", {})]),
        (
            STATE,
            None,
            State(10, RUNNING, 5, 6, FINE),
            [("prices", {"version": 5}), ("aliases", {"version": 6})],
        ),
        (STATE, None, State(10, RUNNING, 3, 4, FULL), [("health", FULL)]),
    ],
)
def test_only_what_differs_is_told(
    told: State | None, since: int | None, now: State, expected: list[Any]
) -> None:
    assert parsed(messages(told, since, now)) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (10, []),
        (4, [("rows", {"rows": 10, "added": 6, "first_id": 5, "last_id": 10})]),
        (11, [("rows", {"rows": 10, "added": 10, "first_id": 1, "last_id": 10, "reset": True})]),
    ],
)
def test_who_comes_again_is_told_what_was_missed(since: int, expected: list[Any]) -> None:
    assert parsed(messages(None, since, STATE))[:-4] == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("", None), (" 12 ", 12), ("-1", None), ("x", None), ("9" * 30, None)],
)
def test_the_last_event_id_is_a_number_or_nothing(header: str | None, expected: int | None) -> None:
    assert last_event_id(header) == expected


# -- when -----------------------------------------------------------------------------------------


@attrs.define
class Client:
    """Takes what it is sent, or nothing while it is `slow`."""

    taken: list[bytes] = attrs.Factory(list)
    slow: bool = False

    async def write(self, data: bytes) -> None:
        self.taken.append(data)
        if self.slow:
            await Deferred()


@attrs.define
class World:
    """A stream on a clock, over a state that may be set."""

    state: State = STATE
    clock: Clock = attrs.Factory(Clock)
    live: Live = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.live = Live(self.clock, lambda: self.state)
        self.live.startService()

    def follow(self, client: Client, since: int | None = None) -> Deferred[None]:
        following = Deferred.fromCoroutine(self.live.follow(client, since))
        # What comes at once.
        client.taken.clear()
        return following

    def pass_(self, seconds: float) -> None:
        self.clock.pump([0.5] * int(seconds * 2))


def test_changes_of_one_second_are_told_together() -> None:
    world, client = World(), Client()
    world.follow(client)
    for rows in range(11, 20):
        world.state = attrs.evolve(STATE, rows=rows)
        world.clock.advance(TICK_SECONDS / 10)
    world.pass_(2)
    assert parsed(b"".join(client.taken)) == [
        ("rows", {"rows": 19, "added": 9, "first_id": 11, "last_id": 19})
    ]


def test_a_quiet_stream_has_a_heart() -> None:
    world, client = World(), Client()
    world.follow(client)
    world.pass_(HEARTBEAT_SECONDS * 3)
    assert client.taken == [HEARTBEAT] * 3


def test_a_slow_client_is_dropped_and_costs_nobody_else() -> None:
    world, slow, quick = World(), Client(), Client()
    dropped = world.follow(slow)
    world.follow(quick)
    slow.slow = True
    for rows in range(11, 11 + int(PATIENCE_SECONDS) + 3):
        world.state = attrs.evolve(STATE, rows=rows)
        world.pass_(1)
    # One message was begun, and none was kept for it.
    assert len(slow.taken) == 1
    assert len(quick.taken) == int(PATIENCE_SECONDS) + 3
    errors: list[Any] = []
    dropped.addErrback(errors.append)
    assert [error.type for error in errors] == [SlowClient]


def test_all_streams_end_with_the_service() -> None:
    world, client = World(), Client()
    ended = world.follow(client)
    world.live.stopService()
    assert ended.called
    assert not world.clock.getDelayedCalls()


# -- over HTTP ------------------------------------------------------------------------------------


@attrs.define
class Stream:
    """A client of a real daemon."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection

    @classmethod
    def of(cls, manager: Manager, **headers: str) -> Stream:
        connection = http.client.HTTPConnection("127.0.0.1", manager.http.port, timeout=60)
        sent = {"Authorization": f"Bearer {manager.http.key}", **headers}
        connection.request("GET", PATH, headers=sent)
        return cls(connection.getresponse(), connection)

    def next(self) -> tuple[str, Any]:
        """The next message."""
        lines: list[bytes] = []
        while True:
            line = self.response.readline()
            assert line, "the stream has ended"
            if line != b"\n":
                lines.append(line)
                continue
            found = parsed(b"".join(lines) + b"\n")
            lines = []
            if found:
                return found[0]

    def until(self, event: str) -> Any:
        """The data of the next message of this event."""
        while True:
            name, data = self.next()
            if name == event:
                return data


def test_a_client_hears_of_everything(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    stream = Stream.of(manager)
    assert stream.response.status == 200
    assert stream.response.getheader("Content-Type") == "text/event-stream"
    assert stream.next() == ("rows", {"rows": 0, "added": 0})
    assert stream.next()[1]["collector"] == "stopped"
    first = [stream.next() for _ in range(2)]
    assert [name for name, _ in first] == ["prices", "aliases"]
    manager.http.request("POST", IMPORT, events("raw"))
    assert stream.until("rows") == {"rows": 325, "added": 325, "first_id": 1, "last_id": 325}
    manager.http.json("PUT", PRICES, {"prices": {"gpt": {"prompt": 1}}})
    assert stream.until("prices")["version"] > first[0][1]["version"]
    items = [{"apiKeyHash": "0" * 64, "alias": "Team"}]
    manager.http.json("PUT", "/v0/management/api-key-aliases", {"items": items})
    assert stream.until("aliases")["version"] > first[1][1]["version"]
    again = Stream.of(manager, **{"Last-Event-ID": "300"})
    assert again.next()[1] == {"rows": 325, "added": 25, "first_id": 301, "last_id": 325}
    # A stop ends the streams, at once and in order.
    assert manager.stop() == -signal.SIGTERM
    assert stream.response.read() == b""
    assert b"\n\n" in again.response.read()


def test_the_collector_s_troubles_are_told(lab: Lab) -> None:
    cpa = f"http://127.0.0.1:{free_port()}"
    manager = lab.manager(CPA_UPSTREAM_URL=cpa, CPA_MANAGEMENT_KEY="key")
    manager.start()
    stream = Stream.of(manager)
    while "lastError" not in stream.until("collector"):
        pass


def test_strangers_and_heads(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    stranger = Stream.of(manager, Authorization="Bearer wrong")
    assert stranger.response.status == 401
    assert manager.http.request("HEAD", PATH) == (200, b"")
