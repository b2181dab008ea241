"""The open connections of the port, and their end without haste (server contract, 17.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime


class OpenChannel(Protocol):
    """The part of an HTTP channel that ends it."""

    persistent: bool
    transport: Any

    @property
    def requests(self) -> Sequence[object]:
        """The requests that are being received or answered."""

    def loseConnection(self) -> None:
        """Close when everything is sent."""


@attrs.define(eq=False)
class OpenChannels:
    """Channels `join` when they are connected and `leave` when they are lost."""

    _clock: IReactorTime
    _open: set[OpenChannel] = attrs.field(factory=set, init=False)
    _empty: Deferred[None] | None = attrs.field(default=None, init=False)

    def join(self, channel: OpenChannel) -> None:
        """A client has come."""
        self._open.add(channel)

    def leave(self, channel: OpenChannel) -> None:
        """A client has gone."""
        self._open.discard(channel)
        if not self._open and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def __len__(self) -> int:
        """How many clients there are."""
        return len(self._open)

    async def drain(self, seconds: float) -> int:
        """End all: the idle ones now, the others with their answer, or broken off after `seconds`.

        Returns how many had to be broken off.
        """
        for channel in list(self._open):
            channel.persistent = False
            if not channel.requests:
                channel.loseConnection()
        if not self._open:
            return 0
        self._empty = Deferred()
        await self._empty.addTimeout(seconds, self._clock, _give_up)
        self._empty = None
        left = list(self._open)
        for channel in left:
            channel.transport.abortConnection()
        return len(left)


def _give_up(failure: Any, _seconds: float) -> None:
    failure.trap(CancelledError)
