"""Slowing down whoever guesses admin keys, one peer at a time.

Source: server contract, point B-10 of section 22.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

import attrs


@attrs.define
class _Window:
    started: float
    failures: int


@attrs.define
class Throttle:
    """Counts wrong keys per peer in windows of `window` seconds.

    Only failing requests are ever refused: the caller checks the key first, and asks `failed`
    with a wrong one. `seconds` is a monotonic clock; at most `peers` windows are remembered, and
    the oldest is forgotten first.
    """

    seconds: Callable[[], float]
    allowed: int = 10
    window: float = 60.0
    peers: int = 10_000
    _windows: OrderedDict[str, _Window] = attrs.field(factory=OrderedDict, init=False)

    def failed(self, peer: str) -> int:
        """Note a wrong key; 0, or for how many seconds the peer must wait (Retry-After)."""
        now = self.seconds()
        current = self._windows.get(peer)
        if current is None or now - current.started >= self.window:
            self._windows.pop(peer, None)
            current = self._windows[peer] = _Window(now, 0)
            if len(self._windows) > self.peers:
                self._windows.popitem(last=False)
        current.failures += 1
        if current.failures <= self.allowed:
            return 0
        return max(1, math.ceil(current.started + self.window - now))
