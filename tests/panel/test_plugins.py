"""Plugins of CPA: configured, installed, and kept away from the panel."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.panel.managing import World


def test_a_plugin_is_configured_and_switched(world: World) -> None:
    world.panel.visit("/plugins?plugin=prying")
    config = world.panel.page.locator("[data-field=config]")
    expect(config).to_have_value(re.compile('"depth": 1'))
    config.fill("[")
    save = world.panel.page.locator("[data-block=plugin-config] [data-action=save]")
    expect(save).to_be_disabled()
    config.fill('{"depth": 2}')
    save.click()
    expect(world.panel.page.locator("[data-toast=success]")).to_be_visible()
    path = "/v0/management/plugins/prying/config"
    assert world.manager.http.json("GET", path) == {"depth": 2}


def test_a_plugins_page_can_read_nothing_of_the_panel(world: World) -> None:
    world.panel.visit("/plugin-pages/prying/0")
    said = world.panel.page.frame_locator("iframe.plugin-frame").locator("#said")
    expect(said).to_have_text("SecurityError SecurityError")


def test_a_plugins_page_has_its_place_in_the_side_bar(world: World) -> None:
    """From the first look at the plugins on, without asking CPA for them at each start."""
    world.panel.visit("/plugins")
    world.panel.ready("plugins")
    entry = world.panel.page.locator("[data-nav=plugin-page]").first
    expect(entry).to_be_visible()
    world.panel.visit("/system")
    entry.click()
    world.panel.ready("plugin-page")
    expect(entry).to_have_attribute("aria-current", "page")
    expect(world.panel.page.locator("iframe.plugin-frame")).to_be_visible()


def test_a_plugin_is_installed_and_deleted(world: World) -> None:
    world.panel.visit("/plugins?tab=store")
    world.row("plugin-store", "main/offered").locator("[data-action=install]").click()
    world.click("[data-dialog=install-plugin] [data-action=confirm]")
    expect(
        world.row("plugin-store", "main/offered").locator("[data-action=install]")
    ).to_have_count(0)
    world.click("[data-tab=installed]")
    world.row("plugins", "offered").click()
    world.click("[data-dialog=plugin] [data-action=delete]")
    world.click("[data-dialog=delete-plugin] [data-action=confirm]")
    expect(world.row("plugins", "offered")).to_have_count(0)
