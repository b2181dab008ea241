"""`heatmap`: the hours of the week, and who makes them up (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpamp.analytics.counting import CELLS, Counting
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.rows import Row, money, outcome, shares, table

CONTRIBUTORS = 5
UNKNOWN = "Unknown"


class Heatmap:
    """A row for each hour of the week that has calls, from Sunday's midnight on."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("cell_models", "cell_clients", "cell_providers")

    def rows(self) -> list[Row]:
        """The section."""
        counting, facets = self._counting, self._counting.view.facets
        cells = counting.merged(counting.sums("cell_models"), 0)
        keys = [*facets.client.names, *[""] * len(facets.unknown_client)]
        contributors = {
            "model_contributors": self._best(
                "cell_models",
                [
                    facets.model.names[code].strip() or UNKNOWN
                    for code in facets.model.codes.tolist()
                ],
                cells,
            ),
            "api_key_contributors": self._best("cell_clients", keys, cells),
            "provider_contributors": self._best(
                "cell_providers",
                [name.strip() or UNKNOWN for name in facets.provider.names],
                cells,
            ),
        }
        codes = cells.codes[0]
        return [
            {
                **row,
                **{name: found.get(cell, []) for name, found in contributors.items()},
            }
            for cell, row in zip(
                codes.tolist(),
                table(
                    {"weekday": (codes // 24).tolist(), "hour": (codes % 24).tolist()},
                    _contribution(cells),
                ),
                strict=True,
            )
        ]

    def _best(self, grid: str, names: Sequence[str], cells: Sums) -> dict[int, list[Row]]:
        """For each cell the contributors with the most calls; those without a name are none."""
        pairs = self._counting.sums(grid)
        distinct = {name: i for i, name in enumerate(dict.fromkeys(names))}
        numbers = np.array([distinct[name] for name in names], dtype=np.int64)
        width = max(len(distinct), 1)
        sums = self._counting.grouped(pairs, pairs.codes[0] * width + numbers[pairs.codes[1]])
        all_calls = np.zeros(CELLS, dtype=np.int64)
        all_calls[cells.codes[0]] = cells["calls"]
        of_cell = sums.codes[0] // width
        texts = list(distinct)
        keys = [texts[code] for code in (sums.codes[0] % width).tolist()]
        aliases = self._counting.view.aliases if grid == "cell_clients" else {}
        rows = table(
            {"key": keys, "label": keys, "alias": [aliases.get(key, "") for key in keys]},
            _contribution(sums),
            {"share": shares(sums["calls"], all_calls[of_cell])},
        )
        found: dict[int, list[Row]] = {}
        for cell, row in zip(of_cell.tolist(), rows, strict=True):
            if row["key"]:
                found.setdefault(cell, []).append(row)
        return {
            cell: sorted(rows, key=lambda r: (-r["calls"], -r["cost"], r["key"]))[:CONTRIBUTORS]
            for cell, rows in found.items()
        }


def _contribution(sums: Sums) -> dict[str, list[object]]:
    return {
        **outcome(sums),
        **money(sums),
        "failure_rate": list(shares(sums["failed"], sums["calls"])),
    }
