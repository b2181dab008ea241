"""The sections along time, event by event (analytics contract, 7 and 10.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.recount.sums import Newest, Sums, share
from cpamp.analytics.recount.tables import SNAPSHOTS, Row
from cpamp.analytics.zones import HOUR_MS, SLOT_MS, day_start_ms, label, offset_ms

CONTRIBUTORS = 5
ANOMALIES = 50
ANOMALY_METRICS = (
    "request_spike",
    "cost_spike",
    "tokens_per_request_spike",
    "cache_hit_drop",
    "failure_rate_spike",
    "latency_spike",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.define
class Clock:
    """The local hour and day of an instant, asked of the zone itself."""

    tz: ZoneInfo
    granularity: str
    days: dict[int, int] = attrs.Factory(dict)

    def local(self, at_ms: int) -> datetime:
        """The local time of an instant."""
        return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(self.tz)

    def hour_ms(self, at_ms: int) -> int:
        """The start of its local hour."""
        offset = offset_ms(self.tz, at_ms)
        start = (at_ms + offset) // HOUR_MS * HOUR_MS - offset
        # Where the clock was set within the hour, that is when it begins.
        parts = range(start, at_ms + 1, SLOT_MS)
        return next((part for part in parts if offset_ms(self.tz, part) == offset), start)

    def day_ms(self, at_ms: int) -> int:
        """The start of its local day."""
        day = self.local(at_ms).toordinal() - _EPOCH.toordinal()
        if day not in self.days:
            self.days[day] = day_start_ms(self.tz, day)
        return self.days[day]

    def next_day_ms(self, at_ms: int) -> int:
        """The start of the local day after."""
        return day_start_ms(self.tz, self.local(at_ms).toordinal() - _EPOCH.toordinal() + 1)

    def bucket_ms(self, at_ms: int) -> int:
        """The start of its bucket."""
        return self.hour_ms(at_ms) if self.granularity == "hour" else self.day_ms(at_ms)

    def end_ms(self, bucket_ms: int) -> int:
        """The end of a bucket."""
        if self.granularity == "hour":
            # The next quarter of an hour that a clock shows as a whole hour.
            parts = range(bucket_ms + SLOT_MS, bucket_ms + HOUR_MS, SLOT_MS)
            return next((p for p in parts if not self.local(p).minute), bucket_ms + HOUR_MS)
        return self.next_day_ms(bucket_ms)

    def label(self, bucket_ms: int) -> str:
        """The label of a bucket."""
        return label(self.tz, bucket_ms, self.granularity)


@attrs.define
class Timeline:
    """`timeline`, and the `anomaly_points` found in it."""

    clock: Clock
    buckets: dict[int, Sums] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        at = self.clock.bucket_ms(fact.event.timestamp_ms)
        self.buckets.setdefault(at, Sums()).add(fact)

    def rows(self) -> list[Row]:
        """Oldest bucket first."""
        return [
            {
                "bucket_ms": at,
                "label": self.clock.label(at),
                **bucket_figures(sums),
                "cache_hit_rate": sums.cache_hit_rate,
                "p95_latency_ms": sums.latency.p95,
                "p95_ttft_ms": sums.ttft.p95,
            }
            for at, sums in sorted(self.buckets.items())
        ]

    def anomalies(self) -> list[Row]:
        """The buckets that stand out against the one before, strongest first."""
        found = []
        for (_, before), (at, sums) in pairwise(sorted(self.buckets.items())):
            changes = _changes(before, sums)
            limits = (1, 1, 0.5, 0.2, 0.2, 0.5)
            signs = (1, 1, 1, -1, 1, 1)
            values = [sign * change for sign, change in zip(signs, changes, strict=True)]
            flags = [
                name
                for name, value, limit in zip(ANOMALY_METRICS, values, limits, strict=True)
                if round(value, 9) > limit
            ]
            if flags:
                score = 10 * len(flags) + sum(max(value, 0) for value in values)
                found.append((-score, -at, self._anomaly(at, sums, flags, changes)))
        return [row for *_, row in sorted(found, key=lambda f: f[:2])][:ANOMALIES]

    def _anomaly(self, at: int, sums: Sums, flags: list[str], changes: tuple[float, ...]) -> Row:
        severity = ("low", "medium", "high")[min(len(flags), 3) - 1]
        requests, cost, per_request, cache, failure, latency = changes
        return {
            "bucket_ms": at,
            "bucket_end_ms": self.clock.end_ms(at),
            "label": self.clock.label(at),
            "severity": severity,
            "metric_keys": flags,
            "calls": sums.calls,
            "total_tokens": sums.total_tokens,
            "cost": sums.cost,
            "unpriced_calls": sums.unpriced_calls,
            "unpriced_tokens": sums.unpriced_tokens,
            "failure_rate": share(sums.failures, sums.calls),
            "request_change": requests,
            "cost_change": cost,
            "tokens_per_request_change": per_request,
            "cache_hit_rate_change": cache,
            "failure_rate_change": failure,
            "latency_p95_change": latency,
        }


def percent_change(now: float, before: float) -> float:
    """By how much of the former value it grew (section 4.3)."""
    if before <= 0:
        return 1.0 if now > 0 else 0.0
    return (now - before) / before


def _changes(before: Sums, now: Sums) -> tuple[float, ...]:
    return (
        percent_change(now.calls, before.calls),
        percent_change(now.cost, before.cost),
        percent_change(
            share(now.total_tokens, now.calls), share(before.total_tokens, before.calls)
        ),
        now.cache_hit_rate - before.cache_hit_rate,
        share(now.failures, now.calls) - share(before.failures, before.calls),
        percent_change(now.latency.p95 or 0, before.latency.p95 or 0),
    )


def bucket_figures(sums: Sums) -> Row:
    """The figures of a bucket."""
    return {
        "calls": sums.calls,
        "tokens": sums.total_tokens,
        "success": sums.success,
        "failure": sums.failures,
        **sums.five,
        "reasoning_tokens": sums.reasoning_tokens,
        "total_tokens": sums.total_tokens,
        **sums.money,
        "average_latency_ms": sums.latency.mean,
        **sums.rates,
    }


@attrs.define
class GroupTimeline:
    """`credential_timeline` or `api_key_timeline`: buckets of each credential or key."""

    clock: Clock
    by_key: bool
    buckets: dict[tuple[int, str], Sums] = attrs.Factory(dict)
    names: dict[tuple[int, str], Newest] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event; one without a key is not in a timeline of keys."""
        group = fact.api_key if self.by_key else fact.credential
        if not group:
            return
        place = self.clock.bucket_ms(fact.event.timestamp_ms), group
        who = fact.event.who
        self.buckets.setdefault(place, Sums()).add(fact)
        self.names.setdefault(place, Newest()).add(
            fact,
            account_snapshot=who.account_snapshot,
            auth_label_snapshot=who.auth_label_snapshot,
            auth_provider_snapshot=fact.provider,
            auth_file_snapshot=who.auth_file_snapshot,
            auth_project_id_snapshot=who.auth_project_id_snapshot,
            auth_index=who.auth_index,
            source=who.source,
            source_hash=who.source_hash,
        )

    def rows(self) -> list[Row]:
        """Oldest bucket first, then by id."""
        return [
            {
                **self._labels(self.names[at, group], group),
                "bucket_ms": at,
                "bucket_label": self.clock.label(at),
                **bucket_figures(sums),
            }
            for (at, group), sums in sorted(self.buckets.items())
        ]

    def _labels(self, names: Newest, group: str) -> Row:
        if self.by_key:
            return {"api_key_hash": group}
        fields = (
            "auth_file_snapshot",
            "auth_index",
            "source",
            "source_hash",
            *SNAPSHOTS,
            "auth_project_id_snapshot",
        )
        order = ("auth_label_snapshot", "account_snapshot", "auth_file_snapshot", "source")
        shown = [names[field] for field in (*order, "auth_index")]
        return {
            "id": group,
            "label": next((text for text in shown if text.strip()), group),
            **{field: names[field] for field in fields},
        }


