"""While nothing happens nothing is asked for."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from playwright.sync_api import expect

from tests.panel.driving import AGING_S, STREAM, Panel

BLOCKS = {
    "/": "today",
    "/monitoring?time_range=today": "events",
    "/coverage": "minutes",
    "/system": "storage",
    "/accounts": "credentials",
}
# They tell rates, minutes and cooldowns.
AGING = ("/", "/coverage", "/accounts")
QUIET_MS = 190_000


@pytest.mark.parametrize("route", BLOCKS)
def test_an_idle_page_asks_for_nothing(inside: Panel, route: str) -> None:
    """Not in three minutes; at a border of what ages by the clock, once."""
    clock = inside.page.clock
    inside.nothing_ages()
    inside.visit(route)
    inside.ready(BLOCKS[route])
    expect(inside.page.locator("[data-live=live]")).to_be_visible()
    expect(inside.page.locator("[aria-busy=true]")).to_have_count(0)
    inside.settled()
    inside.requests.clear()
    clock.run_for(QUIET_MS)
    assert inside.requests == []
    asking = inside.page.expect_request(lambda request: not request.url.endswith(STREAM))
    with asking if route in AGING else nullcontext():
        clock.fast_forward(AGING_S * 1000)
    inside.settled()
    assert inside.repeated() == []
    assert bool(inside.requests) == (route in AGING)
