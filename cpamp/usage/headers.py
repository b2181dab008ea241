"""What an upstream reply's headers tell, as response metadata (usage contract, 3.10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from cpamp.usage.values import (
    TRACE_PARENT,
    as_bool,
    as_count,
    as_float,
    as_int,
    as_lower,
    as_text,
    as_time,
    as_trace_parent,
)

Metadata = dict[str, Any]
Reader = Callable[[str], Any]


class Place(NamedTuple):
    """Where a header's value goes: a group (``a.b`` inside ``a``), a member, how it is read."""

    group: str
    member: str
    read: Reader


def _window(name: str) -> dict[str, tuple[Place, ...]]:
    head, group = f"x-codex-{name}-", f"quota.{name}"
    return {
        f"{head}used-percent": (Place(group, "used_percent", as_float),),
        f"{head}reset-after-seconds": (Place(group, "reset_after_seconds", as_float),),
        f"{head}reset-at": (Place(group, "reset_at_ms", as_time),),
        f"{head}window-minutes": (Place(group, "window_minutes", as_float),),
    }


def _texts(group: str, **headers: str) -> dict[str, tuple[Place, ...]]:
    return {header: (Place(group, member, as_text),) for member, header in headers.items()}


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

PLACES: dict[str, tuple[Place, ...]] = {
    **_texts(
        "quota",
        plan_type="x-codex-plan-type",
        active_limit="x-codex-active-limit",
        rate_limit_reached_type="x-codex-rate-limit-reached-type",
        credits_balance="x-codex-credits-balance",
    ),
    "x-codex-credits-has-credits": (Place("quota", "credits_has_credits", as_bool),),
    "x-codex-credits-unlimited": (Place("quota", "credits_unlimited", as_bool),),
    "x-codex-primary-over-secondary-limit-percent": (
        Place("quota", "primary_over_secondary_limit_percent", as_float),
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
    "x-should-retry": (Place("errors", "should_retry", as_bool),),
    "retry-after": (Place("errors", "retry_after", as_text),),
    **_texts("trace", **TRACES),
    "traceparent": (Place("trace", "traceparent", as_trace_parent),),
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
    "content-length": (Place("response", "content_length", as_int),),
    "server-timing": (
        Place("response", "server_timing", as_text),
        Place("providers", "antigravity_server_timing", as_text),
    ),
    "x-cloudaicompanion-trace-id": (
        Place("trace", "cloud_ai_companion_trace_id", as_text),
        Place("providers", "antigravity_trace_id", as_text),
    ),
    "x-mife-upstream-status": (
        Place("routing", "mife_upstream_status", as_text),
        Place("providers", "mife_upstream_status", as_text),
    ),
    "x-oneapi-request-id": (
        Place("trace", "oneapi_request_id", as_text),
        Place("providers", "oneapi_request_id", as_text),
    ),
    "cf-ray": (
        Place("trace", "cf_ray", as_text),
        Place("providers", "cloudflare_ray", as_text),
    ),
    "cf-cache-status": (
        Place("routing", "cf_cache_status", as_text),
        Place("providers", "cloudflare_cache_status", as_text),
    ),
    "x-ratelimit-limit-requests": (Place("rate_limit.requests", "limit", as_count),),
    "x-ratelimit-remaining-requests": (Place("rate_limit.requests", "remaining", as_count),),
    "x-ratelimit-limit-tokens": (Place("rate_limit.tokens", "limit", as_count),),
    "x-ratelimit-remaining-tokens": (Place("rate_limit.tokens", "remaining", as_count),),
    "x-data-retention": (Place("data_policy", "retention_mode", as_lower),),
    "x-zero-data-retention": (Place("data_policy", "zero_retention", as_bool),),
    "x-zero-retention": (Place("data_policy", "older_zero_retention", as_bool),),
}

# The groups inside others.
INNER_GROUPS = ("quota.primary", "quota.secondary", "rate_limit.requests", "rate_limit.tokens")
# A wait beyond this means nothing.
MOST_SECONDS = 1e10


# Headers whose values differ from reply to reply, so that remembering them is no use.
_UNIQUE = frozenset(
    (
        *TRACES.values(),
        *("content-length", "server-timing"),
        *("x-codex-primary-reset-after-seconds", "x-codex-secondary-reset-after-seconds"),
        *("x-codex-primary-reset-at", "x-codex-secondary-reset-at"),
    )
)
# (group, member, value) of each place that takes a header's value.
Found = tuple[tuple[str, str, Any], ...]


def _read(places: tuple[Place, ...], value: str) -> Found:
    found = ((place.group, place.member, place.read(value)) for place in places)
    return tuple(each for each in found if each[2] is not None)


_READERS: dict[str, Callable[[str], Found]] = {
    name: partial(_read, places)
    if name in _UNIQUE
    else lru_cache(maxsize=256)(partial(_read, places))
    for name, places in PLACES.items()
}


@lru_cache(maxsize=1024)
def _plan(names: tuple[str, ...]) -> tuple[tuple[str, Callable[[str], Found]], ...]:
    """Those of a reply's headers that tell something, each with its reader."""
    readers = ((name, _READERS.get(name.lower())) for name in names)
    return tuple((name, reader) for name, reader in readers if reader is not None)


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
    groups: defaultdict[str, Metadata] = defaultdict(dict)
    for name, read in _plan(tuple(headers)):
        raw = headers[name]
        # One text in a list is what CPA writes.
        plain = type(raw) is list and len(raw) == 1 and type(raw[0]) is str
        value = raw[0].strip() if plain else _scalar(raw)
        if value:
            for group, member, found in read(value):
                groups[group][member] = found
    return _finished(groups, base_ms) if groups else {}


def _finished(groups: defaultdict[str, Metadata], base_ms: int) -> Metadata:
    if "data_policy" in groups:
        policy = groups["data_policy"]
        older = policy.pop("older_zero_retention", None)
        if older is not None:
            policy.setdefault("zero_retention", older)
    if "errors" in groups:
        _retry_after(groups["errors"], base_ms)
    for name in INNER_GROUPS:
        if name in groups:
            outer, _, member = name.partition(".")
            group = groups[outer][member] = groups.pop(name)
            if outer == "quota":
                _reset(group, base_ms)
    metadata = {name: group for name, group in groups.items() if group}
    derive(metadata)
    return metadata


def _retry_after(errors: Metadata, base_ms: int) -> None:
    text = errors.pop("retry_after", None)
    if text is None:
        return
    seconds = as_float(text)
    if seconds is None:
        at_ms = as_time(text)
        seconds = None if at_ms is None else _whole_or_not(max(at_ms - base_ms, 0) / 1000)
    if seconds is not None and 0 <= seconds < MOST_SECONDS:
        errors["retry_after_seconds"] = seconds
        errors["retry_after_recover_at_ms"] = base_ms + int(seconds * 1000)


def _whole_or_not(number: float) -> float:
    return int(number) if number.is_integer() else number


def _reset(window: Metadata, base_ms: int) -> None:
    after = window.get("reset_after_seconds", 0)
    if 0 < after < MOST_SECONDS and "reset_at_ms" not in window:
        window["reset_at_ms"] = base_ms + int(after * 1000)


def derive(metadata: Metadata) -> None:
    """Work out what follows from the values read: summary window, error class, trace id."""
    if "quota" in metadata:
        _summarise(metadata["quota"])
    if "errors" in metadata:
        _classify(metadata["errors"])
    if "trace" in metadata:
        _name_trace(metadata["trace"])


def _name_trace(trace: Metadata) -> None:
    if "primary_trace_id" in trace:
        # A carried one stays.
        return
    for name in TRACES:
        if name in trace:
            match = TRACE_PARENT.match(trace[name]) if name == "traceparent" else None
            trace["primary_trace_id"] = match[2] if match else trace[name]
            return


_KINDS: Mapping[float, str] = {300: "five_hour", 10080: "weekly"}


def window_kind(minutes: float | None) -> str:
    """The name of a quota window of this length."""
    if minutes is None:
        return "unknown"
    if 40320 <= minutes <= 44640:
        return "monthly"
    return _KINDS.get(minutes, "unknown")


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
