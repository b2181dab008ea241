"""Accounts that a person should look at, and what he may do (inspection contract, 12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.logger import Logger

from cpamp.cpa.errors import CpaProblem
from cpamp.errors import BadRequest, NotFound, Problem, StoreUnavailable
from cpamp.inspection.account import Account, Identity, same_mark
from cpamp.inspection.editor import Editor
from cpamp.inspection.evidence import failure_of, identity_of, metadata_of
from cpamp.inspection.failures import Finding, classify
from cpamp.inspection.journal import Journal
from cpamp.inspection.ownership import Holders
from cpamp.inspection.plan import like_an_outage
from cpamp.inspection.problems import Conflict
from cpamp.inspection.targets import TargetShared, find
from cpamp.store import Store
from cpamp.store import candidates as stored
from cpamp.store.account_log import Actor, Note
from cpamp.store.candidates import DELETED, IGNORED, PENDING, RESOLVED, Candidate
from cpamp.usage.event import Event

TRIES = 3
# What fails within so long of each other may fail for one reason.
OUTAGE_MS = 3_600_000
NO_LIMIT, MOST = 100, 500


class CandidateNotFound(NotFound):
    """There is no candidate of that id."""

    code = "account_action_candidate_not_found"


class NotPending(Conflict):
    """The candidate has been dealt with, or is being dealt with."""

    code = "account_action_candidate_not_pending"

    def __init__(self) -> None:
        super().__init__("this account has been dealt with already")


class TooMany(Conflict):
    """Most accounts fail: not they are broken, but something that all of them need."""

    def __init__(self) -> None:
        super().__init__("most accounts fail at once, which looks like an outage; left enabled")


class NotSet(Problem):
    """There is no CPA."""

    code = "usage_service_not_configured"
    status = 428

    def __init__(self) -> None:
        super().__init__("usage service is not configured")


def candidate_of(event: Event, now_ms: int) -> Candidate | None:
    """What an event says that a person should know of; None where nothing."""
    failure = failure_of(event)
    finding = classify(failure) if failure is not None else None
    if failure is None or finding is None or not event.who.auth_file_snapshot:
        return None
    who = identity_of(event)
    return Candidate(
        action_type=finding.action,
        status=PENDING,
        provider=who.provider,
        file_name=who.file_name,
        auth_index=who.auth_index,
        account_snapshot=who.account_snapshot,
        account_id=event.who.auth_project_id_snapshot,
        auth_label=event.who.auth_label_snapshot,
        reason_code=finding.code,
        reason=finding.reason,
        may_disable=finding.may_disable,
        evidence=_evidence(event, finding, failure.code, failure.type),
        first_seen_at_ms=event.timestamp_ms,
        last_seen_at_ms=event.timestamp_ms,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def _evidence(event: Event, finding: Finding, code: str, kind: str) -> dict[str, Any]:
    """What was seen; never the whole body."""
    errors = metadata_of(event).get("errors") or {}
    fields = {
        "eventHash": event.event_hash,
        "requestId": event.request_id,
        "timestamp": event.timestamp,
        "timestampMs": event.timestamp_ms,
        "statusCode": event.end.fail_status_code,
        "failSummary": event.end.fail_summary,
        "errorCode": code,
        "errorType": kind,
        "headerErrorKind": errors.get("kind"),
        "headerErrorCode": errors.get("code"),
        "headerTraceId": event.trace_id,
        "authIndex": event.who.auth_index,
        "authFileName": event.who.auth_file_snapshot,
        "accountSnapshot": event.who.account_snapshot,
        "accountIdSnapshot": event.who.auth_project_id_snapshot,
        "authLabel": event.who.auth_label_snapshot,
        "provider": event.who.provider,
        "model": event.model.model,
        "endpoint": event.way.endpoint,
        "actionType": finding.action,
        "reasonCode": finding.code,
        "reason": finding.reason,
        "confidence": finding.confidence,
        "autoDisableEligible": finding.may_disable,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


@attrs.define(eq=False)
class Candidates:
    """Remembers them, and does what a person decides, one thing at a time for each."""

    _store: Store
    _editor: Editor
    _holders: Holders
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    _journal: Journal
    _busy: set[int] = attrs.field(factory=set, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    # -- from events ----------------------------------------------------------------------------

    async def take(self, seen: Candidate, *, disable: bool) -> None:
        """Count a failure; disable its credential if that is wanted and the failure is plain."""
        ignored = await self._store.read(stored.same, seen, IGNORED)
        if ignored is not None and await self._unchanged(ignored):
            return
        candidate = await self._store.write(stored.hit, seen)
        if candidate.hit_count == 1 and not candidate.account_id:
            candidate.account_id = await self._recognized(candidate)
        if disable and candidate.may_disable and candidate.disabled_at_ms is None:
            await self._disable(candidate)

    async def _recognized(self, candidate: Candidate) -> str:
        """The account's id as CPA lists it now: another account may get the file's name later."""
        try:
            members = await self._editor.members(candidate.file_name)
            account_id = find(members, _identity(candidate)).account_id
        except Problem:
            return ""
        await self._store.write(stored.recognize, candidate.id, account_id)
        return account_id

    async def _unchanged(self, ignored: Candidate) -> bool:
        """Whether the credential is still the one whose failures a person ignores."""
        try:
            account = await self._editor.alone(_identity(ignored))
        except (CpaProblem, TargetShared):
            return True
        except Problem:
            return False
        return same_mark(ignored.mark_ms, account.mark_ms)

    async def _disable(self, candidate: Candidate) -> None:
        identity = _identity(candidate)
        if not identity.stable:
            return
        try:
            async with self._editor.locks.of([candidate.file_name]):
                account = await self._editor.alone(identity)
                if account.disabled:
                    return
                await self._check_no_outage()
                async with self._holders.giving_up([account]):
                    await self._editor.switch(account, True)
                candidate.disabled_at_ms = self._now_ms()
                candidate.account_id = candidate.account_id or account.account_id
                try:
                    await self._save(candidate)
                except StoreUnavailable:
                    await self._editor.switch(account, False)
                    raise
        except Problem as problem:
            candidate.last_error = problem.message
            await self._save(candidate)

    async def _check_no_outage(self) -> None:
        """Raise where most accounts would have been disabled within an hour."""
        since_ms = self._now_ms() - OUTAGE_MS
        hits = await self._store.read(stored.disabled_since, since_ms)
        enabled = sum(not account.disabled for account in await self._editor.everything())
        if like_an_outage(hits + 1, hits + enabled):
            raise TooMany

    # -- from people ----------------------------------------------------------------------------

    async def listing(self, status: str, limit: int) -> dict[str, Any]:
        """Candidates for people, open ones first."""
        rows, pending = await self._store.read(stored.listing, status, limit)
        return {"items": [candidate_json(row) for row in rows], "pendingCount": pending}

    async def ignore(self, candidate_id: int) -> dict[str, Any]:
        """Never mind, until the credential changes."""

        async def work(candidate: Candidate) -> str:
            try:
                account = await self._editor.alone(_identity(candidate))
                candidate.mark_ms = account.mark_ms
            except Problem as problem:
                # What can't be seen now is taken as it will be seen next.
                self._log.debug("ignored unseen: {reason}", reason=problem.message)
            return IGNORED

        return await self._decide("ignore", candidate_id, work, asks_cpa=False)

    async def resolve(self, candidate_id: int) -> dict[str, Any]:
        """It has been seen to."""

        async def work(candidate: Candidate) -> str:
            return RESOLVED

        return await self._decide("resolve", candidate_id, work, asks_cpa=False)

    async def enable(self, candidate_id: int) -> dict[str, Any]:
        """The credential is good: switch it on."""

        async def work(candidate: Candidate) -> str:
            account = await self._verified(candidate)
            async with self._holders.giving_up([account]):
                await self._editor.switch(account, False)
            try:
                await self._save_surely(attrs.evolve(candidate, status=RESOLVED))
            except StoreUnavailable:
                if account.disabled:
                    await self._editor.switch(account, True)
                raise
            return RESOLVED

        return await self._decide("enable", candidate_id, work)

    async def delete(self, candidate_id: int) -> dict[str, Any]:
        """The credential is of no use: delete its file, which must hold no other."""

        async def work(candidate: Candidate) -> str:
            account = await self._verified(candidate)
            if len(await self._editor.members(candidate.file_name)) != 1:
                raise TargetShared(candidate.file_name)
            async with self._holders.giving_up([account]):
                await self._editor.delete([account])
            return DELETED

        return await self._decide("delete", candidate_id, work)

    async def _verified(self, candidate: Candidate) -> Account:
        identity = _identity(candidate)
        if not identity.stable:
            raise Conflict("the credential can't be told from others")
        return await self._editor.alone(identity)

    async def _decide(
        self,
        action: str,
        candidate_id: int,
        work: Callable[[Candidate], Awaitable[str]],
        *,
        asks_cpa: bool = True,
    ) -> dict[str, Any]:
        if candidate_id < 1:
            raise BadRequest("the id of a candidate is a positive whole number")
        if candidate_id in self._busy:
            raise NotPending
        self._busy.add(candidate_id)
        try:
            candidate = await self._store.read(stored.get, candidate_id)
            if candidate is None:
                raise CandidateNotFound("there is no candidate of that id")
            if candidate.status != PENDING:
                raise NotPending
            if asks_cpa and not self._configured():
                raise NotSet
            async with self._editor.locks.of([candidate.file_name]):
                await self._done(action, candidate, work)
            return {"item": candidate_json(candidate)}
        finally:
            self._busy.discard(candidate_id)

    async def _done(
        self, action: str, candidate: Candidate, work: Callable[[Candidate], Awaitable[str]]
    ) -> None:
        try:
            candidate.status = await work(candidate)
        except StoreUnavailable:
            raise
        except Problem as problem:
            candidate.last_error = problem.message
            await self._save(candidate)
            await self._note(action, candidate, problem.message)
            raise
        candidate.last_error = ""
        await self._save_surely(candidate)
        await self._note(action, candidate)

    async def _note(self, action: str, candidate: Candidate, error: str = "") -> None:
        note = Note(
            candidate.file_name,
            candidate.auth_index,
            action,
            Actor.PERSON,
            "queue",
            not error,
            error or candidate.reason,
            {"candidate": candidate.id, "reasonCode": candidate.reason_code},
        )
        await self._journal.write([note])

    async def _save(self, candidate: Candidate) -> None:
        candidate.updated_at_ms = self._now_ms()
        await self._store.write(stored.update, candidate)

    async def _save_surely(self, candidate: Candidate) -> None:
        """CPA has done its part: a store that is busy for a moment must not lose that."""
        for left in reversed(range(TRIES)):
            try:
                await self._save(candidate)
                return
            except StoreUnavailable:
                if not left:
                    raise


def _identity(candidate: Candidate) -> Identity:
    return Identity(
        candidate.file_name,
        candidate.provider,
        candidate.auth_index,
        candidate.account_id,
        candidate.account_snapshot,
    )


def candidate_json(row: Candidate) -> dict[str, Any]:
    """A candidate as answers carry it."""
    fields: dict[str, Any] = {
        "id": row.id,
        "actionType": row.action_type,
        "status": row.status,
        "authFileName": row.file_name,
        "reason": row.reason,
        "autoDisableEligible": row.may_disable,
        "firstSeenAtMs": row.first_seen_at_ms,
        "lastSeenAtMs": row.last_seen_at_ms,
        "hitCount": row.hit_count,
        "createdAtMs": row.created_at_ms,
        "updatedAtMs": row.updated_at_ms,
    }
    optional = {
        "provider": row.provider,
        "authIndex": row.auth_index,
        "accountSnapshot": row.account_snapshot,
        "accountIdSnapshot": row.account_id,
        "authLabel": row.auth_label,
        "reasonCode": row.reason_code,
        "autoDisabledAtMs": row.disabled_at_ms,
        "evidence": row.evidence,
        "lastError": row.last_error,
    }
    return fields | {name: value for name, value in optional.items() if value}
