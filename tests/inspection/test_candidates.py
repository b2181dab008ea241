"""Accounts that want a person (inspection contract, 12 and 16.20)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.errors import Problem
from cpamp.inspection.candidates import CandidateNotFound, Candidates, NotPending, NotSet
from cpamp.inspection.ownership import Holders
from cpamp.inspection.targets import TargetGone, TargetShared
from tests.inspection import fixture
from tests.inspection.rest import HOUR_MS, STATUS, refused, rest
from tests.inspection.test_evidence import failed


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
        await r.switches_off_by_itself()
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
        await r.switches_off_by_itself()
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
