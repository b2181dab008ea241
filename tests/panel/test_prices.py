"""Prices of models and names of keys: seen, changed, and not lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager
from tests.panel.driving import (
    UNPRICED,
    Panel,
    values,
)

PRICES = "/v0/management/model-prices"


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
