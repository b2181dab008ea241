"""Every page against the figures of the daemon that it shows."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager
from cpamp.simulator.records import CLIENT_KEYS
from tests.daemon import Lab, connection
from tests.inspection import fixture
from tests.panel.driving import (
    DESKTOP,
    HOSTILE,
    PHONE,
    SECRET,
    UNPRICED,
    Panel,
    manager_of,
    origin_of,
    records,
)

ANALYTICS = "/v0/management/monitoring/analytics"
PRICES = "/v0/management/model-prices"
# The page, its address, a block of it that must have data, and its figures.
PAGES = {
    "dashboard": ("/", "today"),
    "usage-analytics": ("/usage-analytics?time_range=7d", "summary"),
    "monitoring": ("/monitoring?time_range=7d", "events"),
    "model-prices": ("/model-prices", "prices"),
    "api-key-aliases": ("/api-key-aliases", "aliases"),
    "coverage": ("/coverage", "minutes"),
    "system": ("/system", "storage"),
}
ANALYTICS_TABS = {
    "overview": "course",
    "trends": "model-trend",
    "models": "models",
    "apiKeys": "api-keys",
    "credentials": "credentials",
    "heatmap": "heatmap",
}
MONITOR_TABS = {"realtime": "events", "accounts": "accounts", "apiKeys": "api-keys"}
LANGUAGES = ("en", "zh-CN", "zh-TW", "ru")


def asked(manager: Manager, **include: Any) -> Any:
    """Sections of all time."""
    body = {"from_ms": 1, "to_ms": int(time.time() * 1000), "include": include}
    return manager.http.json("POST", ANALYTICS, body)


def rows(panel: Panel, table: str) -> list[str | None]:
    """The keys of the rows of a table."""
    found = panel.page.locator(f"[data-table={table}] [data-row]").all()
    return [row.get_attribute("data-row") for row in found]


def values(panel: Panel, table: str, column: str) -> list[str]:
    """The raw values of a column."""
    cells = panel.page.locator(f"[data-table={table}] [data-col={column}]").all()
    return [cell.get_attribute("data-value") or "" for cell in cells]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_by_its_address(inside: Panel, name: str) -> None:
    route, block = PAGES[name]
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
    assert rows(inside, block)


def test_models_add_up_to_the_headline(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=7d&tab=models")
    inside.ready("models")
    calls = sum(int(value) for value in values(inside, "models", "requests"))
    assert calls == inside.metric("requests")
    costs = dict(zip(rows(inside, "models"), values(inside, "models", "cost"), strict=True))
    assert costs.pop(UNPRICED) == "null"
    priced = sum(float(cost) for cost in costs.values() if cost != "null")
    assert priced == pytest.approx(inside.metric("cost") or 0)


def test_a_row_of_the_monitor_opens_with_its_models(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d&tab=apiKeys")
    inside.ready("api-keys")
    inside.page.locator("[data-table=api-keys] [data-row]").first.click()
    drawer = inside.page.locator("[data-dialog=group]")
    for table in ("group-models", "group-contexts"):
        row = drawer.locator(f"[data-table={table}] [data-row]").first
        row.scroll_into_view_if_needed()
        expect(row).to_be_in_viewport()
    drawer.locator("[data-action=focus]").click()
    inside.ready("events")
    assert "api_key_hash=" in inside.page.url


def test_the_quota_of_an_account_is_asked_for_in_its_row(inside: Panel) -> None:
    soon = int(time.time())
    windows = (fixture.window(41, fixture.H5, soon), fixture.window(88, fixture.WK, soon))
    reply = {"status_code": 200, "header": {}, "body": json.dumps(fixture.usage("plus", *windows))}
    inside.page.route("**/v0/management/api-call", lambda route: route.fulfill(json=reply))
    inside.visit("/monitoring?time_range=7d&tab=accounts")
    codex = "[data-row^=codex]:has([data-col=state][data-value=enabled])"
    inside.page.locator(f"[data-table=accounts] {codex}").first.click()
    quota = inside.page.locator("[data-block=quota]")
    expect(quota.locator("[data-window]")).to_have_count(0)
    quota.locator("[data-action=ask-quota]").click()
    expect(quota.locator("[data-window=five-hour]")).to_have_attribute("data-value", "59")
    expect(quota.locator("[data-window=weekly]")).to_have_attribute("data-value", "12")
    for tab in ("realtime", "accounts"):
        expect(inside.page.locator(f"[data-tab={tab}] .count")).to_be_visible()


def test_a_row_opens_with_its_own_course(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=7d&tab=models")
    inside.ready("models")
    inside.page.locator(f"[data-table=models] [data-row={UNPRICED}]").click()
    inside.ready("detail-course")
    drawer = inside.page.locator("[data-dialog=detail]")
    expect(drawer.locator("[data-metric=requests]")).to_have_attribute("data-value", "1")
    expect(drawer.locator("[data-metric=cost]")).to_have_attribute("data-value", "null")
    inside.page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    assert "row=" not in inside.page.url


def test_a_bucket_leads_to_its_requests(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=yesterday")
    inside.ready("course")
    inside.page.locator("[data-chart=trend] .u-over").click()
    inside.ready("drilldown")
    link = inside.page.locator("[data-dialog=bucket] a")
    assert "/monitoring?" in (link.get_attribute("href") or "")


def test_new_requests_appear_by_themselves(lab: Lab, opened: Callable[..., Panel]) -> None:
    cpa, manager = lab.cpa(), manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    manager.wait_for_collector()
    panel = opened(origin_of(manager))
    panel.visit("/monitoring")
    panel.log_in()
    expect(panel.page.locator("[data-block=events]")).to_have_attribute("data-state", "empty")
    cpa.control.json("POST", "/traffic", {"per_second": 4})
    expect(panel.page.locator("[data-table=events] [data-row]").first).to_be_visible(timeout=20_000)


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


def test_filters_live_in_the_address(inside: Panel, filled: Manager) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    inside.page.locator("[data-action=filters]").click()
    inside.page.locator("select[data-field=model]").select_option(UNPRICED)
    inside.page.keyboard.press("Escape")
    inside.page.wait_for_url(re.compile("model="))
    expect(inside.page.locator("[data-table=events] [data-row]")).to_have_count(1)
    inside.page.reload()
    expect(inside.page.locator("[data-table=events] [data-row]")).to_have_count(1)
    inside.page.locator("[data-action=remove-filter]").click()
    inside.page.wait_for_url(lambda url: "model=" not in url)


def test_a_pasted_key_never_stands_in_the_address(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    inside.page.locator("main [data-field=search]").fill(SECRET)
    inside.page.wait_for_url(re.compile("search_hash=[0-9a-f]{64}"))
    assert SECRET not in inside.page.url
    assert not any(SECRET in one for one in inside.requests)


def test_neither_does_a_key_that_cpa_knows(inside: Panel) -> None:
    """However it looks: it is known by its hash."""
    key = CLIENT_KEYS[0]
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    inside.settled()
    places: list[str] = []
    inside.page.on("framenavigated", lambda frame: places.append(frame.url))
    inside.page.locator("main [data-field=search]").press_sequentially(key)
    inside.page.wait_for_url(re.compile(f"search_hash={hashlib.sha256(key.encode()).hexdigest()}"))
    inside.ready("events")
    assert places
    assert not any(key in one for one in [*places, *inside.requests])


def test_hostile_names_stay_text(inside: Panel) -> None:
    for route, block in PAGES.values():
        inside.visit(route)
        inside.ready(block)
    inside.visit("/monitoring?time_range=7d&status=failed")
    inside.ready("events")
    row = inside.page.locator("[data-table=events] [data-row]", has_text=HOSTILE).first
    row.click()
    inside.ready("event")
    expect(inside.page.locator("[data-dialog=event]")).to_contain_text(HOSTILE)
    assert inside.page.locator("img").count() == 0
    assert inside.page.evaluate("window.hacked") is None
    assert SECRET not in inside.page.content()


def test_accounts_are_masked_until_the_user_wants_them(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d&tab=accounts")
    inside.ready("accounts")
    shown = inside.page.locator("[data-table=accounts]")
    assert "@" in shown.inner_text()
    assert not re.search(r"[a-z]+-user-\d+@", shown.inner_text())
    inside.page.locator("[data-action=mask]").click()
    expect(shown).to_contain_text(re.compile(r"[a-z]+-user-\d+@"))


def test_a_price_is_saved_and_deleted(inside: Panel, filled: Manager) -> None:
    inside.visit(f"/model-prices?model={UNPRICED}")
    inside.page.locator("[data-field=prompt]").fill("2.5")
    inside.page.locator("[data-field=completion]").fill("0")
    inside.page.locator("[data-dialog=price] [data-action=save]").click()
    expect(inside.page.locator("[data-toast=success]")).to_be_visible()
    price = filled.http.json("GET", f"{PRICES}/{UNPRICED}")["prices"][UNPRICED]
    assert (price["prompt"], price["completionConfigured"]) == (2.5, True)
    assert "cacheReadConfigured" not in price
    row = inside.page.locator(f"[data-table=model-prices] [data-row={UNPRICED}]")
    expect(row.locator("[data-col=prompt]")).to_have_attribute("data-value", "2.5")
    expect(row.locator("[data-col=completion]")).to_have_attribute("data-value", "0")
    expect(row.locator("[data-col=cache-read]")).to_have_attribute("data-value", "null")
    row.locator("[data-action=delete]").click()
    inside.page.locator("[data-dialog=delete-price] [data-action=confirm]").click()
    expect(row.locator("[data-col=prompt]")).to_have_attribute("data-value", "null")


def test_a_price_that_was_changed_meanwhile_is_not_overwritten(
    inside: Panel, filled: Manager
) -> None:
    inside.visit(f"/model-prices?model={UNPRICED}")
    inside.page.locator("[data-field=prompt]").fill("1")
    filled.http.json("PUT", f"{PRICES}/another", {"prompt": 1})
    inside.page.locator("[data-dialog=price] [data-action=save]").click()
    expect(inside.page.locator("[data-dialog=price] [role=alert]")).to_contain_text("412")
    filled.http.json("DELETE", f"{PRICES}/another")


@pytest.mark.parametrize("way", ["escape", "close", "back"])
def test_what_is_typed_into_a_drawer_is_asked_about(inside: Panel, way: str) -> None:
    page = inside.page
    inside.visit("/model-prices")
    inside.ready("prices")
    page.locator(f"[data-table=model-prices] [data-row={UNPRICED}]").click()
    drawer, question = page.locator("[data-dialog=price]"), page.locator("[data-dialog=unsaved]")
    prompt = drawer.locator("[data-field=prompt]")
    prompt.fill("3.25")
    ways: dict[str, Callable[[], object]] = {
        "escape": lambda: prompt.press("Escape"),
        "close": lambda: drawer.locator("[data-action=close]").click(),
        "back": page.go_back,
    }
    ways[way]()
    question.locator("[data-action=stay]").click()
    expect(prompt).to_have_value("3.25")
    ways[way]()
    question.locator("[data-action=leave]").click()
    expect(drawer).to_have_count(0)
    expect(page.locator("[data-page=model-prices]")).to_be_visible()


def test_requests_tell_how_their_account_does(inside: Panel, filled: Manager) -> None:
    strips = {strip["id"]: strip for strip in asked(filled, account_strips=True)["account_strips"]}
    items = asked(filled, events_page={"limit": 200})["events"]["items"]
    inside.visit("/monitoring?time_range=all")
    inside.ready("events")
    table = inside.page.locator("[data-table=events]")
    collected = [row for row in items if row["account_snapshot"]][:5]
    assert collected
    for row in collected:
        strip = strips[row["account_snapshot"]]
        cell = table.locator(f"[data-row='{row['event_hash']}'] [data-col=rate]")
        assert float(cell.get_attribute("data-value") or "") == strip["success_rate"]
        calls = cell.locator("[data-calls]").get_attribute("data-calls")
        assert int(calls or "") == sum(strip["success"]) + sum(strip["failure"])
        # Each of ten cells is drawn, in the paths of the outcomes.
        paths = cell.locator("[role=img] path").evaluate_all("all => all.map(p => p.getAttribute('d'))")
        assert "".join(paths).count("M") == 10


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_accounts_as_cards(inside: Panel, size: tuple[int, int]) -> None:
    inside.page.set_viewport_size({"width": size[0], "height": size[1]})
    inside.visit("/monitoring?time_range=all&tab=accounts")
    inside.ready("accounts")
    expect(inside.page.locator("[data-col=state][data-value=enabled]").first).to_be_attached()
    calls = dict(zip(rows(inside, "accounts"), values(inside, "accounts", "requests"), strict=True))
    inside.page.locator("[data-action=display]").click()
    assert "display=cards" in inside.page.url
    inside.page.locator("[data-field=sort]").select_option("requests")
    shown = values(inside, "accounts-cards", "requests")
    assert shown == sorted(shown, key=int, reverse=True)
    for account, count in zip(rows(inside, "accounts-cards"), shown, strict=True):
        assert calls.get(account, count) == count
    assert not inside.overflows()
    inside.page.locator("[data-table=accounts-cards] [data-action=open]").first.click()
    expect(inside.page.locator("[data-dialog=group]")).to_be_visible()


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


def test_the_monitor_tells_whether_it_records(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=all&model=none-of-that-name")
    recording = inside.page.locator("[data-metric=recording]")
    expect(recording).to_have_attribute("data-value", "connected")
    expect(inside.page.locator("[data-block=events]")).to_have_attribute("data-state", "empty")
    expect(inside.page.locator("[data-block=events]")).to_contain_text("filters")
    inside.page.locator("[data-action=transfers]").click()
    inside.page.locator("[data-option=issues]").click()
    expect(inside.page.locator("[data-page=account-actions]")).to_be_visible()


def test_a_page_that_is_not_read_again_by_itself_says_so(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d")
    mark = inside.page.locator("[data-live]")
    expect(mark).to_have_attribute("data-live", "live")
    inside.page.locator("select[data-field=auto-refresh]").select_option("0")
    expect(mark).to_have_attribute("data-live", "paused")
    inside.go("/coverage")
    expect(mark).to_have_attribute("data-live", "live")


def test_the_key_of_a_row_can_be_copied(inside: Panel, filled: Manager) -> None:
    path = "/v0/management/api-keys"
    used = next(records(int(time.time() * 1000)))["api_key"]
    before = filled.http.json("GET", path)["api-keys"]
    copy = inside.page.locator("[data-dialog=group] [data-action=copy]")
    address = f"tab=apiKeys&row={hashlib.sha256(used.encode()).hexdigest()}"
    for keys, count in ((before, 0), ([*before, used], 1)):
        filled.http.json("PUT", path, keys)
        inside.visit(f"/monitoring?time_range=all&{address}")
        expect(inside.page.locator("[data-dialog=group]")).to_be_visible()
        expect(copy).to_have_count(count)
    filled.http.json("PUT", path, before)
    assert used not in inside.page.content()


def test_a_sync_shows_what_it_would_write(inside: Panel, filled: Manager) -> None:
    before = filled.http.json("GET", PRICES)["prices"]
    page = inside.page
    inside.visit("/model-prices")
    inside.ready("prices")
    page.locator("[data-action=sync]").click()
    dialog = page.locator("[data-dialog=sync-preview]")
    expect(dialog).to_be_visible(timeout=60_000)
    changes = values(inside, "price-changes", "model")
    assert filled.http.json("GET", PRICES)["prices"] == before
    dialog.locator("[data-action=confirm]").click()
    expect(page.locator("[data-block=sync-report]")).to_be_visible(timeout=60_000)
    after = filled.http.json("GET", PRICES)["prices"]
    differing = {
        model
        for model, price in after.items()
        if price["prompt"] != before.get(model, {}).get("prompt")
    }
    assert differing <= set(changes)


def test_a_screen_on_the_wall_has_a_clock_and_a_way_back(inside: Panel) -> None:
    inside.visit("/?kiosk=1")
    inside.ready("today")
    expect(inside.page.locator("[data-nav]")).to_have_count(0)
    expect(inside.page.locator("[data-metric=clock]")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    inside.page.locator("[data-action=leave-kiosk]").click()
    expect(inside.page.locator("[data-nav=dashboard]")).to_be_visible()


def test_a_phone_has_the_settings_in_its_menu(inside: Panel) -> None:
    inside.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    language = inside.page.locator("[data-action=language]")
    expect(language).not_to_be_visible()
    inside.page.locator("[data-action=menu]").click()
    language.click()
    inside.page.locator("[data-menu=language] [data-option=ru]").click()
    expect(inside.page.locator("h1")).to_have_text("Обзор")


def test_a_key_gets_a_name(inside: Panel, filled: Manager) -> None:
    inside.visit("/api-key-aliases")
    inside.ready("aliases")
    row = inside.page.locator("[data-table=client-keys] [data-row]").first
    key = row.get_attribute("data-row")
    row.click()
    inside.page.locator("[data-field=alias]").fill("build server")
    inside.page.locator("[data-dialog=alias] [data-action=save]").click()
    expect(row.locator("[data-col=alias]")).to_have_text("build server")
    items = filled.http.json("GET", "/v0/management/api-key-aliases")["items"]
    assert [(item["apiKeyHash"], item["alias"]) for item in items] == [(key, "build server")]
    inside.go("/monitoring?time_range=7d&tab=apiKeys")
    expect(inside.page.locator("[data-table=api-keys]")).to_contain_text("build server")


def test_coverage_is_the_servers(inside: Panel, filled: Manager) -> None:
    inside.visit("/coverage")
    inside.ready("minutes")
    day = filled.status()["collector"]["coverage"]["last24h"]
    assert inside.metric("covered") == pytest.approx(day["coveredMinutes"], abs=1)
    assert inside.metric("lost") == day["lostMinutes"]


def test_export_and_import(inside: Panel, filled: Manager, tmp_path: Any) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    # Chromium's own file picker can't be driven.
    inside.page.evaluate("delete window.showSaveFilePicker")
    inside.page.locator("[data-action=transfers]").click()
    with inside.page.expect_download() as download:
        inside.page.locator("[data-menu=transfers] [data-option=export]").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "usage-events.jsonl"
    count = len(file.read_bytes().splitlines())
    assert count == pytest.approx(filled.events(), abs=3)
    inside.page.locator("[data-action=transfers]").click()
    inside.page.locator("[data-menu=transfers] [data-option=import]").click()
    inside.page.locator("[data-field=file]").set_input_files(file)
    inside.page.locator("[data-action=start-import]").click()
    done = inside.page.locator("[data-import=completed]")
    expect(done).to_contain_text(f"{count}")
    inside.page.locator("[data-dialog=import] footer [data-action=close]").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_takes_effect_at_once(inside: Panel, language: str) -> None:
    inside.page.locator("[data-action=language]").click()
    inside.page.locator(f"[data-menu=language] [data-option={language}]").click()
    expect(inside.page.locator("html")).to_have_attribute("lang", language)
    titles = []
    for route, block in PAGES.values():
        inside.go(route)
        inside.ready(block)
        titles.append(inside.page.locator("h1").inner_text())
        assert not inside.overflows()
    assert len(set(titles)) == len(PAGES)
    letters = {"en": "[A-Za-z]", "ru": "[а-яё]"}.get(language, "[\u4e00-\u9fff]")
    assert all(re.search(letters, title) for title in titles)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_can_be_read(inside: Panel, theme: str) -> None:
    inside.page.locator("[data-action=theme]").click()
    inside.page.locator(f"[data-menu=theme] [data-option={theme}]").click()
    expect(inside.page.locator("html")).to_have_attribute("data-theme", theme)
    for route, block in PAGES.values():
        inside.visit(route)
        inside.ready(block)
        assert inside.page.evaluate(FAINT) == []


def test_keys_lead_to_pages(inside: Panel) -> None:
    inside.page.keyboard.press("g")
    inside.page.keyboard.press("m")
    expect(inside.page.locator("[data-page=monitoring]")).to_be_visible()
    search = inside.page.locator("main [data-field=search]")
    expect(search).to_be_visible()
    inside.page.keyboard.press("/")
    expect(search).to_be_focused()
    inside.page.keyboard.type("gs")
    expect(search).to_have_value("gs")
    inside.page.locator("h1").click()
    inside.page.keyboard.press("?")
    expect(inside.page.locator("[data-dialog=shortcuts]")).to_be_visible()


def test_old_addresses_still_lead_somewhere(inside: Panel, filled: Manager) -> None:
    inside.page.goto(f"{origin_of(filled)}/management.html#/monitoring/model-prices")
    expect(inside.page.locator("[data-page=model-prices]")).to_be_visible()


# Texts whose contrast with the ground that they lie on is below 4.5.
FAINT = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(part => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let box = element; box; box = box.parentElement) {
      const color = getComputedStyle(box).backgroundColor;
      const parts = parse(color);
      if (color.startsWith('rgb') && (parts.length === 3 || parts[3] === 1)) return parts;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('#app *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility() || parseFloat(style.fontSize) < 1) continue;
    if (element.closest(':disabled')) continue;
    const [a, b] = [light(parse(style.color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


def test_all_requests_can_be_scrolled_to(inside: Panel, filled: Manager) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    whole = asked(filled, events_page={"limit": 50_000})["events"]
    count = whole["total_count"]
    assert inside.metric("shown-rows") == count > 300
    box = inside.page.locator("[data-block=events] .table-scroll")
    box.evaluate("box => { box.scrollTop = box.scrollHeight }")
    last = inside.page.locator(f"[data-row='{whole['items'][-1]['event_hash']}']")
    expect(last).to_be_visible()
    box.evaluate("box => { box.scrollTop = 0 }")
    expect(inside.page.locator(f"[data-row='{whole['items'][0]['event_hash']}']")).to_be_visible()
    with inside.page.expect_download() as saved:
        inside.page.locator("[data-block=events] [data-action=export-csv]").click()
    assert len(saved.value.path().read_text().splitlines()) == count + 1


def test_a_table_keeps_its_order_in_the_address(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=7d&tab=models")
    inside.ready("models")
    inside.page.locator("[data-table=models] [data-sort=tokens]").click()
    inside.page.wait_for_url(re.compile("sort.models=-tokens"))
    shown = values(inside, "models", "tokens")
    assert [int(value) for value in shown] == sorted(map(int, shown), reverse=True)
    inside.page.reload()
    inside.ready("models")
    head = inside.page.locator(
        "[data-table=models] th", has=inside.page.locator("[data-sort=tokens]")
    )
    expect(head).to_have_attribute("aria-sort", "descending")
    assert values(inside, "models", "tokens") == shown


def test_short_tables_are_saved_too(inside: Panel) -> None:
    inside.visit()
    inside.ready("failures")
    block = inside.page.locator("[data-block=failures]")
    block.hover()
    with inside.page.expect_download() as saved:
        block.locator("[data-action=export-csv]").click()
    assert saved.value.suggested_filename == "recent-failures.csv"


def test_headline_figures_open_the_rows_behind_them(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("summary")
    tiles = inside.page.locator("[data-block=summary] .tile")
    linked = tiles.filter(has=inside.page.locator("a [data-metric]"))
    expect(linked).to_have_count(tiles.count())
    inside.page.locator("[data-block=summary] a[data-metric=p95]").click()
    inside.page.wait_for_url(re.compile(r"min_latency_ms=\d+"))
    # The slow requests of that filter may all have a price.
    inside.visit("/monitoring?time_range=7d")
    inside.ready("summary")
    inside.page.locator("[data-metric=unpriced]").first.click()
    inside.page.wait_for_url(re.compile("/model-prices.*filter=missing"))
