"""A usage record of CPA made into an event (usage contract, section 3).

Pure and fast: what repeats between records is remembered in bounded caches.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Self

import attrs
import orjson

from cpamp.usage import xai
from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who
from cpamp.usage.headers import Metadata, response_metadata, summary
from cpamp.usage.models import (
    INCLUDED,
    MAX_INT,
    SEPARATE,
    analytics_model,
    compatible_cached,
    effective_tier,
    explicit_cache_mode,
    named_cache_mode,
    separate_reasoning,
    with_total,
)
from cpamp.usage.redact import (
    clean_request_text,
    mask_source,
    redact,
    redact_json,
    redact_name,
    secret_looking,
)
from cpamp.usage.shapes import Part
from cpamp.usage.timestamps import Instant, read_instant

BODY_BYTES = 64 * 1024
UNKNOWN_BYTES = 16 * 1024
MAX_DEPTH = 1_000
Record = Mapping[str, Any]


class Malformed(Exception):
    """The payload is not JSON, or not an object; the message says which."""


class Control(StrEnum):
    """A message among the records that is none."""

    REFRESH = "refresh"
    SUPPORT_REFRESH = "support_refresh"
    UNKNOWN = "unknown"


def strict_json(payload: bytes) -> Any:
    """The JSON value of a payload; raises `Malformed`.

    Lone surrogates and invalid UTF-8 become U+FFFD, numbers that no double holds become the
    nearest that one does; NaN, infinities and nesting beyond 1,000 are refused.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _careful_json(payload, error)


def _careful_json(payload: bytes, error: Exception) -> Any:
    text = payload.decode("utf-8", errors="replace").removeprefix("\ufeff")

    def refuse(constant: str) -> Any:
        raise Malformed(f"usage payload is not JSON: {constant}")

    try:
        value = json.loads(text, parse_constant=refuse, parse_float=_finite, parse_int=_bounded)
    except RecursionError as deep:
        raise Malformed("usage payload is not JSON: nested too deep") from deep
    except ValueError as invalid:
        raise Malformed(f"usage payload is not JSON: {error}") from invalid
    return _without_surrogates(value, 0)


def _finite(text: str) -> float:
    number = float(text)
    return max(min(number, 1.7976931348623157e308), -1.7976931348623157e308)


def _bounded(text: str) -> int:
    if len(text) < 20:
        return int(text)
    return -MAX_INT - 1 if text.startswith("-") else MAX_INT


def _without_surrogates(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Malformed("usage payload is not JSON: nested too deep")
    try:
        if isinstance(value, str):
            return value.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace")
        if isinstance(value, list):
            return [_without_surrogates(inner, depth + 1) for inner in value]
        if isinstance(value, dict):
            return {
                _without_surrogates(name, depth): _without_surrogates(inner, depth + 1)
                for name, inner in value.items()
            }
    except RecursionError as deep:
        raise Malformed("usage payload is not JSON: nested too deep") from deep
    return value


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


# -- reading members (3.1) ----------------------------------------------------------------------


def first(record: Record, names: Iterable[str]) -> Any:
    """The value of the first name that is present, even if it is null."""
    for name in names:
        if name in record:
            return record[name]
    return None


def as_text(value: Any) -> str:
    """A JSON value as text; "" for what has none."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return ""


def as_integer(value: Any) -> int:
    """A JSON value as an integer of 64 bits; 0 for what is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int | float):
        return clamp(int(value))
    if isinstance(value, str):
        text = value.strip()
        return clamp(_bounded(text)) if _INTEGER.match(text) else 0
    return 0


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}$", re.ASCII)


def clamp(number: int) -> int:
    """The nearest integer of 64 bits."""
    return max(min(number, MAX_INT), -MAX_INT - 1)


def optional_integer(value: Any) -> int | None:
    """An integer, or None where there is none."""
    return None if value is None else as_integer(value)


def text_of(record: Record, *names: str) -> str:
    """The text of the first name that is present."""
    for name in names:
        if name in record:
            value = record[name]
            return value.strip() if type(value) is str else as_text(value)
    return ""


