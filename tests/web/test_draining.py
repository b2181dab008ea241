"""Connections at the end: idle ones at once, busy ones with their answer, slow ones broken off."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.web.draining import OpenChannels


@attrs.define(eq=False)
class Channel:
    """A connection that leaves when it is told to close."""

    left: Callable[[Channel], None]
    requests: list[str]
    persistent: bool = True
    log: list[str] = attrs.field(factory=list)

    @property
    def transport(self) -> Channel:
        return self

    def loseConnection(self) -> None:
        self.log.append("close")
        self.left(self)

    def abortConnection(self) -> None:
        self.log.append("abort")
        self.left(self)


def open_channels(clock: Clock, *busy: bool) -> tuple[OpenChannels, list[Channel]]:
    channels = OpenChannels(clock)
    made = [Channel(channels.leave, ["request"] if one else []) for one in busy]
    for channel in made:
        channels.join(channel)
    return channels, made


def result_of(deferred: Deferred[int]) -> list[int]:
    fired: list[int] = []
    deferred.addCallback(fired.append)
    return fired


def test_nobody_there() -> None:
    channels, _ = open_channels(Clock())
    assert result_of(Deferred.fromCoroutine(channels.drain(10))) == [0]


def test_idle_ones_close_and_busy_ones_finish() -> None:
    clock = Clock()
    channels, (idle, busy) = open_channels(clock, False, True)
    ended = result_of(Deferred.fromCoroutine(channels.drain(10)))
    assert (idle.log, busy.log, busy.persistent) == (["close"], [], False)
    clock.advance(9)
    assert ended == []
    busy.loseConnection()
    assert (ended, busy.log) == ([0], ["close"])
    clock.advance(60)
    assert busy.log == ["close"]


def test_whoever_takes_too_long_is_broken_off() -> None:
    clock = Clock()
    channels, (slow, slower) = open_channels(clock, True, True)
    ended = result_of(Deferred.fromCoroutine(channels.drain(10)))
    clock.advance(10)
    assert (ended, slow.log, slower.log, len(channels)) == ([2], ["abort"], ["abort"], 0)
