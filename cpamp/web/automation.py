"""The automatic treatment of accounts: its policy, cooldowns, and what wants a person.

Source: server contract, section 13; inspection contract, sections 10 to 12.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from cpamp.cpa.errors import AT_CPA
from cpamp.errors import BadRequest, Problems
from cpamp.inspection.candidates import (
    MOST,
    NO_LIMIT,
    CandidateNotFound,
    Candidates,
    NotPending,
    NotSet,
)
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.evidence import XAI_OWNER
from cpamp.inspection.policy import EnvLocked, Policy
from cpamp.inspection.problems import Conflict
from cpamp.inspection.targets import TargetGone, TargetShared
from cpamp.store import Store, account_timeline
from cpamp.store.account_log import Actor
from cpamp.store.account_timeline import END, Item, Place
from cpamp.store.cooldowns import Cooldown
from cpamp.web.errors import MethodNotAllowed, Unauthorized
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Access, Body, Parameter, route, whole
from cpamp.web.shapes import accounts, bodies

POLICY = "/usage-service/account-processing-policy"
TIMELINE = "/v0/management/monitoring/account-timeline"
ITEMS, MOST_ITEMS = 50, 200
CANDIDATES = "/v0/management/account-action-candidates"
_HEAD = "/v0/management/<regex('account-action-candidates[^/]*'):head>"

DECIDING: Problems = (BadRequest, CandidateNotFound, NotPending)
CHANGING: Problems = (*DECIDING, Conflict, NotSet, TargetGone, TargetShared, *AT_CPA)


@attrs.define
class Automations:
    """The policy, the cooldowns and the candidates."""

    _policy: Policy
    _cooldowns: Cooldowns
    _candidates: Candidates
    _configured: Callable[[], bool]
    _store: Store

    @route(
        "GET",
        POLICY,
        summary="Which automatic parts are on",
        access=Access.OPTIONAL,
        answer=accounts.AccountPolicy,
        problems=(Unauthorized,),
    )
    async def policy(self, request: ApiRequest) -> dict[str, Any]:
        """Open to all until there is a CPA: the first page of the panel asks."""
        if self._configured() and not request.is_admin:
            raise Unauthorized("invalid admin key")
        return await self._policy.json()

    @route(
        "PATCH",
        POLICY,
        summary="Switch automatic parts on or off",
        body=Body.json(bodies.PolicyBody),
        answer=accounts.AccountPolicy,
        problems=(EnvLocked,),
    )
    async def change_policy(self, request: ApiRequest) -> dict[str, Any]:
        """Holds for the next events."""
        return await self._policy.change(await request.json_object())

    @route(
        "GET",
        "/usage-service/quota-cooldowns",
        summary="Credentials that rest",
        answer=accounts.CooldownList,
    )
    async def cooldowns(self, request: ApiRequest) -> dict[str, Any]:
        """Those in force, by the time of their end."""
        return {"items": [_cooldown_json(row) for row in await self._cooldowns.active()]}

    @route(
        "GET",
        TIMELINE,
        summary="What was done to a credential and seen of it, by whom and why, newest first",
        query={
            "auth_file_snapshot": Parameter("its file", required=True),
            "auth_index": "its index, where the file has several credentials",
            "limit": whole(f"1 to {MOST_ITEMS}, else {ITEMS}"),
            "before": "the `next` of the answer before",
        },
        answer=accounts.AccountTimeline,
        problems=(BadRequest,),
    )
    async def timeline(self, request: ApiRequest) -> dict[str, Any]:
        """Of the daemon, of people through this server, and of others as far as it was seen."""
        file_name = (request.query("auth_file_snapshot") or "").strip()
        if not file_name:
            raise BadRequest("auth_file_snapshot is required")
        try:
            place = Place.read(request.query("before") or str(END))
        except ValueError as error:
            raise BadRequest("before is the `next` of another answer") from error
        limit = _limit(request, ITEMS, MOST_ITEMS)
        index = (request.query("auth_index") or "").strip()
        items, after = await self._store.read(account_timeline.read, file_name, index, place, limit)
        found = {"items": [_item_json(item) for item in items]}
        return found if after is None else {**found, "next": str(after)}

    @route(
        "GET",
        CANDIDATES,
        summary="Accounts that want a person",
        query={"status": "only of this status", "limit": whole(f"1 to {MOST}, else {NO_LIMIT}")},
        answer=accounts.CandidateList,
    )
    async def candidates(self, request: ApiRequest) -> dict[str, Any]:
        """Open ones first."""
        limit = _limit(request, NO_LIMIT, MOST)
        return await self._candidates.listing(request.query("status") or "", limit)

    @route(
        "POST",
        f"{CANDIDATES}/<number>/ignore",
        summary="Leave an account as it is",
        answer=accounts.DecidedCandidate,
        problems=DECIDING,
    )
    async def ignore(self, request: ApiRequest, number: str) -> dict[str, Any]:
        """Until its credential changes."""
        return await self._candidates.ignore(_id(number))

    @route(
        "POST",
        f"{CANDIDATES}/<number>/resolve",
        summary="An account has been seen to",
        answer=accounts.DecidedCandidate,
        problems=DECIDING,
    )
    async def resolve(self, request: ApiRequest, number: str) -> dict[str, Any]:
        """The next failure opens a new one."""
        return await self._candidates.resolve(_id(number))

    @route(
        "POST",
        f"{CANDIDATES}/<number>/enable",
        summary="Enable an account's credential",
        answer=accounts.DecidedCandidate,
        problems=CHANGING,
    )
    async def enable(self, request: ApiRequest, number: str) -> dict[str, Any]:
        """If it is still the one that failed."""
        return await self._candidates.enable(_id(number))

    @route(
        "DELETE",
        f"{CANDIDATES}/<number>/auth-file",
        summary="Delete an account's credential",
        answer=accounts.DecidedCandidate,
        problems=CHANGING,
    )
    async def delete(self, request: ApiRequest, number: str) -> dict[str, Any]:
        """If its file holds no other."""
        return await self._candidates.delete(_id(number))

    @route(ANY_METHOD, _HEAD, summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{_HEAD}/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, head: str, rest: str = "") -> None:
        """All of this prefix belongs to the manager."""
        raise MethodNotAllowed(["GET", "POST", "DELETE"])


def _limit(request: ApiRequest, usual: int, most: int) -> int:
    """The limit of a query; the usual one where it has none that is possible."""
    text = request.query("limit") or ""
    limit = int(text) if re.fullmatch("[0-9]{1,9}", text) else usual
    return limit if 0 < limit <= most else usual


def _item_json(item: Item) -> dict[str, Any]:
    actor = {"kind": item.actor.value, "means": item.means}
    if item.actor is Actor.PERSON:
        # Tokens may read alone, so it was the one who has the admin key.
        actor["name"] = "admin"
    return {
        "id": str(item.place),
        "at_ms": item.place.at_ms,
        "kind": item.place.kind,
        "action": item.action,
        "actor": actor,
        "done": item.done,
        "reason_code": item.reason_code,
        "reason": item.reason,
        "evidence": item.evidence,
    }


def _id(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise BadRequest("the id of a candidate is a positive whole number")
    return int(text)


def _cooldown_json(row: Cooldown) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "authFileName": row.file_name,
        "authIndex": row.auth_index,
        "provider": row.provider,
        "owner": row.owner,
        "recoverAtMs": row.recover_at_ms,
        "disabledAtMs": row.disabled_at_ms,
        "createdAtMs": row.created_at_ms,
    }
    optional: dict[str, Any] = {
        "accountSnapshot": row.account_snapshot,
        "reasonCode": row.reason_code,
        "windowKind": row.window_kind,
        "evidence": _evidence(row) if row.owner == XAI_OWNER else None,
    }
    return fields | {name: value for name, value in optional.items() if value}


def _evidence(row: Cooldown) -> dict[str, Any]:
    """What proved it: no negative counts, and no end that is not the row's."""
    evidence = {
        name: value
        for name, value in row.evidence.items()
        if not (isinstance(value, int | float) and value < 0)
    }
    if evidence.get("recover_at_ms") != row.recover_at_ms:
        evidence.pop("recover_at_ms", None)
        evidence.pop("recover_at_estimated", None)
    return evidence
