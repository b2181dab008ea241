"""Asking xAI for an account's billing, identity and a word (inspection contract, 8.1)."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
from twisted.internet.defer import Deferred, gatherResults

from cpamp.cpa.credentials import Credentials
from cpamp.errors import Problem
from cpamp.inspection import grok
from cpamp.inspection.account import Account, first, places
from cpamp.inspection.grok import Judgement, Reply
from cpamp.inspection.probing import LEVELS, Retries, detail
from cpamp.inspection.recorder import Recorder
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.verdict import EXECUTABLE, KEEP, body_text
from cpamp.store.inspection import Result

CLI = "https://cli-chat-proxy.grok.com/v1"
OFFICIAL = "https://api.x.ai/v1"
# The monthly endpoint is deprecated: nobody waits long for it.
MONTHLY_SECONDS = 3.0
REASONS = "monitoring.xai_inspection_reason_"
_GROK = {"x-xai-token-auth": "xai-grok-cli", "x-grok-client-version": "0.2.101"}
_AGENT = "grok-pager/0.2.101 grok-shell/0.2.101 (macos; aarch64)"
_USER = ("sub", "subject", "user_id", "userId")
_TOKEN = {"Authorization": "Bearer $TOKEN$"}


@attrs.define
class _Seen:
    """What has been found out of an account."""

    weekly: Reply | None = None
    monthly: Reply | None = None
    identity: str | None = None  # "" is healthy, None is not asked
    identity_status: int | None = None

    @property
    def billed(self) -> bool:
        """Whether there is any billing."""
        return any(r is not None and grok.has_summary(r) for r in (self.weekly, self.monthly))

    def failures(self) -> list[tuple[str, int | None]]:
        """The failures that count: the weekly one outweighs the monthly one."""
        billing = self.weekly or self.monthly
        failed = [] if billing is None else [(grok.classify(billing), billing.status)]
        if self.identity:
            failed.append((self.identity, self.identity_status))
        return failed

    def all_unknown(self) -> bool:
        """Whether every refusal merely withholds a permission."""
        asked = [r for r in (self.weekly, self.monthly) if r is not None]
        return all(grok.classify(reply) == "permission_unknown" for reply in asked)


@attrs.frozen
class XaiProber:
    """Judges xAI accounts."""

    _reactor: Any
    _credentials: Credentials
    _settings: InspectionSettings
    _recorder: Recorder

    async def probe(self, account: Account, result: Result, owned: bool) -> None:
        """Ask, judge, and tell the log."""
        who = {"fileName": account.file_name, "displayAccount": account.display_account}
        if not account.auth_index:
            result.error_kind = "missing_auth_index"
            result.action_reason = f"{REASONS}missing_auth_index"
            self._recorder.log(
                "warning",
                "monitoring.xai_inspection_log_server_missing_auth_index",
                provider="xai",
                **who,
                inspectionMode="skipped",
            )
            return
        retries = Retries(self._reactor, self._settings.retries)
        seen = await retries.call(lambda: self._look(account), _final, self._settings.retries)
        judgement, mode = self._judged(seen, account.disabled), "billing"
        if seen.identity is not None:
            mode = "identity"
        spoken: Reply | None = None
        if self._settings.xai_inference:
            mode = "inference"
            spoken = await retries.call(
                lambda: self._infer(account, official=seen.identity == ""),
                lambda r: grok.inference_ok(r) or grok.classify(r) not in grok.PASSING,
                self._settings.retries,
            )
            judgement = grok.by_inference(spoken, account.disabled, owned)
        self._apply(result, judgement, seen, spoken)
        self._tell(who, result, judgement, seen, mode)

    # -- asking ---------------------------------------------------------------------------------

    async def _look(self, account: Account) -> _Seen:
        seconds = self._settings.timeout_ms / 1000
        headers = {**_TOKEN, **_grok(account), "User-Agent": _AGENT, "Accept": "*/*"}
        index = account.auth_index
        weekly, monthly = await gatherResults(
            [
                Deferred.fromCoroutine(self._ask(index, f"{CLI}/billing{query}", headers, limit))
                for query, limit in (
                    ("?format=credits", seconds),
                    ("", min(MONTHLY_SECONDS, seconds)),
                )
            ],
            consumeErrors=True,
        )
        seen = _Seen(weekly, monthly)
        if not seen.billed and seen.all_unknown():
            plain = {**_TOKEN, "Accept": "application/json"}
            me = await self._ask(index, f"{OFFICIAL}/me", plain, seconds)
            seen.identity, seen.identity_status = grok.identity_ok(me), me.status
            if me.good and seen.identity == "spending_limit":
                seen.identity_status = 403
        return seen

    async def _infer(self, account: Account, *, official: bool) -> Reply:
        base = OFFICIAL if official else base_of(account)
        headers = {
            **_TOKEN,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": self._settings.xai_user_agent,
            **(_grok(account) if base == CLI else {}),
        }
        asked = {
            "model": self._settings.xai_model,
            "input": self._settings.xai_prompt,
            "stream": False,
        }
        return await self._ask(
            account.auth_index,
            f"{base}/responses",
            headers,
            self._settings.timeout_ms / 1000,
            data=orjson.dumps(asked).decode(),
        )

    async def _ask(
        self, index: str, url: str, headers: dict[str, str], seconds: float, data: str = ""
    ) -> Reply:
        """A reply; one without a status where CPA itself could not ask."""
        try:
            reply = await self._credentials.api_call(
                index, url, headers, seconds=seconds, method="POST" if data else "GET", data=data
            )
        except Problem as problem:
            return Reply(None, problem.message)
        return Reply(reply.status, reply.body)

    # -- judging --------------------------------------------------------------------------------

    def _judged(self, seen: _Seen, disabled: bool) -> Judgement:
        """What billing and identity mean (8.3)."""
        weekly = seen.weekly
        if weekly is not None and grok.has_summary(weekly):
            return Judgement(KEEP, "billing_healthy", "billing_healthy", status=weekly.status)
        if seen.billed and weekly is not None:
            kind = grok.classify(weekly)
            if kind not in grok.PASSING:
                return grok.refused(kind, weekly.status, disabled)
            return Judgement(KEEP, "billing_partial", "billing_partial", status=weekly.status)
        if seen.identity == "":
            suffix = "official_api_manual_disable" if disabled else "official_api_healthy"
            return Judgement(KEEP, "official_api_healthy", suffix, status=seen.identity_status)
        return grok.refused(*grok.worst(seen.failures()), disabled)

    def _apply(
        self, result: Result, judgement: Judgement, seen: _Seen, spoken: Reply | None
    ) -> None:
        result.action, result.error_kind = judgement.action, judgement.kind
        result.action_reason = f"{REASONS}{judgement.suffix}"
        result.reason_code = judgement.suffix
        result.action_status = "pending" if judgement.action in EXECUTABLE else "none"
        result.is_quota, result.auto_recover = judgement.is_quota, judgement.auto_recover
        result.status_code = judgement.status
        result.windows = grok.billing_windows(seen.weekly, seen.monthly)
        used = [window["usedPercent"] for window in result.windows]
        result.used_percent = max(used, default=None)
        result.observed = seen.billed
        source = spoken or seen.weekly
        if source is not None and not judgement.kind.endswith(("healthy", "partial")):
            result.error_detail = detail(body_text(source.body))

    def _tell(
        self, who: dict[str, str], result: Result, judgement: Judgement, seen: _Seen, mode: str
    ) -> None:
        more: dict[str, Any] = {
            "inferenceHealthy": judgement.kind == "inference_healthy"
            if self._settings.xai_inference
            else None,
            "statusCode": result.status_code,
            "usedPercent": result.used_percent,
        }
        self._recorder.log(
            LEVELS.get(result.action, "info"),
            "monitoring.xai_inspection_log_server_complete",
            provider="xai",
            **who,
            inspectionMode=mode,
            healthEvidence=judgement.kind,
            billingAvailable=seen.billed,
            billingPartial=judgement.kind == "billing_partial",
            inferenceEnabled=self._settings.xai_inference,
            action=result.action,
            **{name: value for name, value in more.items() if value is not None},
        )


def base_of(account: Account) -> str:
    """Where an account's model is asked (8.1, step 3)."""
    base = _listed(account, "base_url").rstrip("/")
    using = _using_api(account)
    if not using and base in ("", OFFICIAL):
        return CLI
    return base or OFFICIAL


def _using_api(account: Account) -> bool:
    for place in places(account.entry):
        value = place.get("using_api")
        if value is not None:
            return value is True or str(value).lower() in ("true", "1")
    kind = _listed(account, "auth_kind").lower()
    return kind not in ("", "oauth")


def _listed(account: Account, name: str) -> str:
    found = (first(place, (name,)) for place in places(account.entry))
    return next((text for text in found if text), "")


def _grok(account: Account) -> dict[str, str]:
    """The headers of xAI's own command line, whose proxy wants to know the user."""
    user = _user_id(account)
    return {**_GROK, "x-userid": user} if user else dict(_GROK)


def _user_id(account: Account) -> str:
    found = next((text for p in places(account.entry) if (text := first(p, _USER))), "")
    user = account.entry.get("user")
    return found or (first(user, ("sub", "id")) if isinstance(user, dict) else "")


def _final(seen: _Seen) -> bool:
    """Whether another look would hardly find anything else."""
    if seen.billed or seen.identity == "":
        return True
    return grok.worst(seen.failures())[0] not in grok.PASSING
