"""`model_stats` and `model_share` (analytics contract, 10.2)."""

from __future__ import annotations

from cpamp.analytics.columnar import Nested, Row, Table, Texts
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.rows import calls, dearest, five, hits, money, times


class ModelStats:
    """A row for each analytics model, most calls first; also what `model_share` asks for."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("models")

    def rows(self) -> list[Row]:
        """The section."""
        counting, facets = self._counting, self._counting.view.facets
        by_number = counting.sums("models")
        sums = counting.grouped(by_number, facets.model.codes[by_number.codes[0]])
        rows = Table(
            {"model": Texts(facets.model.names, sums.codes[0])},
            calls(sums),
            five(sums),
            hits(sums),
            money(sums),
            {
                "total_tokens": sums["total"],
                "tokens": sums["total"],
                "first_seen_ms": times(counting.view, sums["first"]),
            },
        )
        return sorted(rows, key=lambda row: (-row["calls"], row["model"]))


def models_of_groups(counting: Counting, pairs: Sums, groups: IntArray, count: int) -> Nested:
    """For each of `count` groups the rows of its models, dearest first.

    `pairs` has a model's number as its second code; `groups` says which group each pair is of.
    """
    facets, view = counting.view.facets, counting.view
    width = len(facets.model)
    sums = counting.grouped(pairs, groups * width + facets.model.codes[pairs.codes[1]])
    names = Texts([name or "-" for name in facets.model.names], sums.codes[0] % width)
    order = dearest(view, sums, names, sums.codes[0] // width)
    sums = sums.taken(order)
    table = Table(
        {"model": names.taken(order)},
        calls(sums),
        five(sums),
        hits(sums),
        money(sums),
        {"total_tokens": sums["total"], "last_seen_ms": times(view, sums["last"])},
    )
    return Nested.of(table, sums.codes[0] // width, count)
