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
from twisted.internet.defer import Deferred, gatherResults

from cpamp.errors import Problem
from cpamp.inspection.account import Identity
from cpamp.inspection.automation import Automation
from cpamp.inspection.candidates import CandidateNotFound, Candidates, NotPending, NotSet
from cpamp.inspection.cooldowns import AT_ONCE, Cooldowns
from cpamp.inspection.evidence import CODEX_OWNER, Exhaustion
from cpamp.inspection.ownership import Holders
from cpamp.inspection.policy import EnvLocked, Policy
from cpamp.inspection.targets import TargetGone, TargetShared
from cpamp.settings import Settings, load
from cpamp.store import cooldowns as stored
from cpamp.usage.event import Event
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

    async def hears(self, events: list[Event]) -> None:
        """Events are collected, and what follows from them is done."""
        self.automation.added(events)
        await until(lambda: self.automation._working is None, "the work")

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
async def test_the_later_end_counts_with_its_proof(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        later, sooner = 2 * HOUR_MS, 5_000

        async def prove(in_ms: int, window: str, **evidence: Any) -> None:
            found = attrs.evolve(r.found("f01", in_ms), window_kind=window, evidence=evidence)
            await r.cooldowns.take(found)

        await prove(HOUR_MS, "five_hour", code="a", limit=10)
        (first,) = await r.cooldowns.active()
        await prove(later, "weekly", code="b")
        await prove(sooner, "five_hour", code="c", model="m")
        (row,) = await r.cooldowns.active()
        assert (row.window_kind, row.evidence) == (
            "weekly",
            {"code": "b", "limit": 10, "model": "m"},
        )
        assert row.recover_at_ms > first.recover_at_ms + HOUR_MS - 1000
        assert row.disabled_at_ms == first.disabled_at_ms


@ensureDeferred
async def test_somebody_elses_cooldown_is_not_extended(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        await r.cooldowns.take(r.found("f01"))
        other = attrs.evolve(r.found("f01", 5 * HOUR_MS), owner="cpamp_xai_free_usage")
        await r.cooldowns.take(other)
        (row,) = await r.cooldowns.active()
        assert row.recover_at_ms < r.world.now_ms() + 2 * HOUR_MS


@ensureDeferred
async def test_who_can_not_be_told_from_others_does_not_rest(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        await r.cooldowns.take(r.found("f01", auth_index="", account_snapshot=""))
        await r.cooldowns.take(r.found("f01", auth_index="", provider=""))
        assert (r.world.calls("GET"), await r.rows()) == ([], [])
        # A snapshot and a provider are enough; the index is noted when it is known.
        await r.cooldowns.take(r.found("f01", auth_index=""))
        assert [row.auth_index for row in await r.cooldowns.active()] == ["a01"]
        r.world.cpa.auth_files += [
            fixture.BY_KEY["f01"].entry(file="s.json", id="s.json"),
            fixture.BY_KEY["f02"].entry(file="s.json", id="child"),
        ]
        with pytest.raises(TargetShared):
            await r.cooldowns.take(r.found("f01", file_name="s.json"))


@ensureDeferred
async def test_many_that_fail_do_not_hold_back_the_others(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01", 2_000))
        (row,) = await r.cooldowns.active()
        # So many came before it, and wait for another try.
        waiting = attrs.evolve(
            row, file_name="x.json", recover_at_ms=1, retry_at_ms=w.now_ms() + HOUR_MS, id=0
        )

        def add(conn: Any) -> None:
            for i in range(AT_ONCE):
                stored.add(conn, attrs.evolve(waiting, auth_index=f"i{i}"))

        await w.store.write(add)
        w.ahead_ms = 10_000
        await r.cooldowns.restore_due()
        assert not w.entry("f01.json")["disabled"]


@ensureDeferred
async def test_what_is_enabled_already_is_left_so(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        w.entry("f01.json").update(disabled=False, status="active")
        w.ahead_ms = 2 * HOUR_MS
        await r.cooldowns.restore_due()
        assert await r.rows() == [("f01.json", "recovered", "enabled already")]
        assert len(w.calls(STATUS)) == 1
        # Another account in its place.
        await r.cooldowns.take(r.found("f02"))
        w.entry("f02.json")["id_token"] = {"chatgpt_account_id": "other"}
        w.ahead_ms += 2 * HOUR_MS
        await r.cooldowns.restore_due()
        assert (await r.rows())[-1][1] == "skipped"
        assert w.entry("f02.json")["disabled"]


@ensureDeferred
async def test_tries_come_ever_later(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.cooldowns.take(r.found("f01"))
        w.ahead_ms = 2 * HOUR_MS
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": {"status": 500}, "times": "forever"})
        waits = []
        for _ in range(8):
            await r.cooldowns.restore_due()
            (row,) = await r.cooldowns.active()
            waits.append(round((row.retry_at_ms - w.now_ms()) / 1000))
            assert "500" in row.note
            w.ahead_ms += waits[-1] * 1000 + 1000
        assert waits == [15, 30, 60, 120, 240, 480, 600, 600]


@ensureDeferred
async def test_a_new_connection_is_tried_at_once(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        r.cooldowns.startService()
        await r.cooldowns.take(r.found("f01"))
        w.ahead_ms = 2 * HOUR_MS
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": {"status": 500}, "times": "forever"})
        await r.cooldowns.restore_due()
        w.cpa.faults.clear()
        await r.cooldowns.restore_due()
        assert len(await r.cooldowns.active()) == 1
        r.cooldowns.reconnected()
        await r.cooldowns.stopService()
        assert not w.entry("f01.json")["disabled"]


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
        await r.hears([proof])
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
            await r.hears(events)
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
async def test_failures_are_counted_in_one_row(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        await r.policy.change({"authIssueQueueEnabled": True})

        async def happen(*events: Any) -> list[dict[str, Any]]:
            await r.hears(events)
            items: list[dict[str, Any]] = (await r.candidates.listing("", 100))["items"]
            return items

        def at(event: Any, at_ms: int, **who: str) -> Any:
            event.timestamp_ms, event.who = at_ms, event.who._replace(**who)
            return event

        # First without its index, by the snapshot alone; then better known.
        (item,) = await happen(at(refused("f01"), 5_000, auth_index=""))
        assert ("authIndex" in item, item["firstSeenAtMs"]) == (False, 5_000)
        (item,) = await happen(at(refused("f01"), 9_000, auth_label_snapshot="l"))
        assert (item["authIndex"], item["authLabel"], item["hitCount"]) == ("a01", "l", 2)
        (item,) = await happen(at(refused("f01"), 7_000))
        assert (item["firstSeenAtMs"], item["lastSeenAtMs"]) == (5_000, 9_000)
        # Another reason, another account: rows of their own.
        await happen(refused("f01", "account_deactivated"))
        items = await happen(refused("f02"))
        assert len(items) == 3
        # What is over is not touched: the next failure opens a new one, which comes first.
        await r.candidates.resolve(item["id"])
        items = await happen(at(refused("f01"), 11_000))
        assert len(items) == 4
        assert [one["status"] for one in items] == ["pending"] * 3 + ["resolved"]
        assert (await r.candidates.listing("resolved", 100))["items"] == items[-1:]
        assert (await r.candidates.listing("resolved", 100))["pendingCount"] == 3


@ensureDeferred
async def test_most_accounts_failing_at_once_are_left_enabled(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        keys = ("f01", "f02", "f03", "f07", "f08", "f09", "f10", "f11")
        w.cpa.auth_files = [fixture.BY_KEY[key].entry() for key in keys]
        await r.policy.change({"authIssueQueueEnabled": True, "authIssueAutoDisableEnabled": True})
        await r.hears([refused(key) for key in keys])
        assert len(w.disabled()) == 4
        items = (await r.candidates.listing("", 100))["items"]
        assert len(items) == len(keys)
        assert sum("looks like an outage" in item.get("lastError", "") for item in items) == 4
        # One that fails long after the others has reasons of its own.
        w.ahead_ms = 2 * HOUR_MS
        await r.hears([refused(min(set(keys) - {n[:3] for n in w.disabled()}))])
        assert len(w.disabled()) == 5


@ensureDeferred
async def test_what_people_disabled_is_not_marked_as_ours(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.policy.change({"authIssueQueueEnabled": True, "authIssueAutoDisableEnabled": True})
        await r.hears([refused("f04")])
        (item,) = (await r.candidates.listing("", 100))["items"]
        assert ("autoDisabledAtMs" in item, w.calls(STATUS)) == (False, [])
        # Nor what fails for reasons that may not be its own.
        unsure = failed(401, "unauthorized")
        unsure.who, unsure.event_hash = refused("f01").who, "unsure"
        await r.hears([unsure])
        assert w.calls(STATUS) == []


@ensureDeferred
async def test_without_a_cpa_people_can_only_put_things_aside(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        w = r.world
        await r.policy.change({"authIssueQueueEnabled": True})
        await r.hears([refused("f01"), refused("f02")])
        first, second = (await r.candidates.listing("", 100))["items"]
        off = Candidates(w.store, w.editor, Holders(()), lambda: False, w.now_ms, w.journal)
        for decide in (off.enable, off.delete):
            with pytest.raises(NotSet) as unset:
                await decide(first["id"])
            assert (unset.value.status, unset.value.code) == (428, "usage_service_not_configured")
        await off.resolve(first["id"])
        await off.ignore(second["id"])


@ensureDeferred
async def test_a_shared_file_is_not_deleted(tmp_path: Path) -> None:
    async with rest(tmp_path) as r:
        await r.policy.change({"authIssueQueueEnabled": True})
        event = refused("f01")
        event.who = event.who._replace(
            auth_file_snapshot="dead.json", auth_index="c1", account_snapshot="d1@example.test"
        )
        await r.hears([event])
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
        # Two changes at once lose nothing of each other.
        await gatherResults(
            [
                Deferred.fromCoroutine(r.policy.change({"codexQuotaCooldownEnabled": True})),
                Deferred.fromCoroutine(r.policy.change({"authIssueQueueEnabled": False})),
            ]
        )
        status = await r.policy.json()
        assert [
            status[name]["configured"] for name in ("codexQuotaCooldown", "authIssueQueue")
        ] == [
            True,
            False,
        ]
