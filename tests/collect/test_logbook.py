"""The coverage outlives the process, and a kill is bounded by the last sign of life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.coverage import CLOCK, DOWN, DROPPED, KILLED, MINUTE_MS, STOPPED
from cpamp.collect.logbook import Logbook
from tests.collect.doubles import NOW, Inline, Threadless, Wall, finished

START = NOW // MINUTE_MS * MINUTE_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Threadless]:
    store = Threadless(tmp_path)
    yield store
    store.close()


class Process:
    """A process that keeps a logbook, from `at` seconds after the start on."""

    def __init__(self, store: Threadless, folder: Path, at: float) -> None:
        self.clock = Clock()
        self.wall = Wall(self.clock, START + round(at * 1000))
        self.logbook = Logbook(
            self.clock,
            store,  # type: ignore[arg-type]
            Inline(),
            self.wall,
            folder / "spool" / "alive",
        )

    def open(self) -> Process:
        finished(self.logbook.open())
        return self

    def collect(self, retention: int = 60) -> Process:
        self.logbook.retained(retention * 1000)
        self.logbook.tell(self.logbook.coverage.connected)
        self.logbook.tell(self.logbook.coverage.drained)
        return self

    def tick(self, *seconds: float) -> Process:
        for step in seconds:
            self.clock.advance(step)
            finished(self.logbook.tick())
        return self

    def end(self) -> None:
        self.logbook.tell(self.logbook.coverage.lost, DOWN)
        finished(self.logbook.end())

    def minutes(self) -> tuple[int, int, int]:
        last = self.logbook.status()["last24h"]
        return last["coveredMinutes"], last["atRiskMinutes"], last["lostMinutes"]

    def holes(self) -> list[tuple[int, int, str, str]]:
        return [
            (
                (hole["fromMs"] - START) // MINUTE_MS,
                (hole["toMs"] - START) // MINUTE_MS,
                hole["state"],
                hole["reason"],
            )
            for hole in self.logbook.status()["holes"]
        ]


def test_a_restart_within_the_retention_leaves_no_hole(store: Threadless, tmp_path: Path) -> None:
    Process(store, tmp_path, 0).open().collect().tick(*[15] * 8).end()
    after = Process(store, tmp_path, 170).open().collect().tick(15)
    assert after.holes() == []
    assert after.minutes() == (4, 0, 0)


def test_a_longer_one_is_a_hole_with_its_reason(store: Threadless, tmp_path: Path) -> None:
    Process(store, tmp_path, 0).open().collect().tick(*[15] * 8).end()
    after = Process(store, tmp_path, 420).open().collect().tick(15)
    assert after.holes() == [(2, 6, "lost", DOWN)]
    after.end()
    # A third process knows of it from the store.
    assert Process(store, tmp_path, 450).open().holes() == [(2, 6, "lost", DOWN)]


def test_after_a_kill_the_last_sign_of_life_counts(store: Threadless, tmp_path: Path) -> None:
    # Killed somewhen after 70 s, with the last minute not written.
    Process(store, tmp_path, 0).open().collect().tick(15, 15, 15, 25)
    after = Process(store, tmp_path, 125).open().collect().tick(60)
    # What had come and was not stored is gone, the rest was still in CPA's queue.
    assert after.holes() == [(1, 2, "at_risk", KILLED)]
    after.end()
    again = Process(store, tmp_path, 200).open().collect()
    assert again.holes() == [(1, 2, "at_risk", KILLED)]


def test_a_kill_before_the_first_tick_is_named(store: Threadless, tmp_path: Path) -> None:
    Process(store, tmp_path, 0).open().collect().tick(15).end()
    # Both of these are killed within seconds of their start.
    Process(store, tmp_path, 65).open().collect()
    Process(store, tmp_path, 125).open().collect()
    after = Process(store, tmp_path, 130).open().collect().tick(60)
    assert after.holes() == [(1, 3, "at_risk", KILLED)]


def test_a_long_time_after_a_kill_is_lost(store: Threadless, tmp_path: Path) -> None:
    Process(store, tmp_path, 0).open().collect().tick(15, 15)
    after = Process(store, tmp_path, 600).open().collect().tick(1)
    assert after.holes() == [(0, 9, "lost", DOWN)]


def test_without_a_sign_of_life_the_table_tells(store: Threadless, tmp_path: Path) -> None:
    Process(store, tmp_path, 0).open().collect().tick(*[15] * 8).end()
    (tmp_path / "spool" / "alive").unlink()
    after = Process(store, tmp_path, 600).open().collect().tick(1)
    assert after.holes() == [(2, 9, "lost", DOWN)]


def test_nothing_is_judged_where_nothing_was_ever_configured(
    store: Threadless, tmp_path: Path
) -> None:
    process = Process(store, tmp_path, 0).open().tick(60, 60)
    assert process.minutes() == (0, 0, 0)
    assert process.logbook.status()["gap"] is None
    assert not (tmp_path / "spool" / "alive").exists()


def test_time_in_which_collection_is_switched_off_is_lost_and_says_so(
    store: Threadless, tmp_path: Path
) -> None:
    process = Process(store, tmp_path, 0).open().collect().tick(60)
    process.logbook.tell(process.logbook.coverage.lost, STOPPED)
    process.tick(*[60] * 5)
    assert process.holes() == [(1, 5, "lost", STOPPED)]
    assert process.logbook.status()["gap"]["reason"] == STOPPED


def test_facts_before_the_former_coverage_is_read_are_not_forgotten(
    store: Threadless, tmp_path: Path
) -> None:
    process = Process(store, tmp_path, 0)
    process.collect()
    process.open().tick(60)
    assert process.logbook.status()["gap"] is None
    assert process.minutes() == (1, 0, 0)


def test_at_most_one_write_a_minute(store: Threadless, tmp_path: Path) -> None:
    process = Process(store, tmp_path, 0).open().collect()
    process.tick(*[15] * 40)
    assert store.writes in (10, 11)


def test_what_can_not_be_written_is_kept_and_shown(store: Threadless, tmp_path: Path) -> None:
    process = Process(store, tmp_path, 0).open().collect()
    store.problem = "locked"
    process.tick(*[60] * 5)
    assert process.minutes() == (5, 0, 0)
    store.problem = ""
    process.tick(60)
    assert process.logbook.coverage.pending == []
    assert process.minutes() == (6, 0, 0)


def test_what_is_being_written_is_shown(store: Threadless, tmp_path: Path) -> None:
    process = Process(store, tmp_path, 0).open().collect().tick(60)
    hold = store.hold_writes = Deferred()
    process.logbook.tell(process.logbook.coverage.dropped)
    assert process.logbook.coverage.pending == []
    assert process.holes() == [(1, 2, "at_risk", DROPPED)]
    store.hold_writes = None
    hold.callback(None)
    assert process.holes() == [(1, 2, "at_risk", DROPPED)]


def test_a_clock_that_jumps(store: Threadless, tmp_path: Path) -> None:
    process = Process(store, tmp_path, 0).open().collect().tick(60)
    process.wall.ahead_ms += 600_000
    process.tick(15, 60)
    assert process.holes() == [(1, 12, "at_risk", CLOCK)]
    process.wall.ahead_ms -= 300_000
    process.tick(1)
    assert {hole[3] for hole in process.holes()} == {CLOCK}


def test_covers(store: Threadless, tmp_path: Path) -> None:
    process = Process(store, tmp_path, 0).open().collect().tick(60, 60)
    process.logbook.tell(process.logbook.coverage.dropped)
    process.tick(60, 60)
    covers = process.logbook.covers
    assert covers(START, START + 2 * MINUTE_MS)
    assert not covers(START, START + 3 * MINUTE_MS)
    assert covers(START + 3 * MINUTE_MS, START + 4 * MINUTE_MS)
    assert not covers(START - MINUTE_MS, START + MINUTE_MS)