# -- tokens (3.5) -------------------------------------------------------------------------------

_TOKEN_ALIASES: dict[str, tuple[str, ...]] = {
    "input_tokens": ("input_tokens", "inputTokens", "prompt_tokens", "promptTokens"),
    "output_tokens": ("output_tokens", "outputTokens", "completion_tokens", "completionTokens"),
    "reasoning_tokens": ("reasoning_tokens", "reasoningTokens"),
    "cached_tokens": ("cached_tokens", "cachedTokens"),
    "cache_tokens": ("cache_tokens", "cacheTokens"),
    "cache_read_tokens": (
        "cache_read_tokens",
        "cacheReadTokens",
        "cache_read_input_tokens",
        "cacheReadInputTokens",
    ),
    "cache_creation_tokens": (
        "cache_creation_tokens",
        "cacheCreationTokens",
        "cache_creation_input_tokens",
        "cacheCreationInputTokens",
        "cache_write_tokens",
        "cacheWriteTokens",
        "cache_write_input_tokens",
        "cacheWriteInputTokens",
    ),
    "total_tokens": ("total_tokens", "totalTokens", "total"),
}
# Alias -> (place in Tokens, rank among the aliases of that place).
_TOKEN_PLACES = {
    alias: (place, rank)
    for place, aliases in enumerate(_TOKEN_ALIASES.values())
    for rank, alias in enumerate(aliases)
}
_TOKEN_NAMES = frozenset(_TOKEN_PLACES)
_NO_RANK = 99


# What CPA writes, and what it may write beside it in the same object.
_PLAIN_NAMES = Tokens._fields
_PLAIN_MEMBERS = frozenset((*_PLAIN_NAMES, "cache_read_tokens_present"))
_INT = {int}


def tokens_of(record: Record) -> Tokens:
    """The counts of a record, none negative: of each the first non-zero one that is found."""
    plain = None
    if "usage" not in record and _TOKEN_NAMES.isdisjoint(record):
        plain = _plain_tokens(record.get("tokens"))
    return plain or _searched_tokens(record)


def _plain_tokens(told: Any) -> Tokens | None:
    """The counts of the member `tokens`, if it is as CPA writes it."""
    if type(told) is not dict or not _PLAIN_MEMBERS.issuperset(told):
        return None
    counts = [told.get(name, 0) for name in _PLAIN_NAMES]
    if _INT.issuperset(map(type, counts)) and min(counts) >= 0 and max(counts) <= MAX_INT:
        return Tokens._make(counts)
    return None


def _searched_tokens(record: Record) -> Tokens:
    counts = [0] * len(_TOKEN_ALIASES)
    for holder in (record.get("tokens"), record.get("usage"), record):
        if not isinstance(holder, dict) or _TOKEN_NAMES.isdisjoint(holder):
            continue
        found: dict[int, tuple[int, int]] = {}
        for name, value in holder.items():
            at = _TOKEN_PLACES.get(name)
            if at is None or counts[at[0]]:
                continue
            place, rank = at
            number = value if type(value) is int else as_integer(value)
            if number and rank < found.get(place, (_NO_RANK, 0))[0]:
                found[place] = rank, number
        for place, (_, number) in found.items():
            counts[place] = number
    return Tokens(*(min(count, MAX_INT) if count > 0 else 0 for count in counts))


def stated_cache_mode(record: Record) -> str:
    """The cache input mode that a record states, or ""."""
    for holder in (record.get("tokens"), record.get("usage"), record):
        if isinstance(holder, dict):
            mode = explicit_cache_mode(text_of(holder, *_CACHE_MODE))
            if mode:
                return mode
    return ""


def cache_mode(who: Who, names: tuple[str, str, str], tokens: Tokens, stated: str) -> str:
    """Whether cache tokens are inside or beside the input; `names`: resolved, requested, model."""
    if stated:
        return stated
    named = named_cache_mode(who.executor_type, who.provider, who.auth_provider_snapshot, *names)
    return named or _counted_mode(tokens)


