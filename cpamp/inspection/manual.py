"""Actions that a person picks from the results of a run (inspection contract, 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.logger import Logger

from cpamp import members
from cpamp.errors import InvalidJson, StoreUnavailable
from cpamp.inspection.executing import Executor
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.parallel import Stop
from cpamp.inspection.plan import (
    FAILED,
    REVIEW,
    SKIPPED,
    SUCCESS,
    Outcome,
    Plan,
    identity_of,
    plan,
)
from cpamp.inspection.problems import (
    NoActionableResults,
    NotConfigured,
    OverrideInvalid,
    ResultIdsRequired,
    RunNotCompleted,
    RunNotFound,
)
from cpamp.inspection.recorder import Recorder
from cpamp.inspection.running import log_completed, record_outcomes, tally
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.shape import outcome_json, result_json, run_json
from cpamp.inspection.verdict import DELETE, EXECUTABLE, REAUTH
from cpamp.store import Store
from cpamp.store import inspection as stored
from cpamp.store.inspection import COMPLETED, Result, Run


@attrs.frozen
class Request:
    """What a person asks for; `rehearsal`: only to see what would be done."""

    result_ids: tuple[int, ...]
    overrides: tuple[tuple[int, str], ...]
    rehearsal: bool

    @classmethod
    def read(cls, body: dict[str, Any]) -> Request:
        """The request of a body; raises a `BadRequest`."""
        ids = body.get("resultIds") or []
        overrides = body.get("actionOverrides") or []
        if not isinstance(ids, list) or not all(map(_is_int, ids)):
            raise InvalidJson("resultIds must be a list of whole numbers")
        if not isinstance(overrides, list) or not all(
            isinstance(o, dict) and _is_int(o.get("resultId")) for o in overrides
        ):
            raise InvalidJson("actionOverrides must be a list of {resultId, action}")
        return cls(
            tuple(ids),
            tuple((o["resultId"], str(o.get("action") or "")) for o in overrides),
            members.flag(body, "dryRun", False),
        )

    def deletions(self, results: Sequence[Result]) -> set[int]:
        """The results that are to be deleted instead; raises `OverrideInvalid`."""
        by_id = {result.id: result for result in results}
        for result_id, action in self.overrides:
            if action != DELETE:
                raise OverrideInvalid("an override can only be delete")
            if result_id not in self.result_ids:
                raise OverrideInvalid("an override is for a result that is not selected")
            if result_id not in by_id or by_id[result_id].action != REAUTH:
                raise OverrideInvalid("only an account that needs a login can be deleted instead")
        return {result_id for result_id, _ in self.overrides}


@attrs.define(eq=False)
class ManualActions:
    """Carries such requests out, one at a time and never beside a run."""

    _store: Store
    _inspector: Inspector
    _executor: Executor
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    _log: Logger = attrs.field(factory=Logger, init=False)

    async def act(self, run_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Outcomes and the run's detail; raises a `Problem` where nothing is done."""
        request = Request.read(body)
        answer: dict[str, Any] = await self._inspector.exclusively(
            lambda stop: self._act(run_id, request, stop)
        )
        return answer

    async def _act(self, run_id: int, request: Request, stop: Stop) -> dict[str, Any]:
        run, results = await self._checked(run_id, request)
        deletions = request.deletions(results)
        selected = [result for result in results if result.id in request.result_ids]
        if not selected:
            raise NoActionableResults

        def action_of(result: Result) -> str:
            return DELETE if result.id in deletions else result.action

        planned = preflight(results, selected, action_of)
        if request.rehearsal:
            outcomes = await self._rehearsed(planned)
        else:
            outcomes = await self._executed(run, results, planned, len(selected), stop)
        # What the store has not taken is told all the same.
        detail = await self._inspector.detail(run_id) | {
            "run": run_json(run, active=False, cancellable=False),
            "results": [result_json(result) for result in results],
        }
        return {"outcomes": [outcome_json(outcome) for outcome in outcomes], "detail": detail}

    async def _checked(self, run_id: int, request: Request) -> tuple[Run, list[Result]]:
        if not request.result_ids:
            raise ResultIdsRequired
        if not self._configured():
            raise NotConfigured
        found = await self._store.read(stored.read_detail, run_id)
        if found is None:
            raise RunNotFound
        if found[0].status != COMPLETED:
            raise RunNotCompleted
        if not any(result_id > 0 for result_id in request.result_ids):
            raise ResultIdsRequired
        return found[0], found[1]

    async def _rehearsed(self, planned: Plan) -> list[Outcome]:
        """What would be done, by what CPA lists now."""
        works, settled = await self._executor.checked(planned.items)
        would = [
            Outcome(result, work.item.action, "planned")
            for work in works
            for result in work.item.results
        ]
        return [*planned.outcomes, *settled, *would]

    async def _executed(
        self, run: Run, results: Sequence[Result], planned: Plan, requested: int, stop: Stop
    ) -> list[Outcome]:
        recorder = Recorder(self._store, run.id, self._now_ms)
        recorder.log(
            "info", "manual_started", requestedCount=requested, actionCount=len(planned.items)
        )
        workers = InspectionSettings.read(run.settings).action_workers
        settled, done = await self._executor.carry_out(
            planned.items, automatic=False, workers=workers, stop=stop
        )
        outcomes = [*planned.outcomes, *settled, *done]
        # What was merely selected, and can't be acted on, stays as it is (point 8 of section 16).
        acted = [o for o in outcomes if o.action in EXECUTABLE]
        record_outcomes(recorder, acted, "manual", self._now_ms())
        lost = await recorder.again()
        log_completed(recorder, outcomes, "manual", resultWriteFailedCount=lost)
        await recorder.settled()
        await self._count_again(run, results, outcomes, lost)
        return outcomes

    async def _count_again(
        self, run: Run, results: Sequence[Result], outcomes: Sequence[Outcome], lost: int
    ) -> None:
        run.count(results)
        run.disabled_count = sum(result.disabled for result in results)
        run.enabled_count = len(results) - run.disabled_count
        failed = tally(outcomes)[FAILED]
        troubles = [
            f"{failed} actions failed" if failed else "",
            f"{lost} results could not be stored" if lost else "",
        ]
        run.action_error = "; ".join(filter(None, troubles))
        run.updated_at_ms = self._now_ms()
        try:
            await self._store.write(stored.update, run)
        except StoreUnavailable as problem:
            # CPA has done its part, and whoever asked is told so.
            self._log.warn("a run is not counted anew: {reason}", reason=problem.message)


def preflight(
    results: Sequence[Result], selected: Sequence[Result], action_of: Callable[[Result], str]
) -> Plan:
    """What of the selection is to be done, and what is settled by what is stored already."""
    chosen: list[Result] = []
    taken: set[tuple[object, str]] = set()
    outcomes: list[Outcome] = []
    for result in selected:
        action, target = action_of(result), (identity_of(result), action_of(result))
        settled = _settled(result, action)
        if settled is None and target in taken:
            settled = (SKIPPED, "selected twice")
        if settled is None:
            chosen.append(result)
            taken.add(target)
        else:
            outcomes.append(Outcome(result, action, *settled))
    planned = plan(results, chosen, action_of)
    return Plan(planned.items, [*outcomes, *planned.outcomes])


def _settled(result: Result, action: str) -> tuple[str, str] | None:
    if action not in EXECUTABLE:
        return SKIPPED, "there is nothing to be done"
    if result.action_status in (SUCCESS, SKIPPED):
        return SKIPPED, "done already"
    if result.action_status == REVIEW:
        return REVIEW, result.action_error or "this needs a look in CPA itself"
    if not result.file_name:
        return FAILED, "the credential has no file"
    return None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
