"""`model_timeline` and `account_strips`, event by event (analytics contract, 17)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.recount.series import Clock, bucket_figures
from cpamp.analytics.recount.sums import Sums, share
from cpamp.analytics.recount.tables import Row, Sources, account_key, merge_sums
from cpamp.analytics.request import AnalyticsRequest

BLOCKS = 20


@attrs.define
class ModelTimeline:
    """Buckets of the models with the most calls; the others together."""

    clock: Clock
    limit: int
    calls: Counter[str] = attrs.Factory(Counter)
    buckets: dict[tuple[int, str], Sums] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        model = fact.event.model.analytics_model
        self.calls[model] += 1
        place = self.clock.bucket_ms(fact.event.timestamp_ms), model
        self.buckets.setdefault(place, Sums()).add(fact)

    def rows(self) -> list[Row]:
        """Oldest bucket first, then by model; the others come last."""
        ranked = sorted(self.calls, key=lambda model: (-self.calls[model], model))
        shown = frozenset(ranked[: self.limit])
        parts: dict[tuple[int, bool, str], list[Sums]] = {}
        for (at, model), sums in self.buckets.items():
            place = (at, False, model) if model in shown else (at, True, "")
            parts.setdefault(place, []).append(sums)
        return [
            {
                "model": None if others else model,
                "others": others,
                "bucket_ms": at,
                "bucket_label": self.clock.label(at),
                **bucket_figures(merge_sums(*found)),
            }
            for (at, others, model), found in sorted(parts.items(), key=lambda item: item[0])
        ]


@attrs.define
class Strips:
    """For each account the range in equal blocks."""

    request: AnalyticsRequest
    sources: Sources = attrs.Factory(Sources)
    blocks: dict[tuple[str, str], Counter[Any]] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        self.sources.add(fact)
        request = self.request
        since = fact.event.timestamp_ms - request.from_ms
        block = since * BLOCKS // (request.to_ms - request.from_ms)
        counts = self.blocks.setdefault(account_key(fact), Counter())
        counts[block, fact.event.end.failed] += 1

    def rows(self) -> list[Row]:
        """By id."""
        merged: dict[str, Counter[Any]] = {}
        for (kind, key), counts in self.blocks.items():
            name = self.sources.greatest[key] if kind == "hash" else key
            merged[name] = merged.get(name, Counter()) + counts
        rows = []
        for name, counts in sorted(merged.items()):
            success = [counts[block, False] for block in range(BLOCKS)]
            failure = [counts[block, True] for block in range(BLOCKS)]
            rate = share(sum(success), sum(success) + sum(failure))
            row = {"id": name, "success": success, "failure": failure, "success_rate": rate}
            rows.append(row)
        return rows
