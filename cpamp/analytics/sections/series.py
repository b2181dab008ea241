"""The sections along time: `timeline`, `anomaly_points`, hours, and the timelines of groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from cpamp.analytics.columnar import Row, Table, Texts
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import NO_CLIENT, IntArray
from cpamp.analytics.grids import Sums, numbered
from cpamp.analytics.samples import GroupedSamples
from cpamp.analytics.sections.people import CREDENTIAL_FIELDS
from cpamp.analytics.sections.rows import (
    Figures,
    five,
    hit_rates,
    means,
    money,
    outcome,
    rates,
    share,
)
from cpamp.analytics.sections.who import People
from cpamp.analytics.zones import DAY_MS, day_start_ms, hour_end_ms, label, offset_ms

ANOMALIES = 50
# What stands out, by how much it must have grown (or shrunk), and which way.
ANOMALY_METRICS = (
    ("request_spike", 1.0, 1),
    ("cost_spike", 1.0, 1),
    ("tokens_per_request_spike", 0.5, 1),
    ("cache_hit_drop", 0.2, -1),
    ("failure_rate_spike", 0.2, 1),
    ("latency_spike", 0.5, 1),
)
# What is shown of the bucket itself.
_SHOWN = ("calls", "total_tokens", "cost", "unpriced_calls", "unpriced_tokens", "failure_rate")
SEVERITIES = ("low", "medium", "high")
# A bucket with fewer calls says little.
FEW_CALLS = 5


def percent_change(now: float, before: float) -> float:
    """By how much of the former value it grew (section 4.3)."""
    if before <= 0:
        return 1.0 if now > 0 else 0.0
    return (now - before) / before


def figures(sums: Sums) -> Figures:
    """The figures of a bucket."""
    return {
        **outcome(sums),
        **five(sums),
        "reasoning_tokens": sums["reasoning"],
        "total_tokens": sums["total"],
        **money(sums),
        "average_latency_ms": means(sums),
        **rates(sums),
    }


class Timeline:
    """`timeline`, oldest bucket first, and the `anomaly_points` found in it."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("slots")
        calendar = counting.calendar
        count = len(calendar.buckets[0])
        self._latency = GroupedSamples("latency", calendar.bucket_codes, count)
        self._ttft = GroupedSamples("ttft", calendar.bucket_codes, count)
        counting.counters += [self._latency, self._ttft]

    def rows(self) -> list[Row]:
        """The section."""
        return self._rows

    @cached_property
    def _rows(self) -> list[Row]:
        counting = self._counting
        calendar = counting.calendar
        starts, of_slot = calendar.buckets
        slots = counting.sums("slots")
        sums = counting.grouped(slots, of_slot[slots.codes[0]])
        present = sums.codes[0].tolist()
        latency, ttft = self._latency.p95(), self._ttft.p95()
        buckets = [int(starts[code]) for code in present]
        return Table(
            {
                "bucket_ms": buckets,
                "label": [label(calendar.tz, at, calendar.granularity) for at in buckets],
            },
            figures(sums),
            {
                "cache_hit_rate": hit_rates(sums),
                "p95_latency_ms": [latency[code] for code in present],
                "p95_ttft_ms": [ttft[code] for code in present],
            },
        ).rows

    def anomalies(self) -> list[Row]:
        """The buckets that stand out against the one before, strongest first."""
        found = []
        for before, now in pairwise(self._rows):
            changes = _changes(before, now)
            signed = [
                sign * change
                for (_, _, sign), change in zip(ANOMALY_METRICS, changes.values(), strict=True)
            ]
            flags = [
                name
                for (name, limit, _), value in zip(ANOMALY_METRICS, signed, strict=True)
                # Sums of equal costs differ in their last digits.
                if round(value, 9) > limit
            ]
            if flags:
                score = 10 * len(flags) + sum(max(value, 0) for value in signed)
                row = self._anomaly(before, now, flags, changes)
                found.append((-score, -now["bucket_ms"], row))
        return [row for *_, row in sorted(found, key=lambda f: f[:2])][:ANOMALIES]

    def _anomaly(self, before: Row, now: Row, flags: list[str], changes: Row) -> Row:
        end_ms = self.end_ms(now["bucket_ms"])
        sure = (
            self.end_ms(before["bucket_ms"]) == now["bucket_ms"]
            and min(before["calls"], now["calls"]) >= FEW_CALLS
            and None not in (before["p95_latency_ms"], now["p95_latency_ms"])
        )
        return {
            "bucket_ms": now["bucket_ms"],
            "bucket_end_ms": end_ms,
            "label": now["label"],
            "severity": SEVERITIES[min(len(flags), 3) - 1],
            "metric_keys": flags,
            **{name: now[name] for name in _SHOWN},
            **changes,
            "confidence": "normal" if sure else "low",
        }

    def end_ms(self, bucket_ms: int) -> int:
        """The end of a bucket."""
        calendar = self._counting.calendar
        if calendar.granularity == "hour":
            return hour_end_ms(calendar.tz, bucket_ms)
        day = (bucket_ms + offset_ms(calendar.tz, bucket_ms)) // DAY_MS
        return day_start_ms(calendar.tz, day + 1)


