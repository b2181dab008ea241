"""`api_key_stats`: who called, with which models and through which accounts (section 10.2)."""

from __future__ import annotations

import numpy as np

from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, provider_shown, unknown_client_id
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
from cpamp.usage.event import Who

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
        sums = counting.grouped(contexts, codes)
        names = self._context_names(contexts, codes)
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
        for client, row, named in zip(clients, rows, names, strict=True):
            row |= named
            found.setdefault(client, []).append(row)
        for of_client in found.values():
            of_client.sort(key=lambda row: (*dearest(row), row["id"]))
        return found

    def _context_names(self, contexts: Sums, codes: IntArray) -> list[Row]:
        """The names of each group of `codes`, which are of clients and contexts.

        Mostly all credentials of a context have the same names, and there are far fewer contexts
        than groups.
        """
        view = self._counting.view
        axis = view.facets.context
        alike: dict[int, Row | None] = {}
        for number in np.unique(contexts.codes[1]).tolist():
            code, named = int(axis.codes[number]), context_names(view.facets.who(number))
            alike[code] = named if alike.setdefault(code, named) == named else None
        present, groups = np.unique(codes, return_inverse=True)
        found = [alike[code] for code in (present % len(axis)).tolist()]
        if None in alike.values():
            people = People(view, groups.reshape(-1), contexts.codes[1], contexts["last"])
            return [
                people.names(group, *CONTEXT_FIELDS) if named is None else named
                for group, named in enumerate(found)
            ]
        return [named for named in found if named is not None]


def context_names(who: Who) -> Row:
    """The names that a context shows of a credential."""
    return {
        field: provider_shown(who) if field == "auth_provider_snapshot" else getattr(who, field)
        for field in CONTEXT_FIELDS
    }