def _counted_mode(tokens: Tokens) -> str:
    beside = tokens.cache_read_tokens > 0 or tokens.cache_creation_tokens > 0
    return SEPARATE if beside else INCLUDED


def billed_of(record: Record, who: Who, tokens: Tokens, mode: str) -> Billed | None:
    """CPA's own breakdown, where it is complete and says something else than the counts."""
    whole = record.get("token_breakdown")
    if type(whole) is not dict or whole.get("quality") != "complete":
        return None
    inputs, outputs = whole.get("input"), whole.get("output")
    if whole.get("schema_version") != 2 or type(inputs) is not dict or type(outputs) is not dict:
        return None
    stated = (
        inputs.get("uncached_tokens"),
        inputs.get("cache_read_tokens"),
        inputs.get("cache_write_tokens"),
        outputs.get("total_tokens"),
    )
    if stated == counted(who, tokens, mode):
        return None
    if not all(type(n) is int and 0 <= n <= MAX_INT for n in stated):
        return None
    billed = Billed(*stated)  # type: ignore[arg-type]
    total = billed.prompt + billed.cache_read + billed.cache_creation
    if total != inputs.get("total_tokens") or total + billed.output != whole.get("total_tokens"):
        return None
    return billed


def counted(who: Who, tokens: Tokens, mode: str) -> tuple[int, int, int, int] | None:
    """What the counts alone would be billed as; None where some are of no stated kind."""
    given, output, reasoning, _, _, read, creation, _ = tokens
    if compatible_cached(tokens):
        return None
    fresh = given if mode == SEPARATE else max(given - read - creation, 0)
    beside = reasoning and separate_reasoning(who.executor_type, who.provider)
    return fresh, read, creation, output + (reasoning if beside else 0)


# -- the parts of an event ----------------------------------------------------------------------

_RAW_SOURCE = ("source", "api_key", "apiKey", "key", "account", "email")
_API_KEY = ("api_key", "apiKey", "key")
_AUTH_INDEX = ("auth_index", "authIndex", "AuthIndex")
_PROVIDER = ("provider", "type", "auth_type", "authType")
_EXECUTOR = ("executor_type", "executorType")
_AUTH_TYPE = ("auth_type", "authType")
_REQUESTED = ("alias", "requested_model", "requestedModel")
_RESOLVED = ("resolved_model", "resolvedModel", "model", "model_name", "modelName")
_ENDPOINT = ("endpoint", "api", "request", "operation")
_HTTP_METHOD = ("method", "http_method", "httpMethod")
_PATH = ("path", "url_path", "urlPath", "route")
_EFFORT = ("reasoning_effort", "reasoningEffort")
_REQUEST_TIER = ("request_service_tier", "requestServiceTier", "service_tier", "serviceTier")
_RESPONSE_TIER = ("response_service_tier", "responseServiceTier")
_CLIENT_IP = ("client_ip", "clientIp")
_FORWARDED = ("x_forwarded_for", "xForwardedFor")
_USER_AGENT = ("user_agent", "userAgent")
_CACHE_MODE = ("cache_input_mode", "cacheInputMode")
_METHOD = re.compile(r"(GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD)\s+(\S+)")


