"""Starts, ends and remembers inspections: one at a time (inspection contract, 1.4 and 3)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from cpamp.errors import Problem, StoreUnavailable
from cpamp.inspection.editor import Editor
from cpamp.inspection.executing import Executor
from cpamp.inspection.ownership import Claims
from cpamp.inspection.parallel import Stop
from cpamp.inspection.plan import FAILED as ACTION_FAILED
from cpamp.inspection.plan import REVIEW, SKIPPED, SUCCESS
from cpamp.inspection.probers import Probers
from cpamp.inspection.problems import (
    AlreadyRunning,
    NotConfigured,
    RunNotCancellable,
    RunNotFound,
    Stopping,
    TriggerExists,
)
from cpamp.inspection.recorder import Recorder, entry
from cpamp.inspection.running import Inspection, tally
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.shape import log_json, result_json, run_json
from cpamp.store import Store
from cpamp.store import inspection as stored
from cpamp.store.inspection import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    FAILED,
    INTERRUPTED,
    LogEntry,
    Result,
    Run,
)

# At the end of the process the run that is under way has this long.
STOP_SECONDS = 20.0
USER, SHUTDOWN = "user_cancel", "service_shutdown"
ENDS = {USER: (CANCELLED, "user requested"), SHUTDOWN: (INTERRUPTED, "the server was shut down")}
RECOVERED = "the server ended in the middle of this inspection"


@attrs.define(eq=False)
class _Active:
    """The run that is under way. `ending`: its end is being stored, and nothing stops that."""

    run: Run
    stop: Stop = attrs.field(factory=Stop)
    ending: bool = False


@attrs.define(eq=False)
class Inspector(Service):
    """All inspections of one CPA. `settings_of` and `configured` say what holds now."""

    _reactor: Any
    _store: Store
    _editor: Editor
    _claims: Claims
    _executor: Executor
    _probers: Probers
    _settings_of: Callable[[], InspectionSettings]
    _configured: Callable[[], bool]
    _now_ms: Callable[[], int]
    _observe: Callable[[Sequence[Result]], Awaitable[None]]
    _random: random.Random = attrs.field(factory=random.SystemRandom)
    _active: _Active | None = attrs.field(default=None, init=False)
    _task: Deferred[None] | None = attrs.field(default=None, init=False)
    # A batch of actions that a person asked for.
    _batch: Deferred[Any] | None = attrs.field(default=None, init=False)
    _batch_stop: Stop = attrs.field(factory=Stop, init=False)
    # A start, or the decision on a cancellation.
    _deciding: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _recovered: bool = attrs.field(default=False, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    # -- life -----------------------------------------------------------------------------------

    def stopService(self) -> Deferred[Any]:
        """Break off what is under way, and store what is known."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._batch_stop.set(SHUTDOWN)
        if self._active is not None and not self._active.ending:
            self._active.stop.set(SHUTDOWN)
        for work in (self._task, self._batch):
            if work is not None:
                await _ended(work, self._reactor, STOP_SECONDS)

    async def recover(self) -> None:
        """End what an earlier process left under way, once."""
        if self._recovered:
            return
        now_ms = self._now_ms()
        line = entry("warning", "recovered_interrupted", now_ms, {"reason": "startup_recovery"})
        ended = await self._store.write(stored.interrupt_unended, now_ms, RECOVERED, line)
        self._recovered = True
        if ended:
            self._log.warn("{n} inspections were interrupted by the last end", n=ended)

    # -- reading --------------------------------------------------------------------------------

    async def runs(self, limit: int, before_id: int = 0) -> list[dict[str, Any]]:
        """The newest runs, newest first."""
        active = self._active
        runs = await self._store.read(stored.read_runs, limit, before_id)
        return [_run_json(run, active) for run in runs]

    async def detail(
        self, run_id: int, after_result: int = 0, after_log: int = 0
    ) -> dict[str, Any]:
        """A run with its results and logs; raises `RunNotFound`."""
        # What ends while it is read is told to be active still, and never the other way round.
        active = self._active
        found = await self._store.read(stored.read_detail, run_id, after_result, after_log)
        if found is None:
            raise RunNotFound
        return _detail_json(*found, active)

    # -- starting -------------------------------------------------------------------------------

    @property
    def _busy(self) -> bool:
        return self._active is not None or self._batch is not None

    def _check_free(self) -> None:
        if not self.running:
            raise Stopping
        if self._busy or self._deciding.locked:
            raise AlreadyRunning

    async def start(self, trigger: str, key: str) -> dict[str, Any]:
        """Begin a run: its detail as soon as it is stored; the work goes on by itself."""
        self._check_free()
        if not self._configured():
            raise NotConfigured
        return await self._deciding.run(lambda: Deferred.fromCoroutine(self._begin(trigger, key)))

    async def _begin(self, trigger: str, key: str) -> dict[str, Any]:
        settings = self._settings_of()
        await self.recover()
        now_ms = self._now_ms()
        run_id = await self._store.write(stored.begin, trigger, key, settings.json(), now_ms)
        if run_id is None:
            raise TriggerExists
        run = Run(run_id, trigger, key, stored.RUNNING, now_ms, settings.json())
        run.created_at_ms = run.updated_at_ms = now_ms
        self._active = _Active(run)
        if not self.running:
            self._active.stop.set(SHUTDOWN)
        self._task = Deferred.fromCoroutine(self._carry_out(self._active, settings))
        self._task.addErrback(lambda f: self._log.failure("an inspection broke", failure=f))
        return _detail_json(run, [], [], self._active)

    async def _carry_out(self, active: _Active, settings: InspectionSettings) -> None:
        try:
            await self._inspect(active, settings)
        finally:
            self._active = None
        await self._forget_old()

    async def _inspect(self, active: _Active, settings: InspectionSettings) -> None:
        run = active.run
        recorder = Recorder(self._store, run.id, self._now_ms)
        inspection = Inspection(
            run=run,
            settings=settings,
            recorder=recorder,
            stop=active.stop,
            claims=self._claims,
            executor=self._executor,
            probers=self._probers.of(settings, recorder, self._editor),
            random=self._random,
            now_ms=self._now_ms,
            observe=self._observe,
        )
        recorder.log(
            "info",
            "run_started",
            triggerType=run.trigger_type,
            triggerKey=run.trigger_key,
            targetTypes=list(settings.targets),
        )
        failure = await self._attempt(inspection)
        await self._finish(active, inspection, failure)

    async def _attempt(self, inspection: Inspection) -> str:
        """Why the run failed, "" where it did not."""
        try:
            entries = await inspection.stop.guard(self._editor.credentials.listing())
        except Problem as problem:
            inspection.recorder.log("error", "auth_files_failed", error=problem.message)
            return problem.message
        except BaseException:
            if inspection.stop:
                return ""
            raise
        try:
            await inspection.carry_out(entries)
        except Exception as error:
            self._log.failure("an inspection failed")
            return repr(error)
        return ""

    async def _finish(self, active: _Active, inspection: Inspection, failure: str) -> None:
        """Store the end. A cancellation that came before this wins over everything."""
        active.ending = True
        run, now_ms = active.run, self._now_ms()
        lost = await inspection.recorder.again()
        if lost:
            failed = f"{lost} results could not be stored"
            run.action_error = "; ".join(t for t in (run.action_error, failed) if t)
        if active.stop:
            run.status, run.error = ENDS[active.stop.reason]
        else:
            # Actions of people get an error of their own, beside what the run says of itself.
            run.status, run.error = (FAILED, failure) if failure else (COMPLETED, run.action_error)
            run.action_error = ""
        run.finished_at_ms = run.updated_at_ms = now_ms
        try:
            await self._store.write(stored.update, run, _last_lines(inspection, now_ms, lost))
        except StoreUnavailable as problem:
            # The next look ends it as interrupted.
            self._recovered = False
            self._log.error("the end of an inspection: {reason}", reason=problem.message)

    async def _forget_old(self) -> None:
        try:
            while await self._store.write(stored.forget_old, self._now_ms()):
                if not self.running:
                    return
        except StoreUnavailable as problem:
            self._log.warn("old inspections stay: {reason}", reason=problem.message)

    # -- cancelling -----------------------------------------------------------------------------

    async def cancel(self, run_id: int) -> dict[str, Any]:
        """End a run as a person wishes; its detail. Raises a `Problem` where that can't be."""
        if not self.running:
            raise Stopping
        await self._deciding.run(lambda: Deferred.fromCoroutine(self._cancel(run_id)))
        return await self.detail(run_id)

    async def _cancel(self, run_id: int) -> None:
        active = self._active
        if active is None or active.run.id != run_id:
            run = await self._store.read(stored.read_run, run_id)
            if run is None:
                raise RunNotFound
            if run.status != CANCELLED:
                raise RunNotCancellable
            return
        if active.stop.reason == USER:
            return
        if active.ending or active.stop:
            raise RunNotCancellable
        active.run.status = CANCELLING
        # From here on it is a cancelled run, whatever becomes of the write.
        active.stop.set(USER)
        await self._store.write(stored.cancelling, run_id, self._now_ms(), ENDS[USER][1])

    # -- batches --------------------------------------------------------------------------------

    async def exclusively(self, work: Callable[[Stop], Any]) -> Any:
        """Run a batch of actions; raises where a run or another batch is under way."""
        self._check_free()
        self._batch_stop = Stop()
        batch: Deferred[Any] = Deferred.fromCoroutine(work(self._batch_stop))
        self._batch = Deferred()
        try:
            return await batch
        finally:
            over, self._batch = self._batch, None
            over.callback(None)


