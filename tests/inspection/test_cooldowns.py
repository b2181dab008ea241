"""Credentials that rest (inspection contract, 10, 11, 16.5 and 16.19)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred

from cpamp.errors import Problem
from cpamp.inspection.cooldowns import AT_ONCE
from cpamp.inspection.targets import TargetGone, TargetShared
from cpamp.store import cooldowns as stored
from tests.inspection import fixture
from tests.inspection.rest import HOUR_MS, STATUS, rest
from tests.inspection.test_evidence import failed
from tests.inspection.world import until


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
