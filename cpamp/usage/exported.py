"""Events as the export wrote them, read again (usage contract, 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

import attrs

from cpamp.usage.carried import carried_metadata
from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who
from cpamp.usage.headers import Metadata, derive, response_metadata, summary
from cpamp.usage.members import Record, as_integer, first, text_of
from cpamp.usage.models import MAX_INT, analytics_model, named_cache_mode, with_total
from cpamp.usage.parts import caller_of, name_of, snapshots_of, way_of
from cpamp.usage.payload import Malformed, strict_json
from cpamp.usage.record import metadata_bytes
from cpamp.usage.redact import mask_source, redact, redact_id, secret_looking
from cpamp.usage.shapes import Part
from cpamp.usage.timestamps import CANONICAL, END_MS, Instant, read_instant, split
from cpamp.usage.tokens import counted_mode, stated_cache_mode, tokens_of

_TRUE = ("1", "true", "yes", "on")


def exported_hash(record: Record) -> str:
    """The hash of an exported event; "" where the object is something else."""
    return text_of(record, "event_hash", "eventHash")


class _Model(NamedTuple):
    """The model's names, and the cache mode that is stated or that names tell; "" for none."""

    names: ModelNames
    cache_mode: str


def read_exported(record: Record, *, now_ms: int) -> Event:
    """The event of an exported object, whose hash is kept as it is."""
    shape = _shape_of(record)
    own = shape is not None
    raw: Record = {} if own else _carried_raw(record)
    when = _time(record, now_ms)
    who = shape.who(record) if shape else _who(record)
    model = shape.model(record) if shape else _model(record, raw)
    received = _own_tokens(record) if own else tokens_of(record)
    if raw and not received.total_tokens:
        received = received._replace(total_tokens=tokens_of(raw).total_tokens)
    mode = model.cache_mode or counted_mode(received)
    metadata = _carried(record)
    if not own:
        metadata = _with_headers(metadata, record, raw, when.ms)
    derive(metadata)
    told = summary(metadata)
    created = _whole(first(record, ("created_at_ms", "createdAtMs")))
    snapshot_ms = _whole(first(record, ("auth_snapshot_at_ms", "authSnapshotAtMs")))
    failed = _flag(record.get("failed"))
    return Event(
        event_hash=exported_hash(record),
        timestamp_ms=when.ms,
        timestamp=when.text,
        who=who,
        model=model.names if model.cache_mode else model.names._replace(cache_input_mode=mode),
        way=shape.way(record) if shape else _way(record),
        api_key_hash=text_of(record, "api_key_hash", "apiKeyHash"),
        caller=_NOBODY if own else caller_of(record),
        end=_end(record, failed, told.error_kind, told.error_code, told.plan_type),
        tokens=with_total(received, mode),
        latency_ms=_optional(first(record, ("latency_ms", "latencyMs"))),
        ttft_ms=_optional(first(record, ("ttft_ms", "ttftMs"))),
        created_at_ms=created if created > 0 else now_ms,
        auth_snapshot_at_ms=snapshot_ms if snapshot_ms > 0 else 0,
        request_id=redact_id(text_of(record, "request_id", "requestId")),
        trace_id=told.trace_id,
        metadata=metadata_bytes(metadata),
        quota_recover_at_ms=told.recover_at_ms,
        quota_used_percent=told.used_percent,
        time_invented=when.invented,
        billed=_billed(record),
        sub_ns=when.sub_ns,
    )


# -- names ------------------------------------------------------------------------------------

_NOBODY = Caller()
_KIND_NAMES = ("executor_type", "provider", "auth_provider_snapshot")
_WHO_NAMES = (
    *("auth_index", "source", "source_hash", "account_snapshot", "auth_label_snapshot"),
    *("auth_file_snapshot", "auth_project_id_snapshot", "auth_type", *_KIND_NAMES),
)
_MODEL_NAMES = ("model", "requested_model", "resolved_model", "cache_input_mode", *_KIND_NAMES)
_WAY_NAMES = (
    *("endpoint", "method", "path", "reasoning_effort", "service_tier", "auth_type"),
    *("request_service_tier", "response_service_tier", *_KIND_NAMES),
)
# An object that has none but these says its names in the members above alone.
_OWN_MEMBERS = frozenset(
    (
        *(*_WHO_NAMES, *_MODEL_NAMES, *_WAY_NAMES, "api_key_hash"),
        *Tokens._fields,
        *("event_hash", "timestamp_ms", "timestamp", "created_at_ms", "request_id", "failed"),
        *("latency_ms", "ttft_ms", "auth_snapshot_at_ms", "fail_status_code", "fail_summary"),
        *("analytics_model", "header_trace_id", "header_error_kind", "header_error_code"),
        *("header_quota_plan_type", "header_quota_recover_at_ms", "header_quota_used_percent"),
        *("response_metadata", "billed_tokens"),
    )
)


def _who(record: Record) -> Who:
    return Who(
        name_of(record, "auth_index", "authIndex"),
        _source(text_of(record, "source")),
        text_of(record, "source_hash", "sourceHash"),
        *snapshots_of(record),
        name_of(record, "provider"),
        name_of(record, "executor_type", "executorType"),
        name_of(record, "auth_type", "authType"),
    )


