"""Small tables that are held in memory whole, and always are what the database says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.store.store import Store


class Versioned(Protocol):
    """A value that never alters; another version is another value."""

    @property
    def version(self) -> int:
        """Which one it is."""


V = TypeVar("V", bound=Versioned)


@attrs.define(eq=False)
class Held(Generic[V]):
    """`value` is replaced as a whole after each committed change.

    `read` makes it of the database. `load` must be called before the value is used.
    """

    _store: Store
    _read: Callable[[sqlite3.Connection], V]
    value: V
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._store.on_renewal(self._renewed)

    def load(self, conn: sqlite3.Connection) -> None:
        """Read the value, before anybody asks for it."""
        self.value = self._read(conn)

    async def change(self, work: Callable[[sqlite3.Connection], object]) -> V:
        """Change the tables, all or nothing; raises `StoreUnavailable`, and whatever `work` does.

        Gives the value after this very change.
        """

        def changed(conn: sqlite3.Connection) -> V:
            work(conn)
            return self._read(conn)

        written = Deferred.fromCoroutine(self._store.write(changed)).addCallback(self._taken)
        # Who asked may go away before the commit; the value is taken all the same.
        asked: Deferred[V] = Deferred()
        written.chainDeferred(asked)
        return await asked

    def _taken(self, value: V) -> V:
        if value.version != self.value.version:
            self.value = value
        return value

    def _renewed(self) -> None:
        """Another copy of the file may have other rows."""
        # In the writer's turn, so that what is written meanwhile is not lost from sight.
        reread = Deferred.fromCoroutine(self.change(lambda conn: None))
        reread.addErrback(lambda f: self._log.failure("a table can't be read anew", failure=f))
