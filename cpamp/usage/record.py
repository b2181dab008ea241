"""A usage record of CPA made into an event (usage contract, section 3).

Pure and fast: what repeats between records is remembered in bounded caches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Self

import attrs
import orjson

from cpamp.usage import parts, xai
from cpamp.usage.event import Caller, End, Event, Tokens, Way, Who
from cpamp.usage.headers import Metadata, response_metadata, summary
from cpamp.usage.members import Record, as_integer, as_text, first, optional_integer, text_of
from cpamp.usage.models import SEPARATE, with_total
from cpamp.usage.parts import Models
from cpamp.usage.payload import Malformed, json_bytes, strict_json
from cpamp.usage.redact import redact, redact_id, redact_json
from cpamp.usage.timestamps import Instant, read_instant
from cpamp.usage.tokens import (
    CACHE_MODE,
    TOKEN_NAMES,
    billed_of,
    counted_mode,
    plain_tokens,
    searched_tokens,
    stated_cache_mode,
)

BODY_BYTES = 64 * 1024
UNKNOWN_BYTES = 16 * 1024


class Control(StrEnum):
    """A message among the records that is none."""

    REFRESH = "refresh"
    SUPPORT_REFRESH = "support_refresh"
    UNKNOWN = "unknown"


def decode(payload: bytes, *, now_ms: int, keep_raw: bool = False) -> Event | Control:
    """The event or control message of one payload; raises `Malformed`."""
    record = strict_json(payload)
    if not isinstance(record, dict):
        raise Malformed("usage payload is not a JSON object")
    control = control_of(record)
    return control or normalise(record, now_ms=now_ms, keep_raw=keep_raw)


def control_of(record: Record) -> Control | None:
    """Which control message an object is; None for a record."""
    if len(record) > 4 or not record or not all(isinstance(v, bool) for v in record.values()):
        return None
    if len(record) == 1:
        for control in (Control.REFRESH, Control.SUPPORT_REFRESH):
            if record.get(control.value) is True:
                return control
    return Control.UNKNOWN


def failed_of(record: Record) -> bool:
    """Whether the attempt failed (3.4)."""
    stated = first(record, ("failed", "is_failed", "isFailed"))
    if isinstance(stated, bool):
        return stated
    stated = first(record, ("success", "ok"))
    if isinstance(stated, bool):
        return not stated
    status = first(record, ("status", "status_code", "statusCode", "http_status", "httpStatus"))
    if as_integer(status) >= 400:
        return True
    return first(record, ("error", "error_message", "errorMessage")) is not None


@attrs.frozen
class Failure:
    """How a failed attempt ended: the status (0: none) and the body, not yet redacted."""

    status: int
    body: str

    @classmethod
    def of(cls, record: Record) -> Failure:
        """The failure that a record tells of."""
        fail = record.get("fail")
        fail = fail if isinstance(fail, dict) else {}
        status = as_integer(first(fail, ("status_code", "statusCode")))
        if not status:
            status = as_integer(first(record, ("fail_status_code", "failStatusCode")))
        body = as_text(fail.get("body")) or text_of(record, "fail_body", "failBody")
        return cls(max(status, 0), body)

    @property
    def stored_body(self) -> str:
        """The redacted body where it says more than its summary."""
        text = redact(self.body, BODY_BYTES)
        return text if text != redact(self.body) else ""


def metadata_of(record: Record, who: Who, failure: Failure | None, base_ms: int) -> Metadata:
    """The response metadata of a record: of its headers, and of xAI's failure body."""
    headers = first(record, ("response_headers", "responseHeaders", "headers"))
    metadata = response_metadata(headers, base_ms) if isinstance(headers, dict) else {}
    if failure is None or not xai.is_native(
        who.provider, who.auth_provider_snapshot, who.executor_type
    ):
        return metadata
    status = failure.status or as_integer(record.get("status_code"))
    usage = xai.free_usage(failure.body, base_ms) if status in (402, 429) else None
    return {**metadata, "provider_usage": usage} if usage else metadata


def metadata_bytes(metadata: Metadata) -> bytes:
    """Metadata as it is stored; b"" for none."""
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS) if metadata else b""


def event_hash(
    request_id: str,
    timestamp: str,
    endpoint: str,
    model: str,
    who: Who,
    tokens: Tokens,
    failed: bool,
    latency_ms: int | None,
) -> str:
    """The hash by which an event is told from others (3.11); `tokens` as received."""
    text = (
        f"{request_id}|{timestamp}|{endpoint}|{model}|{who.auth_index}|{who.source_hash}"
        f"|{tokens.input_tokens}|{tokens.output_tokens}|{tokens.reasoning_tokens}"
        f"|{max(tokens.cached_tokens, tokens.cache_tokens)}|{'true' if failed else 'false'}"
    )
    if latency_ms is not None:
        text = f"{text}|{latency_ms}"
    return hashlib.sha256(text.strip().encode(errors="replace")).hexdigest()


@attrs.frozen
class _Shape:
    """How records with members of the same names are read."""

    who: Callable[[Record], Who]
    models: Callable[[Record], Models]
    way: Callable[[Record], Way]
    caller: Callable[[Record], Caller]
    key: Callable[[Record], str]
    # Counts and cache mode are nowhere but among the tokens.
    plain: bool
    # A rule reads every member.
    known: bool

    @classmethod
    def of(cls, names: tuple[str, ...]) -> Self:
        """The shape of records with these members, in this order."""
        return cls(
            parts.WHO.reader(names),
            parts.MODELS.reader(names),
            parts.WAY.reader(names),
            parts.CALLER.reader(names),
            parts.KEY.reader(names),
            plain=TOKEN_NAMES.isdisjoint(names) and _ELSEWHERE.isdisjoint(names),
            known=KNOWN.issuperset(names),
        )


