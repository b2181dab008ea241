"""A whole answer of `monitoring/analytics`, event by event (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

import attrs

from cpamp.analytics.recount.events import EventPage, NewestFew, TaskTable, event_row, failure_row
from cpamp.analytics.recount.extras import ModelTimeline, Strips
from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.recount.match import Match
from cpamp.analytics.recount.series import (
    Clock,
    GroupTimeline,
    Heatmap,
    HourlyDistribution,
    Timeline,
)
from cpamp.analytics.recount.sums import Sums, share
from cpamp.analytics.recount.tables import (
    AccountTable,
    ChannelTable,
    CredentialTable,
    FailureTable,
    KeyTable,
    ModelTable,
)
from cpamp.analytics.request import AnalyticsRequest, Page
from cpamp.pricing.cost import PriceBook
from cpamp.usage.event import Event

ROLLING_MS = 1_800_000


@attrs.define
class Summary:
    """`summary`, over the range and over the last half hour."""

    clock: Clock
    request: AnalyticsRequest
    sums: Sums = attrs.Factory(Sums)
    rolling: Sums = attrs.Factory(Sums)
    tasks: TaskTable = attrs.Factory(TaskTable)
    days: set[int] = attrs.Factory(set)
    zero_token_models: set[str] = attrs.Factory(set)
    unpriced_models: set[str] = attrs.Factory(set)

    def add(self, fact: Fact) -> None:
        """Count one event of the range."""
        self.sums.add(fact)
        self.tasks.add(fact)
        self.days.add(self.clock.day_ms(fact.event.timestamp_ms))
        if fact.zero_token:
            self.zero_token_models.add(fact.event.model.analytics_model)
        if fact.billed.cost is None:
            self.unpriced_models.add(fact.billed.pricing_model)

    def body(self) -> dict[str, Any]:
        """The section, full or compact."""
        sums, include = self.sums, self.request.include
        percentiles = include.percentiles or not include.compact
        body = {
            "total_calls": sums.calls,
            "success_calls": sums.success,
            "failure_calls": sums.failures,
            "success_rate": share(sums.success, sums.calls),
            **sums.five,
            "cache_hit_rate": sums.cache_hit_rate,
            "reasoning_tokens": sums.reasoning_tokens,
            "total_tokens": sums.total_tokens,
            "total_cost": sums.cost,
            "average_cost_per_call": share(sums.cost, sums.calls),
            "average_latency_ms": sums.latency.mean,
            "zero_token_calls": sums.zero_token_calls,
            "p95_latency_ms": sums.latency.p95 if percentiles else None,
            "p95_ttft_ms": sums.ttft.p95 if percentiles else None,
            "unpriced_calls": sums.unpriced_calls,
            "unpriced_tokens": sums.unpriced_tokens,
            "unpriced_models": sorted(self.unpriced_models),
            **dict.fromkeys(_FULL_ONLY, 0),
            "zero_token_models": None,
        }
        return body if include.compact else {**body, **self._full()}

    def _full(self) -> dict[str, Any]:
        days = max(len(self.days), 1)
        return {
            "rpm_30m": self.rolling.calls / 30,
            "tpm_30m": self.rolling.total_tokens / 30,
            "avg_daily_requests": self.sums.calls / days,
            "avg_daily_tokens": self.sums.total_tokens / days,
            **self.tasks.summary(),
            "zero_token_models": sorted(m for m in self.zero_token_models if m.strip()),
        }


_FULL_ONLY = (
    "rpm_30m",
    "tpm_30m",
    "avg_daily_requests",
    "avg_daily_tokens",
    "approx_tasks",
    "approx_task_failures",
    "approx_task_success_rate",
)
_TABLES = {
    "hourly_distribution": HourlyDistribution,
    "heatmap": Heatmap,
}
_PLAIN = {
    "model_stats": ModelTable,
    "model_share": ModelTable,
    "channel_share": ChannelTable,
    "failure_sources": FailureTable,
    "account_stats": AccountTable,
    "api_key_stats": KeyTable,
    "credential_stats": CredentialTable,
}


UNCOUNTED = ("filter_options", "filter_selectors")


class Recount:
    """Takes events in any order, and gives the answer to one request.

    Of the sections, all but those in `UNCOUNTED` are counted. `moved` are texts of times that
    events of other times have, which matters where the ends of days are told.
    """

    def __init__(
        self,
        request: AnalyticsRequest,
        book: PriceBook,
        aliases: Mapping[str, str] | None = None,
        moved: Container[str] = (),
    ) -> None:
        self.request = request
        self._book = book
        self._aliases = aliases
        self._match = Match.of(request)
        self._failures_match = self._match.with_failures()
        clock = Clock(request.zone, request.granularity)
        include = request.include
        self._summary = Summary(clock, request, tasks=TaskTable(moved))
        self._previous = Sums()
        self._previous_unpriced: set[str] = set()
        self._timeline = Timeline(clock)
        self._sections: dict[str, Any] = {
            **{name: make(clock) for name, make in _TABLES.items() if name in include},
            **{name: make() for name, make in _PLAIN.items() if name in include},
        }
        if "task_buckets" in include:
            self._sections["task_buckets"] = TaskTable(moved)
        if "credential_timeline" in include:
            self._sections["credential_timeline"] = GroupTimeline(clock, by_key=False)
        if "api_key_timeline" in include and (request.filters.api_key_hashes or request.search_key):
            self._sections["api_key_timeline"] = GroupTimeline(clock, by_key=True)
        if include.model_timeline:
            limit = include.model_timeline
            self._sections["model_timeline"] = ModelTimeline(clock, limit)
        if "account_strips" in include:
            self._sections["account_strips"] = Strips(request)
        self._failures = NewestFew(include.recent_failures)
        self._page = EventPage(include.page or Page(0))
        self._preview = NewestFew(include.preview.limit if include.preview else 0)
        self.events = 0

    def feed(self, rows: Iterable[tuple[int, Event]]) -> None:
        """Count some stored events, each with its id."""
        for number, event in rows:
            self.events += 1
            fact = Fact.of(number, event, self._book, self._aliases)
            if self._failures_match(fact):
                self._take(fact)

    def end_of_day(self) -> None:
        """All events of a UTC day were fed, and no other will come: less needs be remembered."""
        self._summary.tasks.end_of_day()
        for section in self._sections.values():
            if isinstance(section, TaskTable):
                section.end_of_day()

    def _take(self, fact: Fact) -> None:
        request, at = self.request, fact.event.timestamp_ms
        inside = request.from_ms <= at < request.to_ms
        if inside and fact.event.end.failed:
            self._failures.add(fact.order, failure_row(fact, fact.provider))
        if not self._match(fact):
            return
        if inside:
            self._summary.add(fact)
            self._timeline.add(fact)
            self._page.add(fact)
            for section in self._sections.values():
                section.add(fact)
        if request.now_ms - ROLLING_MS <= at < request.now_ms:
            self._summary.rolling.add(fact)
        if 2 * request.from_ms - request.to_ms <= at < request.from_ms:
            self._previous.add(fact)
            if fact.billed.cost is None:
                self._previous_unpriced.add(fact.billed.pricing_model)
        preview = request.include.preview
        if preview and preview.from_ms <= at < preview.to_ms:
            self._preview.add(fact.order, event_row(fact))

    def answer(self) -> dict[str, Any]:
        """The sections asked for."""
        include = self.request.include
        answer: dict[str, Any] = {"granularity": self.request.granularity}
        if "summary" in include:
            answer["summary"] = self._summary.body()
            comparison = self._comparison()
            if include.comparison and comparison:
                answer["summary_comparison"] = comparison
        if "timeline" in include:
            answer["timeline"] = self._timeline.rows()
        if "anomaly_points" in include:
            answer["anomaly_points"] = self._timeline.anomalies()
        for name, section in self._sections.items():
            answer[name] = section.rows()
        if include.recent_failures:
            answer["recent_failures"] = self._failures.rows()
        if include.page:
            answer["events"] = self._page.body()
        if include.preview:
            items = self._preview.rows()
            answer["drilldown_preview"] = {"items": items, "total_count": self._preview.count}
        return answer

    def _comparison(self) -> dict[str, Any] | None:
        request, sums = self.request, self._previous
        start = 2 * request.from_ms - request.to_ms
        if start <= 0:
            return None
        return {
            "from_ms": start,
            "to_ms": request.from_ms,
            "total_calls": sums.calls,
            "success_calls": sums.success,
            "failure_calls": sums.failures,
            "success_rate": share(sums.success, sums.calls),
            "total_tokens": sums.total_tokens,
            "total_cost": sums.cost,
            "unpriced_calls": sums.unpriced_calls,
            "unpriced_tokens": sums.unpriced_tokens,
            "unpriced_models": sorted(self._previous_unpriced),
        }
