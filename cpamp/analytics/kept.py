"""What was worked out of whole blocks of rows: they never change, so it is kept for others.

A question of another range mostly has the same blocks in its middle; only its ends, and what was
added since, are counted row by row.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

import attrs

MIB = 1024 * 1024


class Sized(Protocol):
    """A value that tells how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """In bytes."""


S = TypeVar("S", bound=Sized)


@attrs.define(eq=False)
class Kept:
    """Values of the blocks of one generation of columns, by one price book.

    At most `limit` bytes of them: those that were not used for longest go first.
    """

    limit: int = 32 * MIB
    _values: OrderedDict[Hashable, Any] = attrs.Factory(OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def value(self, key: Hashable, make: Callable[[], S]) -> S:
        """The value of this key, made if it is not there; equal keys must mean equal values."""
        with self._lock:
            found: S | None = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
                return found
        made = make()
        with self._lock:
            if key not in self._values:
                self._values[key] = made
                self._bytes += made.nbytes
            while self._bytes > self.limit:
                _, dropped = self._values.popitem(last=False)
                self._bytes -= dropped.nbytes
        return made
