"""What arrives is kept in order and bounded in bytes; transports learn when to stop."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from cpamp.collect.intake import ITEM_BYTES, Intake, NoRoom


def intake(records: int = 1000) -> Intake:
    """With room for so many records of ten bytes."""
    return Intake(lambda: 7, limit=records * (10 + ITEM_BYTES))


def test_items_come_out_in_their_order_and_with_their_time() -> None:
    box = intake()
    for text in (b"1", b"2", b"3"):
        box.received(text)
    assert [(item.payload, item.arrived_ms) for item in box.take(2)] == [(b"1", 7), (b"2", 7)]
    assert [item.payload for item in box.take(2)] == [b"3"]
    assert box.take(2) == []


def test_an_array_is_a_batch_by_itself() -> None:
    box = intake()
    box.received(b"1")
    box.received_array(b"[2]")
    box.received(b"3")
    assert box.has(500)
    taken = [[(item.payload, item.is_array) for item in box.take(500)] for _ in range(3)]
    assert taken == [[(b"1", False)], [(b"[2]", True)], [(b"3", False)]]
    assert not box.has(1)


def test_room_ends_at_the_limit_and_comes_back_at_half_of_it() -> None:
    box = intake(records=4)
    for _ in range(3):
        box.received(b"x" * 10)
    assert box.room
    box.received(b"x" * 10)
    assert not box.room
    # What was on its way is kept all the same.
    box.received(b"x" * 10)
    assert len(box) == 5
    waiting = Deferred.fromCoroutine(box.wait_for_room())
    box.settled(box.take(2))
    assert not box.room
    assert not waiting.called
    box.settled(box.take(1))
    assert box.room
    assert waiting.called


def test_at_the_end_of_a_run_nobody_waits_for_room() -> None:
    box = intake(records=1)
    box.received(b"x" * 10)
    waiting = Deferred.fromCoroutine(box.wait_for_room())
    box.end()
    for ended in (waiting, Deferred.fromCoroutine(box.wait_for_room())):
        assert isinstance(ended.result, Failure)
        ended.addErrback(lambda failure: failure.trap(NoRoom))
    # The next run may wait again.
    box.begin()
    assert not Deferred.fromCoroutine(box.wait_for_room()).called


def test_what_was_taken_takes_its_room_until_it_is_settled() -> None:
    box = intake(records=1)
    box.received(b"x" * 10)
    items = box.take(1)
    assert not box.room
    box.settled(items)
    assert (box.room, box.size) == (True, 0)


def test_empty_payloads_have_a_bound_too() -> None:
    box = intake(records=10)
    for _ in range(11):
        box.received(b"")
    assert not box.room


def test_waiting_for_a_full_batch() -> None:
    box = intake()
    one = box.arrival(1)
    assert not one.called
    box.received(b"1")
    assert one.called
    three = box.arrival(3)
    box.received(b"2")
    assert not three.called
    box.received(b"3")
    assert three.called
    array = box.arrival(500)
    box.received_array(b"[]")
    assert array.called


def test_the_one_who_waits_can_be_woken() -> None:
    box = intake()
    waiting = box.arrival(1)
    box.wake()
    box.wake()
    assert waiting.called
