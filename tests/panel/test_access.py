"""Everybody can use the pages: accessibility as a checker sees it, and layouts that hold still."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cpamp.lab import Manager
from tests.panel.driving import DESKTOP, PHONE, Panel, origin_of

# The address of each page and tab, and a block of it that has something to show.
PLACES = {
    "/": "today",
    "/usage-analytics?time_range=7d": "course",
    "/usage-analytics?time_range=7d&tab=trends": "model-trend",
    "/usage-analytics?time_range=7d&tab=models": "models",
    "/usage-analytics?time_range=7d&tab=apiKeys": "api-keys",
    "/usage-analytics?time_range=7d&tab=credentials": "credentials",
    "/usage-analytics?time_range=7d&tab=heatmap": "heatmap",
    "/monitoring?time_range=7d": "events",
    "/monitoring?time_range=7d&tab=accounts": "accounts",
    "/monitoring?time_range=7d&tab=apiKeys": "api-keys",
    "/model-prices": "prices",
    "/api-key-aliases": "aliases",
    "/coverage": "minutes",
    "/accounts": "credentials",
    "/oauth": "oauth",
    "/ai-providers": "providers",
    "/config?tab=visual": "visual",
    "/config?tab=source": "source",
    "/system": "storage",
}
# What may have nothing to show is settled when it says so.
MAYBE_EMPTY = {
    "/notices": "notice-rules",
    "/logs": "log",
    "/logs?tab=errors": "error-logs",
    "/plugins": "plugins",
    "/plugins?tab=store": "plugin-store",
    "/api-tokens": "api-tokens",
    "/monitoring/account-actions": "actions",
}
MOST_SHIFT = 0.02
# How far what was there has moved by itself, since the page was opened.
SHIFT = """
globalThis.shift = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shift += one.value;
}).observe({type: "layout-shift", buffered: true});
"""


def faults(page: Page) -> list[str]:
    """What is serious of that which the checker finds."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def settled(panel: Panel, place: str) -> None:
    """Go on when the block of a place shows data, and no other is still to come."""
    if place in PLACES:
        panel.ready(PLACES[place])
    else:
        state = re.compile("ready|empty")
        block = panel.page.locator(f"[data-block={MAYBE_EMPTY[place]}]")
        expect(block).to_have_attribute("data-state", state)
    expect(panel.page.locator("[data-state=loading]")).to_have_count(0)


def test_everybody_can_use_them(filled: Manager, opened: Callable[..., Panel]) -> None:
    panel = opened(origin_of(filled))
    panel.visit()
    panel.boot("login")
    assert faults(panel.page) == []
    panel.log_in(remember=True)
    panel.boot("running")
    found = {}
    for place in (*PLACES, *MAYBE_EMPTY):
        panel.go(place)
        settled(panel, place)
        found[place] = faults(panel.page)
    # On a phone nothing of this page but the page itself can have the focus.
    panel.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for place in ("/coverage", "/usage-analytics?time_range=7d&tab=heatmap"):
        panel.go(place)
        settled(panel, place)
        found[f"{place} on a phone"] = faults(panel.page)
    assert {place: one for place, one in found.items() if one} == {}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_they_hold_still(
    filled: Manager, entered: Callable[..., Panel], size: tuple[int, int]
) -> None:
    panel = entered(origin_of(filled), size=size)
    panel.page.add_init_script(SHIFT)
    moved = {}
    for place in (*PLACES, *MAYBE_EMPTY):
        panel.visit(place)
        settled(panel, place)
        moved[place] = float(panel.page.evaluate("shift"))
    assert {place: one for place, one in moved.items() if one >= MOST_SHIFT} == {}


def test_dialogs_too(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    inside.page.locator("[data-table=events] [data-row]").first.click()
    inside.page.locator("dialog[open]").wait_for()
    assert faults(inside.page) == []