def _source(text: str) -> str:
    # Masked where it was first stored; what still looks like a key is so now (13 B16).
    return mask_source(text) if secret_looking(text) else text


def _model(record: Record, raw: Record) -> _Model:
    who = _who(record)
    requested = name_of(record, "requested_model", "requestedModel")
    resolved = name_of(record, "resolved_model", "resolvedModel")
    model = name_of(record, "model") or requested or resolved or "-"
    mode = (
        stated_cache_mode(record)
        or stated_cache_mode(raw)
        or named_cache_mode(
            *(who.executor_type, who.provider, who.auth_provider_snapshot),
            *(resolved, requested, model),
        )
    )
    names = ModelNames(model, requested, resolved, analytics_model(requested or model), mode)
    return _Model(names, mode)


def _way(record: Record) -> Way:
    # Method and path were split off when the event was stored first; an empty one stays empty.
    way = way_of(record, _who(record), name_of(record, "service_tier", "serviceTier"))
    return way._replace(method=name_of(record, "method").upper(), path=name_of(record, "path"))


_WHO = Part(frozenset(_WHO_NAMES), _who)
_MODEL = Part(frozenset(_MODEL_NAMES), lambda record: _model(record, {}))
_WAY = Part(frozenset(_WAY_NAMES), _way)


@attrs.frozen
class _Shape:
    """How objects with the same members, all of them own ones, are read."""

    who: Callable[[Record], Who]
    model: Callable[[Record], _Model]
    way: Callable[[Record], Way]


@lru_cache(maxsize=1024)
def _shape(names: tuple[str, ...]) -> _Shape:
    return _Shape(_WHO.reader(names), _MODEL.reader(names), _WAY.reader(names))


def _shape_of(record: Record) -> _Shape | None:
    return _shape(tuple(record)) if _OWN_MEMBERS.issuperset(record) else None


_INT = {int}


def _own_tokens(record: Record) -> Tokens:
    counts = tuple(map(record.get, Tokens._fields, repeat(0)))
    if _INT.issuperset(map(type, counts)) and min(counts) >= 0 and max(counts) <= MAX_INT:
        return Tokens._make(counts)
    return tokens_of(record)


def _whole(value: Any) -> int:
    return value if type(value) is int and -MAX_INT <= value <= MAX_INT else as_integer(value)


def _optional(value: Any) -> int | None:
    return None if value is None else _whole(value)


# -- the rest ---------------------------------------------------------------------------------


def _carried_raw(record: Record) -> Mapping[str, Any]:
    text = first(record, ("raw_json", "rawJson"))
    if not isinstance(text, str) or not text:
        return text if isinstance(text, dict) else {}
    try:
        raw = strict_json(text.encode(errors="replace"))
    except Malformed:
        return {}
    return raw if isinstance(raw, dict) else {}


class _When(NamedTuple):
    """The instant, and its text as given; `invented` if both had to be."""

    ms: int
    text: str
    invented: bool = False
    sub_ns: int = -1  # as in Event


def _time(record: Record, now_ms: int) -> _When:
    given = record.get("timestamp")
    ms = record.get("timestamp_ms")
    if type(given) is str and type(ms) is int:
        parts = split(given, ms)
        if parts is not None and parts[1] == CANONICAL and ms > 0:
            return _When(ms, given, sub_ns=parts[0])
    parsed = read_instant(given)
    ms = _whole(first(record, ("timestamp_ms", "timestampMs")))
    if not 0 < ms < END_MS:
        if parsed is None:
            return _When(now_ms, Instant(now_ms).text, True)
        ms = parsed.ms
    elif parsed is None:
        # A text that means nothing would not be this event's.
        return _When(ms, Instant(ms).text, sub_ns=0)
    own = parsed.text
    # As given, unless that is a number.
    text = given.strip() if isinstance(given, str) else own
    text = own if text.isdecimal() else text
    return _When(ms, text, sub_ns=parsed.sub_ns if text == own and parsed.ms == ms else -1)


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


def _carried(record: Record) -> Metadata:
    carried = first(record, ("response_metadata", "responseMetadata"))
    if isinstance(carried, str):
        try:
            carried = strict_json(carried.encode(errors="replace"))
        except Malformed:
            carried = None
    return carried_metadata(carried) if isinstance(carried, dict) else {}


def _with_headers(metadata: Metadata, record: Record, raw: Record, base_ms: int) -> Metadata:
    for holder in (raw, record):
        headers = first(holder, ("response_headers", "responseHeaders", "headers"))
        if isinstance(headers, dict):
            metadata = _merged(metadata, response_metadata(headers, base_ms))
    return metadata


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, member in over.items():
        mine = merged.get(name)
        if isinstance(mine, dict) and isinstance(member, dict):
            merged[name] = _merged(mine, member)
        else:
            merged[name] = member
    return merged


def _billed(record: Record) -> Billed | None:
    stated = record.get("billed_tokens")
    if not isinstance(stated, list) or len(stated) != len(Billed._fields):
        return None
    numbers = [as_integer(number) for number in stated]
    return Billed(*numbers) if min(numbers) >= 0 else None
