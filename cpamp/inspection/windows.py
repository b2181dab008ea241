"""The quota windows that a result carries (inspection contract, 5.4)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs

from cpamp.inspection.reply import (
    CLASSES,
    DAY,
    FIVE_HOUR,
    MONTHLY,
    WEEKLY,
    Additional,
    Limit,
    Placed,
    Usage,
    Window,
)

_SPARK_FEATURES = ("spark", "codex_spark", "gpt_5_3_codex_spark")
_SPARK_PREFIXES = ("gpt-5-3-codex-spark", "codex-spark", "fast-coding")
_LABELS = {FIVE_HOUR: "primary_window", WEEKLY: "secondary_window", MONTHLY: "monthly_window"}
SPARK_MODELS = ("gpt-5.3-codex-spark",)


def quota_windows(usage: Usage, now_ms: int) -> list[dict[str, Any]]:
    """All windows of a reply, as a result carries them; relative resets count from `now_ms`."""
    plan = usage.plan_type
    windows: list[dict[str, Any]] = []
    if usage.main is not None:
        scope = {"kind": "family", "key": "codex_main", "complete": True}
        windows += _of_limit(usage.main, plan, now_ms, "", "", scope)
    if usage.code_review is not None:
        scope = {"kind": "feature", "key": "code_review", "complete": False}
        windows += _of_limit(usage.code_review, plan, now_ms, "code-review-", "code_review_", scope)
    for family in _families(usage.additional):
        windows += _of_family(family, plan, now_ms)
    return windows


def duration_name(seconds: int | None) -> str:
    """A length as ids and labels have it."""
    if seconds is None:
        return "unknown"
    if seconds % DAY == 0:
        return f"{seconds // DAY}d"
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds}s"


def _in_order(limit: Limit, plan: str) -> list[Placed]:
    rank = {kind: i for i, kind in enumerate(CLASSES)}
    return sorted(limit.placed(plan), key=lambda p: (rank.get(p.kind, len(rank)), p.place))


def _of_limit(
    limit: Limit, plan: str, now_ms: int, prefix: str, label: str, scope: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    for placed in _in_order(limit, plan):
        fields: dict[str, Any]
        if placed.kind in _LABELS:
            fields = {
                "id": f"{prefix}{placed.kind}",
                "labelKey": f"codex_quota.{label}{_LABELS[placed.kind]}",
            }
        else:
            duration = duration_name(placed.window.seconds)
            fields = {
                "id": f"{prefix}window-{duration}-{placed.place}",
                "labelKey": f"codex_quota.{label}generic_window",
                "labelParams": {"duration": duration},
            }
        yield fields | _values(placed.window, now_ms) | {"modelScope": scope}


def _values(window: Window, now_ms: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if window.used is not None:
        fields["usedPercent"] = window.used
    at_ms, accuracy = _reset(window, now_ms)
    fields["resetLabel"] = f"{datetime.fromtimestamp(at_ms / 1000):%m/%d %H:%M}" if at_ms else "-"
    if at_ms:
        fields["resetAtMs"] = at_ms
    fields["resetAccuracy"] = accuracy
    if window.seconds is not None:
        fields["limitWindowSeconds"] = window.seconds
    return fields


# Beyond the year 9999 a number is no point in time.
_END_S = 253_402_300_799


def _reset(window: Window, now_ms: int) -> tuple[int, str]:
    if 0 < (window.reset_at or 0) < _END_S:
        return int(window.reset_at or 0) * 1000, "exact"
    if 0 < (window.reset_after or 0) < _END_S - now_ms // 1000:
        return now_ms + int((window.reset_after or 0) * 1000), "derived"
    return 0, "unknown"


# -- the limits beside the main one -------------------------------------------------------------


@attrs.frozen
class _Family:
    """An additional limit with the name that its windows' ids begin with, and its number."""

    additional: Additional
    prefix: str
    number: int
    former: tuple[str, ...]  # prefixes under which older versions knew it

    @property
    def spark(self) -> bool:
        return _is_spark(self.additional)


def _families(additional: tuple[Additional, ...]) -> Iterator[_Family]:
    """Each limit with a prefix that does not depend on the order of the list."""
    by_prefix: defaultdict[str, list[Additional]] = defaultdict(list)
    for one in additional:
        by_prefix[_prefix(one)].append(one)
    by_name: defaultdict[str, list[Additional]] = defaultdict(list)
    for prefix, members in by_prefix.items():
        for one in members:
            several = len(members) > 1 and one.feature
            by_name[f"{prefix}--{_slug(one.feature)}" if several else prefix].append(one)
    for name in sorted(by_name):
        for number, one in enumerate(sorted(by_name[name], key=_values_text)):
            yield _Family(one, name, number, _former(one, name))


def _is_spark(one: Additional) -> bool:
    return _slug(one.feature or one.name).replace("-", "_") in _SPARK_FEATURES


def _prefix(one: Additional) -> str:
    if _is_spark(one):
        return "spark"
    lengths = (duration_name(w.seconds) for w in one.limit.windows if w is not None)
    return _slug(one.name) or _slug(one.feature) or "-".join(("additional", *lengths))


def _former(one: Additional, prefix: str) -> tuple[str, ...]:
    names = {_slug(one.name), *(_SPARK_PREFIXES if _is_spark(one) else ())}
    return tuple(sorted(names - {"", prefix}))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _values_text(one: Additional) -> str:
    return "|".join(
        "-" if w is None else f"{w.seconds}/{w.used}/{w.reset_after}/{w.reset_at}"
        for w in one.limit.windows
    )


def _of_family(family: _Family, plan: str, now_ms: int) -> Iterator[dict[str, Any]]:
    one = family.additional
    name = one.name or one.feature or family.prefix
    for placed in _in_order(one.limit, plan):
        params: dict[str, Any] = {"name": name}
        if placed.kind in _LABELS:
            tail, label = f"{placed.kind}-{family.number}", _LABELS[placed.kind]
        else:
            duration = duration_name(placed.window.seconds)
            tail, label = f"{family.number}-window-{duration}-{placed.place}", "generic_window"
            params["duration"] = duration
        fields: dict[str, Any] = {
            "id": f"{family.prefix}-{tail}",
            "labelKey": f"codex_quota.additional_{label}",
            "labelParams": params,
        }
        fields |= _values(placed.window, now_ms)
        fields["modelScope"] = _scope(family)
        if family.former:
            fields["providerWindowAliases"] = [f"{prefix}-{tail}" for prefix in family.former]
        yield fields


def _scope(family: _Family) -> dict[str, Any]:
    if family.spark:
        return {"kind": "models", "models": list(SPARK_MODELS), "complete": True}
    one = family.additional
    key = _slug(one.feature or one.name or family.prefix).replace("-", "_")
    return {"kind": "feature", "key": key, "complete": False}
