"""All pages and tabs, and when each of them is settled."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.panel.driving import Panel

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


def settled(panel: Panel, place: str) -> None:
    """Go on when the block of a place shows data, and no other is still to come."""
    if place in PLACES:
        panel.ready(PLACES[place])
    else:
        state = re.compile("ready|empty")
        block = panel.page.locator(f"[data-block={MAYBE_EMPTY[place]}]")
        expect(block).to_have_attribute("data-state", state)
    expect(panel.page.locator("[data-state=loading]")).to_have_count(0)
