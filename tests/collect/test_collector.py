"""The collector against a simulated CPA on real sockets, with the real store and its threads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from zope.interface import directlyProvides, providedBy

from cpamp.collect.auto import PROBE_SECONDS
from cpamp.collect.collector import Collector
from cpamp.collect.config import CollectorConfig
from cpamp.cpa.client import CpaClient
from cpamp.cpa.keyguard import KeyGuard
from cpamp.cpa.network import make_agent
from cpamp.simulator.resp import RespServer
from cpamp.simulator.server import Simulator
from cpamp.store import Store
from cpamp.store.database import open_database
from cpamp.store.reading import Dictionaries, read_range
from cpamp.usage.event import Event
from tests.answers import DATA
from tests.collect.doubles import payload

KEY = "management-key"
SECONDS = 60.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def until(ready: Callable[[], Any], what: str) -> None:
    """Let the reactor run until something holds."""
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end, f"waited in vain: {what}"
        await deferLater(reactor, 0.005, lambda: None)


@attrs.define
class World:
    """A CPA, a store, and a collector between them."""

    cpa: Simulator
    port: int
    store: Store
    collector: Collector
    database: Path

    def config(self, **changes: Any) -> CollectorConfig:
        url = f"http://127.0.0.1:{self.port}"
        return CollectorConfig(**{"url": url, "key": KEY, "poll_interval_ms": 20, **changes})

    def status(self) -> dict[str, Any]:
        return self.collector.status()

    async def collect(self, **changes: Any) -> None:
        self.collector.configure(self.config(**changes))
        await until(lambda: self.status()["collector"] == "running", "running")

    def publish(self, *numbers: int) -> None:
        for number in numbers:
            self.cpa.queue.publish(payload(number))

    def logins(self) -> int:
        return sum(note["what"] == "AUTH" for note in self.cpa.notes)

    def over_resp(self) -> list[Any]:
        return [c for c in self.cpa.connections if isinstance(c._inner, RespServer)]

    async def told(self, inserted: int) -> dict[str, Any]:
        """The status that tells of so many; the store itself has them a moment earlier."""
        await until(lambda: self.status()["totalInserted"] >= inserted, f"{inserted} in all")
        return self.status()

    async def stored(self, count: int) -> list[Event]:
        await until(lambda: self.store.counts.events >= count, f"{count} events")
        rows = await self.store.read(read_range, Dictionaries(), 1, self.store.last_id)
        return [event for _, event in rows]

    async def requests(self, count: int) -> list[str]:
        return sorted(event.request_id for event in await self.stored(count))


def names(*numbers: int) -> list[str]:
    return [f"req-{number:04}" for number in numbers]


@asynccontextmanager
async def world(
    folder: Path, *, spool_limit: int = 1 << 30, clock: Any = reactor
) -> AsyncIterator[World]:
    database = folder / "usage.sqlite"
    if not database.exists():
        open_database(database).close()
    cpa = Simulator(reactor, key=KEY, now_ms=now_ms)
    port = cpa.listen(0)
    guard = KeyGuard(reactor)
    agent = make_agent(reactor)
    store = Store(reactor, database, now_ms)
    store.startService()
    collector = Collector(
        clock,
        store,
        guard,
        lambda url, key: CpaClient(reactor, url, key, guard, agent),
        now_ms,
        folder,
        spool_limit,
        lambda events: None,
    )
    collector.startService()
    try:
        yield World(cpa, port, store, collector, database)
    finally:
        if collector.running:
            await collector.stopService()
        await store.stopService()
        await agent.close()
        await cpa.close()


@pytest.mark.parametrize("mode", ["subscribe", "http", "resp"])
@ensureDeferred
async def test_recorded_records_arrive_each_once_over_every_transport(
    tmp_path: Path, mode: str
) -> None:
    lines = (DATA / "cpa" / "records.jsonl").read_bytes().splitlines()
    async with world(tmp_path) as w:
        # The first half waits in CPA's queue when collection begins.
        for line in lines[: len(lines) // 2]:
            w.cpa.queue.publish(line)
        await w.collect(mode=mode)
        for line in lines[len(lines) // 2 :]:
            w.cpa.queue.publish(line)
        events = await w.stored(len(lines))
        assert sorted(e.request_id for e in events) == sorted(
            orjson.loads(line)["request_id"] for line in lines
        )
        assert len({event.event_hash for event in events}) == len(lines)
        status = await w.told(len(lines))
        assert (status["transport"], status["mode"]) == (mode, mode)
        assert (status["totalInserted"], status["deadLetters"]) == (len(lines), 0)


@ensureDeferred
async def test_the_status_before_during_and_after(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        before = w.status()
        assert (before["collector"], before["upstream"], before["transport"]) == ("stopped", "", "")
        assert before["lastConsumedAt"] == before["lastInsertedAt"] == 0
        assert "lastError" not in before
        await w.collect()
        w.publish(1)
        await w.stored(1)
        await until(lambda: w.status()["publishing"] is not None, "publishing")
        during = await w.told(1)
        assert during["upstream"] == f"http://127.0.0.1:{w.port}"
        assert (during["transport"], during["queue"]) == ("subscribe", "usage")
        assert during["cpaVersion"] == "7.2.140"
        assert during["key"]["state"] == "accepted"
        assert during["lastInsertedAt"] >= during["lastConsumedAt"] > 0
        w.collector.configure(None)
        await until(lambda: w.status()["collector"] == "stopped", "stopped")
        after = w.status()
        assert (after["transport"], after["totalInserted"]) == ("subscribe", 1)
        assert set(before) == set(during) == set(after)
        # The totals outlive the run.
        await w.collect(mode="http")
        w.publish(2)
        await w.stored(2)
        assert (await w.told(2))["totalInserted"] == 2


@ensureDeferred
async def test_publishing_that_is_off_is_turned_on(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.set(publishing=False)
        await w.collect()
        await until(lambda: w.status()["publishing"], "publishing")
        assert w.cpa.queue.publishing
        await until(lambda: w.status()["coverage"]["holes"], "the hole")
        (hole,) = w.status()["coverage"]["holes"]
        assert (hole["state"], hole["reason"]) == ("lost", "publishing off")


@ensureDeferred
async def test_publishing_stays_off_where_the_user_wants_it_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.set(publishing=False)
        await w.collect(ensure_publishing=False)
        await until(lambda: w.status()["publishing"] is False, "publishing to be known as off")
        assert not w.cpa.queue.publishing


@ensureDeferred
async def test_a_database_that_is_taken_away_and_put_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.collect()
        w.publish(1)
        await w.stored(1)
        aside = w.database.with_name("aside")
        w.database.rename(aside)
        w.publish(2, 3)
        await until(lambda: w.status()["spoolEvents"] == 2, "the spool")
        status = w.status()
        assert status["collector"] == "error"
        assert status["lastError"].startswith("store: ")
        assert not w.database.exists()
        aside.rename(w.database)
        assert await w.requests(3) == names(1, 2, 3)
        await until(lambda: not w.status()["spoolEvents"], "an empty spool")
        assert w.status()["collector"] == "running"
        assert "lastError" not in w.status()


@ensureDeferred
async def test_a_stop_and_a_start_lose_nothing_and_leave_no_hole(tmp_path: Path) -> None:
    numbers = range(400)
    async with world(tmp_path) as w:
        await w.collect()
        for number in numbers[:200]:
            w.publish(number)
        stopping = w.collector.stopService()
        for number in numbers[200:300]:
            w.publish(number)
        await stopping
        for number in numbers[300:]:
            w.publish(number)
        left = [orjson.loads(p)["request_id"] for p in w.cpa.queue.pop(1000)]
        stored = await w.requests(0)
    assert sorted([*stored, *left]) == names(*numbers)
    async with world(tmp_path) as again:
        for name in left:
            again.publish(int(name.removeprefix("req-")))
        await again.collect()
        assert await again.requests(len(numbers)) == names(*numbers)
        coverage = again.collector.logbook.coverage
        await until(lambda: coverage.judged_ms and not coverage.gap, "the gap to be judged")
        assert again.status()["coverage"]["holes"] == []


@ensureDeferred
async def test_a_stop_does_not_wait_for_room(tmp_path: Path) -> None:
    async with world(tmp_path, spool_limit=0) as w:
        w.collector.pipeline.intake.limit = 1
        await w.collect(mode="http")
        aside = w.database.with_name("aside")
        w.database.rename(aside)
        w.publish(1)
        await until(lambda: "spool" in w.status().get("lastError", ""), "a full spool")
        assert not w.collector.pipeline.intake.room
        w.publish(2)
        w.collector.configure(None)
        await until(lambda: w.status()["upstream"] and w.collector._changing is None, "the end")
        # CPA keeps what there was no room for.
        assert len(w.cpa.queue) == 1
        aside.rename(w.database)
        assert await w.requests(1) == names(1)


class Hurried:
    """The reactor, but for the pause before a better transport is tried."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def callLater(self, seconds: float, *work: Any) -> Any:
        return reactor.callLater(0.05 if seconds == PROBE_SECONDS else seconds, *work)  # type: ignore[attr-defined]


