"""Runs that fail, are broken off, begin by the schedule, and go (inspection, 3 to 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_twisted import ensureDeferred

from cpamp.inspection import problems
from tests.inspection.running import (
    CALL,
    by_account,
    messages,
    prepare,
    refusal,
    slow,
)
from tests.inspection.world import until, world

# what becomes of the listing, and what the run says of it
FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"status": 500}, "500"),
    ({"body": "<html>"}, "no JSON"),
    ({"body": '{"files":{}}'}, "not a list"),
]


@ensureDeferred
async def test_cpa_is_down(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for do, said in FAILURES:
            w.cpa.faults.add({"when": {"path": "/v0/management/auth-files"}, "do": do})
            detail = await w.inspect(autoActionMode="disable")
            assert detail["run"]["status"] == "failed"
            assert said in detail["run"]["error"]
            assert messages(detail) == ["run_started", "auth_files_failed", "lifecycle_finalized"]
            assert {line["runId"] for line in detail["logs"]} == {detail["run"]["id"]}
        w.configured = False
        await refusal(w.inspector.start("manual", "manual"), problems.NotConfigured)


@ensureDeferred
async def test_cancelling(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        slow(w, "f02", "f03", "f04", "f05")
        begun = await w.inspector.start("manual", "manual")
        assert begun["results"] == begun["logs"] == []
        assert (begun["run"]["active"], begun["run"]["cancellable"]) == (True, True)
        run_id = begun["run"]["id"]
        await refusal(w.inspector.start("manual", "manual"), problems.AlreadyRunning)
        await refusal(w.manual.act(run_id, {"resultIds": [1]}), problems.AlreadyRunning)
        await until(lambda: len(w.calls(CALL)) == 5, "the slow probes")
        detail = await w.inspector.cancel(run_id)
        assert detail["run"]["status"] in ("cancelling", "cancelled")
        over = await w.over(run_id)
        assert (over["run"]["status"], over["run"]["error"]) == ("cancelled", "user requested")
        assert over["run"]["finishedAtMs"]
        # What was known is kept, what was broken off is left out.
        assert list(by_account(over)) == ["f01"]
        assert messages(over)[-2:] == ["cancelled", "lifecycle_finalized"]
        assert (await w.inspector.cancel(run_id))["run"]["status"] == "cancelled"
        await refusal(w.inspector.cancel(99), problems.RunNotFound)
        prepare(w)
        done = await w.inspect()
        await refusal(w.inspector.cancel(done["run"]["id"]), problems.RunNotCancellable)
        await refusal(w.manual.act(run_id, {"resultIds": [1]}), problems.RunNotCompleted)


@ensureDeferred
async def test_results_are_seen_as_they_come(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        slow(w, "f02")
        run_id = (await w.inspector.start("manual", "manual"))["run"]["id"]
        await until(lambda: len(w.calls(CALL)) == 27, "the other probes")
        detail = await w.inspector.detail(run_id)
        while detail["run"]["completedCount"] < 27:
            detail = await w.inspector.detail(run_id)
        assert len(detail["results"]) == 27
        last_log, last_result = detail["logs"][-1]["id"], max(r["id"] for r in detail["results"])
        later = await w.inspector.detail(run_id, last_result, last_log)
        assert later["results"] == later["logs"] == []
        await w.inspector.cancel(run_id)


@ensureDeferred
async def test_the_end_of_the_process_and_the_next_one(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        slow(w, "f02", "f03", "f04", "f05")
        run_id = (await w.inspector.start("manual", "manual"))["run"]["id"]
        await until(lambda: len(w.calls(CALL)) == 5, "the slow probes")
        await w.inspector.stopService()
        detail = await w.inspector.detail(run_id)
        assert detail["run"]["status"] == "interrupted"
        assert len(detail["results"]) == 1
        await refusal(w.inspector.start("manual", "manual"), problems.Stopping)
        # One that a killed process left behind.
        await w.store.write(lambda c: c.execute("UPDATE inspection_runs SET status = 'running'"))
        w.begin()
        assert (await w.inspector.detail(run_id))["run"]["active"] is False
        await w.scheduler.look()
        detail = await w.inspector.detail(run_id)
        assert detail["run"]["status"] == "interrupted"
        assert messages(detail)[-1] == "recovered_interrupted"


@ensureDeferred
async def test_the_schedule(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        w.settings = w.settings.merged({"enabled": True, "schedule": {"intervalMinutes": 5}})
        await w.scheduler.look()
        (run,) = await w.inspector.runs(20)
        assert run["triggerType"] == "scheduled"
        assert run["triggerKey"].startswith("interval:5:")
        over = await w.over(run["id"])
        await w.scheduler.look()
        assert len(await w.inspector.runs(20)) == 1
        wanted = await w.scheduler.next_at_ms()
        assert wanted == over["run"]["finishedAtMs"] + 300_000
        w.ahead_ms += 301_000
        await w.scheduler.look()
        newest, oldest = await w.inspector.runs(20)
        await w.over(newest["id"])
        assert (await w.inspector.runs(20, newest["id"]))[0]["id"] == oldest["id"]
        await refusal(w.inspector.start("scheduled", newest["triggerKey"]), problems.TriggerExists)


@ensureDeferred
async def test_a_listing_that_does_not_come_can_be_waited_for_no_longer(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        files = "/v0/management/auth-files"
        w.cpa.faults.add({"when": {"path": files}, "do": {"delay_ms": 60_000}})
        run_id = (await w.inspector.start("manual", "manual"))["run"]["id"]
        await until(lambda: bool(w.calls(f"GET {files}")), "the listing")
        await w.inspector.cancel(run_id)
        over = await w.over(run_id)
        assert (over["run"]["status"], over["results"]) == ("cancelled", [])
        assert w.calls(CALL) == []


@ensureDeferred
async def test_old_runs_go(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        first = await w.inspect()
        w.ahead_ms = 91 * 86_400_000
        last = await w.inspect()
        await until(lambda: w.inspector._task.called, "the end of the run")
        runs = await w.inspector.runs(20)
        assert [run["id"] for run in runs] == [last["run"]["id"]]
        await refusal(w.inspector.detail(first["run"]["id"]), problems.RunNotFound)
        assert await w.store.read(
            lambda c: c.execute("SELECT count(*) FROM inspection_results").fetchone()
        ) == (28,)
