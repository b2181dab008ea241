"""Publication: to the subscribers, or else to the queue (CPA contract, section 4)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Protocol

import attrs

BUFFER = 256


class Listening(Protocol):
    """A subscription."""

    channel: str

    def deliver(self, payload: bytes) -> bool:
        """Buffer a message; False if the buffer is full, and the subscription with it at an end."""


@attrs.define
class Queue:
    """Records wait for `retention` seconds; counts tell what became of them."""

    seconds: Callable[[], float]
    retention: float = 60.0
    publishing: bool = True
    subscribers: list[Listening] = attrs.Factory(list)
    counts: Counter[str] = attrs.Factory(Counter)
    _records: deque[tuple[float, bytes]] = attrs.Factory(deque)

    def publish(self, payload: bytes) -> None:
        """A record is made: a copy to each subscriber, or to the queue if there is none."""
        if not self.publishing:
            return
        self.counts["published"] += 1
        listening = [s for s in self.subscribers if s.channel == "usage"]
        if listening:
            taken = [s.deliver(payload) for s in listening]
            self.counts["delivered"] += sum(taken)
            self.counts["dropped"] += not any(taken)
            return
        self._expire()
        self._records.append((self.seconds(), payload))
        self.counts["queued"] += 1

    def tell(self, channel: str, payload: bytes) -> None:
        """A message that is never queued."""
        for subscriber in list(self.subscribers):
            if subscriber.channel == channel:
                subscriber.deliver(payload)

    def pop(self, count: int) -> list[bytes]:
        """Take the oldest records."""
        self._expire()
        taken = [self._records.popleft()[1] for _ in range(min(count, len(self._records)))]
        self.counts["popped"] += len(taken)
        return taken

    def fill(self, payloads: Iterable[bytes]) -> None:
        """Queue records whatever subscribers there are."""
        now = self.seconds()
        for payload in payloads:
            self._records.append((now, payload))
            self.counts["published"] += 1
            self.counts["queued"] += 1

    def _expire(self) -> None:
        edge = self.seconds() - self.retention
        while self._records and self._records[0][0] < edge:
            self._records.popleft()
            self.counts["expired"] += 1

    def __len__(self) -> int:
        self._expire()
        return len(self._records)

    def forget(self) -> None:
        """CPA was restarted."""
        self.counts["forgotten"] += len(self._records)
        self._records.clear()
        self.subscribers.clear()
