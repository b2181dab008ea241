"""Runs against the simulator: what they probe, and what they find (inspection, 3, 4, 15)."""

from __future__ import annotations

from pathlib import Path

from pytest_twisted import ensureDeferred

from tests.inspection import fixture
from tests.inspection.fixture import ALL, BY_KEY, HEALTHY
from tests.inspection.running import (
    CALL,
    P,
    by_account,
    messages,
    prepare,
)
from tests.inspection.world import world


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
