"""Response metadata that an exported event carries, checked member by member.

Usage contract, 7.2. Only members that have a meaning are kept (3.10), and only values of their
type, so that what follows from them can be worked out anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from cpamp.usage.headers import HEADERS, INNER_GROUPS, Metadata, Reader
from cpamp.usage.models import MAX_INT
from cpamp.usage.redact import redact, redact_value
from cpamp.usage.values import (
    TEXT_BYTES,
    as_bool,
    as_count,
    as_float,
    as_int,
    as_lower,
    as_text,
    as_time,
    as_trace_parent,
)

Check = Callable[[Any], Any]


def _text(value: Any) -> str | None:
    return redact_value(value, TEXT_BYTES) if isinstance(value, str) else None


def _unique_text(value: Any) -> str | None:
    return redact(value, TEXT_BYTES) if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and abs(value) <= MAX_INT else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or abs(number) >= MAX_INT else int(number)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_CHECKS: Mapping[Reader, Check] = {
    as_text: _text,
    as_lower: _text,
    as_trace_parent: _unique_text,
    as_float: _number,
    as_int: _whole,
    as_count: _whole,
    as_time: _whole,
    as_bool: _flag,
}
# What is worked out, or read from a failure's body, and so in no header.
_WORKED_OUT: Mapping[tuple[str, str], Check] = {
    ("quota", "used_percent"): _number,
    ("quota", "recover_at_ms"): _whole,
    ("quota", "summary_window_kind"): _text,
    ("quota", "summary_window_source"): _text,
    ("quota", "reached_window_kind"): _text,
    ("quota", "reached_window_source"): _text,
    ("errors", "kind"): _text,
    ("errors", "code"): _text,
    ("errors", "retry_after_seconds"): _number,
    ("errors", "retry_after_recover_at_ms"): _whole,
    ("trace", "primary_trace_id"): _unique_text,
    **{
        ("provider_usage", name): _text
        for name in ("provider", "kind", "state", "code", "model", "unit", "window_kind", "source")
    },
    **{("provider_usage", name): _number for name in ("actual", "limit", "remaining", "overage")},
    ("provider_usage", "observed_at_ms"): _whole,
    ("provider_usage", "recover_at_ms"): _whole,
    ("provider_usage", "recover_at_estimated"): _flag,
}
_MEMBERS: Mapping[tuple[str, str], Check] = {
    **{
        (group, member): _unique_text if group == "trace" else _CHECKS[header.read]
        for header in HEADERS.values()
        for group, member in header.places
    },
    **_WORKED_OUT,
}


def carried_metadata(carried: Mapping[str, Any]) -> Metadata:
    """The metadata of an exported event, without what has no meaning or another type."""
    return {
        name: group
        for name, members in carried.items()
        if isinstance(members, dict) and (group := _group(name, members))
    }


def _group(group: str, members: Mapping[str, Any]) -> Metadata:
    kept: Metadata = {}
    for name, member in members.items():
        check = _MEMBERS.get((group, name))
        if check is not None:
            found = check(member)
        elif isinstance(member, dict) and f"{group}.{name}" in INNER_GROUPS:
            found = _group(f"{group}.{name}", member)
        else:
            continue
        if found is not None and found != "" and found != {}:
            kept[name] = found
    return kept
