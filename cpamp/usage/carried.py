"""Response metadata that an exported event carries, checked member by member.

Usage contract, 7.2. Only members that have a meaning are kept (3.10), and only values of their
type, so that what follows from them can be worked out anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cpamp.usage.headers import HEADERS, INNER_GROUPS, UNIQUE, Metadata, Reader
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
    return redact_value(value, TEXT_BYTES) or None if isinstance(value, str) else None


def _unique_text(value: Any) -> str | None:
    return redact(value, TEXT_BYTES) or None if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    # Not a boolean, and not NaN, which is in no range.
    if type(value) is not int and type(value) is not float:
        return None
    return value if -MAX_INT <= value <= MAX_INT else None


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


def _check(header: str, read: Reader) -> Check:
    check = _CHECKS[read]
    return _unique_text if check is _text and header in UNIQUE else check


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
        (group, member): _check(name, header.read)
        for name, header in HEADERS.items()
        for group, member in header.places
    },
    **_WORKED_OUT,
}


@attrs.frozen
class _Group:
    """The members of a group: how each is checked, and those that are groups themselves."""

    checks: Mapping[str, Check]
    inner: Mapping[str, _Group]


def _group_named(group: str) -> _Group:
    inner = {
        path.rpartition(".")[2]: _group_named(path)
        for path in INNER_GROUPS
        if path.rpartition(".")[0] == group
    }
    return _Group({name: check for (of, name), check in _MEMBERS.items() if of == group}, inner)


_GROUPS: Mapping[str, _Group] = {
    name: _group_named(name) for name in {group.partition(".")[0] for group, _ in _MEMBERS}
}


def carried_metadata(carried: Mapping[str, Any]) -> Metadata:
    """The metadata of an exported event, without what has no meaning or another type."""
    metadata: Metadata = {}
    for name, members in carried.items():
        group = _GROUPS.get(name)
        if group is not None and isinstance(members, dict):
            kept = _kept(group, members)
            if kept:
                metadata[name] = kept
    return metadata


def _kept(group: _Group, members: Mapping[str, Any]) -> Metadata:
    kept: Metadata = {}
    checks = group.checks
    for name, member in members.items():
        check = checks.get(name)
        if check is not None:
            found = check(member)
            if found is not None:
                kept[name] = found
        elif isinstance(member, dict) and name in group.inner:
            inner = _kept(group.inner[name], member)
            if inner:
                kept[name] = inner
    return kept
