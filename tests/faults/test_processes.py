"""Processes that end at bad moments: what was sent is stored, each record once."""

from __future__ import annotations

import random
import signal
import sqlite3
from contextlib import closing

import pytest

from cpamp.lab import wait_until
from tests.daemon import Lab, data
from tests.faults.collecting import Collecting

# What may be lost by a kill: what came in the last 200 ms, at the rate of the test.
RATE = 300
KILL_LOSS = int(RATE * 0.2) + 1
# Less than a moment of the traffic.
CAUGHT_UP_BYTES = 50_000


def test_a_burst_that_cpa_would_drop_a_slow_reader_for(lab: Lab) -> None:
    # Where the machine is busy, even the quickest reader may not get to read in time: some tries.
    for attempt in range(5):
        both = Collecting.begin(lab, name=f"manager-{attempt}")
        both.publish(10_000, per_second=20_000)
        both.burst_over()
        if not both.counts().get("detached"):
            break
    both.all_here()
    assert both.counts().get("detached", 0) == 0


@pytest.mark.parametrize("mode", ["subscribe", "http", "resp"])
def test_every_transport_brings_everything(lab: Lab, mode: str) -> None:
    both = Collecting.begin(lab, USAGE_COLLECTOR_MODE=mode)
    assert both.status["transport"] == mode
    both.publish(3_000, per_second=3_000)
    both.all_here()


def test_clean_restarts_lose_nothing(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.publish(900, per_second=RATE)
    for _ in range(2):
        both.manager.wait_for_events(both.manager.events() + 100)
        both.restart_manager(signal.SIGTERM)
    both.burst_over()
    both.all_here()
    assert both.status["coverage"]["last24h"]["lostMinutes"] == 0


def test_kills_lose_no_more_than_the_last_moment(lab: Lab) -> None:
    both = Collecting.begin(lab)
    rng = random.Random(7)
    both.publish(6_000, per_second=RATE)
    kills = 0
    # Of a slow machine fewer, so that each comes in the middle of traffic, and of that alone: what
    # CPA kept meanwhile comes in one piece, which may be larger than a moment's.
    while kills < 10 and both.some_more(rng.randrange(20, 150)):
        wait_until(lambda: both.status["intakeBytes"] < CAUGHT_UP_BYTES, what="the rest")
        both.restart_manager(signal.SIGKILL)
        kills += 1
    assert kills >= 5
    both.burst_over()
    least = both.published - kills * KILL_LOSS
    both.manager.wait_for_events(least)
    wait_until(
        lambda: both.status["intakeBytes"] == 0 and len(both.exported()) == both.manager.events(),
        what="the last records to be stored",
    )
    hashes = [line["event_hash"] for line in both.exported()]
    assert len(set(hashes)) == len(hashes)
    assert least <= len(hashes) <= both.published
    both.manager.stop()
    with closing(sqlite3.connect(data(both.manager) / "usage.sqlite")) as conn:
        assert conn.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_cpa_restarts(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.publish(200, per_second=0)
    both.all_here()
    both.control("restart", down_ms=1500)
    both.wait_for_collecting()
    both.wait(lambda s: s["transport"] == "subscribe", "the subscription", 90)
    both.publish(200, seed=2)
    both.all_here()


def test_a_subscription_that_cpa_closes_is_taken_up_again(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.control("kick")
    both.publish(500, per_second=2_000)
    both.all_here()
    both.wait(lambda s: s["transport"] == "subscribe", "the subscription")


def test_two_daemons_on_one_folder(lab: Lab) -> None:
    both = Collecting.begin(lab)
    other = lab.manager(USAGE_DATA_DIR=str(data(both.manager)))
    other.process.start()
    assert other.process.wait(180) == 1
    assert "manager database process lock is already held" in other.process.output()
    both.publish(10)
    both.all_here()
