"""Snapshots of old servers, with details of single requests (usage contract, 7.3, B8 to B11)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from cpamp.usage.event import Event
from cpamp.usage.record import as_text, event_hash, first, normalise, sha256_hex, text_of, tokens_of
from cpamp.usage.redact import redact_json, secret_looking

WRAPPED = "legacy_usage_export"
DIRECT = "legacy_usage_payload"
WARNINGS = [
    "legacy_usage_metadata_is_partial",
    "legacy_usage_source_matching_may_be_approximate",
]
NO_DETAILS = "legacy usage export does not contain request details"
_RAW_MARKS = frozenset(("timestamp", "time", "created_at", "request_id", "model", "alias"))
_TOTALS = frozenset(("total_requests", "success_count", "failure_count"))
_METHODS = ("GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS ", "HEAD ")
_TIMES = ("timestamp", "time", "created_at", "createdAt")


class NoDetails(Exception):
    """A snapshot of totals alone: there is nothing to be imported."""


def kind_of(value: Mapping[str, Any]) -> str:
    """`WRAPPED`, `DIRECT`, or "" where the object is no snapshot; raises `NoDetails`."""
    usage = value.get("usage")
    if isinstance(usage, dict):
        if isinstance(usage.get("apis"), dict) and usage["apis"]:
            return WRAPPED
        if _RAW_MARKS.isdisjoint(value):
            raise NoDetails
        return ""
    if isinstance(value.get("apis"), dict):
        return DIRECT
    if "usage" not in value and not _TOTALS.isdisjoint(value) and _RAW_MARKS.isdisjoint(value):
        raise NoDetails
    return ""


class Walk:
    """Goes through a snapshot; counts what can't be used."""

    def __init__(self, value: Mapping[str, Any], now_ms: int) -> None:
        self._apis = (value["usage"] if kind_of(value) == WRAPPED else value).get("apis") or {}
        self._now_ms = now_ms
        self._seen: Counter[str] = Counter()
        self.failed = 0
        self.unsupported = 0

    def events(self) -> Iterator[Event]:
        """The events of all details, in the order of their keys."""
        for endpoint in sorted(self._apis):
            api = self._apis[endpoint]
            models = api.get("models") if isinstance(api, dict) else None
            if not isinstance(models, dict):
                self.failed += 1
                continue
            for model in sorted(models):
                yield from self._model(endpoint, model, models[model])

    def _model(self, endpoint: str, model: str, value: Any) -> Iterator[Event]:
        if not isinstance(value, dict):
            self.failed += 1
            return
        details = value.get("details")
        if not isinstance(details, list) or not details:
            self.unsupported += 1
            return
        for detail in details:
            if not isinstance(detail, dict) or not as_text(first(detail, _TIMES)):
                self.failed += 1
                continue
            yield self._event(endpoint, model, detail)

    def _event(self, endpoint: str, model: str, detail: Mapping[str, Any]) -> Event:
        record = {k: v for k, v in detail.items() if k not in _REPLACED}
        key_hash = ""
        if not endpoint.startswith(_METHODS) and secret_looking(endpoint):
            # Old servers keyed by the client's key, which is never shown.
            key_hash, endpoint = sha256_hex(endpoint.strip()), "-"
        record["endpoint"] = endpoint
        requested = text_of(detail, "requested_model", "requestedModel", "alias")
        record["alias"] = requested or model
        record["resolved_model"] = text_of(detail, "resolved_model", "resolvedModel")
        event = normalise(record, now_ms=self._now_ms)
        if not requested:
            event.model = event.model._replace(requested_model="")
        event.api_key_hash = event.api_key_hash or key_hash
        event.request_id = text_of(detail, "request_id", "requestId", "id") or self._made_id(
            endpoint, model, event.timestamp, detail
        )
        event.event_hash = event_hash(
            event.request_id,
            event.timestamp,
            event.way.endpoint,
            model,
            event.who,
            tokens_of(record),
            event.end.failed,
            event.latency_ms,
        )
        return event

    def _made_id(self, endpoint: str, model: str, at: str, detail: Mapping[str, Any]) -> str:
        """An id of the content, and which one of several alike it is."""
        body = orjson.dumps(redact_json(detail), option=orjson.OPT_SORT_KEYS).decode()
        content = f"legacy|{endpoint}|{model}|{at}|{body}"
        self._seen[content] += 1
        text = f"{content}|{self._seen[content]}"
        return "legacy:" + hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


_REPLACED = frozenset(
    (
        "endpoint",
        "api",
        "method",
        "path",
        "alias",
        "requested_model",
        "requestedModel",
        "resolved_model",
        "resolvedModel",
        "model",
        "model_name",
        "modelName",
    )
)
