"""`api_key_stats`: who called, with which models and through which accounts (section 10.2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from cpamp.analytics.columnar import Nested, Table, Texts
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, unknown_client_id
from cpamp.analytics.grids import Sums, numbered
from cpamp.analytics.sections.models import models_of_groups
from cpamp.analytics.sections.people import figures, greatest_sources
from cpamp.analytics.sections.rows import dearest, latest, means, money, outcomes, times
from cpamp.analytics.sections.who import SNAPSHOTS, People

CONTEXT_FIELDS = (*SNAPSHOTS, "auth_index", "source", "source_hash")


class ApiKeyStats:
    """A row for each client key, the latest seen first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("clients", "contexts")

    def rows(self) -> Table:
        """The section."""
        counting, view = self._counting, self._counting.view
        pairs, contexts = counting.sums("clients"), counting.sums("contexts")
        sums = counting.grouped(pairs, pairs.codes[0])
        people = People(view, contexts.codes[0], contexts.codes[1], contexts["last"])
        ids = self._ids(sums.codes[0], contexts, people)
        order = latest(view, sums, ids)
        sums, ids = sums.taken(order), ids.taken(order)
        clients, count = sums.codes[0], len(sums)
        place = np.empty(view.size("client"), dtype=np.int64)
        place[clients] = np.arange(count)
        details: dict[str, Any] = {"models": [[]] * count, "contexts": [[]] * count}
        if counting.request.include.api_key_details:
            details = {
                "models": models_of_groups(counting, pairs, place[pairs.codes[0]], count),
                "contexts": self._contexts(contexts, place[contexts.codes[0]], count),
            }
        return Table(
            {"id": ids},
            self._keys(clients),
            people.columns(clients, *SNAPSHOTS),
            people.sets(clients),
            figures(counting, sums),
            details,
        )

    def _ids(self, clients: IntArray, contexts: Sums, people: People) -> Texts:
        """The hashes of the keys, and made-up ids of those who sent none."""
        facets = self._counting.view.facets
        known = len(facets.client)
        ids = [facets.client.names[client] for client in clients[clients < known].tolist()]
        if len(ids) < len(clients):
            seen = numbered(contexts.codes[1])[0].tolist()
            greatest, newest = greatest_sources(map(facets.who, seen)), people.newest()
            for client in clients[clients >= known].tolist():
                who = newest[client]
                ids.append(unknown_client_id(who, greatest.get(who.source_hash, who.source)))
        return Texts(ids, np.arange(len(ids)))

    def _keys(self, clients: IntArray) -> dict[str, list[str]]:
        facets, aliases = self._counting.view.facets, self._counting.view.aliases
        names = [*facets.client.names[: len(facets.client)], *[""] * len(facets.unknown_client)]
        hashes = [names[client] for client in clients.tolist()]
        known = (clients < len(facets.client)).tolist()
        return {
            "api_key_hash": hashes,
            "api_key_alias": [
                aliases.get(name, "") if keyed else ""
                for name, keyed in zip(hashes, known, strict=True)
            ],
        }

    def _contexts(self, contexts: Sums, keys: IntArray, count: int) -> Nested:
        """For each of `count` keys where it was used, dearest first."""
        counting, view = self._counting, self._counting.view
        axis = view.facets.context
        width = len(axis)
        present, groups = numbered(keys * width + axis.codes[contexts.codes[1]])
        sums = counting.grouped(contexts, groups)
        people = People(view, groups, contexts.codes[1], contexts["last"])
        ids = Texts(axis.names, present % width)
        order = dearest(view, sums, ids, present // width)
        sums = sums.taken(order)
        table = Table(
            {"id": ids.taken(order)},
            outcomes(sums),
            money(sums),
            {
                "total_tokens": sums["total"],
                "average_latency_ms": means(sums),
                "last_seen_ms": times(view, sums["last"]),
            },
            people.columns(order, *CONTEXT_FIELDS),
        )
        return Nested.of(table, present[order] // width, count)
