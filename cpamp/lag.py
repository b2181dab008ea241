"""How late the reactor runs what is due: whether something holds it."""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.task import LoopingCall

EVERY_SECONDS = 1.0
KEPT = 60


@attrs.define(eq=False)
class ReactorLag(Service):
    """Looks once a second, and remembers a minute."""

    _clock: Any
    _late: deque[float] = attrs.field(factory=lambda: deque(maxlen=KEPT), init=False)
    _due: float = attrs.field(default=0.0, init=False)
    _call: LoopingCall = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._call = LoopingCall(self._look)
        self._call.clock = self._clock

    def startService(self) -> None:
        """Begin to look."""
        Service.startService(self)
        self._due = self._clock.seconds() + EVERY_SECONDS
        self._call.start(EVERY_SECONDS, now=False)

    def stopService(self) -> Any:
        """Look no more."""
        self._call.stop()
        return Service.stopService(self)

    def _look(self) -> None:
        now = self._clock.seconds()
        self._late.append(max(0.0, now - self._due))
        # LoopingCall keeps to its multiples, and leaves out those that it has missed.
        while self._due <= now:
            self._due += EVERY_SECONDS

    def ms(self) -> float:
        """The longest delay of the last minute."""
        return max(self._late, default=0.0) * 1000