@attrs.define
class HourlyDistribution:
    """`hourly_distribution`: the hours of the day."""

    clock: Clock
    hours: dict[int, Sums] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        hour = self.clock.local(fact.event.timestamp_ms).hour
        self.hours.setdefault(hour, Sums()).add(fact)

    def rows(self) -> list[Row]:
        """Midnight first."""
        return [
            {"hour": hour, "calls": sums.calls, "tokens": sums.total_tokens}
            for hour, sums in sorted(self.hours.items())
        ]


@attrs.define
class Cell:
    """One hour of one weekday, with who makes it up."""

    sums: Sums = attrs.Factory(Sums)
    contributors: dict[str, dict[str, Sums]] = attrs.Factory(
        lambda: {"model_contributors": {}, "api_key_contributors": {}, "provider_contributors": {}}
    )


@attrs.define
class Heatmap:
    """`heatmap`: the hours of the week."""

    clock: Clock
    cells: dict[tuple[int, int], Cell] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        local = self.clock.local(fact.event.timestamp_ms)
        cell = self.cells.setdefault((local.isoweekday() % 7, local.hour), Cell())
        cell.sums.add(fact)
        keys = {
            "model_contributors": fact.event.model.analytics_model.strip() or "Unknown",
            "api_key_contributors": fact.api_key,
            "provider_contributors": fact.provider.strip() or "Unknown",
        }
        for kind, key in keys.items():
            if key:
                cell.contributors[kind].setdefault(key, Sums()).add(fact)

    def rows(self) -> list[Row]:
        """Sunday's midnight first."""
        return [
            {
                "weekday": weekday,
                "hour": hour,
                **_contribution(cell.sums),
                **{
                    kind: _best(groups, cell.sums.calls)
                    for kind, groups in cell.contributors.items()
                },
            }
            for (weekday, hour), cell in sorted(self.cells.items())
        ]


def _contribution(sums: Sums) -> dict[str, Any]:
    return {
        "calls": sums.calls,
        "success": sums.success,
        "failure": sums.failures,
        "tokens": sums.total_tokens,
        **sums.money,
        "failure_rate": share(sums.failures, sums.calls),
    }


def _best(groups: dict[str, Sums], calls: int) -> list[Row]:
    rows = [
        {"key": key, **_contribution(sums), "share": share(sums.calls, calls)}
        for key, sums in groups.items()
    ]
    return sorted(rows, key=lambda r: (-r["calls"], -r["cost"], r["key"]))[:CONTRIBUTORS]