@ensureDeferred
async def test_a_stop_ends_a_better_transport_that_is_being_tried(tmp_path: Path) -> None:
    clock = Hurried()
    directlyProvides(clock, *providedBy(reactor))
    async with world(tmp_path, clock=clock) as w:
        refuse = {"error": "ERR unknown command 'subscribe'"}
        w.cpa.faults.add({"when": {"verb": "subscribe"}, "times": 1, "do": refuse})
        await w.collect()
        assert w.status()["transport"] == "http"
        # The next try waits for the answer to its key.
        w.cpa.faults.add({"when": {"verb": "auth"}, "times": 1, "do": {"never": True}})
        before = w.logins()
        await until(lambda: w.logins() > before, "another try")
        assert w.over_resp()
        w.collector.configure(None)
        await until(lambda: not w.over_resp(), "the end of the try")


@pytest.mark.parametrize("mode", ["auto", "subscribe", "http"])
@ensureDeferred
async def test_a_wrong_key_is_shown_and_not_tried_for_ever(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path) as w:
        w.collector.configure(w.config(key="wrong", mode=mode))
        await until(lambda: w.status()["key"]["state"] == "key_refused", "a refused key")
        await until(lambda: w.status()["collector"] == "error", "an error")
        await deferLater(reactor, 0.3, lambda: None)
        assert w.status()["lastError"].startswith("auth: ")
        tries = [n for n in w.cpa.notes if "AUTH" in n["what"] or n["protocol"] == "http"]
        assert len(tries) <= 2
        # With the right one all is well at once.
        await w.collect(mode=mode)
        w.publish(1)
        assert await w.requests(1) == names(1)


