"""A reactor that is held shows it for a minute."""

from __future__ import annotations

from twisted.internet.task import Clock

from cpamp.lag import ReactorLag


def test_lag() -> None:
    clock = Clock()
    lag = ReactorLag(clock)
    lag.startService()
    assert lag.ms() == 0.0
    for _ in range(3):
        clock.advance(1.0)
    assert lag.ms() == 0.0
    clock.advance(3.25)
    assert round(lag.ms()) == 2250
    clock.advance(0.75)
    for _ in range(58):
        clock.advance(1.0)
    assert round(lag.ms()) == 2250
    clock.advance(1.0)
    assert round(lag.ms()) == 0
    lag.stopService()
    assert clock.getDelayedCalls() == []
