"""Credentials that rest, and candidates (inspection contract, 10 to 12, and 16.5, 16.19, 16.20)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from cpamp.errors import Problem
from cpamp.inspection.account import Identity
from cpamp.inspection.automation import Automation
from cpamp.inspection.candidates import CandidateNotFound, Candidates, NotPending
from cpamp.inspection.cooldowns import Cooldowns
from cpamp.inspection.evidence import CODEX_OWNER, Exhaustion
from cpamp.inspection.ownership import Holders
from cpamp.inspection.policy import EnvLocked, Policy
from cpamp.inspection.targets import TargetGone, TargetShared
from cpamp.settings import Settings, load
from cpamp.store import cooldowns as stored
from tests.inspection import fixture
from tests.inspection.test_evidence import failed
from tests.inspection.world import World, until, world

HOUR_MS = 3_600_000
STATUS = "PATCH /v0/management/auth-files/status"


@attrs.define
class Rest:
    """A world with everything that acts by itself."""

    world: World
    cooldowns: Cooldowns
    candidates: Candidates
    policy: Policy
    automation: Automation

    async def rows(self) -> list[tuple[str, str, str]]:
        rows = await self.world.store.read(
            lambda c: c.execute("SELECT file_name, state, note FROM quota_cooldowns").fetchall()
        )
        return list(rows)

    def found(self, key: str, in_ms: int = HOUR_MS, **changes: Any) -> Exhaustion:
        case = fixture.BY_KEY[key]
        identity = Identity(f"{key}.json", "codex", case.index, "", f"{key}@example.test")
        at_ms = self.world.now_ms() + in_ms
        return Exhaustion(
            attrs.evolve(identity, **changes),
            CODEX_OWNER,
            "codex_usage_limit_reached",
            "weekly",
            at_ms,
        )


@asynccontextmanager
async def rest(folder: Path, **environ: str) -> AsyncIterator[Rest]:
    async with world(folder) as w:
        w.cpa.auth_files = fixture.entries()
        settings: Settings = load({"USAGE_DATA_DIR": ".", **environ}, folder)
        cooldowns = Cooldowns(
            reactor, w.store, w.editor, Holders((w.claims,)), lambda: True, w.now_ms, w.journal
        )
        holders = Holders((w.claims, cooldowns))
        candidates = Candidates(w.store, w.editor, holders, lambda: True, w.now_ms, w.journal)
        policy = Policy(settings, w.store, w.now_ms)
        automation = Automation(
            reactor, w.store, policy, cooldowns, candidates, lambda: True, w.now_ms
        )
        automation.startService()
        try:
            yield Rest(w, cooldowns, candidates, policy, automation)
        finally:
            await until(lambda: automation._working is None, "the end of the work")
            automation.stopService()


@ensureDeferred
async def test_a_credential_rests_until_its_quota_is_back(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        assert w.entry("f01.json")["disabled"]
        (row,) = await r.cooldowns.active()
        assert (row.account_id, row.mark_ms > 0) == ("acc-f01", True)
        # A later proof extends it, an earlier one does not shorten it.
        await r.cooldowns.take(r.found("f01", 2 * HOUR_MS))
        await r.cooldowns.take(r.found("f01", 5))
        (row,) = await r.cooldowns.active()
        assert row.recover_at_ms > w.now_ms() + HOUR_MS
        assert len(w.calls(STATUS)) == 1
        await r.cooldowns.restore_due()
        assert w.entry("f01.json")["disabled"]
        w.ahead_ms = 3 * HOUR_MS
        await r.cooldowns.restore_due()
        assert not w.entry("f01.json")["disabled"]
        assert await r.rows() == [("f01.json", "recovered", "")]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"file_name": "none.json"}, TargetGone),
        ({"auth_index": "other"}, TargetGone),
        ({"account_snapshot": "other@example.test"}, TargetGone),
        ({"provider": "claude"}, TargetGone),
    ],
)
@ensureDeferred
async def test_what_is_not_found_is_left_alone(
    tmp_path: Path, changes: dict[str, Any], kind: type[Problem]
) -> None:
    async with rest(tmp_path) as r:
        with pytest.raises(kind):
            await r.cooldowns.take(r.found("f01", **changes))
        assert r.world.calls(STATUS) == []


@ensureDeferred
async def test_somebody_elses_disable_stays_his(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f04"))
        assert w.calls(STATUS) == []
        assert await r.rows() == []
        # Enabled and disabled again in CPA itself: the file's time tells.
        await r.cooldowns.take(r.found("f01"))
        w.entry("f01.json")["modtime"] = "2030-01-01T00:00:00Z"
        w.ahead_ms = 2 * HOUR_MS
        await r.cooldowns.restore_due()
        assert w.entry("f01.json")["disabled"]
        assert (await r.rows())[0][1:] == ("skipped", "changed by somebody else")


@ensureDeferred
async def test_faults_of_cpa(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        w.ahead_ms = 2 * HOUR_MS
        # A CPA that has not read its files yet lists nothing.
        files, w.cpa.auth_files = w.cpa.auth_files, []
        await r.cooldowns.restore_due()
        assert len(await r.cooldowns.active()) == 1
        w.cpa.auth_files = files
        # Not at once again, but after a pause.
        await r.cooldowns.restore_due()
        assert w.entry("f01.json")["disabled"]
        w.ahead_ms += 20_000
        # The answer is lost, not the change.
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": {"cut": 1}})
        await r.cooldowns.restore_due()
        assert not w.entry("f01.json")["disabled"]
        assert [state for _, state, _ in await r.rows()] == ["recovered"]
        # The file is gone for good.
        await r.cooldowns.take(r.found("f02"))
        w.cpa.auth_files = [e for e in w.cpa.auth_files if e["name"] != "f02.json"]
        w.ahead_ms += 2 * HOUR_MS
        await r.cooldowns.restore_due()
        assert (await r.rows())[-1][1] == "skipped"


@ensureDeferred
async def test_killed_between_the_change_and_its_record(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        (row,) = await r.cooldowns.active()
        # What a killed process leaves behind: the intention alone.
        row.state, row.mark_ms = stored.INTENDED, 0
        await w.store.write(stored.update, [row])
        await r.cooldowns.restore_due()
        (row,) = await r.cooldowns.active()
        assert row.mark_ms > 0
        row.state, row.mark_ms = stored.INTENDED, 0
        await w.store.write(stored.update, [row])
        w.entry("f01.json")["modtime"] = "2020-01-01T00:00:00Z"
        await r.cooldowns.restore_due()
        assert (await r.rows())[0][1:] == ("skipped", "disabled by somebody else")


@ensureDeferred
async def test_live_traffic(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        proof = failed(429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": 7200}})
        proof.timestamp_ms = w.now_ms()
        proof.who = proof.who._replace(
            auth_file_snapshot="f01.json", auth_index="a01", account_snapshot="f01@example.test"
        )
        r.automation.added([proof])
        await until(lambda: r.automation._working is None, "the work")
        assert w.calls(STATUS) == []
        await r.policy.change({"codexQuotaCooldownEnabled": True})
        began = time.monotonic()
        r.automation.added([proof] * 1000)
        await until(lambda: w.entry("f01.json")["disabled"], "the cooldown")
        assert time.monotonic() - began < 2
        await until(lambda: r.automation._working is None, "the work")
        assert len(w.calls(STATUS)) == 1


def refused(key: str, code: str = "token_revoked") -> Any:
    event = failed(401, {"error": {"code": code}})
    case = fixture.BY_KEY[key]
    event.who = event.who._replace(
        auth_file_snapshot=f"{key}.json",
        auth_index=case.index,
        account_snapshot=f"{key}@example.test",
    )
    event.event_hash = f"{key}-{code}-{time.monotonic_ns()}"
    return event


@ensureDeferred
async def test_candidates(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.policy.change({"authIssueQueueEnabled": True})
        for entry in w.cpa.auth_files:
            entry["modtime"] = "2026-11-01T00:00:00Z"

        async def happen(*events: Any) -> dict[str, Any]:
            r.automation.added(events)
            await until(lambda: r.automation._working is None, "the work")
            return await r.candidates.listing("", 100)

        listed = await happen(refused("f01"), refused("f01"), refused("f02"))
        assert listed["pendingCount"] == 2
        by_file = {item["authFileName"]: item for item in listed["items"]}
        assert (by_file["f01.json"]["hitCount"], by_file["f02.json"]["hitCount"]) == (2, 1)
        assert w.calls(STATUS) == []
        first, second = by_file["f01.json"]["id"], by_file["f02.json"]["id"]
        # CPA was asked once whose credential it is: another workspace may get its name.
        assert by_file["f01.json"]["accountIdSnapshot"] == "acc-f01"
        assert len(w.calls("GET")) == 2
        token = w.entry("f02.json")["id_token"]
        w.entry("f02.json")["id_token"] = {"chatgpt_account_id": "acc-other"}
        with pytest.raises(TargetGone):
            await r.candidates.delete(second)
        w.entry("f02.json")["id_token"] = token

        ignored = await r.candidates.ignore(first)
        assert ignored["item"]["status"] == "ignored"
        with pytest.raises(NotPending):
            await r.candidates.resolve(first)
        with pytest.raises(CandidateNotFound):
            await r.candidates.resolve(99)
        # Ignored until the credential changes.
        assert (await happen(refused("f01")))["pendingCount"] == 1
        w.entry("f01.json")["modtime"] = "2030-01-01T00:00:00Z"
        await r.candidates.resolve(second)
        listed = await happen(refused("f01"), refused("f02"))
        assert listed["pendingCount"] == 2

        await r.policy.change({"authIssueAutoDisableEnabled": True})
        listed = await happen(refused("f03"))
        (third,) = [i for i in listed["items"] if i["authFileName"] == "f03.json"]
        assert third["autoDisabledAtMs"]
        assert w.entry("f03.json")["disabled"]
        back = await r.candidates.enable(third["id"])
        assert back["item"]["status"] == "resolved"
        assert not w.entry("f03.json")["disabled"]

        listed = await happen(refused("f08"))
        (fourth,) = [i for i in listed["items"] if i["authFileName"] == "f08.json"]
        w.cpa.faults.add({"when": {"method": "DELETE"}, "do": {"status": 500}})
        with pytest.raises(Problem, match="500") as refused_by_cpa:
            await r.candidates.delete(fourth["id"])
        assert refused_by_cpa.value.status == 502
        (fourth,) = [
            i
            for i in (await r.candidates.listing("pending", 100))["items"]
            if i["authFileName"] == "f08.json"
        ]
        assert "500" in fourth["lastError"]
        assert (await r.candidates.delete(fourth["id"]))["item"]["status"] == "deleted"
        assert not any(e["name"] == "f08.json" for e in w.cpa.auth_files)


@ensureDeferred
async def test_a_shared_file_is_not_deleted(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        await r.policy.change({"authIssueQueueEnabled": True})
        event = refused("f01")
        event.who = event.who._replace(
            auth_file_snapshot="dead.json", auth_index="c1", account_snapshot="d1@example.test"
        )
        r.automation.added([event])
        await until(lambda: r.automation._working is None, "the work")
        (item,) = (await r.candidates.listing("", 1))["items"]
        with pytest.raises(TargetShared):
            await r.candidates.delete(item["id"])


@ensureDeferred
async def test_the_policy(tmp_path: Path) -> None:
    async with rest(tmp_path, USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE="yes") as r:
        status = await r.policy.json()
        assert status["source"] == "env"
        assert "updatedAtMs" not in status
        assert status["authIssueAutoDisable"] == {
            "enabled": False,
            "configured": True,
            "source": "env",
            "locked": True,
            "envKey": "USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE",
            "configFileKey": "accountActionsAutoDisable",
            "dependsOn": "authIssueQueue",
        }
        with pytest.raises(EnvLocked):
            await r.policy.change(
                {"authIssueQueueEnabled": True, "authIssueAutoDisableEnabled": True}
            )
        assert (await r.policy.json())["authIssueQueue"]["enabled"] is False
        status = await r.policy.change({"authIssueQueueEnabled": True, "other": 1})
        assert status["source"] == "database"
        assert status["authIssueAutoDisable"]["enabled"] is True
        again = Policy(load({"USAGE_DATA_DIR": "."}, tmp_path), r.world.store, r.world.now_ms)
        status = await again.json()
        assert status["authIssueQueue"]["source"] == "database"
        assert status["codexQuotaCooldown"]["source"] == "startup"
