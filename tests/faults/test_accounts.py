"""What goes wrong while the daemon looks after accounts: no harm is done, and it goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from cpamp.errors import StoreUnavailable
from cpamp.inspection.settings import InspectionSettings
from cpamp.lab import wait_until
from cpamp.simulator.credentials import switch
from cpamp.store.claims import HELD
from tests.daemon import Lab
from tests.inspection import fixture
from tests.inspection.fixture import BY_KEY, EXHAUSTED, HEALTHY
from tests.inspection.rest import refused, rest
from tests.inspection.running import answers, by_account
from tests.inspection.test_automation_http import record
from tests.inspection.world import World, until, world

FILES = "/v0/management/auth-files"
STATUS = f"PATCH {FILES}/status"
CALL = "POST /v0/management/api-call"
INSPECTION = "/v0/management/codex-inspection"
COOLDOWN = {"codexQuotaCooldownEnabled": True}
Entry = dict[str, Any]


def prepare(w: World, *keys: str) -> None:
    """CPA has the accounts of these cases."""
    w.cpa.auth_files = [BY_KEY[key].entry() for key in keys]
    w.cpa.api_rules.rules = [BY_KEY[key].rule() for key in keys]


async def begin(w: World, **settings: Any) -> int:
    w.settings = InspectionSettings().merged(settings)
    begun: dict[str, Any] = await w.inspector.start("manual", "manual")
    return int(begun["run"]["id"])


def held_back(w: World, nth: int, ms: int = 400) -> None:
    """The nth listing from now on is of its moment, but comes later."""
    when = {"method": "GET", "path": FILES, "nth": nth}
    w.cpa.faults.add({"when": when, "do": {"delay_ms": ms}})


# -- CPA ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [0, 3])
@ensureDeferred
async def test_cpa_restarts_in_the_middle_of_a_run(tmp_path: Path, retries: int) -> None:
    async with world(tmp_path) as w:
        keys = ("f01", "f03", "f07", "f08")
        prepare(w, *keys)
        for rule in w.cpa.api_rules.rules:
            rule["reply"] = {**rule["reply"], "delay_ms": 150}
        run_id = await begin(w, autoActionMode="disable", retries=retries, workers=4)
        await until(lambda: len(w.calls(CALL)) == 4, "the probes")
        await Deferred.fromCoroutine(w.cpa.restart(50))
        detail = await w.over(run_id)
        found = by_account(detail)
        assert detail["run"]["status"] == "completed"
        assert set(found) == set(keys)
        if retries:
            assert w.disabled() == {"f03.json", "f08.json"}
        else:
            # Nobody was heard, so nobody is harmed.
            assert {result["errorKind"] for result in found.values()} == {"request_error"}
            assert w.disabled() == set()


@ensureDeferred
async def test_cpa_goes_before_the_actions_and_the_next_run_makes_them(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f03")
        when = {"method": "GET", "path": FILES, "nth": 2}
        w.cpa.faults.add({"when": when, "do": {"status": 500}})
        detail = await w.inspect(autoActionMode="disable")
        assert by_account(detail)["f03"]["actionStatus"] == "failed"
        assert (w.disabled(), await w.held()) == (set(), [])
        await w.inspect(autoActionMode="disable")
        assert w.disabled() == {"f03.json"}


@pytest.mark.parametrize(
    "do", [{"status": 502}, {"close": True}, {"body": "<html>"}, {"cut": 5}, {"body": "{}"}]
)
@ensureDeferred
async def test_an_answer_to_a_change_that_says_nothing(tmp_path: Path, do: dict[str, Any]) -> None:
    """Whether CPA did it is found out from CPA; done is done once."""
    async with world(tmp_path) as w:
        prepare(w, "f01", "f03")
        w.cpa.faults.add({"when": {"method": "PATCH"}, "do": do})
        await w.inspect(autoActionMode="disable")
        answers(w, "a03", status=200, body=HEALTHY)
        for _ in range(2):
            await w.inspect(autoActionMode="disable", autoRecoverEnabled=True)
        # What we disabled and is well is on again, whatever we heard of it.
        assert w.disabled() == set()
        assert await w.held() == []


# -- people, while we act -----------------------------------------------------------------------


def deleted(w: World, entry: Entry) -> None:
    w.cpa.auth_files.remove(entry)


def renamed(w: World, entry: Entry) -> None:
    entry.update(id="new.json", name="new.json", auth_index="new")


def replaced(w: World, entry: Entry) -> None:
    entry["id_token"] = {"chatgpt_account_id": "acc-other"}


def switched_off(w: World, entry: Entry) -> None:
    switch(w.cpa, entry, disabled=True)


def switched_on(w: World, entry: Entry) -> None:
    switch(w.cpa, entry, disabled=False)


Change = Callable[[World, Entry], None]


@pytest.mark.parametrize("change", [deleted, renamed, replaced, switched_off])
@ensureDeferred
async def test_a_person_is_quicker_than_our_disable(tmp_path: Path, change: Change) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f03")
        held_back(w, nth=2)
        entry = w.entry("f03.json")
        run_id = await begin(w, autoActionMode="disable")
        await until(lambda: len(w.calls(f"GET {FILES}")) == 2, "the listing before the actions")
        change(w, entry)
        found = by_account(await w.over(run_id))["f03"]
        assert found["actionStatus"] == "failed"
        assert found["actionError"]
        # Nothing of his was touched, and nothing of it is ours.
        assert w.calls(STATUS) == []
        assert await w.held() == []
        assert entry["disabled"] is (change is switched_off)


@pytest.mark.parametrize("change", [deleted, renamed, replaced, switched_on])
@ensureDeferred
async def test_a_person_is_quicker_than_our_enable(tmp_path: Path, change: Change) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f03")
        await w.inspect(autoActionMode="disable")
        assert w.disabled() == {"f03.json"}
        answers(w, "a03", status=200, body=HEALTHY)
        entry, before = w.entry("f03.json"), len(w.calls(f"GET {FILES}"))
        held_back(w, nth=2)
        run_id = await begin(w, autoActionMode="disable", autoRecoverEnabled=True)
        await until(lambda: len(w.calls(f"GET {FILES}")) == before + 2, "the second listing")
        change(w, entry)
        await w.over(run_id)
        # Only what is still the credential that we disabled is switched on.
        assert entry["disabled"] is (change is not switched_on)
        await w.inspect(autoActionMode="disable", autoRecoverEnabled=True)
        assert await w.held() == []


@ensureDeferred
async def test_a_deleted_credential_is_not_deleted_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f14")
        held_back(w, nth=2)
        run_id = await begin(w, autoActionMode="delete")
        await until(lambda: len(w.calls(f"GET {FILES}")) == 2, "the listing before the actions")
        # Another account by the same name.
        replaced(w, w.entry("f14.json"))
        assert by_account(await w.over(run_id))["f14"]["actionStatus"] == "failed"
        assert w.calls("DELETE") == []


# -- the clock ----------------------------------------------------------------------------------


@ensureDeferred
async def test_a_clock_that_is_set_back_silences_no_schedule(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01")
        w.ahead_ms = 48 * 3_600_000
        w.settings = w.settings.merged({"enabled": True, "schedule": {"intervalMinutes": 60}})
        await w.scheduler.look()
        (run,) = await w.inspector.runs(20)
        await w.over(run["id"])
        w.ahead_ms = 0
        await w.scheduler.look()
        runs = await w.inspector.runs(20)
        assert len(runs) == 2
        await w.over(min(runs, key=lambda one: one["startedAtMs"])["id"])


@ensureDeferred
async def test_claims_outlive_a_clock_that_jumps(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f03")
        await w.inspect(autoActionMode="disable")
        for ahead_ms in (-400 * 86_400_000, 400 * 86_400_000):
            w.ahead_ms = ahead_ms
            await w.inspect(autoActionMode="disable")
            assert [claim.state for claim in await w.held()] == [HELD]
        answers(w, "a03", status=200, body=HEALTHY)
        await w.inspect(autoActionMode="disable", autoRecoverEnabled=True)
        assert w.disabled() == set()


# -- the store ----------------------------------------------------------------------------------


def fill(disk: Path) -> Path:
    """Leave no room; the file that takes it."""
    filler = disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(b"x" * shutil.disk_usage(disk).free)
    return filler


@ensureDeferred
async def test_a_full_store_harms_nobody(small_disk: Path) -> None:
    async with world(small_disk) as w:
        keys = [case.key for case in fixture.CASES if case.index]
        prepare(w, *keys)
        off = w.disabled()
        for rule in w.cpa.api_rules.rules:
            rule["reply"] = {**rule["reply"], "delay_ms": 100}
        run_id = await begin(w, autoActionMode="disable", workers=30)
        await until(lambda: len(w.calls(CALL)) == len(keys), "the probes")
        filler = fill(small_disk)
        await until(lambda: w.inspector._active is None, "the end of the run")
        # What could not be claimed was not disabled.
        claimed = {claim.file_name for claim in await w.held()}
        assert w.disabled() - off == claimed
        with pytest.raises(StoreUnavailable):
            await w.inspector.start("manual", "manual")
        filler.unlink()
        w.begin()
        await w.scheduler.look()
        assert (await w.inspector.detail(run_id))["run"]["status"] in ("interrupted", "completed")
        detail = await w.inspect(autoActionMode="disable")
        assert detail["run"]["status"] == "completed"
        assert {"f03.json", "f08.json", "f09.json", "f13.json"} <= w.disabled() - off


@ensureDeferred
async def test_what_a_person_did_is_told_by_a_full_store_too(small_disk: Path) -> None:
    async with world(small_disk) as w:
        prepare(w, "f01", "f03")
        detail = await w.inspect()
        chosen = by_account(detail)["f03"]
        filler = fill(small_disk)
        answer = await w.manual.act(detail["run"]["id"], {"resultIds": [chosen["id"]]})
        (outcome,) = answer["outcomes"]
        assert (outcome["status"], w.disabled()) == ("success", {"f03.json"})
        told = by_account(answer["detail"])["f03"]
        assert (told["actionStatus"], told["disabled"]) == ("success", True)
        assert answer["detail"]["run"]["error"] == "1 results could not be stored"
        filler.unlink()


@ensureDeferred
async def test_a_full_store_lets_nobody_rest_and_decides_nothing(small_disk: Path) -> None:
    async with rest(small_disk) as r:
        w = r.world
        await r.switches_off_by_itself()
        await r.hears([refused("f01")])
        (item,) = (await r.candidates.listing("", 100))["items"]
        off = w.disabled()
        assert "f01.json" in off
        filler = fill(small_disk)
        with pytest.raises(StoreUnavailable):
            await r.cooldowns.take(r.found("f02"))
        await r.hears([refused("f03")])
        assert w.disabled() == off
        # What can't be noted is undone; and it can be decided later.
        with pytest.raises(StoreUnavailable):
            await r.candidates.enable(item["id"])
        assert w.disabled() == off
        filler.unlink()
        assert (await r.candidates.enable(item["id"]))["item"]["status"] == "resolved"
        assert "f01.json" not in w.disabled()


@pytest.mark.parametrize("status", [401, 402, 403, 429, 500])
@ensureDeferred
async def test_all_refused_at_once_are_left_alone(tmp_path: Path, status: int) -> None:
    async with world(tmp_path) as w:
        prepare(w, "f01", "f02", "f03", "f07", "f08", "f09")
        for body in (
            "",
            "<html>limit reached</html>",
            {"detail": {"code": "deactivated_workspace"}},
        ):
            w.cpa.api_rules.rules = [{"match": {}, "reply": {"status": status, "body": body}}]
            detail = await w.inspect(autoActionMode="delete")
            assert detail["run"]["status"] == "completed"
        assert w.calls("PATCH") == w.calls("DELETE") == []


@ensureDeferred
async def test_all_exhausted_at_once_is_an_outage_and_half_of_them_is_none(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        keys = ("f01", "f02", "f03", "f07", "f08", "f09")
        for exhausted, disabled in ((4, 0), (3, 3)):
            prepare(w, *keys)
            for key in keys[:exhausted]:
                answers(w, BY_KEY[key].index, status=200, body=EXHAUSTED)
            for key in keys[exhausted:]:
                answers(w, BY_KEY[key].index, status=200, body=HEALTHY)
            await w.inspect(autoActionMode="disable")
            assert len(w.disabled()) == disabled


# -- kill -9 ------------------------------------------------------------------------------------


def test_killed_between_the_changes_and_their_records(lab: Lab) -> None:
    """By two of the daemon's hands at once; the next process finds out what was done."""
    cpa = lab.cpa()
    cases = [BY_KEY[key] for key in ("f01", "f02", "f03")]
    cpa.control.json("POST", "/auth_files", {"files": [case.entry() for case in cases]})
    cpa.control.json("POST", "/api_call", {"rules": [case.rule() for case in cases]})
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=cpa.control.key)
    manager.start()
    http = manager.http
    http.json("PATCH", "/usage-service/account-processing-policy", COOLDOWN)
    manager.wait_for_collector()

    def changes() -> list[str]:
        notes = cpa.control.json("POST", "/requests", {})
        return [note["body"] for note in notes if note["what"].startswith("PATCH")]

    def disabled() -> set[str]:
        files = http.json("GET", FILES)["files"]
        return {file["name"] for file in files if file["disabled"]}

    def inspect(**settings: Any) -> None:
        config = {"config": {"codexInspection": settings}}
        http.json("PUT", "/usage-service/config", config)
        run_id = http.json("POST", f"{INSPECTION}/run")["run"]["id"]
        wait_until(
            lambda: not http.json("GET", f"{INSPECTION}/runs/{run_id}")["run"]["active"],
            what="the run",
        )

    # CPA does it, and its answer is slow.
    slow = {"when": {"method": "PATCH"}, "do": {"delay_ms": 60_000}, "times": "forever"}
    cpa.control.json("POST", "/fault", slow)
    limit = {"error": {"type": "usage_limit_reached", "resets_in_seconds": 20}}
    cpa.control.json("POST", "/publish", {"records": [record("a01", 429, limit, 1)]})
    config = {"config": {"codexInspection": {"autoActionMode": "disable"}}}
    http.json("PUT", "/usage-service/config", config)
    http.json("POST", f"{INSPECTION}/run")
    wait_until(lambda: len(changes()) == 2, what="both changes")
    manager.stop(signal.SIGKILL)
    cpa.control.json("POST", "/clear_faults", {})
    manager.start()
    assert disabled() == {"f01.json", "f03.json"}
    rule = {"match": {"auth_index": "a03"}, "reply": {"status": 200, "body": HEALTHY}}
    cpa.control.json("POST", "/api_call", {"rules": [rule, *(case.rule() for case in cases)]})
    inspect(autoActionMode="disable", autoRecoverEnabled=True)
    wait_until(lambda: disabled() == set(), what="all to be on again")
    # Nothing was disabled twice, and each was enabled once.
    assert sorted(json.loads(body)["disabled"] for body in changes()) == [False] * 2 + [True] * 2
