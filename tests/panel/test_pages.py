"""Every page against the figures of the daemon that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager
from tests.panel.driving import (
    ANALYTICS,
    PAGES,
    PHONE,
    UNPRICED,
    Panel,
    asked,
    rows,
    values,
)

ANALYTICS_TABS = {
    "overview": "course",
    "trends": "model-trend",
    "models": "models",
    "apiKeys": "api-keys",
    "credentials": "credentials",
    "heatmap": "heatmap",
}
MONITOR_TABS = {"realtime": "events", "accounts": "accounts", "apiKeys": "api-keys"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_by_its_address(inside: Panel, name: str) -> None:
    route, block = PAGES[name]
    inside.nothing_ages()
    inside.visit(route)
    inside.ready(block)
    expect(inside.page.locator("main")).to_have_attribute("data-page", name)
    assert inside.repeated() == []
    assert not inside.overflows()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(inside: Panel, name: str) -> None:
    route, block = PAGES[name]
    inside.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    inside.visit(route)
    inside.ready(block)
    assert not inside.overflows()


def test_the_address_is_the_truth(inside: Panel) -> None:
    inside.visit()
    inside.ready("today")
    for name in ("coverage", "monitoring", "system", "dashboard"):
        inside.go(PAGES[name][0])
        expect(inside.page.locator(f"[data-page={name}]")).to_be_visible()
    inside.page.go_back()
    expect(inside.page.locator("[data-page=system]")).to_be_visible()
    inside.go("/monitoring?tab=accounts")
    inside.ready("accounts")
    inside.go("/monitoring?tab=apiKeys")
    inside.ready("api-keys")
    inside.go("/no/such/page")
    expect(inside.page.locator("[data-page=dashboard]")).to_be_visible()


def test_the_headline_is_the_servers(inside: Panel, filled: Manager) -> None:
    inside.visit("/monitoring?time_range=all")
    inside.ready("summary")
    summary = asked(filled, summary=True, summary_profile="compact")["summary"]
    assert inside.metric("requests") == pytest.approx(summary["total_calls"], abs=3)
    assert inside.metric("failures") == pytest.approx(summary["failure_calls"], abs=3)
    assert inside.metric("cost") == pytest.approx(summary["total_cost"], rel=0.02)
    assert inside.metric("success-rate") == pytest.approx(summary["success_rate"], rel=0.02)
    expect(inside.page.locator("[data-block=summary]")).to_contain_text("unpriced")


def test_the_same_question_has_the_same_answer_on_every_page(inside: Panel) -> None:
    yesterday = "time_range=yesterday"
    inside.visit(f"/usage-analytics?{yesterday}")
    inside.ready("summary")
    first = [inside.metric(name) for name in ("requests", "cost", "tokens", "cached")]
    inside.go(f"/monitoring?{yesterday}")
    expect(inside.page.locator("[data-page=monitoring]")).to_be_visible()
    inside.ready("summary")
    assert [inside.metric(name) for name in ("requests", "cost", "tokens", "cached")] == first
    assert first[0]


@pytest.mark.parametrize(("tab", "block"), ANALYTICS_TABS.items())
def test_a_tab_of_analytics(inside: Panel, tab: str, block: str) -> None:
    inside.visit(f"/usage-analytics?time_range=7d&tab={tab}")
    inside.ready(block)
    # Status, one question, and no more.
    assert len([one for one in inside.requests if ANALYTICS in one]) == 1
    assert not inside.overflows()


@pytest.mark.parametrize(("tab", "block"), MONITOR_TABS.items())
def test_a_tab_of_the_monitor(inside: Panel, tab: str, block: str) -> None:
    inside.visit(f"/monitoring?time_range=7d&tab={tab}")
    inside.ready(block)
    expect(inside.page.locator(f"[data-table={block}] [data-row]").first).to_be_attached()


def test_models_add_up_to_the_headline(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=7d&tab=models")
    inside.ready("models")
    calls = sum(int(value) for value in values(inside, "models", "requests"))
    assert calls == inside.metric("requests")
    costs = dict(zip(rows(inside, "models"), values(inside, "models", "cost"), strict=True))
    assert costs.pop(UNPRICED) == "null"
    priced = sum(float(cost) for cost in costs.values() if cost != "null")
    assert priced == pytest.approx(inside.metric("cost") or 0)


def test_a_cell_of_the_heat_map_tells_what_it_is_made_of(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=7d&tab=heatmap")
    inside.ready("heatmap")
    cell = inside.page.locator("[data-cell]:not(:disabled)").first
    calls = cell.get_attribute("data-value")
    cell.click()
    drawer = inside.page.locator("[data-dialog=cell]")
    expect(drawer.locator("dd").first).to_contain_text(re.compile(rf"^{calls} \("))
    assert "/monitoring?" in (drawer.locator("a").first.get_attribute("href") or "")
    expect(drawer.locator("[data-chart=contributors]").first).to_be_visible()


def test_the_models_that_cpa_serves(inside: Panel, filled: Manager) -> None:
    key = filled.http.json("GET", "/v0/management/api-keys")["api-keys"][0]
    known, filled.http.key = filled.http.key, key
    served = sorted(model["id"] for model in filled.http.json("GET", "/v1/models")["data"])
    filled.http.key = known
    inside.visit("/system")
    inside.ready("served-models")
    assert sorted(values(inside, "served-models", "model")) == served
    inside.page.locator("[data-field=family]").select_option("claude")
    claude = [name for name in served if name.startswith("claude")]
    expect(inside.page.locator("[data-table=served-models] [data-row]")).to_have_count(len(claude))
    assert "family=claude" in inside.page.url
    inside.page.locator("[data-block=served-models] [data-field=search]").fill("no such model")
    expect(inside.page.locator("[data-table=served-models]")).to_have_count(0)
    assert key not in " ".join(inside.requests)


def test_findings_and_a_backup(inside: Panel, filled: Manager) -> None:
    page = inside.page
    inside.visit("/system")
    inside.ready("doctor")
    found = filled.http.json("GET", "/v0/management/doctor")["findings"]
    assert sorted(values(inside, "findings", "subject")) == sorted(one["subject"] for one in found)
    page.locator("[data-action=backup]").click()
    page.locator("[data-dialog=backup] [data-action=confirm]").click()
    toast = page.locator("[data-toast=success]")
    expect(toast).to_contain_text("backups")
    folders = sorted((Path(filled.status()["dbPath"]).parent / "backups").iterdir())
    expect(toast).to_contain_text(folders[-1].name)


def test_coverage_is_the_servers(inside: Panel, filled: Manager) -> None:
    inside.visit("/coverage")
    inside.ready("minutes")
    day = filled.status()["collector"]["coverage"]["last24h"]
    assert inside.metric("covered") == pytest.approx(day["coveredMinutes"], abs=1)
    assert inside.metric("lost") == day["lostMinutes"]
