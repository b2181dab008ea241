"""Events written: as lines of the export, as details of `GET usage`, as rows of CSV.

Usage contract, sections 5 and 6. The members that come from a dictionary row are the same for
many events: they are encoded once per row and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import orjson

from cpamp.usage.csvtext import csv_lines
from cpamp.usage.event import End, Event, ModelNames, Tokens, Way, Who
from cpamp.usage.models import compatible_cached

REMEMBERED = 20_000


def _members(pairs: Iterable[tuple[str, Any]]) -> bytes:
    """The filled ones of some members, encoded, each with a comma behind it."""
    filled = {name: value for name, value in pairs if value}
    return orjson.dumps(filled)[1:-1] + b"," if filled else b""


# -- the export ---------------------------------------------------------------------------------


def who_members(who: Who) -> list[tuple[str, Any]]:
    """What an export line says of who paid."""
    return [
        ("provider", who.provider),
        ("executor_type", who.executor_type),
        ("auth_type", who.auth_type),
        ("auth_index", who.auth_index),
        ("source", who.source),
        ("source_hash", who.source_hash),
        ("account_snapshot", who.account_snapshot),
        ("auth_label_snapshot", who.auth_label_snapshot),
        ("auth_file_snapshot", who.auth_file_snapshot),
        ("auth_provider_snapshot", who.auth_provider_snapshot),
        ("auth_project_id_snapshot", who.auth_project_id_snapshot),
    ]


def model_members(model: ModelNames) -> list[tuple[str, Any]]:
    """What it says of the model."""
    return [
        ("analytics_model", model.analytics_model),
        ("requested_model", model.requested_model),
        ("resolved_model", model.resolved_model),
        ("cache_input_mode", model.cache_input_mode),
    ]


def way_members(way: Way) -> list[tuple[str, Any]]:
    """What it says of the route and the settings."""
    return list(way._asdict().items())


def end_members(end: End) -> list[tuple[str, Any]]:
    """What it says of the outcome."""
    return [
        ("fail_status_code", end.fail_status_code),
        ("fail_summary", end.fail_summary),
        ("header_quota_plan_type", end.plan_type),
        ("header_error_kind", end.header_error_kind),
        ("header_error_code", end.header_error_code),
    ]


@lru_cache(REMEMBERED)
def _shared(who: Who, model: ModelNames, way: Way, key: str) -> bytes:
    """All members of an export line that come from dictionaries, but for the outcome's."""
    pairs = [*who_members(who), *model_members(model), *way_members(way), ("api_key_hash", key)]
    return b'"model":%b,' % orjson.dumps(model.model) + _members(pairs)


@lru_cache(REMEMBERED)
def _outcome(end: End) -> bytes:
    return (b'"failed":true,' if end.failed else b'"failed":false,') + _members(end_members(end))


def export_line(event: Event) -> bytes:
    """An event as one line of the export, its newline included."""
    extra = _extra(event)
    return b'{"event_hash":%b,"timestamp_ms":%d,"timestamp":%b,%b%b%b%b"created_at_ms":%d}\n' % (
        orjson.dumps(event.event_hash),
        event.timestamp_ms,
        orjson.dumps(event.timestamp),
        _shared(event.who, event.model, event.way, event.api_key_hash),
        _outcome(event.end),
        _TOKENS % event.tokens,
        extra,
        event.created_at_ms,
    )


_TOKENS = (
    b'"input_tokens":%d,"output_tokens":%d,"reasoning_tokens":%d,"cached_tokens":%d,'
    b'"cache_tokens":%d,"cache_read_tokens":%d,"cache_creation_tokens":%d,"total_tokens":%d,'
)


def _extra(event: Event) -> bytes:
    parts = []
    if event.request_id:
        parts.append(b'"request_id":%b,' % orjson.dumps(event.request_id))
    if event.trace_id:
        parts.append(b'"header_trace_id":%b,' % orjson.dumps(event.trace_id))
    if event.latency_ms is not None:
        parts.append(b'"latency_ms":%d,' % event.latency_ms)
    if event.ttft_ms is not None:
        parts.append(b'"ttft_ms":%d,' % event.ttft_ms)
    if event.auth_snapshot_at_ms:
        parts.append(b'"auth_snapshot_at_ms":%d,' % event.auth_snapshot_at_ms)
    if event.quota_recover_at_ms:
        parts.append(b'"header_quota_recover_at_ms":%d,' % event.quota_recover_at_ms)
    if event.quota_used_percent is not None:
        parts.append(b'"header_quota_used_percent":%b,' % orjson.dumps(event.quota_used_percent))
    if event.billed:
        parts.append(b'"billed_tokens":[%d,%d,%d,%d],' % event.billed)
    if event.metadata:
        parts.append(b'"response_metadata":%b,' % event.metadata)
    return b"".join(parts)


