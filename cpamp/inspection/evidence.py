"""What a failed event says of its credential (inspection contract, 11.1 and 12.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import orjson

from cpamp.inspection.account import Identity
from cpamp.inspection.failures import Failure
from cpamp.inspection.reply import number
from cpamp.usage import xai
from cpamp.usage.event import Event
from cpamp.usage.headers import window_kind
from cpamp.usage.identity import provider_name
from cpamp.usage.values import as_time, nested_objects

CODEX_OWNER, XAI_OWNER = "cpamp_usage_429", "cpamp_xai_free_usage"
_LIMIT = "usage_limit_reached"
_DECODER = json.JSONDecoder()
# Objects that are looked at in one text, and how deep.
_MOST, _DEEPEST = 200, 16
_HEADER_CODES = ("ide_root_error_code", "ide_error_code", "authorization_error", "code", "kind")


@attrs.frozen
class Exhaustion:
    """A credential whose quota a real request proved to be used up, and until when."""

    identity: Identity
    owner: str
    reason: str
    window_kind: str
    recover_at_ms: int
    evidence: dict[str, Any] = attrs.field(factory=dict)


def identity_of(event: Event) -> Identity:
    """Whose event it is, as far as it says. A snapshot that is the file's name says nothing."""
    who = event.who
    snapshot = who.account_snapshot
    return Identity(
        file_name=who.auth_file_snapshot,
        provider=provider_name(who.auth_provider_snapshot or who.provider),
        auth_index=who.auth_index,
        account_snapshot=snapshot if snapshot != who.auth_file_snapshot else "",
    )


def metadata_of(event: Event) -> dict[str, Any]:
    """The response metadata, {} where there is none."""
    value = orjson.loads(event.metadata) if event.metadata else {}
    return value if isinstance(value, dict) else {}


def texts_of(event: Event) -> tuple[str, ...]:
    """The texts in which a provider explains itself, the fullest first."""
    return tuple(text for text in (event.fail_body, event.end.fail_summary) if text)


# -- quotas that are used up --------------------------------------------------------------------


def exhaustion_of(event: Event, now_ms: int) -> Exhaustion | None:
    """What an event proves to be used up; None where nothing is, or not any more."""
    if not event.end.failed or event.end.fail_status_code not in (402, 429):
        return None
    found = _codex(event) or _xai(event)
    return found if found is not None and found.recover_at_ms > now_ms else None


def _codex(event: Event) -> Exhaustion | None:
    provider = provider_name(event.who.provider or event.who.auth_provider_snapshot)
    if event.end.fail_status_code != 429 or provider != "codex":
        return None
    metadata = metadata_of(event)
    recover_at_ms, kind = _by_headers(metadata)
    recover_at_ms = recover_at_ms or _by_texts(event)
    if not recover_at_ms:
        return None
    return Exhaustion(
        identity_of(event), CODEX_OWNER, "codex_usage_limit_reached", kind, recover_at_ms
    )


def _by_headers(metadata: Mapping[str, Any]) -> tuple[int, str]:
    """When the limit that the headers tell of ends, 0 where they tell of none; its window."""
    quota, errors = _object(metadata, "quota"), _object(metadata, "errors")
    windows = {name: _object(quota, name) for name in ("primary", "secondary")}
    full = {
        name: window
        for name, window in windows.items()
        if (number(window.get("used_percent")) or 0) >= 100
    }
    reached = str(quota.get("rate_limit_reached_type") or "").lower()
    if not (reached or full or any(_LIMIT in str(errors.get(n)) for n in _HEADER_CODES)):
        return 0, "unknown"
    resets = [int(window.get("reset_at_ms") or 0) for window in full.values()]
    stated = _object(windows, reached)
    recorded = windows.get(str(quota.get("reached_window_source")), {})
    candidates = (
        stated.get("reset_at_ms"),
        recorded.get("reset_at_ms"),
        max(resets, default=0),
        errors.get("retry_after_recover_at_ms"),
    )
    window = stated or recorded or next(iter(full.values()), {})
    kind = window_kind(number(window.get("window_minutes")))
    return next((int(at) for at in candidates if at), 0), kind


def _by_texts(event: Event) -> int:
    """When the limit ends by the provider's own words; relative times count from the event."""
    for text in texts_of(event):
        for value in objects_in(text):
            error = _object(value, "error")
            if _LIMIT not in (value.get("type"), error.get("type")):
                continue
            for place in (error, value):
                at_ms = _reset_in(place, event.timestamp_ms)
                if at_ms:
                    return at_ms
    return 0


def _reset_in(value: Mapping[str, Any], base_ms: int) -> int:
    for name in ("resets_at", "resetsAt"):
        at_ms = as_time(str(value[name]).strip()) if value.get(name) else None
        if at_ms:
            return at_ms
    for name in ("resets_in_seconds", "resetsInSeconds"):
        seconds = number(value.get(name))
        if seconds and 0 < seconds < 1e10:
            return base_ms + int(seconds * 1000)
    return 0


def _xai(event: Event) -> Exhaustion | None:
    who = event.who
    if not xai.is_native(who.provider, who.auth_provider_snapshot, who.executor_type):
        return None
    for text in texts_of(event):
        evidence = xai.free_usage(text, event.timestamp_ms)
        if evidence is not None:
            identity = attrs.evolve(identity_of(event), provider="xai")
            return Exhaustion(
                identity,
                XAI_OWNER,
                "xai_free_usage_exhausted",
                "rolling_24h",
                int(evidence["recover_at_ms"]),
                evidence,
            )
    return None


# -- credentials that are refused ---------------------------------------------------------------


def failure_of(event: Event) -> Failure | None:
    """The failure of an event that may be its credential's; None for any other event."""
    if not event.end.failed or event.end.fail_status_code not in (401, 402, 403):
        return None
    errors = _object(metadata_of(event), "errors")
    code = next((str(errors[name]) for name in _HEADER_CODES if errors.get(name)), "")
    kind = ""
    for text in texts_of(event):
        for value in objects_in(text):
            for place in (_object(value, "error"), value):
                code = code or _text(place, "code", "error_code")
                kind = kind or _text(place, "type", "error_type")
    retry = errors.get("should_retry")
    return Failure(
        status=event.end.fail_status_code,
        provider=identity_of(event).provider,
        code=code,
        type=kind,
        summary=event.end.fail_summary,
        should_retry=retry if isinstance(retry, bool) else None,
    )


# -- JSON wherever it is ------------------------------------------------------------------------


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The objects of every JSON value in a text, whatever is between them, outer ones first."""
    at, found = text.find("{"), 0
    while at >= 0 and found < _MOST:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            at = text.find("{", at + 1)
            found += 1
            continue
        for inner in nested_objects(value, _DEEPEST):
            found += 1
            yield inner
        at = text.find("{", end)


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def _text(value: Mapping[str, Any], *names: str) -> str:
    found = (value.get(name) for name in names)
    return next((item for item in found if isinstance(item, str) and item), "")