def _changes(before: Row, now: Row) -> Row:
    return {
        "request_change": percent_change(now["calls"], before["calls"]),
        "cost_change": percent_change(now["cost"], before["cost"]),
        "tokens_per_request_change": percent_change(
            share(now["total_tokens"], now["calls"]), share(before["total_tokens"], before["calls"])
        ),
        "cache_hit_rate_change": now["cache_hit_rate"] - before["cache_hit_rate"],
        "failure_rate_change": now["failure_rate"] - before["failure_rate"],
        "latency_p95_change": percent_change(
            now["p95_latency_ms"] or 0, before["p95_latency_ms"] or 0
        ),
    }


class Anomalies:
    """`anomaly_points`, of a timeline that need not be asked for."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def rows(self) -> list[Row]:
        """The section."""
        return self._timeline.anomalies()


class HourlyDistribution:
    """The hours of the local day that have calls."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("slots")

    def rows(self) -> list[Row]:
        """The section."""
        slots = self._counting.sums("slots")
        sums = self._counting.grouped(slots, self._counting.calendar.slots.hour[slots.codes[0]])
        return Table({"hour": sums.codes[0], "calls": sums["calls"], "tokens": sums["total"]}).rows


class CredentialTimeline:
    """Buckets of each credential, by time and then by id."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("credential_buckets")

    def rows(self) -> Table:
        """The section."""
        counting = self._counting
        axis = counting.view.facets.credential
        pairs = counting.sums("credential_buckets")
        present, groups = numbered(pairs.codes[0] * len(axis) + axis.codes[pairs.codes[1]])
        sums = counting.grouped(pairs, groups)
        people = People(counting.view, groups, pairs.codes[1], pairs["last"])
        ids, buckets = Texts(axis.names, present % len(axis)), present // len(axis)
        order = np.lexsort((ids.ranks(), buckets))
        ids = ids.taken(order)
        names = people.names(*_LABELS)
        labels = [names[field].taken(order).values() for field in _LABELS]
        return Table(
            {"id": ids, "label": _labels(*labels, ids.values())},
            people.columns(order, *CREDENTIAL_FIELDS),
            _bucket_columns(counting, sums.taken(order), buckets[order]),
        )


# What a credential is called by: the first that is filled, or its id.
_LABELS = (
    *("auth_label_snapshot", "account_snapshot", "auth_file_snapshot"),
    *("source", "auth_index"),
)


def _labels(*columns: Sequence[str]) -> list[str]:
    """Of each row the first filled text, or the last."""
    rows = zip(*columns, strict=True)
    return [next((text for text in row if text.strip()), row[-1]) for row in rows]


class ApiKeyTimeline:
    """Buckets of each client key; events without a key are left out."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("client_buckets")

    def rows(self) -> Table:
        """The section."""
        counting, facets = self._counting, self._counting.view.facets
        pairs = counting.sums("client_buckets")
        keyed = (pairs.codes[1] < len(facets.client)) & (pairs.codes[1] != NO_CLIENT)
        sums = pairs.taken(np.flatnonzero(keyed))
        keys = Texts(facets.client.names, sums.codes[1])
        order = np.lexsort((keys.ranks(), sums.codes[0]))
        keys, sums = keys.taken(order), sums.taken(order)
        aliases = [counting.view.aliases.get(name, "") for name in keys.values()]
        return Table(
            {"api_key_hash": keys, "api_key_alias": aliases},
            _bucket_columns(counting, sums, sums.codes[0]),
        )


class ModelTimeline:
    """Buckets of the models with the most calls; the others together as one without a name."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("model_buckets")

    def rows(self) -> list[Row]:
        """The section."""
        counting, facets = self._counting, self._counting.view.facets
        pairs = counting.sums("model_buckets")
        models = facets.model.codes[pairs.codes[1]]
        totals = counting.grouped(pairs, models)
        order = sorted(
            zip((-totals["calls"]).tolist(), totals.codes[0].tolist(), strict=True),
            key=lambda t: (t[0], facets.model.names[t[1]]),
        )
        shown = [code for _, code in order[: counting.request.include.model_timeline]]
        others = len(facets.model)
        models = np.where(np.isin(models, shown), models, others)
        sums = counting.grouped(pairs, pairs.codes[0] * (others + 1) + models)
        rows = []
        buckets = Table(_bucket_columns(counting, sums, sums.codes[0] // (others + 1))).rows
        for code, row in zip((sums.codes[0] % (others + 1)).tolist(), buckets, strict=True):
            name = None if code == others else facets.model.names[code]
            rows.append({"model": name, "others": code == others, **row})
        return sorted(rows, key=lambda row: (row["bucket_ms"], row["others"], row["model"] or ""))


def _bucket_columns(counting: Counting, sums: Sums, buckets: IntArray) -> dict[str, Any]:
    calendar = counting.calendar
    starts = calendar.buckets[0]
    labels = [label(calendar.tz, at, calendar.granularity) for at in starts.tolist()]
    return {
        "bucket_ms": starts[buckets],
        "bucket_label": Texts(labels, buckets),
        **figures(sums),
    }