@ensureDeferred
async def test_only_the_newest_of_several_configurations_counts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.collect(mode="subscribe")
        w.collector.configure(w.config(mode="resp"))
        w.collector.configure(None)
        w.collector.configure(w.config(mode="http"))
        await until(lambda: w.status()["transport"] == "http", "the newest one")
        await until(lambda: w.status()["collector"] == "running", "running")
        assert not w.cpa.queue.subscribers
        w.publish(1)
        assert await w.requests(1) == names(1)


@ensureDeferred
async def test_the_same_configuration_leaves_a_subscription_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.collect()
        (subscriber,) = w.cpa.queue.subscribers
        w.collector.configure(w.config())
        w.publish(1)
        await w.stored(1)
        assert w.cpa.queue.subscribers == [subscriber]


@ensureDeferred
async def test_names_come_from_the_listing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.collect()
        known = next(e for e in w.cpa.auth_files if e.get("email"))
        w.cpa.queue.publish(payload(1, auth_index=known["auth_index"]))
        (event,) = await w.stored(1)
        assert event.who.account_snapshot == known["email"]
        assert event.who.auth_file_snapshot == known["name"]


@ensureDeferred
async def test_cpa_restarts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.collect(mode="subscribe")
        w.publish(1)
        await w.stored(1)
        restarting = Deferred.fromCoroutine(w.cpa.restart(300))
        await until(lambda: w.status()["collector"] == "error", "an error")
        await restarting
        w.publish(2)
        await until(lambda: w.status()["collector"] == "running", "running again")
        w.publish(3)
        assert await w.requests(3) == names(1, 2, 3)
