"""What has arrived and is not stored yet: bounded in bytes, in order, unparsed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import attrs
from twisted.internet.defer import Deferred

LIMIT_BYTES = 64 * 1024 * 1024
# What an item takes beside its payload: without it a flood of empty ones would have no bound.
ITEM_BYTES = 128


class Item(NamedTuple):
    """One record, or the JSON array of a reply of CPA's HTTP queue."""

    payload: bytes
    arrived_ms: int
    is_array: bool = False

    @property
    def size(self) -> int:
        """The bytes that it takes here."""
        return len(self.payload) + ITEM_BYTES


@attrs.define(eq=False)
class Intake:
    """The sink of the transports; they may put, the pipeline takes and settles.

    At `limit` bytes there is no more room, until half of them are settled: so that a transport
    which left does not come back for a single record. What comes in spite of that is kept.
    """

    _now_ms: Callable[[], int]
    limit: int = LIMIT_BYTES
    # Bytes of all items that are not settled, those that were taken included.
    size: int = attrs.field(default=0, init=False)
    room: bool = attrs.field(default=True, init=False)
    _items: deque[Item] = attrs.field(factory=deque, init=False)
    _arrays: int = attrs.field(default=0, init=False)
    _wanted: int = attrs.field(default=1, init=False)
    _arrival: Deferred[None] | None = attrs.field(default=None, init=False)
    _waiting: list[Deferred[None]] = attrs.field(factory=list, init=False)

    def __len__(self) -> int:
        return len(self._items)

    # -- for the transports ---------------------------------------------------------------------

    def received(self, payload: bytes) -> None:
        """Take one record."""
        self._put(Item(payload, self._now_ms()))

    def received_array(self, body: bytes) -> None:
        """Take a JSON array of records."""
        self._arrays += 1
        self._put(Item(body, self._now_ms(), is_array=True))

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self.size += item.size
        if self.size >= self.limit:
            self.room = False
        if self._arrival is not None and self.has(self._wanted):
            self.wake()

    async def wait_for_room(self) -> None:
        """Wait until more may come."""
        while not self.room:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    # -- for the pipeline -----------------------------------------------------------------------

    def has(self, count: int) -> bool:
        """Whether there are `count` items, or an array, which is a batch by itself."""
        return len(self._items) >= count or self._arrays > 0

    def arrival(self, count: int) -> Deferred[None]:
        """Fires when it `has` that many, or when somebody wakes the waiter; one may wait."""
        waiter: Deferred[None] = Deferred()
        self._wanted, self._arrival = count, waiter
        if self.has(count):
            self.wake()
        return waiter

    def wake(self) -> None:
        """Make the one who waits for items look again."""
        waiter, self._arrival = self._arrival, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)

    def take(self, count: int) -> list[Item]:
        """The oldest items, at most `count` records or one array; they still take their room."""
        taken: list[Item] = []
        while self._items and len(taken) < count:
            if self._items[0].is_array:
                if not taken:
                    self._arrays -= 1
                    taken.append(self._items.popleft())
                break
            taken.append(self._items.popleft())
        return taken

    def settled(self, items: list[Item]) -> None:
        """Items that were taken are stored: their room is free."""
        self.size -= sum(item.size for item in items)
        if not self.room and self.size <= self.limit // 2:
            self.room = True
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                turn.callback(None)
