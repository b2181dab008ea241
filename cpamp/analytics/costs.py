"""The cost of every event as a column, by the prices in force (storage design, section 4).

Worked out on first use per price book, block by block, and extended with the events that come.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.facets import Facets, IntArray
from cpamp.columns.columns import Snapshot
from cpamp.columns.files import ColumnFile
from cpamp.columns.layout import BILLED
from cpamp.pricing.cost import Band, PriceBook, RateCard

FloatArray = npt.NDArray[np.float64]
BLOCK = 131_072
_RATES = ("prompt", "cached", "cache_read", "cache_creation", "output")
# The card of what has no price.
_FREE = RateCard((Band(-1, 0.0, 0.0, 0.0, 0.0, 0.0),))
# Prompt, cache read, cache creation and output tokens, as CPA itself states them, by event id.
BilledRows = Mapping[int, tuple[int, int, int, int]]


@attrs.frozen
class Tariff:
    """The rate cards of a price book as arrays.

    A card is one of (billing names, service tier); its bands lie in a row, `first[card]` being
    the lowest. `edges[card, i]` is the input above which its i-th further band holds.
    """

    cards: IntArray
    first: IntArray
    edges: FloatArray
    rates: Mapping[str, FloatArray]
    # By billing names: whether the book has no price for them.
    unpriced: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, book: PriceBook, facets: Facets) -> Tariff:
        """The cards for every pair of names and tier that the dictionaries know."""
        names, tiers = facets.billing.names, facets.tier.names
        cards = [_FREE]
        numbers = np.zeros((len(names), max(len(tiers), 1)), dtype=np.int64)
        for i, (billing, analytics, requested) in enumerate(names):
            for j, tier in enumerate(tiers):
                card = book.rate_card(billing, analytics, requested, tier)
                if card is not None:
                    numbers[i, j] = len(cards)
                    cards.append(card)
        bands = [band for card in cards for band in card.bands]
        most = max(len(card.bands) for card in cards) - 1
        edges = np.full((len(cards), most), np.inf)
        for i, card in enumerate(cards):
            edges[i, : len(card.bands) - 1] = [band.above for band in card.bands[1:]]
        lengths = [len(card.bands) for card in cards]
        return cls(
            numbers,
            np.cumsum([0, *lengths[:-1]]),
            edges,
            {name: np.array([getattr(band, name) for band in bands]) for name in _RATES},
            numbers[:, 0] == 0,
        )

    def costs(self, snapshot: Snapshot, facets: Facets, start: int, end: int) -> FloatArray:
        """The cost in USD of some rows by their counts."""

        def tokens(name: str) -> npt.NDArray[Any]:
            return snapshot.column(name)[start:end]

        names = facets.billing.codes[snapshot.column("model")[start:end]]
        card = self.cards[names, facets.tier.codes[snapshot.column("way")[start:end]]]
        inputs = tokens("input")
        band = self.first[card]
        for i in range(self.edges.shape[1]):
            band += inputs > self.edges[card, i]
        # As integers, since the difference of large doubles would lose the small one.
        rest = inputs.astype(np.int64)
        cost = np.zeros(end - start)
        for column in ("cached", "cache_read", "cache_creation"):
            counts = tokens(column)
            if counts.any():
                rest -= counts
                cost += counts * self.rates[column][band]
        cost += np.maximum(rest, 0) * self.rates["prompt"][band]
        outputs = tokens("output")
        beside = np.array(facets.reasoning.names, dtype=bool)[facets.reasoning.codes]
        if beside.any():
            outputs = outputs + tokens("reasoning") * beside[snapshot.column("who")[start:end]]
        cost += outputs * self.rates["output"][band]
        return cost

    def stated(self, snapshot: Snapshot, facets: Facets, row: int, billed: Any) -> float:
        """The cost of one row by what CPA itself states."""
        name = facets.billing.codes[snapshot.column("model")[row]]
        card = self.cards[name, facets.tier.codes[snapshot.column("way")[row]]]
        band = self.first[card] + int((snapshot.column("input")[row] > self.edges[card]).sum())
        parts = zip(("prompt", "cache_read", "cache_creation", "output"), billed, strict=True)
        return float(sum(count * self.rates[name][band] for name, count in parts))


@attrs.define(eq=False)
class CostColumn:
    """The costs by one price book of one generation of columns."""

    book: PriceBook
    generation: int
    _file: ColumnFile
    _tariff: Tariff | None = None
    _sizes: tuple[int, int] = (0, 0)
    _rows: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    @classmethod
    def new(cls, folder: Path, book: PriceBook, generation: int) -> CostColumn:
        """An empty one, in a file that goes with its last user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = ColumnFile.open(folder, f"cost-{threading.get_ident()}", "<f8", new=True)
        os.unlink(file.path)
        return cls(book, generation, file)

    def read(self, snapshot: Snapshot, facets: Facets, billed: BilledRows) -> FloatArray:
        """The costs of all rows of the snapshot; what is missing is worked out."""
        with self._lock:
            while self._rows < snapshot.n:
                start, end = self._rows, min(snapshot.n, self._rows + BLOCK)
                costs = self._of(facets).costs(snapshot, facets, start, end)
                self._correct(snapshot, facets, costs, start, billed)
                self._file.write(start, costs)  # type: ignore[arg-type]
                self._rows = end
        found: FloatArray = self._file.read(snapshot.n)
        return found

    def unpriced(self, facets: Facets) -> npt.NDArray[np.bool_]:
        """By number of a model's row: whether it has no price."""
        with self._lock:
            found: npt.NDArray[np.bool_] = self._of(facets).unpriced[facets.billing.codes]
        return found

    def _of(self, facets: Facets) -> Tariff:
        sizes = len(facets.billing), len(facets.tier)
        if self._tariff is None or sizes != self._sizes:
            self._tariff, self._sizes = Tariff.of(self.book, facets), sizes
        return self._tariff

    def _correct(
        self,
        snapshot: Snapshot,
        facets: Facets,
        costs: FloatArray,
        start: int,
        billed: BilledRows,
    ) -> None:
        flags = snapshot.column("flags")[start : start + len(costs)]
        for at in np.flatnonzero(flags & BILLED).tolist():
            stated = billed.get(snapshot.id_of(start + at))
            if stated is not None:
                costs[at] = self._of(facets).stated(snapshot, facets, start + at, stated)