def _detail_json(
    run: Run, results: Sequence[Result], logs: Sequence[LogEntry], active: _Active | None
) -> dict[str, Any]:
    return {
        "run": _run_json(run, active),
        "results": [result_json(result) for result in results],
        "logs": [log_json(run.id, line) for line in logs],
    }


def _run_json(run: Run, active: _Active | None) -> dict[str, Any]:
    this = active is not None and active.run.id == run.id
    cancellable = this and run.under_way and active is not None and not active.ending
    return run_json(run, active=this, cancellable=cancellable)


def _last_lines(inspection: Inspection, now_ms: int, lost: int) -> list[LogEntry]:
    run, stop = inspection.run, inspection.stop
    final = {"status": run.status, "reason": stop.reason, "error": run.error}
    lines = []
    if run.status == COMPLETED:
        counts = tally(inspection.outcomes)
        errors = [o.error for o in inspection.outcomes if o.status == ACTION_FAILED]
        trouble = counts[ACTION_FAILED] + counts[REVIEW] + lost
        detail = {
            "deleteCount": run.delete_count,
            "disableCount": run.disable_count,
            "enableCount": run.enable_count,
            "reauthCount": run.reauth_count,
            "keepCount": run.keep_count,
            "actionSuccessCount": counts[SUCCESS],
            "actionFailedCount": counts[ACTION_FAILED],
            "actionSkippedCount": counts[SKIPPED],
            "actionNeedsReviewCount": counts[REVIEW],
            "actionErrors": errors,
            "resultWriteFailedCount": lost,
        }
        lines.append(entry("warning" if trouble else "success", "completed", now_ms, detail))
    elif run.status in (CANCELLED, INTERRUPTED):
        lines.append(entry("warning", run.status, now_ms, final))
    level = "error" if run.status == FAILED else "info"
    return [*lines, entry(level, "lifecycle_finalized", now_ms, final)]


async def _ended(work: Deferred[Any], reactor: Any, seconds: float) -> None:
    """Wait for the end of work, but not for ever."""
    over: Deferred[None] = Deferred()

    def end(result: Any = None) -> Any:
        if not over.called:
            over.callback(None)
        return result

    timer = reactor.callLater(seconds, end)
    work.addBoth(end)
    await over
    if timer.active():
        timer.cancel()
