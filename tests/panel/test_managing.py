"""The pages that manage CPA: by their addresses, and where CPA itself serves them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from cpamp.lab import CPA_KEY, Cpa, Manager
from tests.panel.driving import PHONE, Panel
from tests.panel.managing import World

# The page, its address, and the block that is to have data.
PAGES = {
    "accounts": ("/accounts", "credentials"),
    "oauth": ("/oauth", "oauth"),
    "ai-providers": ("/ai-providers", "providers"),
    "plugins": ("/plugins", "plugins"),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [(1440, 900), PHONE])
def test_a_page_opens_by_its_address(world: World, name: str, size: tuple[int, int]) -> None:
    route, block = PAGES[name]
    world.panel.page.set_viewport_size({"width": size[0], "height": size[1]})
    world.panel.nothing_ages()
    world.panel.visit(route)
    world.panel.ready(block)
    expect(world.panel.page.locator("main")).to_have_attribute("data-page", name)
    assert world.panel.repeated() == []
    assert not world.panel.overflows()


@pytest.mark.parametrize("name", PAGES)
def test_in_cpas_own_panel_only_cpa_is_asked(
    servers: tuple[Manager, Cpa], opened: Callable[..., Panel], name: str
) -> None:
    route, block = PAGES[name]
    panel = opened(servers[1].url)
    panel.visit(route)
    panel.log_in(CPA_KEY)
    panel.ready(block)
    expect(panel.page.locator("html")).to_have_attribute("data-mode", "cpa")
    own = ("monitoring", "inspection", "dashboard", "account-action", "quota", "/status", "panel/")
    asked = [request for request in panel.requests if any(part in request for part in own)]
    assert [request for request in asked if "management.html" not in request] == []
    others = [request for request in panel.requests if "/usage-service/" in request]
    assert others in ([], ["GET /usage-service/info"])
