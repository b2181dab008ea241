"""The sections made of single events: pages, failures, tasks (analytics contract, 9.6 and 10.2)."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Mapping
from typing import Any

import attrs
import orjson

from cpamp.analytics.recount.fact import Fact, first_filled
from cpamp.analytics.recount.sums import Sums, share
from cpamp.analytics.recount.tables import Row
from cpamp.analytics.request import Page
from cpamp.usage.timestamps import split

TASKS = 500
Task = tuple[str, str, str]


def header_facts(fact: Fact) -> Row:
    """What the response headers told, for a row."""
    event, end = fact.event, fact.event.end
    return {
        "fail_status_code": end.fail_status_code,
        "fail_summary": end.fail_summary,
        "response_metadata": orjson.loads(event.metadata) if event.metadata else None,
        "header_quota_recover_at_ms": event.quota_recover_at_ms,
        "header_quota_used_percent": event.quota_used_percent,
        "header_quota_plan_type": end.plan_type,
        "header_error_kind": end.header_error_kind,
        "header_error_code": end.header_error_code,
        "header_trace_id": event.trace_id,
    }


def event_row(fact: Fact) -> Row:
    """A row of `events` or of `drilldown_preview`."""
    event = fact.event
    who, model, way, tokens = event.who, event.model, event.way, event.tokens
    return {
        "event_hash": event.event_hash,
        "request_id": event.request_id,
        "timestamp_ms": event.timestamp_ms,
        "model": model.model,
        "analytics_model": model.analytics_model,
        "requested_model": first_filled(model.requested_model, model.model),
        "resolved_model": model.resolved_model,
        "endpoint": way.endpoint,
        "method": way.method,
        "path": way.path,
        **event.caller._asdict(),
        "auth_index": who.auth_index,
        "source": who.source,
        "source_hash": who.source_hash,
        "api_key_hash": event.api_key_hash,
        "api_key_alias": fact.alias,
        "account_snapshot": who.account_snapshot,
        "auth_label_snapshot": who.auth_label_snapshot,
        "auth_file_snapshot": who.auth_file_snapshot,
        "auth_provider_snapshot": fact.provider,
        "auth_project_id_snapshot": who.auth_project_id_snapshot,
        "reasoning_effort": way.reasoning_effort,
        "service_tier": way.service_tier,
        "executor_type": who.executor_type,
        "input_tokens": fact.input_tokens,
        "output_tokens": tokens.output_tokens,
        "cached_tokens": fact.cached_tokens,
        "cache_read_tokens": tokens.cache_read_tokens,
        "cache_creation_tokens": tokens.cache_creation_tokens,
        "reasoning_tokens": tokens.reasoning_tokens,
        "total_tokens": tokens.total_tokens,
        "latency_ms": event.latency_ms,
        "ttft_ms": event.ttft_ms,
        "failed": event.end.failed,
        "cost": fact.billed.cost,
        "pricing_model": fact.billed.pricing_model,
        **header_facts(fact),
    }


def failure_row(fact: Fact, provider: str) -> Row:
    """A row of `recent_failures`, with the provider that its page shows."""
    event, who = fact.event, fact.event.who
    return {
        "timestamp_ms": event.timestamp_ms,
        "model": event.model.analytics_model,
        "api_key_hash": event.api_key_hash,
        "api_key_alias": fact.alias,
        "source_hash": who.source_hash,
        "auth_index": who.auth_index,
        "endpoint": event.way.endpoint,
        "source": who.source,
        "account_snapshot": who.account_snapshot,
        "auth_label_snapshot": who.auth_label_snapshot,
        "auth_provider_snapshot": provider,
        "auth_project_id_snapshot": who.auth_project_id_snapshot,
        "duration_ms": event.latency_ms,
        **header_facts(fact),
    }


@attrs.define
class NewestFew:
    """The newest few events of a stream, and how many there were."""

    limit: int
    count: int = 0
    heap: list[tuple[tuple[int, int], Row]] = attrs.Factory(list)

    def add(self, order: tuple[int, int], row: Row) -> None:
        """Look at one event."""
        self.count += 1
        keep = heapq.heappush if len(self.heap) < self.limit else heapq.heappushpop
        if self.limit > 0:
            keep(self.heap, (order, row))

    def rows(self) -> list[Row]:
        """Newest first."""
        return [row for _, row in sorted(self.heap, key=lambda h: h[0], reverse=True)]


@attrs.define
class EventPage:
    """`events`: one page, and the count of all."""

    page: Page
    total: int = 0
    newest: NewestFew = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.newest = NewestFew(self.page.skip + self.page.limit)

    def add(self, fact: Fact) -> None:
        """Look at one event."""
        self.total += 1
        before_ms, before_id = self.page.before_ms, self.page.before_id
        if before_ms is not None:
            edge = (before_ms, before_id if before_id is not None else 0)
            if fact.order >= edge:
                return
        self.newest.add(fact.order, event_row(fact))

    def body(self) -> dict[str, Any]:
        """The section."""
        has_more = self.newest.count > self.newest.limit
        last = min(order for order, _ in self.newest.heap) if has_more else (0, 0)
        return {
            "items": self.newest.rows()[self.page.skip :],
            "next_before_ms": last[0],
            "next_before_id": last[1],
            "has_more": has_more,
            "total_count": self.total,
        }


@attrs.define
class TaskTable:
    """`task_buckets`, and the approximate tasks of the summary.

    `moved` are texts of times that events of other times have.
    """

    moved: Container[str] = ()
    tasks: dict[Task, TaskSums] = attrs.Factory(dict)
    # Of the tasks of days that are over: how many, how many of them failed, the newest ones.
    _over: int = 0
    _failed: int = 0
    _newest: list[Row] = attrs.Factory(list)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        who = fact.event.who
        task = fact.event.timestamp, who.source_hash, who.auth_index
        self.tasks.setdefault(task, TaskSums()).add(fact)

    def end_of_day(self) -> None:
        """No event of a time that was seen will come: only what a row shows is kept.

        A text that is no time, or has moved, may come again on another day.
        """
        over = {
            task: sums
            for task, sums in self.tasks.items()
            if task[0] not in self.moved and sums.is_at_its_time(task[0])
        }
        self._newest = _newest_first([*self._newest, *_rows(over)])
        self._over += len(over)
        self._failed += sum(1 for sums in over.values() if sums.sums.failures)
        self.tasks = {task: sums for task, sums in self.tasks.items() if task not in over}

    def rows(self) -> list[Row]:
        """The newest tasks first."""
        return _newest_first([*self._newest, *_rows(self.tasks)])

    def summary(self) -> Row:
        """How many there were, and how many of them failed."""
        count = self._over + len(self.tasks)
        failures = self._failed + sum(1 for sums in self.tasks.values() if sums.sums.failures)
        return {
            "approx_tasks": count,
            "approx_task_failures": failures,
            "approx_task_success_rate": share(count - failures, count),
        }


def _rows(tasks: Mapping[Task, TaskSums]) -> list[Row]:
    return [sums.row(task) for task, sums in tasks.items()]


def _newest_first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (-r["last_ms"], r["bucket_key"]))[:TASKS]


@attrs.define
class TaskSums:
    """The events of one task."""

    sums: Sums = attrs.Factory(Sums)
    source: str = ""
    models: set[str] = attrs.Factory(set)
    endpoints: set[str] = attrs.Factory(set)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        self.sums.add(fact)
        self.source = max(self.source, fact.event.who.source)
        self.models.add(fact.event.model.analytics_model)
        self.endpoints.add(fact.event.way.endpoint)

    def is_at_its_time(self, text: str) -> bool:
        """Whether this text of the events' time means their time and no other."""
        first_ms = self.sums.first_seen_ms
        return first_ms is not None and split(text, first_ms) is not None

    def row(self, task: Task) -> Row:
        """The row of the section."""
        sums = self.sums
        return {
            "bucket_key": "|".join(task),
            "total": sums.calls,
            "success": sums.success,
            "failure": sums.failures,
            "first_ms": sums.first_seen_ms,
            "last_ms": sums.last_seen_ms,
            "source": self.source,
            "source_hash": task[1],
            "auth_index": task[2],
            "models": _filled(self.models),
            "endpoints": _filled(self.endpoints),
            **sums.five,
            "total_tokens": sums.total_tokens,
            "average_latency_ms": sums.latency.mean,
            "max_latency_ms": sums.latency.greatest,
        }


def _filled(texts: Iterable[str]) -> list[str]:
    return sorted(filter(None, texts))
