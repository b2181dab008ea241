"""What xAI's endpoints answer of an account (inspection contract, section 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from cpamp.inspection.failures import has
from cpamp.inspection.reply import number, parsed
from cpamp.inspection.verdict import DISABLE, ENABLE, KEEP, REAUTH, body_text
from cpamp.usage.timestamps import parse

_FREE = ("subscription:free-usage-exhausted", "free-usage-exhausted", "included free usage")
_SPENT = (
    "personal-team-blocked:spending-limit",
    "spending-limit",
    "run out of credits",
    "used all available credits",
    "monthly spending limit",
    "purchase more credits",
    "add credits",
)
_INVALID = (
    "invalid_grant",
    "refresh_token_reused",
    "invalid_refresh_token",
    "token_invalidated",
    "token_revoked",
    "refresh token has been revoked",
    "bad-credentials",
    "invalid or expired credentials",
    "authentication token has been invalidated",
)
_POLICY = (
    "content violates usage guidelines",
    "usage guideline violation",
    "safety_check",
    "safety check",
    "policy violation",
)
_NOT_ENTITLED = (
    "need a grok subscription",
    "do not have an active grok subscription",
    "no active grok subscription",
    "not entitled",
    "not authorized for xai api access",
    "tier denied",
    "subscription required",
    "access to the chat endpoint is denied",
)
_BY_STATUS = {
    429: "rate_limited",
    403: "permission_unknown",
    402: "quota_or_entitlement_unknown",
    400: "probe_invalid",
    422: "probe_invalid",
    404: "model_unavailable",
}
# What may be otherwise at another try.
PASSING = (
    "upstream_error",
    "rate_limited",
    "probe_invalid",
    "model_unavailable",
    "protocol_changed",
)
_PRIORITY = {
    "auth_invalid": 100,
    "free_quota_exhausted": 90,
    "spending_limit": 90,
    "entitlement_denied": 85,
    "client_outdated": 80,
    "permission_unknown": 70,
    "quota_or_entitlement_unknown": 70,
    "policy_denied": 60,
    "rate_limited": 40,
    "probe_invalid": 30,
    "upstream_error": 10,
}
# The suggestion of a class and whether it is of a quota; other classes keep the account.
_ACTIONS = {
    "free_quota_exhausted": (DISABLE, True, "free_quota_disable", "free_quota_disabled"),
    "spending_limit": (DISABLE, True, "spending_limit_disable", "spending_limit_disabled"),
    "entitlement_denied": (DISABLE, True, "entitlement_disable", "entitlement_review"),
}
# Suffixes of reasons that differ when it was the model that was asked.
_OF_INFERENCE = {
    "quota_or_entitlement_unknown": "inference_quota_unknown",
    "probe_invalid": "inference_probe_invalid",
    "protocol_changed": "inference_protocol_changed",
}


@attrs.frozen
class Reply:
    """A reply through CPA; `status` None where CPA got or told none."""

    status: int | None
    body: Any = ""

    @property
    def good(self) -> bool:
        """Whether the provider answered with success."""
        return self.status is not None and 200 <= self.status < 300


@attrs.frozen
class Judgement:
    """What follows for an account; `kind` is the class, `suffix` the key of the reason."""

    action: str
    kind: str
    suffix: str
    is_quota: bool = False
    status: int | None = None
    auto_recover: bool = False


def classify(reply: Reply) -> str:
    """The class of a reply that is not a healthy one (8.2)."""
    text, status = body_text(reply.body).lower(), reply.status
    by_text = (
        (_FREE, "free_quota_exhausted"),
        (_SPENT, "spending_limit"),
        (_INVALID, "auth_invalid"),
    )
    for markers, kind in by_text:
        if has(text, markers):
            return kind
    if status == 401:
        return "auth_invalid"
    if status == 426:
        return "client_outdated"
    if has(text, _POLICY):
        return "policy_denied"
    if has(text, _NOT_ENTITLED):
        return "entitlement_denied"
    if status is None or status >= 500:
        return "upstream_error"
    if 200 <= status < 300:
        return "protocol_changed"
    return _BY_STATUS.get(status, "unknown")


def refused(kind: str, status: int | None, disabled: bool, *, inference: bool = False) -> Judgement:
    """What a class of failure means for an account."""
    if kind in _ACTIONS:
        action, quota, suffix, when_off = _ACTIONS[kind]
        if disabled:
            return Judgement(KEEP, kind, when_off, quota, status)
        return Judgement(action, kind, suffix, quota, status)
    suffix = "quota_unknown" if kind == "quota_or_entitlement_unknown" else kind
    if inference:
        suffix = _OF_INFERENCE.get(kind, suffix)
    return Judgement(REAUTH if kind == "auth_invalid" else KEEP, kind, suffix, False, status)


def worst(failures: Sequence[tuple[str, int | None]]) -> tuple[str, int | None]:
    """The failure of the highest priority, the first of equal ones."""
    return max(failures, key=lambda failure: _PRIORITY.get(failure[0], 1))


def identity_ok(reply: Reply) -> str:
    """ "" for an account that the official API knows, else the class of the failure (8.1)."""
    if not reply.good:
        return classify(reply)
    value = parsed(reply.body)
    if not isinstance(value, dict):
        return "protocol_changed"
    if value.get("team_blocked") is True:
        return "spending_limit"
    known = any(value.get(name) is not None for name in ("user_id", "team_id", "team_blocked"))
    return "" if known else "protocol_changed"


def inference_ok(reply: Reply) -> bool:
    """Whether the model has said something."""
    value = parsed(reply.body)
    if not reply.good or not isinstance(value, dict):
        return False
    if value.get("status") != "completed" or value.get("error") is not None:
        return False
    output = value.get("output")
    return any(
        isinstance(part, dict)
        and part.get("type") == "output_text"
        and isinstance(part.get("text"), str)
        and bool(part["text"].strip())
        for item in (output if isinstance(output, list) else [])
        if isinstance(item, dict) and item.get("type") == "message"
        for part in (item["content"] if isinstance(item.get("content"), list) else [])
    )


def by_inference(reply: Reply, disabled: bool, owned: bool) -> Judgement:
    """What the model's answer means (8.4)."""
    if not inference_ok(reply):
        return refused(classify(reply), reply.status, disabled, inference=True)
    if disabled and owned:
        return Judgement(
            ENABLE, "inference_healthy", "enable_owned", status=reply.status, auto_recover=True
        )
    suffix = "inference_manual_disable" if disabled else "inference_healthy"
    return Judgement(KEEP, "inference_healthy", suffix, status=reply.status)