# -- CSV ----------------------------------------------------------------------------------------

_PLAIN: tuple[tuple[str, Callable[[Event], Any]], ...] = (
    ("event_hash", lambda e: e.event_hash),
    ("timestamp", lambda e: e.timestamp),
    ("timestamp_ms", lambda e: e.timestamp_ms),
    ("request_id", lambda e: e.request_id),
    ("model", lambda e: e.model.model),
    ("api_key_hash", lambda e: e.api_key_hash),
    ("failed", lambda e: e.end.failed),
    ("latency_ms", lambda e: e.latency_ms),
    ("ttft_ms", lambda e: e.ttft_ms),
    ("header_trace_id", lambda e: e.trace_id),
    ("header_quota_recover_at_ms", lambda e: e.quota_recover_at_ms or None),
    ("header_quota_used_percent", lambda e: e.quota_used_percent),
    ("auth_snapshot_at_ms", lambda e: e.auth_snapshot_at_ms or None),
    ("created_at_ms", lambda e: e.created_at_ms),
    ("response_metadata", lambda e: e.metadata.decode()),
)


def csv_header() -> bytes:
    """The first line of the CSV form."""
    return csv_lines([csv_names()])


def csv_names() -> list[str]:
    """The names of its columns."""
    groups = (who_members(Who()), model_members(ModelNames()), way_members(Way()))
    shared = [name for group in (*groups, end_members(End())) for name, _ in group]
    return [*(name for name, _ in _PLAIN), *Tokens._fields, *shared]


def csv_rows(events: Iterable[Event]) -> bytes:
    """Events as lines of CSV (RFC 4180)."""
    return csv_lines([_csv_row(event) for event in events])


def _csv_row(event: Event) -> list[Any]:
    groups = (who_members(event.who), model_members(event.model), way_members(event.way))
    shared = [value for group in (*groups, end_members(event.end)) for _, value in group]
    return [*(read(event) for _, read in _PLAIN), *event.tokens, *shared]


# -- GET usage ----------------------------------------------------------------------------------


@lru_cache(REMEMBERED)
def _detail_names(who: Who, model: ModelNames, way: Way, key: str) -> bytes:
    pairs = [
        ("auth_index", who.auth_index),
        ("api_key_hash", key),
        ("account_snapshot", who.account_snapshot),
        ("auth_label_snapshot", who.auth_label_snapshot),
        ("auth_file_snapshot", who.auth_file_snapshot),
        ("auth_provider_snapshot", who.auth_provider_snapshot),
        ("auth_project_id_snapshot", who.auth_project_id_snapshot),
        ("requested_model", model.requested_model or model.model),
        ("resolved_model", model.resolved_model),
        ("reasoning_effort", way.reasoning_effort),
        ("service_tier", way.service_tier),
        ("request_service_tier", way.request_service_tier),
        ("response_service_tier", way.response_service_tier),
        ("cache_input_mode", model.cache_input_mode),
        ("executor_type", who.executor_type),
    ]
    return b'"source":%b,' % orjson.dumps(who.source) + _members(pairs)


@lru_cache(REMEMBERED)
def _detail_outcome(end: End) -> bytes:
    return _members(
        [("fail_status_code", end.fail_status_code), ("fail_summary", end.fail_summary)]
    )


def usage_detail(event: Event) -> bytes:
    """An event as a detail of `GET /v0/management/usage`."""
    cached = compatible_cached(event.tokens)
    tokens = event.tokens._replace(cached_tokens=cached, cache_tokens=cached)
    parts = []
    if event.latency_ms is not None:
        parts.append(b'"latency_ms":%d,' % event.latency_ms)
    if event.ttft_ms is not None:
        parts.append(b'"ttft_ms":%d,' % event.ttft_ms)
    if event.auth_snapshot_at_ms:
        parts.append(b'"auth_snapshot_at_ms":%d,' % event.auth_snapshot_at_ms)
    if event.metadata:
        parts.append(b'"response_metadata":%b,' % event.metadata)
    return b'{"timestamp":%b,%b%b%b"tokens":{%b},"failed":%b}' % (
        orjson.dumps(event.timestamp),
        _detail_names(event.who, event.model, event.way, event.api_key_hash),
        _detail_outcome(event.end),
        b"".join(parts),
        (_TOKENS % tokens)[:-1],
        b"true" if event.end.failed else b"false",
    )
