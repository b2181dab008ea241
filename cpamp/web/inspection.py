"""Inspections (inspection contract, section 1)."""

from __future__ import annotations

import re
from typing import Any

import attrs

from cpamp.cpa.errors import AT_CPA
from cpamp.errors import Problems
from cpamp.inspection.inspector import Inspector
from cpamp.inspection.manual import ManualActions
from cpamp.inspection.problems import (
    AlreadyRunning,
    NoActionableResults,
    NotConfigured,
    OverrideInvalid,
    ResultIdsRequired,
    RunIdInvalid,
    RunNotCancellable,
    RunNotCompleted,
    RunNotFound,
    Stopping,
    TriggerExists,
)
from cpamp.inspection.scheduler import Scheduler
from cpamp.web.errors import MethodNotAllowed
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, route, whole
from cpamp.web.shapes import accounts, bodies

BASE = "/v0/management/codex-inspection"
RUNS, MOST_RUNS = 20, 200

NO_RUN: Problems = (RunIdInvalid, RunNotFound)


@attrs.define
class Inspections:
    """`/v0/management/codex-inspection` and all below it."""

    _inspector: Inspector
    _scheduler: Scheduler
    _actions: ManualActions

    @route(
        "POST",
        f"{BASE}/run",
        summary="Begin an inspection",
        answer=accounts.RunDetail,
        problems=(NotConfigured, AlreadyRunning, Stopping, TriggerExists),
    )
    async def run(self, request: ApiRequest) -> dict[str, Any]:
        """Answers as soon as the run is stored."""
        return await self._inspector.start("manual", "manual")

    @route(
        "GET",
        f"{BASE}/runs",
        summary="The newest inspections",
        query={
            "limit": whole("1 to 200, else 20"),
            "beforeId": whole("only those before this run"),
        },
        answer=accounts.Runs,
    )
    async def runs(self, request: ApiRequest) -> dict[str, Any]:
        """Newest first, and when the schedule wants the next one."""
        limit = _positive(request.query("limit")) or RUNS
        before = _positive(request.query("beforeId"))
        answer: dict[str, Any] = {
            "items": await self._inspector.runs(min(limit, MOST_RUNS), before)
        }
        next_at_ms = await self._scheduler.next_at_ms()
        return answer if next_at_ms is None else {**answer, "nextScheduledAtMs": next_at_ms}

    @route(
        "GET",
        f"{BASE}/runs/<run_id>",
        summary="An inspection with its results and logs, also while it is under way",
        query={
            "resultsAfterId": whole("only results behind this one"),
            "logsAfterId": whole("only log entries behind this one"),
        },
        answer=accounts.RunDetail,
        problems=NO_RUN,
    )
    async def detail(self, request: ApiRequest, run_id: str) -> dict[str, Any]:
        """Polled for progress."""
        return await self._inspector.detail(
            _run_id(run_id),
            _positive(request.query("resultsAfterId")),
            _positive(request.query("logsAfterId")),
        )

    @route(
        "POST",
        f"{BASE}/runs/<run_id>/cancel",
        summary="End an inspection",
        answer=accounts.RunDetail,
        problems=(*NO_RUN, RunNotCancellable),
    )
    async def cancel(self, request: ApiRequest, run_id: str) -> dict[str, Any]:
        """Goes on if the client leaves."""
        return await self._inspector.cancel(_run_id(run_id))

    @route(
        "POST",
        f"{BASE}/runs/<run_id>/actions",
        summary="Act on results of an inspection; dryRun only tells what would be done",
        body=Body.json(bodies.ActionsBody),
        answer=accounts.Acted,
        problems=(
            *NO_RUN,
            *(RunNotCompleted, ResultIdsRequired, NoActionableResults, OverrideInvalid),
            *(NotConfigured, AlreadyRunning, Stopping),
            *AT_CPA,
        ),
    )
    async def actions(self, request: ApiRequest, run_id: str) -> dict[str, Any]:
        """Answers when all is done."""
        return await self._actions.act(_run_id(run_id), await request.json_object())

    @route(ANY_METHOD, f"{BASE}/runs/<run_id>/<path:rest>", summary="Nothing", fallback=True)
    async def no_run(self, request: ApiRequest, run_id: str, rest: str) -> None:
        """An id that is none."""
        _run_id(run_id)
        raise RunIdInvalid

    @route(
        ANY_METHOD,
        "/v0/management/<regex('codex-inspection[^/]*'):head>",
        summary="Nothing",
        fallback=True,
    )
    @route(
        ANY_METHOD,
        "/v0/management/<regex('codex-inspection[^/]*'):head>/<path:rest>",
        summary="Nothing",
        fallback=True,
    )
    async def nothing(self, request: ApiRequest, head: str, rest: str = "") -> None:
        """All of this prefix belongs to the manager."""
        raise MethodNotAllowed(["GET", "POST"])


def _run_id(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise RunIdInvalid
    return int(text)


def _positive(text: str | None) -> int:
    """The number; 0 where there is none."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else 0
