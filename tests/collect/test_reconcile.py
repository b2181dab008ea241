"""CPA's counters against what is stored: suspicion, with its tolerance (design, Collection 6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.reconcile import (
    BUCKET_MS,
    Span,
    bucket_start,
    buckets,
    compare,
    grown,
    totals,
)
from cpamp.collect.reconciler import ELSEWHERE, ON_ITS_WAY_SECONDS, Reconciler
from tests.collect.doubles import NOW, Inline, Threadless, Wall, event, finished

A, B = "3f9a1c0b7d2e4856", "00000000000000bb"


def entry(index: str, success: Any, failed: Any = 0, **more: Any) -> dict[str, Any]:
    return {"auth_index": index, "success": success, "failed": failed, **more}


def test_totals_of_a_listing() -> None:
    # A file that expands into several credentials, one without counters, one without an index.
    listing = [entry(A, 3, 1), entry(A, 2), {"auth_index": B}, entry("", 9), entry(B, True)]
    assert totals(listing) == {A: 6}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({A: 5}, {A: 7, B: 2}, {A: 2, B: 2}),
        ({A: 5}, {A: 5}, {A: 0}),
        ({A: 5, B: 1}, {A: 9, B: 0}, None),
        # A credential that was removed is no restart.
        ({A: 5, B: 3}, {A: 6}, {A: 1}),
        ({}, {A: 1}, {A: 1}),
    ],
)
def test_growth(before: Any, after: Any, expected: Any) -> None:
    assert grown(before, after) == expected


def label(at_ms: int, quarters: int) -> str:
    zone = timezone(timedelta(minutes=15 * quarters))
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    start = moment.replace(minute=moment.minute // 10 * 10)
    return f"{start:%H:%M}-{start + timedelta(minutes=10):%H:%M}"


@given(st.integers(NOW, NOW + 86_400_000), st.integers(-48, 56))
def test_the_label_of_the_running_bucket_tells_its_beginning_in_any_zone(
    now_ms: int, quarters: int
) -> None:
    found = bucket_start({"time": label(now_ms, quarters)}, now_ms)
    assert found is not None
    assert found <= now_ms < found + BUCKET_MS
    assert label(found, quarters) == label(now_ms, quarters)


@pytest.mark.parametrize("bucket", [{}, {"time": 5}, {"time": ""}, {"time": "ab:cd-"}, None])
def test_labels_that_tell_nothing(bucket: Any) -> None:
    assert bucket_start(bucket, NOW) is None


def recent(counts: list[int]) -> list[dict[str, Any]]:
    """Buckets, of which the last is running."""
    last = len(counts) - 1
    return [
        {"time": label(NOW - (last - i) * BUCKET_MS, 32), "success": count, "failed": 0}
        for i, count in enumerate(counts)
    ]


def test_buckets_leave_the_running_one_out() -> None:
    start = NOW // BUCKET_MS * BUCKET_MS
    listing = [
        entry(A, 9, recent_requests=recent([1, 2, 3])),
        entry(B, 9, recent_requests=recent([0, 7, 8])),
        entry(B, 9, recent_requests="?"),
    ]
    assert buckets(listing, NOW) == [
        Span(start - 2 * BUCKET_MS, start - BUCKET_MS, {A: 1, B: 0}),
        Span(start - BUCKET_MS, start, {A: 2, B: 7}),
    ]


@pytest.mark.parametrize(
    ("counted", "kept", "state", "tolerance"),
    [
        (100, 100, "agrees", 5),
        (100, 95, "agrees", 5),
        (100, 94, "suspected", 5),
        (1000, 951, "agrees", 50),
        (1000, 940, "suspected", 50),
        (5, 0, "agrees", 5),
        (6, 0, "suspected", 5),
        (0, 50, "agrees", 5),
    ],
)
def test_the_tolerance(counted: int, kept: int, state: str, tolerance: int) -> None:
    found = compare([Span(0, 1, {A: counted})], [{A: kept}])
    assert (found["state"], found["tolerance"]) == (state, tolerance)
    assert found["difference"] == counted - kept


def test_one_credential_may_be_missing_among_many() -> None:
    found = compare([Span(0, 1, {A: 1000, B: 30})], [{A: 1000, B: 0}])
    assert found["state"] == "suspected"
    assert found["credentials"] == [{"authIndex": B, "cpaAttempts": 30, "storedAttempts": 0}]


def test_credentials_that_cpa_does_not_list_are_not_compared() -> None:
    assert compare([Span(0, 1, {A: 10})], [{A: 10, B: 90}])["storedAttempts"] == 10


# -- with the store -----------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Threadless]:
    store = Threadless(tmp_path)
    yield store
    store.close()


async def awaited(work: Deferred[None]) -> None:
    await work


class Bench:
    """A reconciler on a clock."""

    def __init__(self, store: Threadless) -> None:
        self.clock = Clock()
        self.now = Wall(self.clock)
        self.store = store
        self.restarts: list[int] = []
        self.covered = True
        self.reconciler = Reconciler(
            self.clock,
            store,  # type: ignore[arg-type]
            Inline(),
            self.now,
            lambda first, last: self.covered,
            lambda: self.restarts.append(self.now()),
        )

    def listed(self, *entries: dict[str, Any]) -> dict[str, Any]:
        done = Deferred.fromCoroutine(self.reconciler.listed(list(entries)))
        self.clock.advance(ON_ITS_WAY_SECONDS)
        finished(awaited(done))
        return self.reconciler.status

    def add(self, *numbers: int, at_ms: int, latency_ms: int = 0, index: str = A) -> None:
        moment = datetime.fromtimestamp(at_ms / 1000, UTC)
        text = f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"
        events = [
            event(number, timestamp=text, latency_ms=latency_ms, auth_index=index)
            for number in numbers
        ]
        finished(self.store.add_events(events))


@pytest.fixture
def bench(store: Threadless) -> Bench:
    return Bench(store)


def test_counters_that_agree_and_counters_that_do_not(bench: Bench) -> None:
    assert bench.listed(entry(A, 10))["state"] == "unknown"
    bench.clock.advance(300)
    bench.add(*range(20), at_ms=bench.now() - 5000)
    assert bench.listed(entry(A, 32))["state"] == "agrees"
    bench.clock.advance(300)
    bench.add(*range(20, 30), at_ms=bench.now() - 5000)
    status = bench.listed(entry(A, 60, 2))
    assert (status["state"], status["cpaAttempts"], status["storedAttempts"]) == (
        "suspected",
        30,
        10,
    )
    assert "reason" not in status


def test_an_attempt_counts_when_it_ends(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    begin = bench.now()
    bench.clock.advance(300)
    bench.add(*range(8), at_ms=begin - 60_000, latency_ms=100_000)
    assert bench.listed(entry(A, 8))["storedAttempts"] == 8


def test_somebody_else_takes_the_records(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    bench.clock.advance(300)
    status = bench.listed(entry(A, 50))
    assert (status["state"], status["reason"]) == ("suspected", ELSEWHERE)


def test_what_is_on_its_way_is_waited_for(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    bench.clock.advance(300)
    done = Deferred.fromCoroutine(bench.reconciler.listed([entry(A, 10)]))
    bench.add(*range(10), at_ms=bench.now() - 1)
    bench.clock.advance(ON_ITS_WAY_SECONDS)
    finished(awaited(done))
    assert bench.reconciler.status["state"] == "agrees"


def test_listings_that_follow_each_other_soon_are_one(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    for seconds in (30, 60):
        bench.clock.advance(seconds)
        assert bench.listed(entry(A, 50))["state"] == "unknown"


def test_time_that_is_known_to_be_lost_is_not_compared(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    bench.clock.advance(300)
    bench.covered = False
    assert bench.listed(entry(A, 50))["state"] == "unknown"


def test_counters_that_go_down_tell_of_a_restart(bench: Bench) -> None:
    bench.listed(entry(A, 10))
    bench.clock.advance(30)
    assert bench.listed(entry(A, 2))["state"] == "unknown"
    assert len(bench.restarts) == 1


def test_buckets_are_compared_too(bench: Bench) -> None:
    start = bench.now() // BUCKET_MS * BUCKET_MS
    bench.listed(entry(A, 0))
    bench.add(*range(10), at_ms=start - 1000)
    bench.clock.advance(300)
    count = (bench.now() // BUCKET_MS * BUCKET_MS - start) // BUCKET_MS
    rows = [
        {"time": label(start + n * BUCKET_MS, 0), "success": 40 * (n < 0), "failed": 0}
        for n in range(-2, count + 1)
    ]
    status = bench.listed(entry(A, 0, recent_requests=rows))
    assert status["buckets"]["cpaAttempts"] == 80
    assert status["buckets"]["storedAttempts"] == 10
    assert status["state"] == "suspected"


def test_a_store_that_can_not_be_read_is_no_news(bench: Bench) -> None:
    bench.listed(entry(A, 0))
    bench.clock.advance(300)
    bench.store.problem = "gone"
    assert bench.listed(entry(A, 50))["state"] == "unknown"
