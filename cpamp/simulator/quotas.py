"""Made-up quotas that go up with time and begin anew, as providers tell of them.

Every account has its own pace, by its index: some are used up, and some need a login. What the
headers of answers tell and what providers answer when they are asked is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

FIVE_HOURS, WEEK = 18_000, 604_800
# Until when a request is refused that has met a limit, so that one can watch it end.
REST_SECONDS = 90
# One account in so many needs a login, and one has used up its week.
LOGIN, SPENT = 13, 11


class Quota(NamedTuple):
    """A window at a moment: percent, and seconds since the epoch."""

    used: float
    end_s: int


def quota(index: str, seconds: int, at_s: float) -> Quota:
    """The window of this length of an account."""
    number = _number(index, str(seconds))
    into = int(at_s + number % seconds) % seconds
    pace = 30 + number % 97
    used = 100.0 if seconds == WEEK and _number(index) % SPENT == 3 else pace * into / seconds
    return Quota(round(min(used, 100.0), 1), int(at_s) - into + seconds)


def codex_headers(index: str, at_ms: int, *, limited: bool) -> dict[str, list[str]]:
    """What Codex tells of an account in the headers of an answer."""
    now_s, headers = at_ms / 1000, {}
    for name, seconds in (("Primary", FIVE_HOURS), ("Secondary", WEEK)):
        used, end_s = quota(index, seconds, now_s)
        if limited and name == "Primary":
            used, end_s = 100.0, int(now_s) + REST_SECONDS
        elif limited:
            used = min(used, 99.0)
        headers[f"X-Codex-{name}-Used-Percent"] = [str(int(used))]
        headers[f"X-Codex-{name}-Reset-After-Seconds"] = [str(end_s - int(now_s))]
    return headers


def answer(index: str, url: str, now_ms: int) -> Mapping[str, Any] | None:
    """What a provider answers when it is asked with an account; None for other addresses."""
    found = next((make for start, make in _ANSWERS.items() if url.startswith(start)), None)
    if found is None:
        return None
    if _number(index) % LOGIN == 5:
        expired = {"error": {"message": "Provided authentication token is expired."}}
        return {"status": 401, "body": expired}
    return {"status": 200, "body": found(index, now_ms / 1000)}


def _codex(index: str, now_s: float) -> dict[str, Any]:
    limit: dict[str, Any] = {"allowed": True, "limit_reached": False}
    for name, seconds in (("primary_window", FIVE_HOURS), ("secondary_window", WEEK)):
        used, end_s = quota(index, seconds, now_s)
        # Codex tells whole percents.
        limit[name] = {
            "used_percent": int(used),
            "limit_window_seconds": seconds,
            "reset_at": end_s,
        }
    return {"plan_type": "plus", "rate_limit": limit}


def _claude(index: str, now_s: float) -> dict[str, Any]:
    five_hours, week = (quota(index, seconds, now_s) for seconds in (FIVE_HOURS, WEEK))
    model = {"model": {"id": "claude-opus-4-7", "display_name": "Opus"}}
    scoped = {"kind": "weekly_scoped", "percent": week.used / 2, "resets_at": _text(week.end_s)}
    return {
        "five_hour": {"utilization": five_hours.used, "resets_at": _text(five_hours.end_s)},
        "seven_day": {"utilization": week.used, "resets_at": _text(week.end_s)},
        "seven_day_opus": None,
        "limits": [{**scoped, "scope": model, "is_active": True}],
    }


def _profile(index: str, now_s: float) -> dict[str, Any]:
    return {"account": {"has_claude_max": True}, "organization": {}}


def _xai(index: str, now_s: float) -> dict[str, Any]:
    used, end_s = quota(index, WEEK, now_s)
    period = {"type": "USAGE_PERIOD_TYPE_WEEKLY", "start": _text(end_s - WEEK)}
    return {
        "config": {
            "credit_usage_percent": used,
            "current_period": {**period, "end": _text(end_s)},
        }
    }


_ANSWERS = {
    "https://chatgpt.com/backend-api/wham/usage": _codex,
    "https://api.anthropic.com/api/oauth/usage": _claude,
    "https://api.anthropic.com/api/oauth/profile": _profile,
    "https://cli-chat-proxy.grok.com/v1/billing": _xai,
}


def _number(*names: str) -> int:
    return int(hashlib.sha256(":".join(names).encode()).hexdigest()[:12], 16)


def _text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
