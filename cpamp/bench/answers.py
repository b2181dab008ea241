"""Answers: how long each question takes, alone and under load, and what memory they need."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence

import orjson

from cpamp.bench.ground import Ground
from cpamp.bench.intake import control
from cpamp.bench.measure import MIB, PeakMemory, median, percentile
from cpamp.bench.questions import (
    ALL_TIME,
    DASHBOARD_DAY,
    FULL_MONTH,
    MILLION,
    OVERVIEW,
    QUESTIONS,
    THREE_MILLION,
    Question,
)
from cpamp.bench.table import Figure
from cpamp.bench.workloads import prices
from cpamp.lab import Http, LabError, Manager

PRICES = "/v0/management/model-prices"
HISTORY_EVENTS = 20_000
CLIENTS = 4
LOADED = (FULL_MONTH, OVERVIEW, DASHBOARD_DAY)
MEMORY_MB = {MILLION: 200, THREE_MILLION: 400}
# How much longer answers of a set may take than those of the even ones; of 0 nothing is asked.
FACTORS = {"skewed": 2, "wide": 0}
# Every asking has a number, so that none is of the same range as another.
_askings = itertools.count()


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of answers."""
    small, large = ground.plan.small, ground.plan.events
    for size in (small, large):
        yield from _alone(ground, "monitoring", size)
    yield from _alone(ground, "skewed", large)
    yield from _alone(ground, "wide", large)
    for size in (small, large):
        yield from _alone(ground, "dashboard", size)
    yield from _alone(ground, "history", min(HISTORY_EVENTS, large))
    yield from _unchanged(ground)
    yield from _loaded(ground)
    yield from _together(ground)
    yield _edited(ground)
    yield _first(ground)


def _ask(http: Http, question: Question, i: int, headers: dict[str, str] | None = None) -> float:
    """Ask once; the ms until the whole answer was there."""
    value = question.body(i)
    body = None if value is None else orjson.dumps(value)
    begin = time.perf_counter()
    status, answer = http.request(question.method, question.path_of(i), body, headers)
    taken = (time.perf_counter() - begin) * 1000
    if status not in (200, 304):
        raise LabError(f"{question.name} was answered by {status}: {answer[:300]!r}")
    return taken


def _cold(http: Http, question: Question, times: int) -> float:
    """The median of some askings, each of another range."""
    return median([_ask(http, question, next(_askings)) for _ in range(times)])


def _alone(ground: Ground, kind: str, size: int) -> Iterator[Figure]:
    """Each question of a set; the first answer of all, which reads the columns, is not counted."""
    factor = FACTORS.get(kind, 1)
    name = f"{kind}, " if kind in FACTORS else ""
    with ground.manager(ground.events(kind, size)) as manager:
        manager.start()
        _ask(manager.http, QUESTIONS[kind][0], next(_askings))
        with PeakMemory(manager.process.pid) as memory:
            for question in QUESTIONS[kind]:
                taken = _cold(manager.http, question, ground.plan.times)
                target = question.target(size) if factor else None
                yield Figure(
                    f"{question.name}: {name}{size:,} events",
                    taken,
                    "ms",
                    target=None if target is None else target * factor,
                    baseline=None if kind in FACTORS else question.baselines_ms.get(size),
                )
        yield Figure(
            f"memory while answering: {kind}, {size:,} events",
            memory.peak / MIB,
            "MB",
            target=MEMORY_MB.get(size) if factor else None,
        )


def _unchanged(ground: Ground) -> Iterator[Figure]:
    """The same question again, as a page that refreshes asks it."""
    size = ground.plan.events
    with ground.manager(ground.events("monitoring", size)) as manager:
        manager.start()
        _ask(manager.http, FULL_MONTH, 0)
        known = {"If-None-Match": manager.http.answered["ETag"]}
        for name, headers in (("whole", None), ("as 304", known)):
            taken = median(
                [_ask(manager.http, FULL_MONTH, 0, headers) for _ in range(ground.plan.times)]
            )
            yield Figure(f"unchanged refresh, {name}: {size:,} events", taken, "ms", target=5)


def _loaded(ground: Ground) -> Iterator[Figure]:
    """How much slower answers are while a thousand events a second arrive."""
    size, times = ground.plan.events, ground.plan.times
    with ground.cpa() as cpa, ground.collecting(cpa, ground.copy("monitoring", size)) as manager:
        idle = medians(manager, LOADED, times)
        control(cpa, "prepare", count=int(1_000 * (ground.plan.seconds + 2)), codex=True)
        control(cpa, "burst", per_second=1_000)
        manager.wait_for_events(size + 1)
        busy = medians(manager, LOADED, times)
        if not cpa.control.json("GET", "/state")["bursting"]:
            raise LabError("the load ended before the answers")
    for question, alone, loaded in zip(LOADED, idle, busy, strict=True):
        name = f"{question.name}, while 1,000/s arrive against idle"
        yield Figure(name, loaded / alone, "×", target=2)


def medians(manager: Manager, questions: Sequence[Question], times: int) -> list[float]:
    """How long each question takes, in ms; each asking is of another range."""
    _ask(manager.http, questions[0], next(_askings))
    return [_cold(manager.http, question, times) for question in questions]


def _together(ground: Ground) -> Iterator[Figure]:
    """Clients that refresh every page at once."""
    size = ground.plan.events
    questions = [q for q in QUESTIONS["monitoring"] if q.name.startswith(("M5", "M6", "M8"))]
    taken: list[float] = []
    with ground.manager(ground.events("monitoring", size)) as manager:
        manager.start()
        _ask(manager.http, FULL_MONTH, next(_askings))

        def refresh() -> None:
            http = Http(manager.http.port, manager.http.key)
            taken.extend(_ask(http, q, next(_askings)) for q in questions * ground.plan.times)

        clients = [threading.Thread(target=refresh) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    if len(taken) < CLIENTS * len(questions) * ground.plan.times:
        raise LabError("a client was not answered")
    name = f"{CLIENTS} clients that refresh every page: {size:,} events"
    yield Figure(f"{name}, p50", percentile(taken, 0.5), "ms")
    yield Figure(f"{name}, p99", percentile(taken, 0.99), "ms", target=500)


def _edited(ground: Ground) -> Figure:
    """From the edit of a price to the answer of all time that has it."""
    size, book = ground.plan.events, prices()
    taken = []
    with ground.manager(ground.copy("monitoring", size)) as manager:
        manager.start()
        _ask(manager.http, ALL_TIME, next(_askings))
        for i in range(ground.plan.times):
            book["gpt-00"] = {**book["gpt-00"], "prompt": 2 + i}
            begin = time.perf_counter()
            manager.http.json("PUT", PRICES, {"prices": book})
            _ask(manager.http, ALL_TIME, next(_askings))
            taken.append(time.perf_counter() - begin)
    return Figure(f"price edit to the next answer: {size:,} events", median(taken), "s", target=1)


def _first(ground: Ground) -> Figure:
    """From the start of the process to the first dashboard."""
    size = ground.plan.events
    taken = []
    with ground.manager(ground.events("dashboard", size)) as manager:
        for _ in range(ground.plan.times):
            begin = time.perf_counter()
            manager.start()
            _ask(manager.http, DASHBOARD_DAY, next(_askings))
            taken.append(time.perf_counter() - begin)
            manager.stop()
    name = f"start to the first dashboard: {size:,} events"
    return Figure(name, median(taken), "s", target=1, baseline={MILLION: 0.4}.get(size))