@lru_cache(maxsize=16384)
def sha256_hex(text: str) -> str:
    """The lower-case hexadecimal SHA-256 of a text; "" of ""."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest() if text else ""


def name_of(record: Record, *names: str) -> str:
    """The first text of these members, as a name that may be stored."""
    return redact_name(text_of(record, *names))


def who_of(record: Record) -> Who:
    """Who paid."""
    source = text_of(record, *_RAW_SOURCE)
    return Who(
        name_of(record, *_AUTH_INDEX),
        mask_source(source),
        sha256_hex(source),
        *snapshots_of(record),
        name_of(record, *_PROVIDER),
        name_of(record, *_EXECUTOR),
        name_of(record, *_AUTH_TYPE),
    )


def snapshots_of(record: Record) -> tuple[str, str, str, str, str]:
    """The account as a record or an export names it: account, label, file, provider, project."""
    if _SNAPSHOT_NAMES.isdisjoint(record):
        return "", "", "", "", ""
    return (
        text_of(record, "account_snapshot", "accountSnapshot"),
        text_of(record, "auth_label_snapshot", "authLabelSnapshot"),
        text_of(record, "auth_file_snapshot", "authFileSnapshot"),
        text_of(record, "auth_provider_snapshot", "authProviderSnapshot"),
        text_of(
            record, "auth_project_id_snapshot", "authProjectIdSnapshot", "project_id", "projectId"
        ),
    )


_SNAPSHOT_NAMES = frozenset(
    (
        "account_snapshot",
        "accountSnapshot",
        "auth_label_snapshot",
        "authLabelSnapshot",
        "auth_file_snapshot",
        "authFileSnapshot",
        "auth_provider_snapshot",
        "authProviderSnapshot",
        "auth_project_id_snapshot",
        "authProjectIdSnapshot",
        "project_id",
        "projectId",
    )
)


def route(endpoint: str, method: str, path: str) -> tuple[str, str, str]:
    """Endpoint, method and path, each filled in from the others where it is missing."""
    method = method.upper()
    if not endpoint and method and path:
        endpoint = f"{method} {path}"
    match = _METHOD.match(endpoint)
    if match:
        method, path = method or match[1], path or match[2]
    return endpoint or "-", method, path


@lru_cache(maxsize=16384)
def without_key(endpoint: str) -> tuple[str, str]:
    """An endpoint and "", or "-" and the hash of the client's key that stands in its place.

    Old servers used the key as a name there; it is never kept.
    """
    if _METHOD.match(endpoint) or not secret_looking(endpoint):
        return endpoint, ""
    return "-", sha256_hex(endpoint.strip())


def way_of(record: Record, who: Who, legacy_tier: str = "") -> Way:
    """By which route, and with which settings."""
    return _way(
        name_of(record, *_ENDPOINT),
        name_of(record, *_HTTP_METHOD),
        name_of(record, *_PATH),
        name_of(record, *_EFFORT),
        name_of(record, *_REQUEST_TIER),
        name_of(record, *_RESPONSE_TIER),
        legacy_tier,
        who,
    )


@lru_cache(maxsize=16384)
def _way(
    endpoint: str,
    method: str,
    path: str,
    effort: str,
    request_tier: str,
    response_tier: str,
    legacy_tier: str,
    who: Who,
) -> Way:
    identity = f"{who.executor_type} {who.provider} {who.auth_provider_snapshot} {who.auth_type}"
    tier = effective_tier(identity, request_tier, legacy_tier, response_tier)
    return Way(*route(endpoint, method, path), effort, tier, request_tier, response_tier)


def caller_of(record: Record) -> Caller:
    """The downstream client."""
    return Caller(
        clean_request_text(text_of(record, *_CLIENT_IP), 64),
        clean_request_text(text_of(record, *_FORWARDED), 2048),
        clean_request_text(text_of(record, *_USER_AGENT), 1024),
    )


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
    parts = (
        f"{request_id}|{timestamp}|{endpoint}|{model}|{who.auth_index}|{who.source_hash}"
        f"|{tokens.input_tokens}|{tokens.output_tokens}|{tokens.reasoning_tokens}"
        f"|{max(tokens.cached_tokens, tokens.cache_tokens)}|{'true' if failed else 'false'}"
    )
    if latency_ms is not None:
        parts = f"{parts}|{latency_ms}"
    return hashlib.sha256(parts.strip().encode(errors="replace")).hexdigest()


# -- parts that repeat --------------------------------------------------------------------------


class _Models(NamedTuple):
    """The model names of a record; `told` is the cache mode that names tell, "" for none."""

    requested: str
    resolved: str
    told: str
    included: ModelNames
    separate: ModelNames


def _models_of(record: Record) -> _Models:
    who = who_of(record)
    requested = name_of(record, *_REQUESTED)
    resolved = name_of(record, *_RESOLVED)
    model = requested or resolved or "-"
    names = (model, requested, resolved, analytics_model(model))
    told = named_cache_mode(
        who.executor_type, who.provider, who.auth_provider_snapshot, resolved, requested, model
    )
    return _Models(
        requested, resolved, told, ModelNames(*names, INCLUDED), ModelNames(*names, SEPARATE)
    )


_WHO_NAMES = frozenset(
    (*_RAW_SOURCE, *_AUTH_INDEX, *_PROVIDER, *_EXECUTOR, *_AUTH_TYPE, *_SNAPSHOT_NAMES)
)
# Of what kind the credential is.
_KIND_NAMES = frozenset(
    (*_PROVIDER, *_EXECUTOR, *_AUTH_TYPE, "auth_provider_snapshot", "authProviderSnapshot")
)
_MODEL_NAMES = frozenset((*_REQUESTED, *_RESOLVED))
_WAY_NAMES = frozenset(
    (*_ENDPOINT, *_HTTP_METHOD, *_PATH, *_EFFORT, *_REQUEST_TIER, *_RESPONSE_TIER)
)
_CALLER_NAMES = frozenset((*_CLIENT_IP, *_FORWARDED, *_USER_AGENT))
_WHO = Part(_WHO_NAMES, who_of)
_MODELS = Part(_MODEL_NAMES | _KIND_NAMES, _models_of)
_WAY = Part(_WAY_NAMES | _KIND_NAMES, lambda record: way_of(record, who_of(record)))
_CALLER = Part(_CALLER_NAMES, caller_of)
_KEY = Part(frozenset(_API_KEY), lambda record: sha256_hex(text_of(record, *_API_KEY)))


@attrs.frozen
class _Shape:
    """How records with members of the same names are read."""

    who: Callable[[Record], Who]
    models: Callable[[Record], _Models]
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
            _WHO.reader(names),
            _MODELS.reader(names),
            _WAY.reader(names),
            _CALLER.reader(names),
            _KEY.reader(names),
            plain=_TOKEN_NAMES.isdisjoint(names) and _ELSEWHERE.isdisjoint(names),
            known=KNOWN.issuperset(names),
        )


_ELSEWHERE = frozenset(("usage", *_CACHE_MODE))
_remembered_shape = lru_cache(maxsize=256)(_Shape.of)
# What CPA writes has some thirty members.
_MANY_MEMBERS = 100


def _shape_of(record: Record) -> _Shape:
    names = tuple(record)
    return _remembered_shape(names) if len(names) <= _MANY_MEMBERS else _Shape.of(names)


# -- the whole ----------------------------------------------------------------------------------

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
    received = _plain_tokens(record.get("tokens")) if shape.plain else None
    stated = "" if received else stated_cache_mode(record)
    received = received or _searched_tokens(record)
    mode = stated or models.told or _counted_mode(received)
    names = models.separate if mode == SEPARATE else models.included
    failed = failed_of(record)
    failure = Failure.of(record) if failed else None
    metadata = metadata_of(record, who, failure, instant.ms)
    told = summary(metadata)
    request_id = name_of(record, "request_id", "requestId", "id")
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


def json_bytes(value: Any) -> bytes:
    """A redacted value as it is stored."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(value, sort_keys=True, default=str).encode(errors="replace")


KNOWN = frozenset(
    (
        *_TIME_NAMES_ALL,
        *_LATENCY,
        *_TTFT,
        *_TOKEN_NAMES,
        *(
            "request_id",
            "requestId",
            "id",
            "event_hash",
            "eventHash",
            "timestamp_ms",
            "timestampMs",
        ),
        *_WHO_NAMES,
        *_MODEL_NAMES,
        *_WAY_NAMES,
        *_CALLER_NAMES,
        *_CACHE_MODE,
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
