"""One run of an inspection, from CPA's listing to the last action (inspection contract, 3.1)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import attrs
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.inspection.account import Account, accounts_of, key_of
from cpamp.inspection.executing import Executor, identity_json
from cpamp.inspection.ownership import Claims
from cpamp.inspection.parallel import Stop, in_parallel
from cpamp.inspection.plan import (
    FAILED,
    REVIEW,
    SKIPPED,
    SUCCESS,
    Outcome,
    automatic,
    capped,
    identity_of,
    mapped,
    plan,
)
from cpamp.inspection.probing import Prober, blank_result, unanswered
from cpamp.inspection.recorder import Recorder
from cpamp.inspection.settings import InspectionSettings
from cpamp.store.inspection import Result, Run

CAPPED = (
    "more than half of the enabled accounts would be hit, which looks like an outage; "
    "nothing was done by itself"
)


@attrs.define(eq=False)
class Inspection:
    """Carries a run out. `run` is what is known of it; storing its end is the caller's."""

    run: Run
    settings: InspectionSettings
    recorder: Recorder
    stop: Stop
    _claims: Claims
    _executor: Executor
    _probers: Mapping[str, Prober]
    _random: random.Random
    _now_ms: Callable[[], int]
    # Hears of the results when they are stored.
    _observe: Callable[[Sequence[Result]], Awaitable[None]]
    results: list[Result] = attrs.field(factory=list, init=False)
    outcomes: list[Outcome] = attrs.field(factory=list, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    async def carry_out(self, entries: Sequence[Mapping[str, object]]) -> None:
        """Look at the accounts of a listing, and act."""
        accounts = accounts_of(entries)
        owned = await self._owned(accounts)
        wanted = [a for a in accounts if a.provider in self.settings.targets]
        sample = sampled(wanted, self.settings, self._random)
        self._count_listing(accounts, wanted, sample)
        keys: set[str] = set()
        keyed = [(account, key_of(account, keys)) for account in sample]

        async def look_at(one: tuple[Account, str]) -> None:
            await self._look_at(*one, owned=any(one[0] is account for account in owned))

        await in_parallel(self.settings.workers, keyed, look_at, self.stop)
        await self.recorder.settled()
        await self._observe(self.results)
        if not self.stop:
            await self._act()
        self.run.count(self.results)
        self.run.disabled_count = sum(result.disabled for result in self.results)
        self.run.enabled_count = len(self.results) - self.run.disabled_count
        self.run.completed_count = len(self.results)

    async def _owned(self, accounts: Sequence[Account]) -> list[Account]:
        try:
            owned, over = await self._claims.review(accounts)
        except Problem as problem:
            self.recorder.log("warning", "ownership_failed", error=problem.message)
            return []
        for claim in over:
            self.recorder.log(
                "info",
                "ownership_cleanup",
                fileName=claim.file_name,
                authIndex=claim.auth_index,
                reason="changed by somebody else",
            )
        return owned

    def _count_listing(
        self, accounts: Sequence[Account], wanted: Sequence[Account], sample: Sequence[Account]
    ) -> None:
        run = self.run
        run.total_files, run.probe_set_count = len(accounts), len(wanted)
        run.sampled_count = len(sample)
        run.disabled_count = sum(account.disabled for account in sample)
        run.enabled_count = len(sample) - run.disabled_count
        self.recorder.listed(run)
        self.recorder.log(
            "info",
            "set_ready",
            totalFiles=run.total_files,
            probeSetCount=run.probe_set_count,
            sampledCount=run.sampled_count,
            targetTypes=list(self.settings.targets),
        )

    async def _look_at(self, account: Account, key: str, owned: bool) -> None:
        result = blank_result(account, key, self.run.id, self._now_ms())
        probing = self._probers[account.provider].probe(account, result, owned)
        try:
            await self.stop.guard(probing)
        except CancelledError:
            if not self.stop:
                raise
            # Broken off: nothing is known of this account.
            return
        except Exception as error:
            # An answer that no rule foresees costs none of the other accounts.
            self._log.failure("a probe of {file} broke", file=account.file_name)
            unanswered(result, repr(error))
        self.results.append(result)
        self.recorder.add(result)

    # -- acting ---------------------------------------------------------------------------------

    async def _act(self) -> None:
        if self.settings.record_only:
            return
        chosen = automatic(self.results, self.settings)
        if capped(chosen, self.results):
            self.run.action_error = CAPPED
            for result in chosen:
                if result.action != "enable":
                    result.action_error = CAPPED
                    self.recorder.add(result)
            self.recorder.log("warning", "auto_action_skipped", status="pending", reason=CAPPED)
            chosen = [result for result in chosen if result.action == "enable"]
        mode = self.settings.auto_action_mode
        planned = plan(self.results, chosen, lambda result: mapped(result, mode))
        if not chosen:
            return
        self.recorder.log(
            "info", "auto_started", requestedCount=len(chosen), actionCount=len(planned.items)
        )
        settled, done = await self._executor.carry_out(
            planned.items,
            automatic=True,
            workers=self.settings.action_workers,
            stop=self.stop,
        )
        self.outcomes = [*planned.outcomes, *settled, *done]
        record_outcomes(self.recorder, self.outcomes, "auto", self._now_ms())
        await self.recorder.settled()
        left = len(chosen) - len(self.outcomes)
        log_completed(self.recorder, self.outcomes, "auto", remainingCount=max(left, 0))
        failed = tally(self.outcomes)[FAILED]
        if failed:
            errors = [self.run.action_error, f"{failed} automatic actions failed"]
            self.run.action_error = "; ".join(text for text in errors if text)


def sampled(
    accounts: Sequence[Account], settings: InspectionSettings, chance: random.Random
) -> list[Account]:
    """So many accounts of each provider, at random; all of them where there are no more."""
    chosen: list[Account] = []
    for target in settings.targets:
        there = [account for account in accounts if account.provider == target]
        size = settings.sample_size
        chosen += chance.sample(there, size) if 0 < size < len(there) else there
    return chosen


def tally(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many outcomes there are of each status."""
    statuses = [outcome.status for outcome in outcomes]
    return {status: statuses.count(status) for status in (SUCCESS, FAILED, SKIPPED, REVIEW)}


def record_outcomes(recorder: Recorder, outcomes: Sequence[Outcome], who: str, now_ms: int) -> None:
    """Make outcomes part of their results, and tell the log; `who` is auto or manual."""
    for outcome in outcomes:
        result = outcome.result
        if result.action_status == SUCCESS and outcome.status == SKIPPED:
            continue
        result.action_status = outcome.status
        result.action_error = outcome.error if outcome.status != SUCCESS else ""
        if outcome.status == SUCCESS:
            result.executed_action = outcome.action
        if outcome.disabled is not None:
            result.disabled = outcome.disabled
        recorder.add(result)
        _log_outcome(recorder, outcome, who)


def _log_outcome(recorder: Recorder, outcome: Outcome, who: str) -> None:
    result = outcome.result
    detail = {
        "fileName": result.file_name,
        "displayAccount": result.display_account,
        "action": outcome.action,
    }
    between = "auto_action" if who == "auto" else "manual"
    if outcome.status in (SKIPPED, REVIEW):
        level = "warning" if outcome.status == REVIEW else "info"
        more = {"status": outcome.status, "reason": outcome.error}
        recorder.log(level, f"{between}_skipped", **detail, **more)
    elif outcome.status == SUCCESS:
        recorder.log("success", f"{who}_action_succeeded", **detail)
    else:
        more = identity_json(identity_of(result))
        name = f"{who}_action_failed" if outcome.begun else f"{who}_validation_failed"
        recorder.log("error", name, **detail, **more, error=outcome.error)


def log_completed(recorder: Recorder, outcomes: Sequence[Outcome], who: str, **more: int) -> None:
    """The last log entry of some actions."""
    counts = tally(outcomes)
    trouble = counts[FAILED] + counts[REVIEW] + more.get("remainingCount", 0)
    recorder.log(
        "warning" if trouble else "success",
        f"{who}_completed",
        successCount=counts[SUCCESS],
        failedCount=counts[FAILED],
        skippedCount=counts[SKIPPED],
        needsReviewCount=counts[REVIEW],
        **more,
    )
