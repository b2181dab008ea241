"""Inspections, and accounts that want a person, from the panel to CPA."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from cpamp.lab import Cpa, Manager, wait_until
from tests.daemon import Lab, connection
from tests.inspection import fixture
from tests.panel.driving import manager_of
from tests.panel.managing import CANDIDATES, World

POLICY = "/usage-service/account-processing-policy"
RUNS = "/v0/management/codex-inspection/runs"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon beside a CPA with the accounts of the inspection's fixture."""
    lab = Lab(tmp_path_factory.mktemp("treating"))
    cpa = lab.cpa()
    cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
    cpa.control.json("POST", "/api_call", {"rules": fixture.rules()})
    manager = manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    yield manager, cpa
    lab.close()


def test_an_inspection_is_made_and_its_plan_carried_out(world: World) -> None:
    page = world.panel.page
    world.panel.visit("/accounts?view=health")
    expect(page.locator("[data-block=runs]")).to_have_attribute("data-state", "empty")
    world.click("[data-action=run]")
    world.click("[data-dialog=run-inspection] [data-action=confirm]")
    expect(page.locator("[data-run-status=completed]")).to_be_visible(timeout=60_000)
    (run,) = world.manager.http.json("GET", RUNS)["items"]
    for action in ("delete", "disable", "enable", "reauth", "keep"):
        assert world.panel.metric(f"inspection-{action}") == run[f"{action}Count"], action

    rows = page.locator("[data-table=inspection-results] tbody [data-row]")
    page.locator("[data-field=handled]").select_option("pending")
    expect(rows).to_have_count(
        sum(run[f"{action}Count"] for action in ("delete", "disable", "enable"))
    )
    page.locator("[data-field=handled]").select_option("")
    world.click(".log summary")
    lines = page.locator(".log li")
    detail = world.manager.http.json("GET", f"{RUNS}/{run['id']}")
    expect(lines).to_have_count(len(detail["logs"]))
    page.locator("[data-field=level]").select_option("error")
    expect(lines).to_have_count(sum(one["level"] == "error" for one in detail["logs"]))
    assert lines.count() > 0

    world.click(".counters [data-option=disable]")
    world.click("[data-action=plan]")
    outcomes = page.locator("[data-list=outcomes] [data-row]")
    expect(outcomes).to_have_count(run["disableCount"])
    planned = page.locator("[data-list=outcomes] [data-value=planned]")
    would = planned.count()
    assert would > 0
    before = {name for name, file in world.files().items() if file["disabled"]}
    world.click("[data-dialog=inspection-plan] [data-action=confirm]")
    expect(page.locator("[data-list=outcomes] [data-value=success]")).to_have_count(would)
    after = {name for name, file in world.files().items() if file["disabled"]}
    assert len(after - before) >= 1
    assert before <= after


def test_settings_of_inspections_are_kept(world: World) -> None:
    world.panel.visit("/accounts?view=health")
    world.click("[data-action=inspection-settings]")
    drawer = world.panel.page.locator("[data-dialog=inspection-settings]")
    drawer.locator("[data-field=workers]").fill("7")
    drawer.locator("[data-field=mode]").select_option("time_points")
    drawer.locator("[data-field=timePoints]").fill("8:00, 20:30")
    drawer.locator("[data-field=autoActionMode]").select_option("delete")
    save = drawer.locator("[data-action=save]")
    expect(save).to_be_disabled()
    drawer.locator("[data-field=agree-delete]").check()
    save.click()
    expect(drawer).to_have_count(0)
    config = world.manager.http.json("GET", "/usage-service/config")["config"]
    found = config["codexInspection"]
    assert (found["workers"], found["autoActionMode"]) == (7, "delete")
    assert found["schedule"]["timePoints"] == ["08:00", "20:30"]
    assert config["cpaConnection"]["cpaBaseUrl"] == world.cpa.url


def test_an_account_that_wants_a_person_is_seen_to(world: World) -> None:
    http = world.manager.http
    http.json("PATCH", POLICY, {"authIssueQueueEnabled": True})
    world.manager.wait_for_collector()
    said = json.dumps({"error": {"code": "token_revoked", "message": "revoked"}})
    record = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "request_id": "r-1",
        "provider": "codex",
        "model": "gpt-5.5",
        "auth_index": "a02",
        "failed": True,
        "fail": {"status_code": 401, "body": said},
    }
    world.cpa.control.json("POST", "/publish", {"records": [record]})
    wait_until(lambda: http.json("GET", CANDIDATES)["pendingCount"] == 1, what="a candidate")
    (item,) = http.json("GET", CANDIDATES)["items"]
    world.panel.visit("/monitoring/account-actions")
    world.panel.ready("actions")
    row = world.row("action-candidates", str(item["id"]))
    expect(row.locator("[data-col=action]")).to_have_attribute("data-value", "reauth")
    expect(row.locator("[data-col=file]")).to_have_attribute("data-value", "f02.json")
    expect(row.locator("[data-action=ignore]")).to_be_visible()
    row.click()
    drawer = world.panel.page.locator("[data-dialog=candidate]")
    expect(drawer).to_contain_text("r-1")
    drawer.locator("[data-action=resolve]").click()
    expect(world.panel.page.locator("[data-block=actions]")).to_have_attribute(
        "data-state", "empty"
    )
    assert http.json("GET", f"{CANDIDATES}?status=resolved")["items"][0]["id"] == item["id"]

    # The next one is ignored from its row.
    world.cpa.control.json("POST", "/publish", {"records": [{**record, "request_id": "r-2"}]})
    wait_until(lambda: http.json("GET", CANDIDATES)["pendingCount"] == 1, what="a candidate")
    world.panel.visit("/monitoring/account-actions")
    world.click("[data-table=action-candidates] [data-action=ignore]")
    expect(world.panel.page.locator("[data-block=actions]")).to_have_attribute(
        "data-state", "empty"
    )
    assert http.json("GET", f"{CANDIDATES}?status=ignored")["items"]
