"""What an upstream reply's headers tell, as response metadata (usage contract, 3.10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
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


class Header(NamedTuple):
    """How a header's value is read, and where it goes: groups (``a.b`` inside ``a``), members."""

    read: Reader
    places: tuple[tuple[str, str], ...]


def _to(read: Reader, *places: str) -> Header:
    """A place is written ``group.member``."""
    parted = (place.rpartition(".") for place in places)
    return Header(read, tuple((group, member) for group, _, member in parted))


def _window(name: str) -> dict[str, Header]:
    head, group = f"x-codex-{name}-", f"quota.{name}"
    return {
        f"{head}used-percent": _to(as_float, f"{group}.used_percent"),
        f"{head}reset-after-seconds": _to(as_float, f"{group}.reset_after_seconds"),
        f"{head}reset-at": _to(as_time, f"{group}.reset_at_ms"),
        f"{head}window-minutes": _to(as_float, f"{group}.window_minutes"),
    }


def _texts(group: str, **headers: str) -> dict[str, Header]:
    return {header: _to(as_text, f"{group}.{member}") for member, header in headers.items()}


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

HEADERS: dict[str, Header] = {
    **_texts(
        "quota",
        plan_type="x-codex-plan-type",
        active_limit="x-codex-active-limit",
        rate_limit_reached_type="x-codex-rate-limit-reached-type",
        credits_balance="x-codex-credits-balance",
    ),
    "x-codex-credits-has-credits": _to(as_bool, "quota.credits_has_credits"),
    "x-codex-credits-unlimited": _to(as_bool, "quota.credits_unlimited"),
    "x-codex-primary-over-secondary-limit-percent": _to(
        as_float, "quota.primary_over_secondary_limit_percent"
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
    "x-should-retry": _to(as_bool, "errors.should_retry"),
    "retry-after": _to(as_text, "errors.retry_after"),
    **_texts("trace", **TRACES),
    "traceparent": _to(as_trace_parent, "trace.traceparent"),
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
    "content-length": _to(as_int, "response.content_length"),
    "server-timing": _to(as_text, "response.server_timing", "providers.antigravity_server_timing"),
    "x-cloudaicompanion-trace-id": _to(
        as_text, "trace.cloud_ai_companion_trace_id", "providers.antigravity_trace_id"
    ),
    "x-mife-upstream-status": _to(
        as_text, "routing.mife_upstream_status", "providers.mife_upstream_status"
    ),
    "x-oneapi-request-id": _to(as_text, "trace.oneapi_request_id", "providers.oneapi_request_id"),
    "cf-ray": _to(as_text, "trace.cf_ray", "providers.cloudflare_ray"),
    "cf-cache-status": _to(as_text, "routing.cf_cache_status", "providers.cloudflare_cache_status"),
    "x-ratelimit-limit-requests": _to(as_count, "rate_limit.requests.limit"),
    "x-ratelimit-remaining-requests": _to(as_count, "rate_limit.requests.remaining"),
    "x-ratelimit-limit-tokens": _to(as_count, "rate_limit.tokens.limit"),
    "x-ratelimit-remaining-tokens": _to(as_count, "rate_limit.tokens.remaining"),
    "x-data-retention": _to(as_lower, "data_policy.retention_mode"),
    "x-zero-data-retention": _to(as_bool, "data_policy.zero_retention"),
    "x-zero-retention": _to(as_bool, "data_policy.older_zero_retention"),
}

# The groups inside others: in which, and by which name.
INNER_GROUPS = {
    "quota.primary": ("quota", "primary"),
    "quota.secondary": ("quota", "secondary"),
    "rate_limit.requests": ("rate_limit", "requests"),
    "rate_limit.tokens": ("rate_limit", "tokens"),
}
# A wait beyond this means nothing.
MOST_SECONDS = 1e10


# Headers whose values differ from reply to reply, so that remembering them is no use.
UNIQUE = frozenset(
    (
        *TRACES.values(),
        *("content-length", "server-timing"),
        *("x-codex-primary-reset-after-seconds", "x-codex-secondary-reset-after-seconds"),
        *("x-codex-primary-reset-at", "x-codex-secondary-reset-at"),
    )
)
_READERS: dict[str, Header] = {
    name: header if name in UNIQUE else header._replace(read=lru_cache(256)(header.read))
    for name, header in HEADERS.items()
}


@lru_cache(maxsize=1024)
def _plan(names: tuple[str, ...]) -> tuple[tuple[str, Reader, tuple[tuple[str, str], ...]], ...]:
    """Those of a reply's headers that tell something, each with its reader and places."""
    readers = ((name, _READERS.get(name.lower())) for name in names)
    return tuple((name, *header) for name, header in readers if header is not None)


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
    for name, read, places in _plan(tuple(headers)):
        raw = headers[name]
        # One text in a list is what CPA writes.
        plain = type(raw) is list and len(raw) == 1 and type(raw[0]) is str
        text = raw[0].strip() if plain else _scalar(raw)
        if text and (value := read(text)) is not None:
            for group, member in places:
                groups[group][member] = value
    return _finished(groups, base_ms) if groups else {}


def _finished(groups: defaultdict[str, Metadata], base_ms: int) -> Metadata:
    if "data_policy" in groups:
        policy = groups["data_policy"]
        older = policy.pop("older_zero_retention", None)
        if older is not None:
            policy.setdefault("zero_retention", older)
    if "errors" in groups:
        _retry_after(groups["errors"], base_ms)
    for name, (outer, member) in INNER_GROUPS.items():
        if name in groups:
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


def _used_windows(quota: Metadata) -> list[tuple[float, int, str]]:
    """(used percent, reset, name) of each window with a used percent."""
    found = []
    for name in ("primary", "secondary"):
        window = quota.get(name)
        if isinstance(window, dict) and isinstance(window.get("used_percent"), int | float):
            found.append((window["used_percent"], window.get("reset_at_ms") or 0, name))
    return found


def _summarise(quota: Metadata) -> None:
    windows = _used_windows(quota)
    if windows:
        first, last = windows[0], windows[-1]
        # The first of two equal ones wins.
        used, reset, name = last if last[:2] > first[:2] else first
        quota["used_percent"] = used
        quota["summary_window_kind"] = window_kind(quota[name].get("window_minutes"))
        quota["summary_window_source"] = name
        if reset:
            quota["recover_at_ms"] = reset
    elif "used_percent" in quota or "recover_at_ms" in quota:
        quota.setdefault("summary_window_kind", "unknown")
        quota.setdefault("summary_window_source", "aggregate")
    if "rate_limit_reached_type" in quota or (windows and quota["used_percent"] >= 100):
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
