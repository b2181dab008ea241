"""The price book in force, and the only way to change it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping

import attrs

from cpamp.errors import Problem
from cpamp.pricing import embedded
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import ModelPrice
from cpamp.store import Store, prices, settings
from cpamp.store.held import Held
from cpamp.store.transaction import transaction


class BookChanged(Problem):
    """The book is another one than the change was made for; nothing was written."""

    code = "model_prices_changed"
    status = 412


@attrs.define(eq=False)
class Prices:
    """`book` is replaced as a whole after each committed change, and never altered.

    `seed` says whether a new installation's book begins with the prices that the package ships.
    A change may name the versions of the book that it was made for (`of`); on any other it raises
    `BookChanged`. Changes raise `StoreUnavailable` with nothing written.
    """

    _store: Store
    _now_ms: Callable[[], int]
    _seed: bool
    _held: Held[PriceBook] = attrs.field(init=False)

    @_held.default
    def _make_held(self) -> Held[PriceBook]:
        return Held(self._store, prices.read, PriceBook({}))

    @property
    def book(self) -> PriceBook:
        """The prices of this moment, without the sources' own records."""
        return self._held.value

    def load(self, conn: sqlite3.Connection) -> None:
        """Read the book, before anybody asks for it."""
        with transaction(conn):
            if self._seed and not prices.version(conn) and not settings.has_history(conn):
                now_ms = self._now_ms()
                prices.replace(conn, embedded.load().seed(now_ms), now_ms)
        self._held.load(conn)

    async def replace(
        self, new: Mapping[str, ModelPrice], of: Collection[int] | None = None
    ) -> PriceBook:
        """Make these the whole book."""
        return await self._change(lambda conn: prices.replace(conn, new, self._now_ms()), of)

    async def put(
        self, new: Mapping[str, ModelPrice], of: Collection[int] | None = None
    ) -> PriceBook:
        """Set some prices and leave the others."""
        return await self._change(lambda conn: prices.put(conn, new, self._now_ms()), of)

    async def sync(self, new: Mapping[str, ModelPrice], of: Collection[int]) -> PriceBook:
        """Set prices that come from a source, and say when."""
        now_ms = self._now_ms()
        rows = {model: attrs.evolve(p, synced_at_ms=now_ms) for model, p in new.items()}
        return await self._change(lambda conn: prices.put(conn, rows, now_ms), of)

    async def delete(self, model: str, of: Collection[int] | None = None) -> PriceBook:
        """Take a price out of the book, if it is in it."""
        return await self._change(lambda conn: prices.delete(conn, model, self._now_ms()), of)

    async def with_raw(self) -> PriceBook:
        """The book with the sources' own records, which are not held in memory."""
        return await self._store.read(prices.read, raw=True)

    async def _change(
        self, work: Callable[[sqlite3.Connection], None], of: Collection[int] | None
    ) -> PriceBook:
        def checked(conn: sqlite3.Connection) -> None:
            if of is not None and prices.version(conn) not in of:
                raise BookChanged("the prices were changed meanwhile; read them and try again")
            work(conn)

        return await self._held.change(checked)
