"""Asking the provider of a Codex account for its quotas (inspection contract, 4.2 and 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import attrs
from twisted.internet.task import deferLater

from cpamp.cpa.credentials import ApiReply, Credentials
from cpamp.errors import Problem
from cpamp.inspection.account import Account
from cpamp.inspection.recorder import Recorder
from cpamp.inspection.reply import Usage, parsed
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.verdict import EXECUTABLE, Verdict, body_text, judge
from cpamp.inspection.windows import quota_windows
from cpamp.store.inspection import Result
from cpamp.usage.redact import redact

USAGE_URL = "https://chatgpt.com/backend-api/wham/usage"
DETAIL_BYTES = 2048
# The first pause before another try, doubled for each further one.
BACK_OFF_SECONDS = 0.5
LEVELS = {"delete": "error", "reauth": "error", "disable": "warning", "enable": "success"}
T = TypeVar("T")


class Prober(Protocol):
    """Looks at the accounts of one provider."""

    async def probe(self, account: Account, result: Result, owned: bool) -> None:
        """Fill in the result of an account; raises nothing but cancellation."""


@attrs.frozen
class Retries:
    """Tries calls again, after a pause that grows."""

    _reactor: Any
    _most: int

    async def call(
        self, ask: Callable[[], Awaitable[T]], good: Callable[[T], bool], again: int
    ) -> T:
        """The first good answer or the last one; raises the last `Problem`.

        Failures are tried again as often as is wanted, answers that are not good at most `again`
        times of these.
        """
        tried = 0
        while True:
            try:
                answer = await ask()
                if good(answer) or tried >= min(self._most, again):
                    return answer
            except Problem:
                if tried >= self._most:
                    raise
            await deferLater(self._reactor, BACK_OFF_SECONDS * 2**tried, lambda: None)
            tried += 1


@attrs.frozen
class CodexProber:
    """Judges Codex accounts by their usage endpoint."""

    _reactor: Any
    _credentials: Credentials
    _settings: InspectionSettings
    _recorder: Recorder
    _now_ms: Callable[[], int]

    async def probe(self, account: Account, result: Result, owned: bool) -> None:
        """Ask, judge, and tell the log."""
        who = {"fileName": account.file_name, "displayAccount": account.display_account}
        if not account.auth_index:
            result.error_kind = "missing_auth_index"
            result.action_reason = "CPA gives no index by which this credential can be used"
            self._recorder.log("warning", "missing_auth_index", **who)
            return
        try:
            retries = Retries(self._reactor, self._settings.retries)
            reply = await retries.call(lambda: self._ask(account), _settled, 1)
        except Problem as problem:
            unanswered(result, problem.message)
            self._recorder.log("warning", "probe_failed", **who, error=problem.message)
            return
        if reply.status is None:
            result.error_kind = "missing_status"
            result.action_reason = "CPA does not tell what the provider answered"
            body = body_text(reply.body)
            self._recorder.log("warning", "missing_status", **who, body=detail(body))
            return
        self._judge(account, result, reply.status, reply.body, owned)
        self._recorder.log(
            LEVELS.get(result.action, "info"),
            "probe_completed",
            **who,
            action=result.action,
            statusCode=result.status_code,
            usedPercent=result.used_percent,
            isQuota=result.is_quota,
        )

    async def _ask(self, account: Account) -> ApiReply:
        headers = {
            "Authorization": "Bearer $TOKEN$",
            "Content-Type": "application/json",
            "User-Agent": self._settings.user_agent,
        }
        if account.account_id:
            headers["Chatgpt-Account-Id"] = account.account_id
        return await self._credentials.api_call(
            account.auth_index, USAGE_URL, headers, seconds=self._settings.timeout_ms / 1000
        )

    def _judge(self, account: Account, result: Result, status: int, body: Any, owned: bool) -> None:
        value = parsed(body)
        usage = Usage.read(value, account.plan_type)
        verdict = judge(
            status=status,
            body=body,
            usage=usage,
            disabled=account.disabled,
            threshold=self._settings.threshold,
            owned=owned,
        )
        apply(result, verdict)
        result.status_code = status
        result.plan_type = usage.plan_type
        result.observed = usage.observed
        result.windows = quota_windows(usage, self._now_ms())
        if not 200 <= status < 300:
            result.error_kind = "http_status"
            result.error_detail = detail(body_text(body)) or f"HTTP {status}"


def apply(result: Result, verdict: Verdict) -> None:
    """Make a verdict part of a result."""
    result.action = verdict.action
    result.action_reason = verdict.reason
    result.reason_code = verdict.code
    result.used_percent = verdict.used_percent
    result.is_quota = verdict.is_quota
    result.auto_recover = verdict.auto_recover
    result.action_status = "pending" if verdict.action in EXECUTABLE else "none"


def unanswered(result: Result, error: str) -> None:
    """All tries have failed."""
    result.error_kind = "request_error"
    result.error = result.error_detail = detail(error)
    result.reason_code = "no_action"
    result.action_reason = "the provider could not be asked"


def detail(text: str) -> str:
    """A foreign text as it may be kept: redacted, of bounded length, no character split."""
    text = redact(text, 2 * DETAIL_BYTES).strip()
    whole = text.encode(errors="replace")
    if len(whole) <= DETAIL_BYTES:
        return text
    return whole[:DETAIL_BYTES].decode(errors="ignore") + "...(truncated)"


def blank_result(account: Account, key: str, run_id: int, now_ms: int) -> Result:
    """What is known of an account before it is asked."""
    return Result(
        run_id=run_id,
        account_key=key,
        file_name=account.file_name,
        display_account=account.display_account,
        account_snapshot=account.account_snapshot,
        auth_index=account.auth_index,
        account_id=account.account_id,
        provider=account.provider,
        disabled=account.disabled,
        status=account.status,
        state=account.state,
        plan_type=account.plan_type,
        created_at_ms=now_ms,
    )


def _settled(reply: ApiReply) -> bool:
    """Whether asking again would change nothing."""
    return reply.status is None or reply.status < 500
