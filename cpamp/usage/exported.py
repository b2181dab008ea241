"""Events as the export wrote them, read again (usage contract, 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpamp.usage.event import Billed, End, Event, ModelNames, Who
from cpamp.usage.headers import Metadata, derive, response_metadata, summary
from cpamp.usage.models import analytics_model, explicit_cache_mode, with_total
from cpamp.usage.record import (
    Malformed,
    Record,
    as_integer,
    cache_mode,
    caller_of,
    first,
    metadata_bytes,
    optional_integer,
    snapshots_of,
    stated_cache_mode,
    strict_json,
    text_of,
    tokens_of,
    way_of,
)
from cpamp.usage.redact import mask_source, redact, secret_looking
from cpamp.usage.timestamps import Instant, read_instant

_TRUE = ("1", "true", "yes", "on")


def exported_hash(record: Record) -> str:
    """The hash of an exported event; "" where the object is something else."""
    return text_of(record, "event_hash", "eventHash")


def read_exported(record: Record, *, now_ms: int) -> Event:
    """The event of an exported object, whose hash is kept as it is."""
    raw = _carried_raw(record)
    instant, timestamp, invented = _time(record, now_ms)
    who = _who(record)
    requested = text_of(record, "requested_model", "requestedModel")
    resolved = text_of(record, "resolved_model", "resolvedModel")
    model = text_of(record, "model") or requested or resolved or "-"
    received = tokens_of(record)
    stated = stated_cache_mode(record) or explicit_cache_mode(stated_cache_mode(raw))
    mode = cache_mode(who, (resolved, requested, model), received, stated)
    metadata = _metadata(record, raw, instant.ms)
    told = summary(metadata)
    created = as_integer(first(record, ("created_at_ms", "createdAtMs")))
    failed = _flag(record.get("failed"))
    return Event(
        event_hash=exported_hash(record),
        timestamp_ms=instant.ms,
        timestamp=timestamp,
        who=who,
        model=ModelNames(model, requested, resolved, analytics_model(requested or model), mode),
        way=way_of(record, who, text_of(record, "service_tier", "serviceTier")),
        api_key_hash=text_of(record, "api_key_hash", "apiKeyHash"),
        caller=caller_of(record),
        end=_end(record, failed, told.error_kind, told.error_code, told.plan_type),
        tokens=with_total(received, mode),
        latency_ms=optional_integer(first(record, ("latency_ms", "latencyMs"))),
        ttft_ms=optional_integer(first(record, ("ttft_ms", "ttftMs"))),
        created_at_ms=created if created > 0 else now_ms,
        auth_snapshot_at_ms=max(
            as_integer(first(record, ("auth_snapshot_at_ms", "authSnapshotAtMs"))), 0
        ),
        request_id=text_of(record, "request_id", "requestId"),
        trace_id=told.trace_id,
        metadata=metadata_bytes(metadata),
        quota_recover_at_ms=told.recover_at_ms,
        quota_used_percent=told.used_percent,
        time_invented=invented,
        billed=_billed(record),
    )


def _carried_raw(record: Record) -> Mapping[str, Any]:
    text = first(record, ("raw_json", "rawJson"))
    if not isinstance(text, str) or not text:
        return text if isinstance(text, dict) else {}
    try:
        raw = strict_json(text.encode(errors="replace"))
    except Malformed:
        return {}
    return raw if isinstance(raw, dict) else {}


def _time(record: Record, now_ms: int) -> tuple[Instant, str, bool]:
    """The instant, its text as given, and whether both had to be invented."""
    text = text_of(record, "timestamp")
    stated = first(record, ("timestamp_ms", "timestampMs"))
    parsed = read_instant(record.get("timestamp"))
    if isinstance(stated, int | float) and not isinstance(stated, bool) and stated > 0:
        ms = Instant(as_integer(stated))
        # A text that means nothing, or another ms, would not be this event's.
        if parsed is None:
            valid = read_instant(ms.ms)
            return (ms, valid.text, False) if valid else (Instant(now_ms), "", True)
        return ms, text or parsed.text, False
    if parsed is not None:
        return parsed, text if isinstance(record.get("timestamp"), str) else parsed.text, False
    now = Instant(now_ms)
    return now, now.text, True


def _who(record: Record) -> Who:
    source = text_of(record, "source")
    return Who(
        text_of(record, "auth_index", "authIndex"),
        # Masked already, unless somebody else wrote the file.
        mask_source(source) if secret_looking(source) else source,
        text_of(record, "source_hash", "sourceHash"),
        *snapshots_of(record),
        text_of(record, "provider"),
        text_of(record, "executor_type", "executorType"),
        text_of(record, "auth_type", "authType"),
    )


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return bool(value) if isinstance(value, bool | int | float) else False


def _end(record: Record, failed: bool, kind: str, code: str, plan: str) -> End:
    if not failed:
        return End(False, 0, "", kind, code, plan)
    status = as_integer(first(record, ("fail_status_code", "failStatusCode")))
    stated = text_of(record, "fail_summary", "failSummary")
    text = redact(stated or text_of(record, "fail_body", "failBody"))
    return End(True, max(status, 0), text, kind, code, plan)


def _metadata(record: Record, raw: Record, base_ms: int) -> Metadata:
    carried = first(record, ("response_metadata", "responseMetadata"))
    if isinstance(carried, str):
        try:
            carried = strict_json(carried.encode(errors="replace"))
        except Malformed:
            carried = None
    metadata = _clean(carried) if isinstance(carried, dict) else {}
    for holder in (raw, record):
        headers = first(holder, ("response_headers", "responseHeaders", "headers"))
        if isinstance(headers, dict):
            metadata = _merged(metadata, response_metadata(headers, base_ms))
            derive(metadata)
    return metadata


def _clean(value: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """A carried object with redacted texts and without what is empty."""
    cleaned = {}
    for name, member in value.items():
        if isinstance(member, str):
            member = redact(member, 1024)
        elif isinstance(member, dict):
            member = _clean(member, depth + 1) if depth < 4 else {}
        elif isinstance(member, list):
            continue
        if member is not None and member != "" and member != {}:
            cleaned[name] = member
    return cleaned


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, member in over.items():
        mine = merged.get(name)
        if isinstance(mine, dict) and isinstance(member, dict):
            merged[name] = _merged(mine, member)
        elif name == "recover_at_ms" and mine and over.get("recover_at_estimated"):
            continue
        else:
            merged[name] = member
    return merged


def _billed(record: Record) -> Billed | None:
    stated = record.get("billed_tokens")
    if not isinstance(stated, list) or len(stated) != len(Billed._fields):
        return None
    numbers = [as_integer(number) for number in stated]
    return Billed(*numbers) if min(numbers) >= 0 else None
