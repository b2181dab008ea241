"""What should become of a Codex account (inspection contract, 5.5, and points 1 to 4 of 16)."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from cpamp.inspection.failures import DEACTIVATED_WORKSPACE, EXPIRED, REVOKED, has
from cpamp.inspection.reply import FIVE_HOUR, Usage

KEEP, DISABLE, ENABLE, DELETE, REAUTH = "keep", "disable", "enable", "delete", "reauth"
# What changes a credential.
EXECUTABLE = (DELETE, DISABLE, ENABLE)

_QUOTA_WORDS = ("quota exhausted", "limit reached", "payment_required")
_QUOTA_CODE = "usage_limit_reached"
_LONG_NAMES = {"weekly": "weekly", "monthly": "monthly"}
_STALE = "; CPA does not refresh the token of a disabled credential, so this may be its age alone"


@attrs.frozen
class Verdict:
    """What should become of an account, and why; `used_percent` None where it is not known."""

    action: str
    code: str
    reason: str
    used_percent: float | None = None
    is_quota: bool = False
    auto_recover: bool = False


def body_text(body: Any) -> str:
    """A body as text; "" where there is none."""
    if isinstance(body, str):
        return body
    return "" if body is None else orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS).decode()


def judge(
    *, status: int, body: Any, usage: Usage, disabled: bool, threshold: float, owned: bool = False
) -> Verdict:
    """The first row of the table that fits. `owned`: inspection itself disabled the account."""
    text = body_text(body).lower()
    if status == 402 and DEACTIVATED_WORKSPACE in text:
        reason = "the workspace of this account has been deactivated"
        return Verdict(DELETE, "workspace_deactivated", reason, usage.used_most)
    if status == 401:
        return _refused(text, usage, disabled)
    if usage.main is not None:
        return _by_windows(usage, disabled, threshold, owned)
    return _without_windows(status, text, disabled)


def _refused(text: str, usage: Usage, disabled: bool) -> Verdict:
    if has(text, EXPIRED):
        code, reason = "auth_expired", "the credentials are invalid or expired; log in again"
    elif has(text, REVOKED):
        code, reason = "auth_token_revoked", "the token has been revoked; log in again"
    else:
        code, reason = "auth_failed", "the provider refuses the credentials; log in again"
    used = usage.used(usage.long_kind) if usage.long_kind else None
    return Verdict(REAUTH, code, reason + (_STALE if disabled else ""), used)


def _by_windows(usage: Usage, disabled: bool, threshold: float, owned: bool) -> Verdict:
    long = usage.used(usage.long_kind) if usage.long_kind else None
    if long is None:
        reason = "the provider's answer lacks the window that decides"
        return Verdict(KEEP, "quota_incomplete", reason, usage.used_most)
    name = _LONG_NAMES.get(usage.long_kind, "long-term")
    if long >= threshold:
        reason = f"the {name} quota is used up ({long:g} % of {threshold:g} %)"
        if disabled:
            code = "long_window_exhausted_already_disabled"
            return Verdict(KEEP, code, f"{reason}; already disabled", long, True)
        return Verdict(DISABLE, "long_window_exhausted", reason, long, True)
    five_hour = usage.used(FIVE_HOUR)
    short = five_hour is not None and five_hour >= threshold
    if disabled and short:
        reason = f"the {name} quota has room again, but the five-hour quota is used up"
        return Verdict(KEEP, "five_hour_exhausted_stay_disabled", reason, long, True)
    if disabled:
        reason = f"the {name} quota has room again ({long:g} %)"
        if owned:
            return Verdict(ENABLE, "quota_recovered", reason, long, auto_recover=True)
        reason += "; it was not disabled by inspection, so only a person enables it"
        return Verdict(ENABLE, "quota_recovered_manual_only", reason, long)
    if short:
        reason = f"the five-hour quota is used up, the {name} quota has room ({long:g} %)"
        return Verdict(KEEP, "five_hour_exhausted_long_ok", reason, long)
    return Verdict(KEEP, "quota_healthy", f"the {name} quota has room ({long:g} %)", long)


def _without_windows(status: int, text: str, disabled: bool) -> Verdict:
    if _quota_signal(status, text):
        reason = "the provider says that the quota is used up"
        if disabled:
            code = "quota_exhausted_already_disabled"
            return Verdict(KEEP, code, f"{reason}; already disabled", is_quota=True)
        return Verdict(DISABLE, "quota_exhausted", reason, is_quota=True)
    if status == 200 and disabled:
        reason = "the answer says nothing of quotas; the account stays disabled"
        return Verdict(KEEP, "quota_unknown_stay_disabled", reason)
    return Verdict(KEEP, "no_action", f"the provider answered {status}; nothing to be done")


def _quota_signal(status: int, text: str) -> bool:
    """Words count only where they can't be of a passing rate limit or of a broken gateway."""
    if status == 402:
        return True
    if status == 200:
        return has(text, _QUOTA_WORDS)
    return status == 429 and _QUOTA_CODE in text
