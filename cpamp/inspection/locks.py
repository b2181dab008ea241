"""One change at a time per credential file (inspection contract, 1.4; server contract, 16.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import attrs
from twisted.internet.defer import Deferred


@attrs.define(eq=False)
class _Wish:
    """Some files, or all of them (None), that somebody wants for himself."""

    names: frozenset[str] | None
    granted: Deferred[None] = attrs.field(factory=Deferred)

    def collides(self, other: _Wish) -> bool:
        if self.names is None or other.names is None:
            return True
        return bool(self.names & other.names)


@attrs.define(eq=False)
class FileLocks:
    """Locks by file name, whose case does not matter; different files don't wait for each other.

    Whoever came first goes first among those that want the same. A lock on all files waits for
    everybody before it, and everybody after it waits for that one.
    """

    _held: list[_Wish] = attrs.field(factory=list)
    _waiting: list[_Wish] = attrs.field(factory=list)

    @asynccontextmanager
    async def of(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Hold these files."""
        async with self._hold(_Wish(frozenset(name.strip().lower() for name in names))):
            yield

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        """Hold every file."""
        async with self._hold(_Wish(None)):
            yield

    @asynccontextmanager
    async def _hold(self, wish: _Wish) -> AsyncIterator[None]:
        self._waiting.append(wish)
        self._grant()
        try:
            await wish.granted
            yield
        finally:
            # Gone before its turn came, or done.
            for place in (self._waiting, self._held):
                if wish in place:
                    place.remove(wish)
            self._grant()

    def _grant(self) -> None:
        before: list[_Wish] = list(self._held)
        for wish in list(self._waiting):
            if not any(wish.collides(other) for other in before) and wish in self._waiting:
                self._waiting.remove(wish)
                self._held.append(wish)
                wish.granted.callback(None)
            before.append(wish)
