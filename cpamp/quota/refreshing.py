"""Asking Claude for the quotas of accounts when somebody wants to know (inspection contract, 9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults

from cpamp.cpa.credentials import ApiReply, Credentials
from cpamp.errors import Problem
from cpamp.inspection.parallel import Stop, in_parallel
from cpamp.inspection.probing import detail
from cpamp.inspection.verdict import body_text
from cpamp.quota import claude
from cpamp.quota.observation import Asked, Entry, InvalidObservation, read_question
from cpamp.quota.snapshots import Snapshots

# Accounts at a time, each with two calls.
AT_ONCE = 3
SECONDS = 15.0
NO_INDEX = "CPA gives no index by which this credential can be used"


class NotToldByAnybody(Problem):
    """The provider's answer tells nothing of quotas."""

    status = 502


@attrs.frozen
class Refreshing:
    """Asks through CPA, and stores what is told."""

    _credentials: Callable[[], Credentials]
    _snapshots: Snapshots
    _now_ms: Callable[[], int]

    async def refresh(self, body: Any) -> dict[str, Any]:
        """The windows of some accounts after asking; why not, where the provider did not tell.

        Raises a `Problem` for a bad body, and where there is no CPA.
        """
        accounts, _, everything = read_question(body)
        if any(asked.provider != "claude" for asked in accounts):
            raise InvalidObservation("only accounts of claude can be asked for their quota")
        credentials = self._credentials()
        told: list[Entry] = []
        failed: dict[str, str] = {}

        async def ask(asked: Asked) -> None:
            try:
                told.append(await self._ask(credentials, asked))
            except Problem as problem:
                failed[asked.row_key] = problem.message

        await in_parallel(AT_ONCE, accounts, ask, Stop())
        if told:
            await self._snapshots.keep(told)
        answer = await self._snapshots.known(accounts, everything=everything)
        for item in answer["items"]:
            if item["row_key"] in failed:
                item["error"] = failed[item["row_key"]]
        return answer

    async def _ask(self, credentials: Credentials, asked: Asked) -> Entry:
        index = asked.names.auth_index
        if not index:
            raise NotToldByAnybody(NO_INDEX)
        replies: Sequence[ApiReply | Problem] = await gatherResults(
            [
                Deferred.fromCoroutine(_reply(credentials, index, url))
                for url in (claude.USAGE_URL, claude.PROFILE_URL)
            ]
        )
        usage, profile = replies
        if isinstance(usage, Problem):
            raise usage
        # Without a profile only the plan is not known.
        plan = claude.plan_of(profile.body) if _good(profile) else ""
        seen = claude.observed(usage.body, plan, self._now_ms()) if _good(usage) else None
        if seen is None:
            said = detail(body_text(usage.body)) or "nothing"
            status = "what CPA does not tell" if usage.status is None else usage.status
            raise NotToldByAnybody(f"the provider answered {status}: {said}")
        return Entry(asked.row_key, asked.provider, asked.account_key, seen)


async def _reply(credentials: Credentials, index: str, url: str) -> ApiReply | Problem:
    try:
        return await credentials.api_call(index, url, claude.HEADERS, seconds=SECONDS)
    except Problem as problem:
        return problem


def _good(reply: ApiReply | Problem) -> bool:
    return isinstance(reply, ApiReply) and 200 <= (reply.status or 0) < 300
