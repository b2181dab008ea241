"""What runs and people do to accounts, and what is told of it (inspection, 5 and 15)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_twisted import ensureDeferred

from cpamp.inspection import problems
from tests.inspection import fixture
from tests.inspection.fixture import BY_KEY, EXHAUSTED, HEALTHY
from tests.inspection.running import (
    DELETE,
    STATUS,
    P,
    answers,
    by_account,
    ids,
    messages,
    prepare,
    refusal,
)
from tests.inspection.world import world


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
