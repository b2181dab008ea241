"""Edits outlive looks at other pages, and are asked about before they are thrown away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.panel.configuring import Pair, config
from tests.panel.driving import Panel


def test_edits_outlive_a_look_at_another_page(pair: Pair) -> None:
    pair.open("manager")
    pair.field("batch-size").fill("77")
    pair.panel.go("/system")
    pair.do("leave")
    expect(pair.panel.page.locator("[data-page=system]")).to_be_visible()
    pair.panel.go("/config?tab=manager")
    expect(pair.field("batch-size")).to_have_value("77")
    pair.do("discard")
    expect(pair.field("batch-size")).to_have_value(str(config(pair)["collector"]["batchSize"]))


# What is typed, in which tab, and where it is typed.
EDITS = [("manager", "batch-size", "77"), ("visual", "request-retry", "7"), ("visual", "port", "x")]
WAYS: dict[str, Callable[[Panel], object]] = {
    "link": lambda panel: panel.page.locator("[data-nav=logs]").click(),
    "keys": lambda panel: panel.page.locator("main").press("g") or panel.page.keyboard.press("l"),
    "address": lambda panel: panel.go("/logs"),
    "back": lambda panel: panel.page.go_back(),
}


@pytest.mark.parametrize(("tab", "field", "typed"), EDITS)
@pytest.mark.parametrize("way", WAYS)
def test_edits_are_asked_about_before_they_are_left(
    pair: Pair, tab: str, field: str, typed: str, way: str
) -> None:
    page = pair.panel.page
    pair.open(tab)
    pair.panel.go("/logs")
    expect(page.locator("[data-page=logs]")).to_be_visible()
    pair.panel.go(f"/config?tab={tab}")
    pair.field(field).fill(typed)
    here = page.url
    for answer in ("stay", "leave"):
        WAYS[way](pair.panel)
        expect(page.locator("[data-dialog=unsaved]")).to_be_visible()
        expect(page.locator("[data-page=config]")).to_be_visible()
        expect(page).to_have_url(here)
        pair.do(answer)
        expect(page.locator("[data-dialog=unsaved]")).to_have_count(0)
        if answer == "stay":
            expect(pair.field(field)).to_have_value(typed)
    expect(page.locator("[data-page=logs]")).to_be_visible()
    assert "/logs" in page.url
    pair.panel.go(f"/config?tab={tab}")
    expect(pair.field(field)).to_have_value(typed)
    pair.do("discard")
    pair.panel.go("/logs")
    expect(page.locator("[data-page=logs]")).to_be_visible()


def test_the_browser_asks_before_edits_go_with_its_tab(pair: Pair) -> None:
    page, asked = pair.panel.page, []
    page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    for edited in (False, True):
        pair.open("manager")
        if edited:
            pair.field("batch-size").fill("77")
        page.reload()
        pair.panel.boot("running")
        assert asked == (["beforeunload"] if edited else [])


def test_a_logout_throws_edits_away_after_a_question(pair: Pair) -> None:
    pair.open("manager")
    pair.field("cpa-key").fill("typed in the wrong place")
    pair.do("logout")
    pair.do("stay")
    expect(pair.field("cpa-key")).to_have_value("typed in the wrong place")
    pair.do("logout")
    pair.do("leave")
    pair.panel.boot("login")
    pair.panel.log_in(remember=True)
    pair.panel.boot("running")
    pair.panel.go("/config?tab=manager")
    expect(pair.field("cpa-key")).to_have_value("")
