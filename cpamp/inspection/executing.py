"""Making the changes that a plan asks for (inspection contract, 6.4 and 6.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from twisted.logger import Logger

from cpamp.errors import CpaUnreachable, Problem, StoreUnavailable
from cpamp.inspection.account import Account, Identity
from cpamp.inspection.editor import Editor
from cpamp.inspection.journal import Journal
from cpamp.inspection.ownership import Claims, Holders
from cpamp.inspection.parallel import Stop, in_parallel
from cpamp.inspection.plan import FAILED, SKIPPED, SUCCESS, Item, Outcome, Work, validate
from cpamp.inspection.targets import TargetGone, find, same_members
from cpamp.inspection.verdict import DELETE, DISABLE
from cpamp.store.account_log import Actor, Note


class AlreadyDisabled(Problem):
    """Somebody else has disabled the credential: it is not ours to enable again."""

    status = 409

    def __init__(self, file_name: str) -> None:
        super().__init__(f"{file_name} has been disabled by somebody else meanwhile")


@attrs.frozen
class Executor:
    """Validates and makes changes; `holders` are told of those that a person wants."""

    _editor: Editor
    _claims: Claims
    _holders: Holders
    _journal: Journal
    _log: Logger = attrs.field(factory=Logger, eq=False)

    async def carry_out(
        self, items: Sequence[Item], *, automatic: bool, workers: int, stop: Stop
    ) -> tuple[list[Outcome], list[Outcome]]:
        """Outcomes of the validation, and of the changes by file name and action."""
        works, settled = await self.checked(items)
        done: list[Outcome] = []

        async def work_on(work: Work) -> None:
            done.extend(await self._outcomes(work, automatic))

        await in_parallel(workers, works, work_on, stop)
        # What the end came before.
        treated = {id(outcome.result) for outcome in done}
        done += [
            Outcome(result, work.item.action, FAILED, "not executed")
            for work in works
            for result in work.item.results
            if id(result) not in treated
        ]
        return settled, sorted(done, key=lambda o: (o.result.file_name, o.action, o.result.id))

    async def checked(self, items: Sequence[Item]) -> tuple[list[Work], list[Outcome]]:
        """What fits the credentials as CPA lists them now, and what does not."""
        if not items:
            return [], []
        try:
            live = await self._editor.everything()
        except Problem as problem:
            return [], [
                Outcome(result, item.action, FAILED, problem.message)
                for item in items
                for result in item.results
            ]
        return validate(items, live)

    async def _outcomes(self, work: Work, automatic: bool) -> list[Outcome]:
        """One outcome per result: the first stands for the change, the others are covered."""
        action = work.item.action
        first, *others = work.item.results
        try:
            await self._execute(work, automatic)
        except Problem as problem:
            return await self._failed(work, automatic, problem.message)
        except Exception as error:
            self._log.failure("a change of {file} failed", file=work.file_name)
            return await self._failed(work, automatic, repr(error))
        await self._journal.write(_notes(work, automatic))
        disabled = None if action == DELETE else action == DISABLE
        covered = f"covered by the change of {first.display_account}"
        return [
            Outcome(first, action, SUCCESS, disabled=disabled),
            *(Outcome(result, action, SKIPPED, covered, disabled) for result in others),
        ]

    async def _failed(self, work: Work, automatic: bool, error: str) -> list[Outcome]:
        await self._journal.write(_notes(work, automatic, error))
        return [
            Outcome(result, work.item.action, FAILED, error, begun=True)
            for result in work.item.results
        ]

    async def _execute(self, work: Work, automatic: bool) -> None:
        async with self._editor.locks.of([work.file_name]):
            members = await self._editor.members(work.file_name)
            if (work.whole_file or work.item.action == DELETE) and not same_members(
                work.members, members
            ):
                raise TargetGone(work.file_name)
            targets = [find(members, target.identity) for target in work.targets]
            if work.item.action == DELETE:
                async with self._holders.giving_up(members):
                    await self._editor.delete(members)
            elif work.item.action == DISABLE and automatic:
                await self._claim_and_disable(work, targets)
            else:
                async with self._holders.giving_up(members if work.whole_file else targets):
                    await self._switch(work, targets)

    async def _claim_and_disable(self, work: Work, targets: list[Account]) -> None:
        if any(account.disabled for account in targets):
            raise AlreadyDisabled(work.file_name)
        async with self._holders.giving_up(targets):
            intended = await self._claims.intend(targets)
            try:
                changed = await self._switch(work, targets)
            except CpaUnreachable:
                # Nobody knows what became of it: the next inspection finds out.
                raise
            except Problem:
                await self._claims.drop(intended)
                raise
        try:
            await self._claims.hold(changed)
        except StoreUnavailable as problem:
            # The intention is stored, and will be taken for what it is.
            self._log.warn("a claim is not complete: {reason}", reason=problem.message)

    async def _switch(self, work: Work, targets: Sequence[Account]) -> list[Account]:
        disabled = work.item.action == DISABLE
        if work.source is not None:
            members = list(work.members)
            await self._editor.switch(work.source, disabled, work.file_name)
            after = await self._editor.members(work.file_name)
            return [find(after, account.identity) for account in members]
        if work.whole_file:
            return await self._editor.switch_file(targets, disabled)
        return [await self._editor.switch(targets[0], disabled)]


def _notes(work: Work, automatic: bool, error: str = "") -> list[Note]:
    """What the log of accounts has of a change; with an `error` it was not made."""
    result, actor = work.item.results[0], Actor.DAEMON if automatic else Actor.PERSON
    evidence = {
        "run": result.run_id,
        "reasonCode": result.reason_code,
        "statusCode": result.status_code,
        "usedPercent": result.used_percent,
        "error": error,
    }
    told = {name: value for name, value in evidence.items() if value not in (None, "")}
    return [
        Note(
            target.file_name,
            target.auth_index,
            work.item.action,
            actor,
            "inspection",
            not error,
            error or result.action_reason,
            told,
        )
        for target in (work.members if work.whole_file else work.targets)
    ]


def identity_json(identity: Identity) -> dict[str, Any]:
    """An identity in a log entry."""
    return {"authIndex": identity.auth_index, "accountId": identity.account_id}
