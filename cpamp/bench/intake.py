"""Collection: how fast, how soon visible, what is lost, what an idle collector costs."""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from cpamp.bench.ground import Ground
from cpamp.bench.measure import MIB, anonymous_bytes, cpu_seconds, percentile, written_bytes
from cpamp.bench.table import Figure
from cpamp.lab import Cpa, Manager, wait_until
from cpamp.simulator.records import CODEX, generate

LEAST_PER_SECOND = 10_000
BURST_PER_SECOND = 20_000
# After so long without an event no more are on their way.
QUIET_SECONDS = 10.0
KILLS = 5
# Less than a moment of the traffic.
CAUGHT_UP_BYTES = 200_000
KILL_PER_SECOND = 300
TRANSPORTS = {"subscribe": 95.0, "http": 490.0, "resp": None}


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of collection."""
    for mode, baseline in TRANSPORTS.items():
        yield from _rate(ground, mode, baseline)
    yield from _latency(ground)
    yield _killed(ground)
    yield from _steady(ground)
    yield from _idle(ground)


def control(cpa: Cpa, name: str, **arguments: Any) -> Any:
    """Tell the made-up CPA to do something."""
    return cpa.control.json("POST", f"/{name}", arguments)


def _rate(ground: Ground, mode: str, baseline: float | None) -> Iterator[Figure]:
    """Events a second to committed and visible, and how many never came."""
    count = ground.plan.load
    with ground.cpa() as cpa, ground.collecting(cpa, ground.empty(), mode) as manager:
        control(cpa, "prepare", count=count, codex=True)
        began = time.perf_counter()
        if mode == "subscribe":
            control(cpa, "burst", per_second=BURST_PER_SECOND)
        else:
            control(cpa, "fill")
        rate, stored = _arrival(manager, count, began)
    name = {"subscribe": "RESP subscribe", "http": "HTTP queue", "resp": "RESP pop"}[mode]
    yield Figure(
        f"collected by {name}, {count:,} Codex records",
        rate,
        "events/s",
        target=LEAST_PER_SECOND,
        better="more",
        baseline=baseline,
    )
    load = f"at {BURST_PER_SECOND:,}/s" if mode == "subscribe" else "in the queue at once"
    yield Figure(f"lost of {count:,} records {load}, {name}", count - stored, "events", target=0)


def _arrival(manager: Manager, count: int, began: float) -> tuple[float, int]:
    """Events a second from the first that is seen to the last, and how many came."""
    manager.wait_for_events(1, every=0.005)
    first, first_seen = time.perf_counter(), manager.events()
    last, seen = first, first_seen
    while seen < count and time.perf_counter() - last < QUIET_SECONDS:
        time.sleep(0.1)
        there = manager.events()
        if there > seen:
            last, seen = time.perf_counter(), there
    if seen == first_seen:
        # All of a small load was there at the first look.
        return seen / (first - began), seen
    return (seen - first_seen) / (last - first), seen


def _latency(ground: Ground) -> Iterator[Figure]:
    """From publication by CPA until `/status` counts the record, at 100 records a second."""
    count = max(50, int(ground.plan.seconds * 50))
    now_ms = time.time_ns() // 1_000_000
    first, *records = generate(count + 1, 2, start_ms=now_ms, span_ms=count, families=CODEX)
    seen: list[float] = []
    with ground.cpa() as cpa, ground.collecting(cpa, ground.empty()) as manager:
        # The first record of all waits for the names of accounts.
        control(cpa, "publish", records=[first])
        manager.wait_for_events(1)
        watch = threading.Thread(target=_watch, args=(manager, count, seen))
        watch.start()
        published = []
        begin = time.perf_counter()
        for i, record in enumerate(records):
            time.sleep(max(0.0, begin + i / 100 - time.perf_counter()))
            published.append(time.perf_counter())
            control(cpa, "publish", records=[record])
        watch.join()
    taken = [(end - start) * 1000 for start, end in zip(published, seen, strict=True)]
    yield Figure("published to visible at 100/s, p50", percentile(taken, 0.5), "ms")
    yield Figure("published to visible at 100/s, p99", percentile(taken, 0.99), "ms", target=200)


def _watch(manager: Manager, count: int, seen: list[float]) -> None:
    """Note for each event but the first when it was counted."""
    while len(seen) < count:
        there = manager.events() - 1
        seen.extend(itertools.repeat(time.perf_counter(), there - len(seen)))
        time.sleep(0.003)


def _killed(ground: Ground) -> Figure:
    """What kill -9 costs, in ms of the traffic, in the mean of some kills."""
    kills = max(1, min(KILLS, int(ground.plan.seconds)))
    count = KILL_PER_SECOND * (3 * kills + 2)
    rng = random.Random(1)
    with ground.cpa() as cpa, ground.collecting(cpa, ground.empty()) as manager:
        control(cpa, "prepare", count=count, codex=True)
        control(cpa, "burst", per_second=KILL_PER_SECOND)
        for _ in range(kills):
            wait_until(lambda: _caught_up(cpa, manager), seconds=60, what="the queue to be empty")
            manager.wait_for_events(manager.events() + rng.randrange(20, 200))
            manager.stop(signal.SIGKILL)
            manager.start()
            manager.wait_for_collector()
        wait_until(lambda: _all_published(cpa), seconds=120, what="the end of the load")
        stored = _settled(manager)
    lost_ms = (count - stored) / kills / KILL_PER_SECOND * 1000
    name = f"lost by a kill -9 under {KILL_PER_SECOND}/s, mean of {kills}"
    return Figure(name, lost_ms, "ms of traffic", target=200)


def _caught_up(cpa: Cpa, manager: Manager) -> bool:
    """Whether what came while the daemon was away is stored."""
    queued = cpa.control.json("GET", "/state")["queued"]
    return not queued and manager.status()["collector"]["intakeBytes"] < CAUGHT_UP_BYTES


def _all_published(cpa: Cpa) -> bool:
    state = cpa.control.json("GET", "/state")
    return not state["bursting"] and not state["queued"]


def _settled(manager: Manager) -> int:
    """How many events there are when no more come."""

    def settled() -> bool:
        before = manager.events()
        time.sleep(0.5)
        return manager.events() == before

    wait_until(settled, seconds=30, what="the last events to be stored")
    return manager.events()


def _steady(ground: Ground) -> Iterator[Figure]:
    """What a steady thousand a second costs with many events in the store."""
    size, seconds = ground.plan.events, ground.plan.seconds
    count = int(1_000 * seconds)
    place = ground.copy("monitoring", size)
    with ground.cpa() as cpa, ground.collecting(cpa, place) as manager:
        control(cpa, "prepare", count=count, codex=True)
        written = written_bytes(manager.process.pid)
        control(cpa, "burst", per_second=1_000)
        manager.wait_for_events(size + count, seconds=60 + 2 * seconds, every=0.5)
        each = (written_bytes(manager.process.pid) - written) / count
    name = f"written to disk per event at 1,000/s, {size:,} in the store"
    yield Figure(name, each / 1000, "kB", target=5)


def _idle(ground: Ground) -> Iterator[Figure]:
    """Processor and memory of a daemon that is subscribed and has nothing to do."""
    size, seconds = ground.plan.events, ground.plan.seconds
    with (
        ground.cpa() as cpa,
        ground.collecting(cpa, ground.copy("monitoring", size)) as manager,
    ):
        # The start is over, and what it left to the background.
        time.sleep(min(3.0, seconds))
        before = cpu_seconds(manager.process.pid)
        time.sleep(seconds)
        used = (cpu_seconds(manager.process.pid) - before) / seconds * 100
        memory = anonymous_bytes(manager.process.pid) / MIB
    yield Figure("idle and subscribed: processor", used, "% of a core", target=0.5)
    yield Figure(f"idle and subscribed: memory, {size:,} events", memory, "MB", target=60)
