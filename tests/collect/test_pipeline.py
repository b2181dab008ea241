"""From the intake to the store: nothing is forgotten before it is safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.intake import ITEM_BYTES, Intake
from cpamp.collect.pipeline import BATCH, FILL_SECONDS, RETRY_SECONDS, STOP_SECONDS, Pipeline
from cpamp.collect.spool import Spool
from cpamp.usage.event import Event
from cpamp.usage.record import Control
from tests.collect.doubles import Inline, Threadless, Wall, payload


class NoNames:
    async def fill(self, events: list[Event]) -> None:
        pass


@attrs.define
class Bench:
    """A pipeline on a clock, with all around it."""

    clock: Clock
    store: Threadless
    pipeline: Pipeline
    controls: list[Control]
    # What the pipeline tells of as new.
    added: list[Event]

    @property
    def intake(self) -> Intake:
        return self.pipeline.intake

    def feed(self, *numbers: int) -> None:
        for number in numbers:
            self.intake.received(payload(number))

    def wait(self, seconds: float = FILL_SECONDS) -> None:
        self.clock.advance(seconds)

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.pipeline.stop())


def names(*numbers: int) -> list[str]:
    return [f"req-{number:04}" for number in numbers]


def make(folder: Path, store: Threadless, *, room: int = 1 << 20, spool: int = 1 << 20) -> Bench:
    clock = Clock()
    now = Wall(clock)
    controls: list[Control] = []
    added: list[Event] = []
    pipeline = Pipeline(
        clock,
        Inline(),
        store,
        Intake(now, limit=room),
        Spool(folder / "spool", spool),
        NoNames(),
        now,
        controls.append,
        added.extend,
        connection=3,
    )
    return Bench(clock, store, pipeline, controls, added)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Threadless]:
    store = Threadless(tmp_path)
    yield store
    store.close()


@pytest.fixture
def bench(tmp_path: Path, store: Threadless) -> Bench:
    bench = make(tmp_path, store)
    bench.pipeline.start()
    return bench


def test_a_few_records_wait_a_moment_for_more_and_are_stored_together(bench: Bench) -> None:
    bench.feed(1)
    bench.wait(FILL_SECONDS / 2)
    bench.feed(2)
    assert bench.store.batches == []
    bench.wait(FILL_SECONDS / 2)
    assert bench.store.batches == [2]
    assert bench.store.requests() == names(1, 2)
    assert bench.store.connections == {3}
    assert bench.intake.size == 0
    totals = bench.pipeline.totals
    assert (totals.inserted, totals.skipped) == (2, 0)
    assert totals.inserted_at_ms > totals.consumed_at_ms > 0
    assert bench.clock.getDelayedCalls() == []


def test_a_full_batch_does_not_wait(bench: Bench) -> None:
    bench.feed(*range(BATCH))
    assert bench.store.batches == [BATCH]


def test_an_array_does_not_wait_and_is_stored_in_batches(bench: Bench) -> None:
    bodies = [payload(number) for number in range(BATCH + 10)]
    bench.intake.received_array(b"[" + b",".join(bodies) + b"]")
    assert bench.store.batches == [BATCH, 10]
    assert bench.store.requests() == names(*range(BATCH + 10))


def test_a_duplicate_is_skipped(bench: Bench) -> None:
    bench.feed(1, 1, 2)
    bench.wait()
    bench.feed(2, 3)
    bench.wait()
    assert bench.store.requests() == names(1, 2, 3)
    assert (bench.pipeline.totals.inserted, bench.pipeline.totals.skipped) == (3, 2)
    assert len(bench.added) == bench.pipeline.totals.inserted


def test_bad_records_become_dead_letters_and_control_messages_are_heard(bench: Bench) -> None:
    bench.feed(1)
    bench.intake.received(b"{")
    bench.intake.received(b'{"refresh":true}')
    bench.feed(2)
    bench.wait()
    assert bench.store.requests() == names(1, 2)
    assert [letter.payload for letter in bench.store.letters()] == ["{"]
    assert bench.controls == [Control.REFRESH]


def test_the_next_batch_is_decoded_while_the_former_is_committed(bench: Bench) -> None:
    hold = bench.store.hold = Deferred()
    bench.feed(*range(BATCH * 2))
    # Both are taken and decoded, neither is forgotten.
    assert len(bench.intake) == 0
    assert bench.intake.size > 0
    assert bench.store.requests() == []
    bench.store.hold = None
    hold.callback(None)
    assert bench.store.requests() == names(*range(BATCH * 2))
    assert bench.intake.size == 0


def test_one_event_that_can_not_be_stored_costs_none_of_its_neighbours(bench: Bench) -> None:
    bench.store.poison = set(names(7, 300))
    bench.feed(*range(BATCH))
    stored = [number for number in range(BATCH) if number not in (7, 300)]
    assert bench.store.requests() == names(*stored)
    letters = bench.store.letters()
    assert [name in letter.payload for name, letter in zip(names(7, 300), letters, strict=True)]
    assert all("OverflowError" in letter.error for letter in letters)
    assert bench.pipeline.problem == ""


def test_while_the_store_fails_events_are_spooled_and_then_stored_in_order(bench: Bench) -> None:
    bench.store.problem = "disk full"
    bench.feed(1, 2)
    bench.wait()
    assert bench.pipeline.problem == "store: disk full"
    assert (bench.pipeline.spool.events, bench.intake.size) == (2, 0)
    # What is newer goes behind the spool, though the store is well again.
    bench.store.problem = ""
    bench.feed(3)
    bench.wait()
    assert bench.store.requests() == []
    assert bench.pipeline.spool.events == 3
    bench.wait(sum(RETRY_SECONDS))
    assert bench.store.requests() == names(1, 2, 3)
    assert (bench.pipeline.spool.events, bench.pipeline.problem) == (0, "")
    bench.feed(4)
    bench.wait()
    assert bench.store.requests() == names(1, 2, 3, 4)


def test_what_an_earlier_process_spooled_goes_first(tmp_path: Path, store: Threadless) -> None:
    before = make(tmp_path, store)
    before.pipeline.start()
    store.problem = "gone"
    before.feed(1, 2)
    before.wait()
    # Killed here.
    after = make(tmp_path, store)
    store.problem = ""
    after.pipeline.start()
    assert store.requests() == names(1, 2)
    assert after.pipeline.spool.events == 0


def test_a_replay_that_was_cut_short_stores_nothing_twice(
    tmp_path: Path, store: Threadless
) -> None:
    before = make(tmp_path, store)
    before.pipeline.start()
    store.problem = "gone"
    before.feed(1, 2)
    before.wait()
    spooled = next((tmp_path / "spool").glob("*.spool")).read_bytes()
    store.problem = ""
    before.wait(sum(RETRY_SECONDS))
    assert store.requests() == names(1, 2)
    # As if it had been killed between the commit and the removal of the file.
    (tmp_path / "spool" / "000000000009.spool").write_bytes(spooled)
    after = make(tmp_path, store)
    after.pipeline.start()
    assert store.requests() == names(1, 2)
    assert after.pipeline.totals.skipped == 2


def test_with_store_and_spool_full_the_intake_fills_and_nothing_is_dropped(
    tmp_path: Path, store: Threadless
) -> None:
    size = len(payload(1)) + ITEM_BYTES
    bench = make(tmp_path, store, room=4 * size, spool=100)
    bench.pipeline.start()
    store.problem = "disk full"
    for number in range(4):
        bench.feed(number)
        bench.wait()
    assert not bench.intake.room
    assert "disk full; the spool has reached its limit" in bench.pipeline.problem
    room = Deferred.fromCoroutine(bench.intake.wait_for_room())
    store.problem = ""
    bench.wait(sum(RETRY_SECONDS))
    bench.wait()
    assert room.called
    assert store.requests() == names(0, 1, 2, 3)
    assert bench.pipeline.problem == ""


def test_dead_letters_wait_for_the_store(bench: Bench) -> None:
    bench.store.problem = "locked"
    bench.intake.received(b"{")
    bench.wait()
    assert bench.pipeline.problem == "store: locked"
    bench.store.problem = ""
    bench.wait(RETRY_SECONDS[0])
    assert len(bench.store.letters()) == 1
    assert bench.pipeline.problem == ""
    assert bench.intake.size == 0


def test_a_stop_stores_all_that_is_here(bench: Bench) -> None:
    bench.feed(1, 2, 3)
    assert bench.stop().called
    assert bench.store.requests() == names(1, 2, 3)
    assert bench.clock.getDelayedCalls() == []


def test_a_stop_waits_for_the_commit_that_is_under_way(bench: Bench) -> None:
    hold = bench.store.hold = Deferred()
    bench.feed(1)
    bench.wait()
    stopped = bench.stop()
    assert not stopped.called
    bench.store.hold = None
    hold.callback(None)
    assert stopped.called
    assert bench.store.requests() == names(1)


def test_a_stop_while_the_store_fails_leaves_all_in_the_spool(tmp_path: Path, bench: Bench) -> None:
    bench.store.problem = "gone"
    bench.feed(1)
    bench.wait()
    bench.feed(2)
    assert bench.stop().called
    assert bench.store.requests() == []
    bench.store.problem = ""
    after = make(tmp_path, bench.store)
    after.pipeline.start()
    assert bench.store.requests() == names(1, 2)


def test_a_stop_ends_though_nothing_takes_the_events_and_counts_them(
    tmp_path: Path, store: Threadless
) -> None:
    bench = make(tmp_path, store, spool=0)
    bench.pipeline.start()
    store.problem = "gone"
    bench.feed(1, 2)
    stopped = bench.stop()
    bench.clock.pump([1.0] * int(STOP_SECONDS - 1))
    assert not stopped.called
    bench.clock.pump([1.0] * 7)
    assert stopped.called
    assert bench.pipeline.totals.abandoned == 2


def test_a_spool_that_can_not_be_opened_does_not_keep_the_daemon_from_collecting(
    tmp_path: Path, store: Threadless
) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    bench = make(tmp_path, store)
    bench.pipeline.start()
    bench.feed(1)
    bench.wait()
    assert store.requests() == names(1)
