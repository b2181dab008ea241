"""`api_key_stats`: who called, with which models and through which accounts (section 10.2)."""

from __future__ import annotations

import numpy as np

from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, unknown_client_id
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.models import models_of_groups
from cpamp.analytics.sections.people import figures, greatest_sources
from cpamp.analytics.sections.rows import (
    SNAPSHOTS,
    People,
    Row,
    calls,
    dearest,
    latest,
    means,
    money,
    rates,
    table,
    times,
)

CONTEXT_FIELDS = (*SNAPSHOTS, "auth_index", "source", "source_hash")


class ApiKeyStats:
    """A row for each client key, the latest seen first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("clients", "contexts")

    def rows(self) -> list[Row]:
        """The section."""
        counting, view = self._counting, self._counting.view
        pairs, contexts = counting.sums("clients"), counting.sums("contexts")
        details = counting.request.include.api_key_details
        sums = counting.grouped(pairs, pairs.codes[0])
        people = People(view, contexts.codes[0], contexts.codes[1], contexts["last"])
        greatest = greatest_sources([view.facets.who(n) for n in set(contexts.codes[1].tolist())])
        models = models_of_groups(counting, pairs, pairs.codes[0]) if details else {}
        used = self._contexts(contexts) if details else {}
        rows = []
        for code, row in zip(sums.codes[0].tolist(), table(figures(counting, sums)), strict=True):
            rows.append(
                {
                    **self._identity(code, people, greatest),
                    **people.names(code, *SNAPSHOTS),
                    **people.sets(code),
                    **row,
                    "models": models.get(code, []),
                    "contexts": used.get(code, []),
                }
            )
        return sorted(rows, key=latest)

    def _identity(self, code: int, people: People, greatest: dict[str, str]) -> Row:
        facets = self._counting.view.facets
        if code < len(facets.client):
            name = facets.client.names[code]
            alias = self._counting.view.aliases.get(name, "")
            return {"id": name, "api_key_hash": name, "api_key_alias": alias}
        who = people.of(code)[0]
        source = greatest.get(who.source_hash, who.source)
        return {
            "id": unknown_client_id(who, source),
            "api_key_hash": "",
            "api_key_alias": "",
        }

    def _contexts(self, contexts: Sums) -> dict[int, list[Row]]:
        """For each key where it was used, dearest first."""
        counting, view = self._counting, self._counting.view
        axis = view.facets.context
        codes: IntArray = contexts.codes[0] * len(axis) + axis.codes[contexts.codes[1]]
        _, groups = np.unique(codes, return_inverse=True)
        groups = groups.reshape(-1)
        sums = counting.grouped(contexts, codes)
        people = People(view, groups, contexts.codes[1], contexts["last"])
        rows = table(
            {"id": [axis.names[c] for c in (sums.codes[0] % len(axis)).tolist()]},
            calls(sums),
            rates(sums),
            money(sums),
            {
                "total_tokens": sums["total"].tolist(),
                "average_latency_ms": means(sums),
                "last_seen_ms": times(view, sums["last"]),
            },
        )
        found: dict[int, list[Row]] = {}
        clients = (sums.codes[0] // len(axis)).tolist()
        for group, (client, row) in enumerate(zip(clients, rows, strict=True)):
            row |= people.names(group, *CONTEXT_FIELDS)
            found.setdefault(client, []).append(row)
        for of_client in found.values():
            of_client.sort(key=lambda row: (*dearest(row), row["id"]))
        return found
