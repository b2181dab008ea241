"""While nothing happens nothing is asked for."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.panel.driving import Panel

BLOCKS = {
    "/": "today",
    "/monitoring?time_range=today": "events",
    "/coverage": "minutes",
    "/system": "storage",
    "/accounts": "credentials",
}
# They tell rates, minutes and cooldowns.
AGING = ("/", "/coverage", "/accounts")
# Of this length are the longest steps in which a page sees that figures age.
STEP = 600
QUIET_MS = 190_000


@pytest.mark.parametrize("route", BLOCKS)
def test_an_idle_page_asks_for_nothing(inside: Panel, route: str) -> None:
    """Not in three minutes; at a border of what ages by the clock, once."""
    clock = inside.page.clock
    # Right after a border, so that the quiet minutes cross none.
    clock.install(time=time.time() // STEP * STEP + 1)
    inside.visit(route)
    inside.ready(BLOCKS[route])
    expect(inside.page.locator("[data-live=live]")).to_be_visible()
    expect(inside.page.locator("[aria-busy=true]")).to_have_count(0)
    inside.settled()
    inside.requests.clear()
    clock.run_for(QUIET_MS)
    assert inside.requests == []
    clock.fast_forward(STEP * 1000)
    inside.settled()
    assert inside.repeated() == []
    assert bool(inside.requests) == (route in AGING)
