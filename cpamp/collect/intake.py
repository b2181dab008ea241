"""What has arrived and is not stored yet: bounded in bytes, in order, unparsed."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import attrs
from twisted.internet.defer import Deferred

LIMIT_BYTES = 64 * 1024 * 1024


class Item(NamedTuple):
    """One record, or the JSON array of a reply of CPA's HTTP queue."""

    payload: bytes
    is_array: bool = False


@attrs.define(eq=False)
class Intake:
    """The sink of the transports. `limit` is where they must stop; what comes after is kept."""

    limit: int = LIMIT_BYTES
    size: int = 0
    received_items: int = 0
    _items: deque[Item] = attrs.Factory(deque)
    _arrival: Deferred[None] | None = None
    _room: list[Deferred[None]] = attrs.Factory(list)

    @property
    def room(self) -> bool:
        """Whether more may come."""
        return self.size < self.limit

    def received(self, payload: bytes) -> None:
        """Take one record."""
        self._put(Item(payload))

    def received_array(self, body: bytes) -> None:
        """Take a JSON array of records."""
        self._put(Item(body, is_array=True))

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self.size += len(item.payload)
        self.received_items += 1
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.callback(None)

    async def wait_for_room(self) -> None:
        """Wait until more may come."""
        while not self.room:
            turn: Deferred[None] = Deferred()
            self._room.append(turn)
            await turn

    def __len__(self) -> int:
        return len(self._items)

    async def wait_for_items(self) -> None:
        """Wait until there is something."""
        if not self._items:
            self._arrival = Deferred()
            await self._arrival

    def take(self, count: int) -> list[Item]:
        """The oldest items, at most `count` records or one array; they are no more in here."""
        taken: list[Item] = []
        while self._items and len(taken) < count:
            if self._items[0].is_array:
                if not taken:
                    taken.append(self._items.popleft())
                break
            taken.append(self._items.popleft())
        return taken

    def settled(self, items: list[Item]) -> None:
        """Items that were taken are stored: their room is free."""
        self.size -= sum(len(item.payload) for item in items)
        if self.room:
            waiting, self._room = self._room, []
            for turn in waiting:
                turn.callback(None)

    def wake(self) -> None:
        """Make those who wait look again."""
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.callback(None)
