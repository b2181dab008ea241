"""What an upstream reply's headers tell, as response metadata (usage contract, 3.10)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

from cpamp.usage.redact import redact
from cpamp.usage.timestamps import parse

TEXT_BYTES = 1024
Metadata = dict[str, Any]


def as_text(value: str) -> str | None:
    """A text without secrets; None where it is blank."""
    return redact(value, TEXT_BYTES) or None


def as_lower(value: str) -> str | None:
    """The same in lower case."""
    return redact(value, TEXT_BYTES).lower() or None


def as_float(value: str) -> float | None:
    """A finite number, with or without a percent sign; whole ones as int."""
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}$")


def as_int(value: str) -> int | None:
    """A whole number in base 10."""
    return int(value) if _INTEGER.match(value) else None


def as_count(value: str) -> int | None:
    """A whole number of at least 0."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_bool(value: str) -> bool | None:
    """Yes or no."""
    text = value.lower()
    if text in ("true", "1", "yes"):
        return True
    return False if text in ("false", "0", "no") else None


def as_time(value: str) -> int | None:
    """A point in time in ms: a date in one of three forms, or seconds or ms since the epoch."""
    number = as_float(value)
    if number is not None:
        if number > 1e12:
            return int(number)
        return int(number * 1000) if number > 1e9 else None
    instant = parse(value)
    if instant is not None:
        return instant.ms
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def as_trace_parent(value: str) -> str | None:
    """A W3C trace parent in lower case, if it is a valid one."""
    text = value.lower()
    match = _TRACE_PARENT.match(text)
    if match is None or match[1] == "ff" or not match[2].strip("0") or not match[3].strip("0"):
        return None
    return text


_TRACE_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")

Reader = Callable[[str], Any]


class Place(NamedTuple):
    """Where a header's value goes: a path of members, and how it is read."""

    path: tuple[str, ...]
    read: Reader


def _window(name: str) -> dict[str, tuple[Place, ...]]:
    head, path = f"x-codex-{name}-", ("quota", name)
    return {
        f"{head}used-percent": (Place((*path, "used_percent"), as_float),),
        f"{head}reset-after-seconds": (Place((*path, "reset_after_seconds"), as_float),),
        f"{head}reset-at": (Place((*path, "reset_at_ms"), as_time),),
        f"{head}window-minutes": (Place((*path, "window_minutes"), as_float),),
    }


def _texts(group: str, **headers: str) -> dict[str, tuple[Place, ...]]:
    return {
        header.replace("_", "-"): (Place((group, member), as_text),)
        for member, header in headers.items()
    }


# Members of `trace`, in the order in which the primary trace id is looked for.
TRACES = {
    "openai_request_id": "x-oai-request-id",
    "request_id": "x-request-id",
    "oneapi_request_id": "x-oneapi-request-id",
    "cloud_ai_companion_trace_id": "x-cloudaicompanion-trace-id",
    "cf_ray": "cf-ray",
    "eagle_id": "eagleid",
    "client_request_id": "x-client-request-id",
    "zeabur_request_id": "x-zeabur-request-id",
    "traceparent": "traceparent",
}

