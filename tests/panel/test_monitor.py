"""The request monitor: its rows, filters, and what they open."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager, wait_until
from cpamp.simulator.records import CLIENT_KEYS
from tests.daemon import Lab, connection
from tests.inspection import fixture
from tests.panel.driving import (
    DESKTOP,
    PHONE,
    SECRET,
    UNPRICED,
    Panel,
    asked,
    manager_of,
    origin_of,
    records,
    rows,
    values,
)


def falling(panel: Panel, table: str, column: str) -> list[str]:
    """The values of a column as soon as each is as large as the next at least."""
    shown: list[str] = []

    def ordered() -> bool:
        shown[:] = values(panel, table, column)
        return bool(shown) and shown == sorted(shown, key=int, reverse=True)

    wait_until(ordered, what=f"{table} by {column}")
    return shown


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
    for tab in ("realtime", "accounts", "apiKeys"):
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


def test_accounts_are_masked_until_the_user_wants_them(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d&tab=accounts")
    inside.ready("accounts")
    shown = inside.page.locator("[data-table=accounts]")
    assert "@" in shown.inner_text()
    assert not re.search(r"[a-z]+-user-\d+@", shown.inner_text())
    inside.page.locator("[data-action=mask]").click()
    expect(shown).to_contain_text(re.compile(r"[a-z]+-user-\d+@"))


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
        paths = cell.locator("[role=img] path").evaluate_all(
            "all => all.map(p => p.getAttribute('d'))"
        )
        assert "".join(paths).count("M") == 10


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_accounts_as_cards(inside: Panel, size: tuple[int, int]) -> None:
    inside.page.set_viewport_size({"width": size[0], "height": size[1]})
    inside.visit("/monitoring?time_range=all&tab=accounts")
    inside.ready("accounts")
    expect(inside.page.locator("[data-col=state][data-value=enabled]").first).to_be_attached()
    calls = dict(zip(rows(inside, "accounts"), values(inside, "accounts", "requests"), strict=True))
    inside.page.locator("[data-action=display]").click()
    inside.page.wait_for_url(re.compile("display=cards"))
    inside.page.locator("[data-field=sort]").select_option("requests")
    shown = falling(inside, "accounts-cards", "requests")
    for account, count in zip(rows(inside, "accounts-cards"), shown, strict=True):
        assert calls.get(account, count) == count
    assert not inside.overflows()
    inside.page.locator("[data-table=accounts-cards] [data-action=open]").first.click()
    expect(inside.page.locator("[data-dialog=group]")).to_be_visible()


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
    shown = falling(inside, "models", "tokens")
    inside.page.reload()
    inside.ready("models")
    head = inside.page.locator(
        "[data-table=models] th", has=inside.page.locator("[data-sort=tokens]")
    )
    expect(head).to_have_attribute("aria-sort", "descending")
    assert values(inside, "models", "tokens") == shown


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
