"""The free usage that an xAI failure tells of (usage contract, 3.10, `provider_usage`)."""

from __future__ import annotations

import re
from typing import Any

import orjson

from cpamp.usage.headers import Metadata
from cpamp.usage.values import as_float, as_time, nested_objects

EXHAUSTED = "subscription:free-usage-exhausted"
DAY_MS = 86_400_000
_MODEL = re.compile(r"free usage for model ([^\s,;\"]+)", re.IGNORECASE)
_TOKENS = re.compile(r"tokens \(actual/limit\):\s*([\d,]+)\s*/\s*([\d,]+)", re.IGNORECASE)
_ABSOLUTE = (
    "reset_at",
    "resetAt",
    "resets_at",
    "resetsAt",
    "period_end",
    "periodEnd",
    "billing_period_end",
    "billingPeriodEnd",
)
_RELATIVE = ("reset_after_seconds", "resetAfterSeconds")
_DEEPEST = 64


def is_native(provider: str, auth_provider: str, executor_type: str) -> bool:
    """Whether a record comes from xAI itself."""
    names = {name.strip().lower().replace("_", "-") for name in (provider, auth_provider)}
    if names & {"xai", "x-ai"}:
        return True
    executor = re.sub(r"[-_\s]", "", executor_type).lower()
    return executor == "xaiexecutor" and names <= {"", "grok"}


def free_usage(body: str, base_ms: int) -> Metadata | None:
    """What a failure body of status 402 or 429 says of the free usage; None where nothing."""
    if EXHAUSTED not in body.lower():
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    objects = list(nested_objects(value, _DEEPEST))
    if not any(str(o.get("code")).lower() == EXHAUSTED for o in objects):
        return None
    usage: Metadata = {
        "provider": "xai",
        "kind": "included_free_usage",
        "state": "exhausted",
        "code": EXHAUSTED,
        "unit": "tokens",
        "window_kind": "rolling_24h",
        "source": "response_body",
        "observed_at_ms": base_ms,
    }
    model = _MODEL.search(body)
    if model:
        usage["model"] = model[1].rstrip(".")
    usage.update(_amounts(body))
    usage.update(_recovery(objects, base_ms))
    return usage


def _amounts(body: str) -> Metadata:
    match = _TOKENS.search(body)
    if match is None:
        return {}
    actual, limit = (int(text.replace(",", "") or "0") for text in match.groups())
    if limit <= 0:
        return {}
    return {
        "actual": actual,
        "limit": limit,
        "remaining": max(limit - actual, 0),
        "overage": max(actual - limit, 0),
    }


def _recovery(objects: list[dict[str, Any]], base_ms: int) -> Metadata:
    for o in objects:
        for name in _ABSOLUTE:
            at_ms = as_time(str(o[name])) if name in o else None
            if at_ms is not None:
                return {"recover_at_ms": at_ms}
    for o in objects:
        for name in _RELATIVE:
            seconds = as_float(str(o[name])) if name in o else None
            if seconds is not None and 0 < seconds < 1e10:
                return {"recover_at_ms": base_ms + int(seconds * 1000)}
    return {"recover_at_ms": base_ms + DAY_MS, "recover_at_estimated": True}