# -- billing ------------------------------------------------------------------------------------


def billing_windows(weekly: Reply | None, monthly: Reply | None) -> list[dict[str, Any]]:
    """The windows of two billing replies; the monthly one only fills gaps (8.5)."""
    windows: dict[str, dict[str, Any]] = {}
    for reply in (weekly, monthly):
        if reply is not None and reply.good:
            for window in _windows(parsed(reply.body)):
                windows.setdefault(window["id"], window)
    return list(windows.values())


def has_summary(reply: Reply) -> bool:
    """Whether a billing reply says anything."""
    return reply.good and any(_windows(parsed(reply.body)))


def _windows(value: Any) -> Iterator[dict[str, Any]]:
    config = value.get("config", value) if isinstance(value, dict) else None
    if not isinstance(config, dict):
        return
    weekly = _percent(config)
    if weekly is not None:
        yield _window("xai-weekly", "weekly_limit", weekly, _period_end(config))
    limit = _cents(_member(config, "monthly_limit", "monthlyLimit"))
    used = _cents(_member(config, "included_used", "includedUsed", "used"))
    end = _text(config, "billing_period_end", "billingPeriodEnd") or _period_end(config)
    if limit and used is not None:
        yield _window("xai-monthly", "monthly_limit", used / limit * 100, end)
    cap = _cents(_member(config, "on_demand_cap", "onDemandCap"))
    spent = _cents(_member(config, "on_demand_used", "onDemandUsed"))
    stated = number(_member(config, "on_demand_usage_percent", "onDemandUsagePercent"))
    if stated is not None or (cap and spent is not None):
        by_cap = (spent or 0) / (cap or 1) * 100
        yield _window("xai-on-demand", "on_demand_cap", by_cap if stated is None else stated, end)
    products = _member(config, "product_usage", "productUsage")
    for i, product in enumerate(products if isinstance(products, list) else []):
        share = number(_member(product, "usage_percent", "usagePercent", "percent"))
        if share is not None:
            name = _text(product, "product", "name") or str(i)
            window = _window(f"xai-product-{i}", "product_usage", share, "")
            yield {**window, "labelParams": {"product": name}}


def _window(window_id: str, label: str, used: float, reset: str) -> dict[str, Any]:
    return {
        "id": window_id,
        "labelKey": f"xai_quota.{label}",
        "usedPercent": round(used, 4),
        "resetLabel": reset or "-",
    }


def _percent(config: Mapping[str, Any]) -> float | None:
    """The weekly share; one that is left out is 0 where there plainly is a weekly period."""
    stated = number(_member(config, "credit_usage_percent", "creditUsagePercent"))
    if stated is not None:
        return stated
    period = _period(config)
    if "weekly" not in str(_member(period, "type", "period_type") or "").lower():
        return None
    start, end = (parse(_text(period, name)) for name in ("start", "end"))
    return 0.0 if start and end and start.ms < end.ms else None


def _period(config: Mapping[str, Any]) -> Mapping[str, Any]:
    period = _member(config, "current_period", "currentPeriod", "period")
    return period if isinstance(period, dict) else {}


def _period_end(config: Mapping[str, Any]) -> str:
    return _text(_period(config), "end")


def _cents(value: Any) -> float | None:
    if isinstance(value, dict):
        value = _member(value, "val", "value")
    return number(value)


def _member(value: Any, *names: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((value[name] for name in names if value.get(name) is not None), None)


def _text(value: Any, *names: str) -> str:
    found = _member(value, *names)
    return found.strip() if isinstance(found, str) else ""
