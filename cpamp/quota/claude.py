"""What Claude's endpoints answer of an account's quotas (inspection contract, section 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from cpamp.inspection.account import text_of
from cpamp.inspection.reply import FIVE_HOURS, WEEK, number, parsed
from cpamp.quota.observation import Observation, Window
from cpamp.usage.timestamps import parse

SCOPE = "claude:quota-windows"
USAGE_URL = "https://api.anthropic.com/api/oauth/usage"
PROFILE_URL = "https://api.anthropic.com/api/oauth/profile"
HEADERS = {
    "Authorization": "Bearer $TOKEN$",
    "Content-Type": "application/json",
    "anthropic-beta": "oauth-2025-04-20",
}
FIVE_HOUR, SEVEN_DAY = "five_hour", "seven_day"
WINDOWS = (
    FIVE_HOUR,
    SEVEN_DAY,
    "seven_day_oauth_apps",
    "seven_day_opus",
    "seven_day_sonnet",
    "seven_day_cowork",
    "iguana_necktie",
)
# Entries of the list of limits that stand for a window which is not named itself.
_KINDS = {"session": FIVE_HOUR, "weekly": SEVEN_DAY, "weekly_all": SEVEN_DAY}


@attrs.frozen
class Told:
    """What is told of one window; None for what is not."""

    used: float | None
    reset_at_ms: int | None

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Told:
        """The window of an object, whose use is a percentage."""
        used = number(value.get("utilization"))
        if used is None:
            used = number(value.get("percent"))
        reset = value.get("resets_at")
        at = parse(reset) if isinstance(reset, str) else None
        return cls(None if used is None else min(max(used, 0.0), 100.0), at.ms if at else None)


def observed(body: Any, plan: str, now_ms: int) -> Observation | None:
    """The windows of a reply about usage; None where it is not one."""
    value = parsed(body)
    if not isinstance(value, dict) or not ({*WINDOWS, "limits"} & value.keys()):
        return None
    windows = tuple(attrs.evolve(one, plan_type=plan) for one in _windows(value, now_ms))
    return Observation("api_query", now_ms, SCOPE, "complete", windows)


def plan_of(body: Any) -> str:
    """The plan of a reply about the profile; "" where it is not one."""
    value = parsed(body)
    account, organization = (_object(value, name) for name in ("account", "organization"))
    if not account and not organization:
        return ""
    if account.get("has_claude_max") is True:
        return "max"
    if account.get("has_claude_pro") is True:
        return "pro"
    kind, state = organization.get("organization_type"), organization.get("subscription_status")
    return "team" if (kind, state) == ("claude_team", "active") else "free"


def _object(value: Any, name: str) -> Mapping[str, Any]:
    member = value.get(name) if isinstance(value, dict) else None
    return member if isinstance(member, dict) else {}


def _windows(value: Mapping[str, Any], now_ms: int) -> Iterator[Window]:
    limits = value.get("limits")
    listed = [one for one in limits if isinstance(one, dict)] if isinstance(limits, list) else []
    named = {name: told for name in WINDOWS if (told := _object(value, name))}
    for one in listed:
        name = _KINDS.get(text_of(one.get("kind")))
        if name and one.get("is_active") is not False:
            named.setdefault(name, one)
    for name in WINDOWS:
        if name in named:
            seconds = FIVE_HOURS if name == FIVE_HOUR else WEEK
            window = _window(name.replace("_", "-"), seconds, Told.read(named[name]), now_ms)
            yield attrs.evolve(window, model_scope_kind="all")
    yield from _of_models(listed, now_ms)


def _of_models(limits: list[dict[str, Any]], now_ms: int) -> Iterator[Window]:
    """The weekly windows of models; of several of one model one that is active, then the fuller."""
    found: dict[str, tuple[tuple[bool, float], str, Told]] = {}
    for one in limits:
        model = _object(_object(one, "scope"), "model")
        name = text_of(model.get("id")) or text_of(model.get("display_name"))
        slug, told = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-"), Told.read(one)
        if one.get("kind") != "weekly_scoped" or not slug or told.used is None:
            continue
        rank = (one.get("is_active") is not False, told.used)
        if slug not in found or rank > found[slug][0]:
            found[slug] = rank, name, told
    for slug, (_, name, told) in sorted(found.items()):
        window = _window(f"weekly-scoped-id-{slug}", WEEK, told, now_ms)
        yield attrs.evolve(window, model_scope_key=slug, model_ids=(name,))


def _window(name: str, seconds: int, told: Told, now_ms: int) -> Window:
    end = told.reset_at_ms
    return Window(
        provider_window_id=name,
        window_kind="5h" if seconds == FIVE_HOURS else "7d",
        window_mode="unknown" if end is None else "fixed",
        model_scope_kind="models",
        source="api_query",
        observed_at_ms=now_ms,
        boundary_accuracy="unknown" if end is None else "exact",
        cycle_start_ms=None if end is None else end - seconds * 1000,
        cycle_end_ms=end,
        duration_seconds=seconds,
        used_percent=told.used,
    )
