"""Wrong keys slow down their own peer only."""

from __future__ import annotations

from twisted.internet.task import Clock

from cpamp.security.throttle import Throttle


def test_ten_failures_a_minute_then_wait() -> None:
    clock = Clock()
    throttle = Throttle(clock.seconds)
    assert [throttle.failed("a") for _ in range(10)] == [0] * 10
    clock.advance(15.5)
    assert throttle.failed("a") == 45
    assert throttle.failed("b") == 0
    clock.advance(44.4)
    assert throttle.failed("a") == 1
    clock.advance(0.2)
    assert [throttle.failed("a") for _ in range(11)] == [0] * 10 + [60]


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock.seconds, allowed=1, peers=3)
    for peer in "abcd":
        throttle.failed(peer)
    assert len(throttle._windows) == 3
    assert throttle.failed("d") == 60
    assert throttle.failed("a") == 0
