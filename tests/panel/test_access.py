"""Everybody can use the pages: accessibility as a checker sees it."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from cpamp.lab import Manager
from tests.panel.driving import PHONE, Panel, origin_of
from tests.panel.places import MAYBE_EMPTY, PLACES, settled


def faults(page: Page) -> list[str]:
    """What is serious of that which the checker finds."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


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


def test_dialogs_too(inside: Panel) -> None:
    inside.visit("/monitoring?time_range=7d")
    inside.ready("events")
    inside.page.locator("[data-table=events] [data-row]").first.click()
    inside.page.locator("dialog[open]").wait_for()
    assert faults(inside.page) == []