_PLACES: dict[str, tuple[Place, ...]] = {
    **_texts(
        "quota",
        plan_type="x-codex-plan-type",
        active_limit="x-codex-active-limit",
        rate_limit_reached_type="x-codex-rate-limit-reached-type",
        credits_balance="x-codex-credits-balance",
    ),
    "x-codex-credits-has-credits": (Place(("quota", "credits_has_credits"), as_bool),),
    "x-codex-credits-unlimited": (Place(("quota", "credits_unlimited"), as_bool),),
    "x-codex-primary-over-secondary-limit-percent": (
        Place(("quota", "primary_over_secondary_limit_percent"), as_float),
    ),
    **_window("primary"),
    **_window("secondary"),
    **_texts(
        "errors",
        authorization_error="x-openai-authorization-error",
        ide_error_code="x-openai-ide-error-code",
        ide_root_error_code="x-openai-ide-root-error-code",
        rate_limit_bypass="x-ratelimit-bypass",
    ),
    "x-should-retry": (Place(("errors", "should_retry"), as_bool),),
    "retry-after": (Place(("errors", "retry_after"), as_text),),
    **_texts("trace", **TRACES),
    "traceparent": (Place(("trace", "traceparent"), as_trace_parent),),
    **_texts(
        "routing",
        openai_proxy_wasm="x-openai-proxy-wasm",
        models_etag="x-models-etag",
        new_api_version="x-new-api-version",
        server="server",
        via="via",
        site_cache_status="x-site-cache-status",
        served_by="x-served-by",
    ),
    **_texts("response", content_type="content-type", content_disposition="content-disposition"),
    "content-length": (Place(("response", "content_length"), as_int),),
    "server-timing": (
        Place(("response", "server_timing"), as_text),
        Place(("providers", "antigravity_server_timing"), as_text),
    ),
    "x-cloudaicompanion-trace-id": (
        Place(("trace", "cloud_ai_companion_trace_id"), as_text),
        Place(("providers", "antigravity_trace_id"), as_text),
    ),
    "x-mife-upstream-status": (
        Place(("routing", "mife_upstream_status"), as_text),
        Place(("providers", "mife_upstream_status"), as_text),
    ),
    "x-oneapi-request-id": (
        Place(("trace", "oneapi_request_id"), as_text),
        Place(("providers", "oneapi_request_id"), as_text),
    ),
    "cf-ray": (
        Place(("trace", "cf_ray"), as_text),
        Place(("providers", "cloudflare_ray"), as_text),
    ),
    "cf-cache-status": (
        Place(("routing", "cf_cache_status"), as_text),
        Place(("providers", "cloudflare_cache_status"), as_text),
    ),
    "x-ratelimit-limit-requests": (Place(("rate_limit", "requests", "limit"), as_count),),
    "x-ratelimit-remaining-requests": (Place(("rate_limit", "requests", "remaining"), as_count),),
    "x-ratelimit-limit-tokens": (Place(("rate_limit", "tokens", "limit"), as_count),),
    "x-ratelimit-remaining-tokens": (Place(("rate_limit", "tokens", "remaining"), as_count),),
    "x-data-retention": (Place(("data_policy", "retention_mode"), as_lower),),
    "x-zero-data-retention": (Place(("data_policy", "zero_retention"), as_bool),),
    "x-zero-retention": (Place(("data_policy", "older_zero_retention"), as_bool),),
}


# Group, group within it or "", member, value.
Found = tuple[tuple[str, str, str, Any], ...]
# Headers whose values differ from reply to reply, so that remembering them is no use.
_UNIQUE = frozenset((*TRACES.values(), "content-length", "server-timing"))


@lru_cache(maxsize=2048)
def _reader(header: str) -> Callable[[str, str], Found] | None:
    """How a header's value is read; None for a header that tells nothing."""
    name = header.lower()
    if name not in _PLACES:
        return None
    return _read if name in _UNIQUE else _read_again


def _read(header: str, value: str) -> Found:
    """What one header's value comes to, at each place that takes it."""
    found = []
    for path, read in _PLACES[header.lower()]:
        result = read(value)
        if result is not None:
            found.append((path[0], path[1] if len(path) == 3 else "", path[-1], result))
    return tuple(found)


_read_again = lru_cache(maxsize=16384)(_read)


def _scalar(value: Any) -> str:
    """The first non-blank scalar of a header's value; "" if there is none."""
    for member in value if isinstance(value, list) else (value,):
        if type(member) is str:
            text = member.strip()
        elif isinstance(member, bool):
            text = "true" if member else "false"
        elif isinstance(member, int | float):
            text = str(member)
        else:
            continue
        if text:
            return text
    return ""


def response_metadata(headers: Mapping[str, Any], base_ms: int) -> Metadata:
    """The metadata of an upstream reply; {} where its headers tell nothing.

    `base_ms` is the event's time, from which relative times are counted.
    """
    metadata: Metadata = {}
    for name, raw in headers.items():
        reader = _reader(name)
        if reader is None:
            continue
        plain = type(raw) is list and len(raw) == 1 and type(raw[0]) is str
        value = raw[0].strip() if plain else _scalar(raw)
        if not value:
            continue
        for outer, inner, member, read in reader(name, value):
            group = metadata.get(outer)
            if group is None:
                group = metadata[outer] = {}
            if inner:
                group = group.setdefault(inner, {})
            group[member] = read
    if metadata:
        _finish(metadata, base_ms)
    return metadata


def _finish(metadata: Metadata, base_ms: int) -> None:
    policy = metadata.get("data_policy")
    if policy is not None:
        older = policy.pop("older_zero_retention", None)
        if older is not None:
            policy.setdefault("zero_retention", older)
    errors = metadata.get("errors")
    if errors is not None:
        _retry_after(errors, base_ms)
        if not errors:
            del metadata["errors"]
    if "quota" in metadata:
        _windows(metadata["quota"], base_ms)
    derive(metadata)


def _retry_after(errors: Metadata, base_ms: int) -> None:
    text = errors.pop("retry_after", None)
    if text is None:
        return
    seconds = as_float(text)
    if seconds is None:
        at_ms = as_time(text)
        seconds = None if at_ms is None else as_float(str(max(at_ms - base_ms, 0) / 1000))
    if seconds is not None and 0 <= seconds < 1e10:
        errors["retry_after_seconds"] = seconds
        errors["retry_after_recover_at_ms"] = base_ms + int(seconds * 1000)


