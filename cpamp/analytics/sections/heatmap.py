"""`heatmap`: the hours of the week, and who makes them up (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpamp.analytics.columnar import Nested, Table, Texts
from cpamp.analytics.counting import Counting
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.rows import Figures, money, outcome, shares

CONTRIBUTORS = 5
UNKNOWN = "Unknown"


class Heatmap:
    """A row for each hour of the week that has calls, from Sunday's midnight on."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("cell_models", "cell_clients", "cell_providers")

    def rows(self) -> Table:
        """The section."""
        counting, facets = self._counting, self._counting.view.facets
        cells = counting.merged(counting.sums("cell_models"), 0)
        models = [name.strip() or UNKNOWN for name in facets.model.names]
        keys = [*facets.client.names[: len(facets.client)], *[""] * len(facets.unknown_client)]
        providers = [name.strip() or UNKNOWN for name in facets.provider.names]
        return Table(
            {"weekday": cells.codes[0] // 24, "hour": cells.codes[0] % 24},
            _contribution(cells),
            {
                "model_contributors": self._best(
                    "cell_models", [models[code] for code in facets.model.codes.tolist()], cells
                ),
                "api_key_contributors": self._best("cell_clients", keys, cells),
                "provider_contributors": self._best("cell_providers", providers, cells),
            },
        )

    def _best(self, grid: str, names: Sequence[str], cells: Sums) -> Nested:
        """For each cell the contributors with the most calls; those without a name are none."""
        pairs = self._counting.sums(grid)
        distinct = {name: i for i, name in enumerate(dict.fromkeys(names))}
        numbers = np.array([distinct[name] for name in names], dtype=np.int64)
        width = max(len(distinct), 1)
        sums = self._counting.grouped(pairs, pairs.codes[0] * width + numbers[pairs.codes[1]])
        keys, of_cell = Texts(list(distinct), sums.codes[0] % width), sums.codes[0] // width
        order = np.lexsort((keys.ranks(), -sums["cost"], -sums["calls"], of_cell))
        order = order[keys.codes[order] != distinct.get("", -1)]
        of_cell = of_cell[order]
        best = np.arange(len(order)) - np.searchsorted(of_cell, of_cell) < CONTRIBUTORS
        order, of_cell = order[best], np.searchsorted(cells.codes[0], of_cell[best])
        keys, sums = keys.taken(order), sums.taken(order)
        aliases = self._counting.view.aliases if grid == "cell_clients" else {}
        table = Table(
            {
                "key": keys,
                "label": keys,
                "alias": [aliases.get(key, "") for key in keys.values()],
                **_contribution(sums),
                "share": shares(sums["calls"], cells["calls"][of_cell]),
            }
        )
        return Nested.of(table, of_cell, len(cells))


def _contribution(sums: Sums) -> Figures:
    return {**outcome(sums), **money(sums), "failure_rate": shares(sums["failed"], sums["calls"])}
