"""Credentials rest from the proof that their quota is used up until it is back (contract, 11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.errors import CpaUnreachable, Problem, StoreUnavailable
from cpamp.inspection.account import Account, Identity, same_mark
from cpamp.inspection.editor import Editor
from cpamp.inspection.evidence import Exhaustion
from cpamp.inspection.journal import Journal
from cpamp.inspection.ownership import INTENTION_MS, Concerns, Holders, Kept
from cpamp.inspection.targets import TargetGone, TargetShared, changeable_alone
from cpamp.store import Store
from cpamp.store import cooldowns as stored
from cpamp.store.account_log import Actor, Note
from cpamp.store.cooldowns import ACTIVE, INTENDED, RECOVERED, SKIPPED, Cooldown

RESTORE_SECONDS = 15.0
AT_ONCE = 100
# After a failed restore: so long, doubled for each further one.
BACK_OFF_MS, MOST_BACK_OFF_MS = 15_000, 600_000


def identity_of(cooldown: Cooldown) -> Identity:
    """Who rests."""
    return Identity(
        cooldown.file_name,
        cooldown.provider,
        cooldown.auth_index,
        cooldown.account_id,
        cooldown.account_snapshot,
    )


@attrs.define(eq=False)
class Cooldowns(Service):
    """Disables, remembers, and enables again; a holder of what it has disabled."""

    _reactor: Any
    _store: Store
    _editor: Editor
    _others: Holders
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    _journal: Journal
    _call: LoopingCall = attrs.field(init=False)
    # One look at what is due at a time.
    _turn: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._call = LoopingCall(self._look)
        self._call.clock = self._reactor

    def startService(self) -> None:
        """Restore what is due, now and every few seconds."""
        super().startService()
        self._call.start(RESTORE_SECONDS).addErrback(
            lambda f: self._log.failure("cooldowns are no longer restored", failure=f)
        )

    def stopService(self) -> Deferred[None]:
        """End after the restore that is under way."""
        super().stopService()
        if self._call.running:
            self._call.stop()
        ended: Deferred[None] = self._turn.run(lambda: None)
        return ended

    def reconnected(self) -> None:
        """CPA is another one, or reached in another way: what has failed is tried at once."""
        if self.running:
            self._look(again=True)

    def _look(self, *, again: bool = False) -> Deferred[None]:
        looking: Deferred[None] = self._turn.run(
            lambda: Deferred.fromCoroutine(self.restore_due(again=again))
        )
        looking.addErrback(
            lambda f: self._log.failure("cooldowns can't be restored now", failure=f)
        )
        return looking

    async def active(self) -> list[Cooldown]:
        """Those in force, by the time of their end."""
        return [row for row in await self._store.read(stored.active) if row.state == ACTIVE]

    # -- disabling ------------------------------------------------------------------------------

    async def take(self, found: Exhaustion) -> None:
        """Let a credential rest; raises a `Problem` where it can't be found or changed alone."""
        wanted = found.identity
        if not wanted.auth_index and not (wanted.provider and wanted.account_snapshot):
            return
        async with self._editor.locks.of([wanted.file_name]):
            account = await self._find(wanted)
            if account.disabled:
                await self._extend(account, found)
                return
            async with self._others.giving_up([account]):
                await self._disable(account, found)

    async def _find(self, wanted: Identity) -> Account:
        """The live credential of an event, whose snapshot may be all that tells it apart."""
        members = await self._editor.members(wanted.file_name)
        place = attrs.evolve(wanted, account_snapshot="") if wanted.auth_index else wanted
        fitting = [account for account in members if account.is_(place)]
        snapshot = wanted.account_snapshot
        if len(fitting) != 1 or (snapshot and fitting[0].account_snapshot not in ("", snapshot)):
            raise TargetGone(wanted.file_name)
        if not changeable_alone(fitting[0], members):
            raise TargetShared(wanted.file_name)
        return fitting[0]

    async def _extend(self, account: Account, found: Exhaustion) -> None:
        """Somebody's disable stays his; ours lasts as long as the later proof says."""
        for row in await self._store.read(stored.active):
            if row.owner == found.owner and account.is_(identity_of(row)):
                if found.recover_at_ms > row.recover_at_ms:
                    row.recover_at_ms = found.recover_at_ms
                    row.reason_code, row.window_kind = found.reason, found.window_kind
                    row.evidence = {**row.evidence, **found.evidence}
                else:
                    row.evidence = {**found.evidence, **row.evidence}
                row.auth_index = row.auth_index or account.auth_index
                await self._store.write(stored.update, [row])

    async def _disable(self, account: Account, found: Exhaustion) -> None:
        now_ms, who = self._now_ms(), account.identity
        row = Cooldown(
            file_name=who.file_name,
            provider=who.provider,
            auth_index=who.auth_index,
            account_id=who.account_id,
            account_snapshot="" if who.account_id else who.account_snapshot,
            owner=found.owner,
            reason_code=found.reason,
            window_kind=found.window_kind,
            evidence=found.evidence,
            state=INTENDED,
            mark_ms=0,
            recover_at_ms=found.recover_at_ms,
            disabled_at_ms=now_ms,
            created_at_ms=now_ms,
        )
        row.id = await self._store.write(stored.add, row)
        try:
            after = await self._editor.switch(account, True)
        except CpaUnreachable:
            # Nobody knows whether it was done: the next look at what is due finds out.
            raise
        except Problem as problem:
            await self._settle(row, SKIPPED, problem.message)
            await self._note(row, "disable", Actor.DAEMON, problem.message, done=False)
            raise
        row.state, row.mark_ms = ACTIVE, after.mark_ms
        self._log.info("{file} rests: {reason}", file=who.file_name, reason=found.reason)
        try:
            await self._store.write(stored.update, [row])
        except StoreUnavailable as problem:
            # The intention is stored, and will be taken for what it is.
            self._log.warn("a cooldown is not complete: {reason}", reason=problem.message)

    # -- restoring ------------------------------------------------------------------------------

    async def restore_due(self, *, again: bool = False) -> None:
        """Enable those whose time has come; also while no new ones are made.

        What has failed waits for a while, but not `again`.
        """
        if not self._configured():
            return
        try:
            now_ms = self._now_ms()
            due = [
                row for row in await self._store.read(stored.active) if _is_due(row, now_ms, again)
            ]
            for row in due[:AT_ONCE]:
                await self._restore(row)
        except StoreUnavailable as problem:
            self._log.warn("cooldowns wait: {reason}", reason=problem.message)

    async def _restore(self, row: Cooldown) -> None:
        async with self._editor.locks.of([row.file_name]):
            # It may have been given up while the lock was somebody else's.
            rows = {one.id: one for one in await self._store.read(stored.active)}
            if row.id not in rows:
                return
            row = rows[row.id]
            try:
                await self._end(row)
            except Problem as problem:
                if await self._is_over(problem):
                    await self._found_over(row, SKIPPED, problem.message)
                else:
                    await self._try_later(row, problem)

    async def _is_over(self, problem: Problem) -> bool:
        """Whether the credential is no more. A CPA that lists nothing has not read its files."""
        if not isinstance(problem, TargetGone | TargetShared):
            return False
        try:
            return bool(await self._editor.everything())
        except Problem:
            return False

    async def _try_later(self, row: Cooldown, problem: Problem) -> None:
        row.tries += 1
        wait = min(BACK_OFF_MS * 2 ** min(row.tries - 1, 10), MOST_BACK_OFF_MS)
        row.retry_at_ms, row.note = self._now_ms() + wait, problem.message
        await self._store.write(stored.update, [row])

    async def _end(self, row: Cooldown) -> None:
        account = await self._editor.alone(identity_of(row))
        if not account.disabled:
            await self._found_over(row, RECOVERED, "enabled already")
            return
        if row.state == INTENDED:
            if account.mark_ms and abs(account.mark_ms - row.disabled_at_ms) > INTENTION_MS:
                await self._found_over(row, SKIPPED, "disabled by somebody else")
                return
            row.state, row.mark_ms = ACTIVE, account.mark_ms
            await self._store.write(stored.update, [row])
        if not same_mark(row.mark_ms, account.mark_ms):
            await self._found_over(row, SKIPPED, "changed by somebody else")
        elif row.recover_at_ms <= self._now_ms():
            # Before the row says so: a kill in between finds the credential enabled.
            await self._editor.switch(account, False)
            self._log.info("{file} is back", file=row.file_name)
            await self._settle(row, RECOVERED, "")
            await self._note(row, "enable", Actor.DAEMON, row.reason_code)

    async def _found_over(self, row: Cooldown, state: str, why: str) -> None:
        """Something that nobody told of has ended it."""
        await self._settle(row, state, why)
        await self._note(row, "rest_over", Actor.OUTSIDE, why)

    async def _note(
        self, row: Cooldown, action: str, actor: Actor, reason: str, *, done: bool = True
    ) -> None:
        evidence = {"cooldown": row.id, "owner": row.owner, "recoverAtMs": row.recover_at_ms}
        note = Note(
            row.file_name, row.auth_index, action, actor, "cooldown", done, reason, evidence
        )
        await self._journal.write([note])

    async def _settle(self, row: Cooldown, state: str, note: str) -> None:
        row.state, row.note = state, note
        await self._store.write(stored.update, [row])

    # -- a holder -------------------------------------------------------------------------------

    async def end(self, concerns: Concerns) -> list[Kept]:
        """Somebody else changes these credentials."""
        rows = await self._concerned(concerns)
        kept = [Kept(identity_of(row), attrs.evolve(row)) for row in rows]
        for row in rows:
            row.state, row.note = SKIPPED, "changed by somebody else"
        await self._keep(rows)
        return kept

    async def restore(self, kept: Sequence[Kept]) -> None:
        """They were not changed after all."""
        await self._keep([one.row for one in kept])

    async def touched(self, concerns: Concerns) -> None:
        """Their files were written, and they are as disabled as before."""
        rows = await self._concerned(concerns)
        for row in rows:
            row.mark_ms = 0
        await self._keep(rows)

    async def _concerned(self, concerns: Concerns) -> list[Cooldown]:
        return [row for row in await self._store.read(stored.active) if concerns(identity_of(row))]

    async def _keep(self, rows: list[Cooldown]) -> None:
        if rows:
            await self._store.write(stored.update, rows)


def _is_due(row: Cooldown, now_ms: int, again: bool) -> bool:
    """Whether its end has come, or nobody knows yet whether it began."""
    if row.retry_at_ms > now_ms and not again:
        return False
    return row.state == INTENDED or row.recover_at_ms <= now_ms