_ELSEWHERE = frozenset(("usage", *CACHE_MODE))
_remembered_shape = lru_cache(maxsize=256)(_Shape.of)
# What CPA writes has some thirty members.
_MANY_MEMBERS = 100


def _shape_of(record: Record) -> _Shape:
    names = tuple(record)
    return _remembered_shape(names) if len(names) <= _MANY_MEMBERS else _Shape.of(names)


_TIME_NAMES = ("timestamp", "time", "created_at", "createdAt", "created", "request_time")
_TIME_NAMES_ALL = (*_TIME_NAMES, "requestTime")
_LATENCY = ("latency_ms", "latencyMs", "duration_ms", "durationMs", "elapsed_ms", "elapsedMs")
_TTFT = ("ttft_ms", "ttftMs", "time_to_first_token_ms", "timeToFirstTokenMs")


def normalise(record: Record, *, now_ms: int, keep_raw: bool = False) -> Event:
    """The event of a raw record that arrived at `now_ms`."""
    read = read_instant(first(record, _TIME_NAMES_ALL))
    instant = read or Instant(now_ms)
    shape = _shape_of(record)
    who, models, way = shape.who(record), shape.models(record), shape.way(record)
    received = plain_tokens(record.get("tokens")) if shape.plain else None
    stated = "" if received else stated_cache_mode(record)
    received = received or searched_tokens(record)
    mode = stated or models.told or counted_mode(received)
    names = models.separate if mode == SEPARATE else models.included
    failed = failed_of(record)
    failure = Failure.of(record) if failed else None
    metadata = metadata_of(record, who, failure, instant.ms)
    told = summary(metadata)
    request_id = redact_id(text_of(record, "request_id", "requestId", "id"))
    latency = optional_integer(first(record, _LATENCY))
    at_ms = as_integer(first(record, ("auth_snapshot_at_ms", "authSnapshotAtMs")))
    timestamp = instant.text
    return Event(
        event_hash=event_hash(
            request_id, timestamp, way.endpoint, names.model, who, received, failed, latency
        ),
        timestamp_ms=instant.ms,
        timestamp=timestamp,
        who=who,
        model=names,
        way=way,
        api_key_hash=shape.key(record),
        caller=shape.caller(record),
        end=End(
            failed,
            failure.status if failure else 0,
            redact(failure.body) if failure else "",
            told.error_kind,
            told.error_code,
            told.plan_type,
        ),
        tokens=with_total(received, mode),
        latency_ms=latency,
        ttft_ms=optional_integer(first(record, _TTFT)),
        created_at_ms=now_ms,
        auth_snapshot_at_ms=max(at_ms, 0),
        request_id=request_id,
        trace_id=told.trace_id,
        metadata=metadata_bytes(metadata),
        quota_recover_at_ms=told.recover_at_ms,
        quota_used_percent=told.used_percent,
        fail_body=failure.stored_body if failure and failure.body else "",
        unknown=b"" if shape.known else unknown_members(record),
        raw=json_bytes(redact_json(record)) if keep_raw else b"",
        time_invented=read is None,
        billed=billed_of(record, who, received, mode),
        sub_ns=instant.sub_ns,
    )


def unknown_members(record: Record) -> bytes:
    """The members that no rule reads, redacted, as compact JSON; b"" for none."""
    if KNOWN.issuperset(record):
        return b""
    members = redact_json({n: value for n, value in record.items() if n not in KNOWN})
    text = json_bytes(members)
    return text if len(text) <= UNKNOWN_BYTES else json_bytes(sorted(members)[:64])


KNOWN = frozenset(
    (
        *_TIME_NAMES_ALL,
        *_LATENCY,
        *_TTFT,
        *TOKEN_NAMES,
        *(
            "request_id",
            "requestId",
            "id",
            "event_hash",
            "eventHash",
            "timestamp_ms",
            "timestampMs",
        ),
        *parts.WHO_NAMES,
        *parts.MODEL_NAMES,
        *parts.WAY_NAMES,
        *parts.CALLER_NAMES,
        *CACHE_MODE,
        *("analytics_model", "analyticsModel", "source_hash", "sourceHash"),
        *("api_key_hash", "apiKeyHash"),
        *("failed", "is_failed", "isFailed", "success", "ok", "error", "error_message"),
        *("errorMessage", "status", "status_code", "statusCode", "http_status", "httpStatus"),
        *("fail", "fail_status_code", "failStatusCode", "fail_body", "failBody"),
        *("fail_summary", "failSummary", "tokens", "usage", "created_at_ms", "createdAtMs"),
        *("response_headers", "responseHeaders", "headers", "response_metadata"),
        *("responseMetadata", "auth_snapshot_at_ms", "authSnapshotAtMs", "raw_json", "rawJson"),
        *("header_quota_recover_at_ms", "header_quota_used_percent", "header_quota_plan_type"),
        *("header_error_kind", "header_error_code", "header_trace_id"),
        *("headerQuotaRecoverAtMs", "headerQuotaUsedPercent", "headerQuotaPlanType"),
        *("headerErrorKind", "headerErrorCode", "headerTraceId"),
        *("token_breakdown", "accounting_version", "generate", "access_token_sha256"),
        *("cache_read_tokens_present", "billed_tokens"),
    )
)