def _windows(quota: Metadata, base_ms: int) -> None:
    for name in ("primary", "secondary"):
        window = quota.get(name)
        if window is None or "reset_at_ms" in window:
            continue
        after = window.get("reset_after_seconds", 0)
        if 0 < after < 1e10:
            window["reset_at_ms"] = base_ms + int(after * 1000)


def derive(metadata: Metadata) -> None:
    """Work out what follows from the values read: summary window, error class, trace id."""
    if "quota" in metadata:
        _summarise(metadata["quota"])
    if "errors" in metadata:
        _classify(metadata["errors"])
    if "trace" in metadata:
        trace = metadata["trace"]
        found = next((trace[name] for name in TRACES if trace.get(name)), None)
        if found is not None:
            match = _TRACE_PARENT.match(found) if found == trace.get("traceparent") else None
            trace["primary_trace_id"] = match[2] if match else found


def window_kind(minutes: Any) -> str:
    """The name of a quota window of this length."""
    if not isinstance(minutes, int | float):
        return "unknown"
    if 40320 <= minutes <= 44640:
        return "monthly"
    return {300: "five_hour", 10080: "weekly"}.get(int(minutes), "unknown")


def _used_windows(quota: Metadata) -> Iterator[tuple[float, int, str]]:
    """(used percent, reset, name) of each window with a used percent."""
    for name in ("primary", "secondary"):
        window = quota.get(name)
        if isinstance(window, dict) and isinstance(window.get("used_percent"), int | float):
            yield window["used_percent"], window.get("reset_at_ms") or 0, name


def _summarise(quota: Metadata) -> None:
    windows = list(_used_windows(quota))
    if windows:
        # The first of two equal ones wins, as it comes first.
        used, reset, name = max(windows, key=lambda w: w[:2])
        quota["used_percent"] = used
        quota["summary_window_kind"] = window_kind(quota[name].get("window_minutes"))
        quota["summary_window_source"] = name
        if reset:
            quota["recover_at_ms"] = reset
    elif "used_percent" in quota or "recover_at_ms" in quota:
        quota.setdefault("summary_window_kind", "unknown")
        quota.setdefault("summary_window_source", "aggregate")
    _reached(quota, windows)


def _reached(quota: Metadata, windows: list[tuple[float, int, str]]) -> None:
    stated = str(quota.get("rate_limit_reached_type") or "").lower()
    full = [(reset, name) for used, reset, name in windows if used >= 100]
    if stated in ("primary", "secondary") and isinstance(quota.get(stated), dict):
        name = stated
    elif full:
        name = max(full, key=lambda w: w[0])[1]
    elif stated:
        quota["reached_window_kind"] = quota["reached_window_source"] = "unknown"
        return
    else:
        return
    quota["reached_window_kind"] = window_kind(quota[name].get("window_minutes"))
    quota["reached_window_source"] = name
    if not quota.get("recover_at_ms") and quota[name].get("reset_at_ms"):
        quota["recover_at_ms"] = quota[name]["reset_at_ms"]


_AUTH_CODES = frozenset(("token_revoked", "token_invalidated", "account_deactivated", "401"))


def _classify(errors: Metadata) -> None:
    codes = [
        str(errors.get(name) or "")
        for name in ("ide_root_error_code", "ide_error_code", "authorization_error")
    ]
    auth = next((code for code in codes if code in _AUTH_CODES), "")
    if auth:
        found = ("auth", auth)
    elif "identity_edge_internal_error" in codes:
        found = ("identity", "identity_edge_internal_error")
    elif errors.get("rate_limit_bypass"):
        found = ("rate_limit", errors["rate_limit_bypass"])
    elif "retry_after_seconds" in errors:
        found = ("rate_limit", "retry_after")
    else:
        return
    errors["kind"], errors["code"] = found


class Summary(NamedTuple):
    """The values of the metadata that are stored beside it."""

    recover_at_ms: int = 0
    used_percent: float | None = None
    plan_type: str = ""
    error_kind: str = ""
    error_code: str = ""
    trace_id: str = ""


def summary(metadata: Metadata) -> Summary:
    """The values stored beside the metadata."""
    if not metadata:
        return Summary()
    quota, errors = metadata.get("quota") or {}, metadata.get("errors") or {}
    usage, trace = metadata.get("provider_usage") or {}, metadata.get("trace") or {}
    return Summary(
        quota.get("recover_at_ms") or usage.get("recover_at_ms") or 0,
        quota.get("used_percent"),
        quota.get("plan_type") or "",
        errors.get("kind") or "",
        errors.get("code") or "",
        trace.get("primary_trace_id") or "",
    )
