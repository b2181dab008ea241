"""Rows of the existing server's tables, made into events and dead letters (server contract, 21).

The columns say what the event is, as that server's export would. Of the record beside them, which
holds keys in clear, only what no column has is read: the callers' members are cleaned, the rest
is redacted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs

from cpamp.usage.event import Caller, Event
from cpamp.usage.exported import read_exported
from cpamp.usage.headers import response_metadata
from cpamp.usage.members import as_integer, as_text, first
from cpamp.usage.parts import caller_of, without_key
from cpamp.usage.payload import Malformed, json_bytes, strict_json
from cpamp.usage.record import BODY_BYTES, unknown_members
from cpamp.usage.redact import redact, redact_json
from cpamp.usage.tokens import billed_of, stated_cache_mode, tokens_of

# What that server's export says as well, under the same names.
EXPORTED = (
    *("event_hash", "timestamp_ms", "timestamp", "created_at_ms", "request_id", "failed"),
    *("auth_index", "source", "source_hash", "account_snapshot", "auth_label_snapshot"),
    *("auth_file_snapshot", "auth_provider_snapshot", "auth_project_id_snapshot"),
    *("auth_snapshot_at_ms", "provider", "executor_type", "auth_type", "api_key_hash", "model"),
    *("requested_model", "resolved_model", "endpoint", "method", "path", "reasoning_effort"),
    *("service_tier", "request_service_tier", "response_service_tier", "cache_input_mode"),
    *("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cache_tokens"),
    *("cache_read_tokens", "cache_creation_tokens", "total_tokens", "latency_ms", "ttft_ms"),
    *("fail_status_code", "fail_summary"),
)
CALLER = ("client_ip", "x_forwarded_for", "user_agent")
JSON = ("response_metadata_json", "raw_json")
# In the order of a row. Successes have no failure's texts, but that server says some of them.
COLUMNS = (*EXPORTED, *CALLER, "fail_body", *JSON)
_OF_FAILURES = ("fail_summary", "fail_body")
# Without these it is another table.
NEEDED = frozenset(("id", "event_hash", "timestamp_ms", "timestamp", "model", "created_at_ms"))
# How that server keeps the requests of an old snapshot.
_LEGACY = "legacy_usage_export"
_HEADERS = ("response_headers", "responseHeaders", "headers")


class Unusable(Exception):
    """A row is no event; the message says why."""


def selection(there: Collection[str]) -> str:
    """What a statement selects for a row of `COLUMNS`, of a table with these columns."""
    return ", ".join(_selected(name) if name in there else "NULL" for name in COLUMNS)


def _selected(name: str) -> str:
    if name in _OF_FAILURES:
        return f"CASE WHEN failed THEN {name} END"
    return f"CAST({name} AS BLOB)" if name in JSON else name


@attrs.frozen
class RowReader:
    """Makes events of rows; `keep_raw` as in `normalise`."""

    keep_raw: bool = False

    def event(self, row: Sequence[Any], now_ms: int) -> Event:
        """The event of one row, under the hash that it had; raises `Unusable`."""
        *exported, ip, forwarded, agent, body, metadata, record = row
        values = {n: v for n, v in zip(EXPORTED, exported, strict=True) if v is not None}
        if not isinstance(values["event_hash"], str) or not values["event_hash"]:
            raise Unusable("a row without a hash")
        raw = record_of(record)
        values["response_metadata"] = self._metadata(values, metadata, raw)
        self._fill_in(values, raw)
        summary = values.get("fail_summary")
        values["fail_summary"] = summary or body or ""
        event = read_exported(values, now_ms=now_ms)
        event.caller = _caller(ip, forwarded, agent)
        if body and body != summary:
            text = redact(as_text(body), BODY_BYTES)
            event.fail_body = text if text != event.end.fail_summary else ""
        if raw:
            self._complete(event, raw)
        return event

    @staticmethod
    def _metadata(
        values: Mapping[str, Any], metadata: bytes | None, raw: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if metadata is not None:
            return record_of(metadata)
        headers = first(raw, _HEADERS)
        if not isinstance(headers, dict):
            return {}
        # Stored before that server read headers.
        return response_metadata(headers, as_integer(values["timestamp_ms"]))

    @staticmethod
    def _fill_in(values: dict[str, Any], raw: Mapping[str, Any]) -> None:
        """Put what the columns do not say, and the record does, into the exported members."""
        if not values.get("cache_input_mode"):
            values["cache_input_mode"] = stated_cache_mode(raw)
        if not values.get("total_tokens"):
            values["total_tokens"] = tokens_of(raw).total_tokens
        values["endpoint"], key_hash = without_key(as_text(values.get("endpoint")))
        if key_hash:
            values.setdefault("api_key_hash", key_hash)

    def _complete(self, event: Event, raw: Mapping[str, Any]) -> None:
        """Add what only the record beside the columns says."""
        event.billed = billed_of(raw, event.who, event.tokens, event.model.cache_input_mode)
        event.unknown = unknown_members(raw)
        if self.keep_raw:
            event.raw = json_bytes(redact_json(raw))


@lru_cache(maxsize=16384)
def _caller(*texts: Any) -> Caller:
    return caller_of(dict(zip(CALLER, texts, strict=True)))


def record_of(text: bytes | None) -> Mapping[str, Any]:
    """The object that a stored text is; an empty one where it is none."""
    if not text:
        return {}
    try:
        value = strict_json(text)
    except Malformed:
        return {}
    if not isinstance(value, dict):
        return {}
    detail = value.get("detail")
    return detail if value.get("format") == _LEGACY and isinstance(detail, dict) else value
