"""`model_stats` and `model_share` (analytics contract, 10.2)."""

from __future__ import annotations

from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.rows import Row, calls, dearest, five, hits, money, table, times


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
        rows = table(
            {"model": [facets.model.names[code] for code in sums.codes[0].tolist()]},
            calls(sums),
            five(sums),
            hits(sums),
            money(sums),
            {
                "total_tokens": sums["total"].tolist(),
                "tokens": sums["total"].tolist(),
                "first_seen_ms": times(counting.view, sums["first"]),
            },
        )
        return sorted(rows, key=lambda row: (-row["calls"], row["model"]))


def models_of_groups(counting: Counting, pairs: Sums, groups: IntArray) -> dict[int, list[Row]]:
    """For each group the rows of its models, dearest first.

    `pairs` has a model's number as its second code; `groups` says which group each pair is of.
    """
    facets = counting.view.facets
    models = facets.model.codes[pairs.codes[1]]
    width = len(facets.model)
    sums = counting.grouped(pairs, groups * width + models)
    rows = table(
        {"model": [facets.model.names[c] or "-" for c in (sums.codes[0] % width).tolist()]},
        calls(sums),
        five(sums),
        hits(sums),
        money(sums),
        {
            "total_tokens": sums["total"].tolist(),
            "last_seen_ms": times(counting.view, sums["last"]),
        },
    )
    found: dict[int, list[Row]] = {}
    for group, row in zip((sums.codes[0] // width).tolist(), rows, strict=True):
        found.setdefault(group, []).append(row)
    for of_group in found.values():
        of_group.sort(key=lambda row: (*dearest(row), row["model"]))
    return found
