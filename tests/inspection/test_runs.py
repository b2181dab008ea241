"""Runs against the simulator: the fixture in every mode, actions, ends (inspection, 3 to 7, 15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.errors import Problem
from cpamp.inspection import problems
from tests.inspection import fixture
from tests.inspection.fixture import ALL, BY_KEY, EXHAUSTED, HEALTHY
from tests.inspection.world import World, until, world

P = "monitoring.server_codex_inspection_log_message_"
STATUS = "PATCH /v0/management/auth-files/status"
DELETE = "DELETE /v0/management/auth-files"
CALL = "POST /v0/management/api-call"


def prepare(w: World) -> None:
    w.cpa.auth_files = fixture.entries()
    w.cpa.api_rules.rules = fixture.rules()


def by_account(detail: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {r["displayAccount"].removesuffix("@example.test"): r for r in detail["results"]}


def messages(detail: dict[str, Any]) -> list[str]:
    return [line["message"].removeprefix(P) for line in detail["logs"]]


def ids(detail: dict[str, Any], *accounts: str) -> list[int]:
    return [by_account(detail)[account]["id"] for account in accounts]


def answers(w: World, index: str, **reply: Any) -> None:
    """From now on the provider answers so for one account."""
    w.cpa.api_rules.rules.insert(0, {"match": {"auth_index": index}, "reply": reply})


async def refusal(awaited: Any, kind: type[Problem]) -> None:
    with pytest.raises(kind):
        await awaited


@ensureDeferred
async def test_the_fixture_without_actions(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        detail = await w.inspect()
        run = detail["run"]
        assert run["status"] == "completed"
        counts = {
            name: run[f"{name}Count"] for name in ("delete", "disable", "enable", "reauth", "keep")
        }
        assert counts == {"delete": 4, "disable": 4, "enable": 1, "reauth": 3, "keep": 16}
        assert (run["totalFiles"], run["probeSetCount"], run["sampledCount"]) == (29, 28, 28)
        assert (run["disabledCount"], run["enabledCount"], run["completedCount"]) == (4, 24, 28)
        assert "error" not in run
        assert (run["active"], run["cancellable"]) == (False, False)
        assert len(w.calls(CALL)) == 27
        assert w.calls("PATCH") == w.calls("DELETE") == []
        found = by_account(detail)
        for case in ALL:
            result = found[case.key]
            assert (result["action"], result.get("usedPercent"), result["isQuota"]) == (
                case.action,
                case.used,
                case.quota,
            ), case.key
            assert result.get("errorKind") == case.kind
            assert tuple(window["id"] for window in result.get("quotaWindows", [])) == case.windows
        assert found["f05"]["autoRecoverEligible"] is False
        assert found["f11"]["quotaInventoryObserved"] is True
        assert found["f12"]["quotaInventoryObserved"] is False
        assert found["f18"]["errorDetail"] == "HTTP 401"
        assert "statusCode" not in found["f22"]
        assert found["f01"]["accountKey"] == "f01.json::a01"
        assert messages(detail)[:2] == ["run_started", "set_ready"]
        assert messages(detail)[-2:] == ["completed", "lifecycle_finalized"]
        assert messages(detail).count("probe_completed") == 25


@ensureDeferred
async def test_mode_disable_then_recovery(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        first = await w.inspect(autoActionMode="disable")
        found = by_account(first)
        patched = {"f03.json", "f08.json", "f09.json", "f13.json", "f14.json"}
        patched |= {"shared-a", "dead-a", "dead-b"}
        assert len(w.calls(STATUS)) == 8
        before_off = {"f04.json", "f05.json", "f06.json", "f12.json"}
        assert w.disabled() == patched | before_off
        assert w.calls("DELETE") == []
        assert (found["f14"]["action"], found["f14"]["actionStatus"]) == ("delete", "success")
        assert found["f14"]["executedAction"] == "disable"
        assert {found["d1"]["actionStatus"], found["d2"]["actionStatus"]} == {"success", "skipped"}
        owners = {claim.file_name for claim in await w.held()}
        assert owners == {*(f for f in patched if f.startswith("f")), "shared.json", "dead.json"}
        assert len(await w.held()) == 8
        assert (first["run"]["disabledCount"], first["run"]["enabledCount"]) == (12, 16)

        again = by_account(await w.inspect(autoActionMode="disable"))
        assert {again[key]["action"] for key in ("f03", "f08", "f09", "f13")} == {"keep"}
        assert {again[key]["actionStatus"] for key in ("f14", "s1", "d1", "d2")} == {"skipped"}
        assert len(w.calls(STATUS)) == 8

        answers(w, "a03", status=200, body=HEALTHY)
        third = by_account(await w.inspect(autoActionMode="disable", autoRecoverEnabled=True))
        assert (third["f03"]["action"], third["f03"]["actionStatus"]) == ("enable", "success")
        assert third["f03"]["autoRecoverEligible"] is True
        assert third["f05"]["actionReasonCode"] == "quota_recovered_manual_only"
        assert not w.entry("f03.json")["disabled"]
        assert w.entry("f05.json")["disabled"]
        assert len(await w.held()) == 7


@ensureDeferred
async def test_mode_delete(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        found = by_account(await w.inspect(autoActionMode="delete"))
        assert len(w.calls(DELETE)) == 2
        gone = {entry["name"] for entry in fixture.entries()} - {
            e["name"] for e in w.cpa.auth_files
        }
        assert gone == {"f14.json", "dead.json"}
        assert {found["d1"]["actionStatus"], found["d2"]["actionStatus"]} == {"success", "skipped"}
        assert found["s1"]["actionStatus"] == "needs_review"
        assert {"f03.json", "f08.json", "f09.json", "f13.json"} <= w.disabled()
        assert "shared-a" not in w.disabled()


@ensureDeferred
async def test_manual_actions(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        detail = await w.inspect()
        run_id = detail["run"]["id"]

        async def act(*accounts: str, **more: Any) -> list[str]:
            body = {"resultIds": ids(detail, *accounts), **more}
            answer = await w.manual.act(run_id, body)
            return [outcome["status"] for outcome in answer["outcomes"]]

        assert await act("f14", "f05", dryRun=True) == ["planned", "planned"]
        assert w.calls("PATCH") == w.calls("DELETE") == []
        assert await act("s1") == ["needs_review"]
        assert await act("d1") == ["needs_review"]
        assert await act("f01") == ["skipped"]
        (f16,) = ids(detail, "f16")
        override = [{"resultId": f16, "action": "delete"}]
        assert await act("f16") == ["skipped"]
        assert await act("f16", actionOverrides=override) == ["success"]
        assert not any(entry["name"] == "f16.json" for entry in w.cpa.auth_files)
        assert await act("f05") == ["success"]
        assert not w.entry("f05.json")["disabled"]
        assert await act("f05") == ["skipped"]
        assert await w.held() == []
        after = by_account(await w.inspector.detail(run_id))
        assert after["f01"]["actionStatus"] == "none"
        assert after["f16"]["action"] == "reauth"
        assert after["f16"]["executedAction"] == "delete"
        bad = [
            ({"resultIds": []}, problems.ResultIdsRequired),
            ({"resultIds": [-1]}, problems.ResultIdsRequired),
            ({"resultIds": [10**6]}, problems.NoActionableResults),
            (
                {"resultIds": [f16], "actionOverrides": [{"resultId": f16, "action": "disable"}]},
                problems.OverrideInvalid,
            ),
            (
                {"resultIds": ids(detail, "f01"), "actionOverrides": override},
                problems.OverrideInvalid,
            ),
        ]
        for body, kind in bad:
            await refusal(w.manual.act(run_id, body), kind)
        await refusal(w.manual.act(99, {"resultIds": [1]}), problems.RunNotFound)


@ensureDeferred
async def test_both_of_a_file_are_deleted_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        detail = await w.inspect()
        answer = await w.manual.act(detail["run"]["id"], {"resultIds": ids(detail, "d1", "d2")})
        statuses = [outcome["status"] for outcome in answer["outcomes"]]
        assert sorted(statuses) == ["skipped", "success"]
        assert len(w.calls(DELETE)) == 1


@ensureDeferred
async def test_every_account_failing_at_once_disables_nobody(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        body = {"status": 200, "body": EXHAUSTED}
        w.cpa.api_rules.rules = [{"match": {}, "reply": body}]
        detail = await w.inspect(autoActionMode="disable")
        assert w.calls("PATCH") == []
        assert "looks like an outage" in detail["run"]["error"]
        f01 = by_account(detail)["f01"]
        assert (f01["action"], f01["actionStatus"]) == ("disable", "pending")
        # A person may still want it.
        answer = await w.manual.act(detail["run"]["id"], {"resultIds": [f01["id"]]})
        assert answer["outcomes"][0]["status"] == "success"
        assert await w.held() == []
        # What the run says of itself stays beside what became of a person's actions.
        assert "looks like an outage" in answer["detail"]["run"]["error"]
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": {"status": 500}})
        chosen = {"resultIds": ids(detail, "f02")}
        error = (await w.manual.act(detail["run"]["id"], chosen))["detail"]["run"]["error"]
        assert "looks like an outage" in error
        assert error.endswith("1 actions failed")


@ensureDeferred
async def test_retries_and_timeouts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.auth_files = [BY_KEY["f01"].entry(), BY_KEY["f03"].entry()]
        w.cpa.api_rules.rules = [
            {"match": {"auth_index": "a01"}, "times": 1, "reply": {"status": 503, "body": ""}},
            {"match": {"auth_index": "a03"}, "reply": {"delay_ms": 5000}},
            {"match": {"auth_index": "a01"}, "reply": {"status": 200, "body": HEALTHY}},
        ]
        found = by_account(await w.inspect(retries=1, timeout=1000))
        assert found["f01"]["statusCode"] == 200
        assert found["f03"]["errorKind"] == "request_error"
        assert "within 1 s" in found["f03"]["error"]
        assert len(w.calls(CALL)) == 4


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


def slow(w: World, *cases: str) -> None:
    prepare(w)
    w.cpa.api_rules.rules = [
        {"match": {"auth_index": BY_KEY[key].index}, "reply": {"delay_ms": 60_000}} for key in cases
    ] + fixture.rules()


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
async def test_a_sample_is_of_each_provider(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        run = (await w.inspect(sampleSize=3))["run"]
        assert (run["probeSetCount"], run["sampledCount"]) == (28, 3)
        w.cpa.auth_files += [
            {**entry, "type": "xai", "provider": "xai", "name": f"x{i}.json", "id": f"x{i}.json"}
            for i, entry in enumerate(fixture.entries()[:2])
        ]
        detail = await w.inspect(sampleSize=3, targetTypes=["xai", "codex"])
        assert (detail["run"]["probeSetCount"], detail["run"]["sampledCount"]) == (30, 5)
        providers = [result["provider"] for result in detail["results"]]
        assert (providers.count("codex"), providers.count("xai")) == (3, 2)


@ensureDeferred
async def test_a_run_for_others_leaves_claims_as_they_are(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.auth_files = [BY_KEY["f01"].entry(), BY_KEY["f03"].entry()]
        w.cpa.api_rules.rules = fixture.rules()
        await w.inspect(autoActionMode="disable")
        run = (await w.inspect(autoActionMode="disable", targetTypes=["xai"]))["run"]
        assert (run["totalFiles"], run["probeSetCount"]) == (2, 0)
        assert [claim.file_name for claim in await w.held()] == ["f03.json"]
        # A CPA that lists nothing has not read its files.
        files, w.cpa.auth_files = w.cpa.auth_files, []
        await w.inspect(autoActionMode="disable")
        assert len(await w.held()) == 1
        # Enabled by somebody: what he does with it later is his.
        w.cpa.auth_files = files
        w.entry("f03.json").update(disabled=False, status="active")
        detail = await w.inspect()
        assert await w.held() == []
        (line,) = [line for line in detail["logs"] if line["message"] == f"{P}ownership_cleanup"]
        assert line["detail"]["fileName"] == "f03.json"


@ensureDeferred
async def test_what_the_log_of_actions_tells(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        keys = ("f01", "f02", "f03", "f08", "f13", "f14", "f15")
        w.cpa.auth_files = [BY_KEY[key].entry() for key in keys]
        w.cpa.auth_files.append(BY_KEY["f01"].entry(file="g.json"))
        w.cpa.api_rules.rules = fixture.rules()
        # One change fails, and one credential is gone when it is to be changed.
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": {"status": 500}})
        detail = await w.inspect(workers=1, deleteWorkers=1, autoActionMode="disable")
        told = messages(detail)
        start = told.index("auto_started")
        assert sorted(told[start:]) == [
            "auto_action_failed",
            *["auto_action_succeeded"] * 3,
            "auto_completed",
            "auto_started",
            "completed",
            "lifecycle_finalized",
        ]
        lines = {line["message"].removeprefix(P): line for line in detail["logs"]}
        assert lines["auto_started"]["detail"] == {"requestedCount": 4, "actionCount": 4}
        assert lines["auto_completed"]["level"] == "warning"
        assert lines["auto_completed"]["detail"] == {
            "successCount": 3,
            "failedCount": 1,
            "skippedCount": 0,
            "needsReviewCount": 0,
            "remainingCount": 0,
        }
        failed = lines["auto_action_failed"]["detail"]
        assert {"fileName", "displayAccount", "action", "authIndex", "accountId", "error"} == {
            *failed
        }
        done = lines["completed"]["detail"]
        assert (done["actionSuccessCount"], done["actionFailedCount"]) == (3, 1)
        assert (done["deleteCount"], done["disableCount"], done["keepCount"]) == (1, 3, 4)
        assert len(done["actionErrors"]) == 1
        assert detail["run"]["status"] == "completed"
        assert detail["run"]["error"] == "1 automatic actions failed"
        levels = {line["level"] for line in detail["logs"] if "probe_completed" in line["message"]}
        assert levels == {"info", "warning", "error"}
        # Once more: what failed is tried again, by a person, too.
        (again,) = [r for r in detail["results"] if r["actionStatus"] == "failed"]
        answer = await w.manual.act(detail["run"]["id"], {"resultIds": [again["id"]]})
        assert [outcome["status"] for outcome in answer["outcomes"]] == ["success"]
        assert "error" not in answer["outcomes"][0]


@ensureDeferred
async def test_nothing_is_asked_for_actions_where_none_are_allowed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w)
        for mode in ("none", "enable"):
            detail = await w.inspect(autoActionMode=mode)
            assert not any("auto" in message for message in messages(detail))
        assert len(w.calls("GET /v0/management/auth-files")) == 2


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
