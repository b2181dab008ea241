"""The page of providers, against what CPA has before and after."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.panel.managing import World


def test_a_provider_is_switched_by_its_excluded_models(world: World) -> None:
    world.panel.visit("/ai-providers?kind=claude")
    switch = world.row("providers", "claude-0").locator("[data-action=switch]")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    (entry,) = world.config()["claude-api-key"]
    assert entry["excluded-models"] == ["*"]
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")


def test_a_provider_is_added_and_changed_and_deleted(world: World) -> None:
    page = world.panel.page
    world.panel.visit("/ai-providers?kind=xai")
    world.click("[data-block=providers] [data-action=add]")
    save = page.locator("[data-dialog=provider] [data-action=save]")
    expect(save).to_be_disabled()
    page.locator("[data-field=api-key]").fill("xai-secret-key-0001")
    page.locator("[data-field=models]").fill("grok-4.5 = grok")
    save.click()
    row = world.row("providers", "xai-0")
    expect(row.locator("[data-col=name]")).to_have_text("xa******01")
    (entry,) = world.config()["xai-api-key"]
    assert entry["models"] == [{"name": "grok-4.5", "alias": "grok"}]

    row.click()
    expect(page.locator("[data-field=api-key]")).to_have_value("")
    assert "xai-secret" not in page.content()
    page.locator("[data-field=priority]").fill("7")
    save.click()
    expect(row.locator("[data-col=priority]")).to_have_attribute("data-value", "7")
    (entry,) = world.config()["xai-api-key"]
    assert (entry["api-key"], entry["priority"]) == ("xai-secret-key-0001", 7)

    row.click()
    world.click("[data-dialog=provider] [data-action=delete]")
    world.click("[data-dialog=delete-provider] [data-action=confirm]")
    expect(row).to_have_count(0)
    assert not world.config()["xai-api-key"]


def test_a_change_of_somebody_else_is_not_overwritten(world: World) -> None:
    world.panel.visit("/ai-providers?kind=gemini")
    world.row("providers", "gemini-0").click()
    world.panel.page.locator("[data-field=priority]").fill("5")
    changed = {"index": 0, "value": {"priority": 9}}
    world.manager.http.json("PATCH", "/v0/management/gemini-api-key", changed)
    world.click("[data-dialog=provider] [data-action=save]")
    expect(world.panel.page.locator("[data-toast=error]")).to_be_visible()
    assert world.config()["gemini-api-key"][0]["priority"] == 9


def test_a_priority_is_changed_in_its_place(world: World) -> None:
    world.panel.visit("/ai-providers?kind=claude")
    row = world.row("providers", "claude-0")
    field = row.locator("[data-field=row-priority]")
    for typed, kept in (("7", 7), ("no number", 7), ("0", 0)):
        field.fill(typed)
        field.press("Tab")
        expect(row.locator("[data-col=priority]")).to_have_attribute("data-value", str(kept))
        assert world.config()["claude-api-key"][0].get("priority", 0) == kept
    expect(world.panel.page.locator("[data-dialog=provider]")).to_have_count(0)


def test_providers_are_tried_and_their_models_found(world: World) -> None:
    listed = {"data": [{"id": "m-2"}, {"id": "m-1"}]}
    rules = [
        {"match": {"url": "http://127.0.0.1/v1/models"}, "reply": {"status": 200, "body": listed}},
        {"match": {"url": "http://127.0.0.1/models"}, "reply": {"status": 401, "body": "no"}},
    ]
    world.cpa.control.json("POST", "/api_call", {"rules": rules})
    world.panel.visit("/ai-providers")
    world.panel.ready("providers")
    world.click("[data-action=test-all]")
    for key, outcome in (("openai-0", "true"), ("codex-0", "false")):
        cell = world.row("providers", key).locator("[data-col=trial]")
        expect(cell).to_have_attribute("data-value", outcome)
    world.row("providers", "openai-0").click()
    world.click("[data-action=discover]")
    world.panel.page.locator("[data-model=m-1] input").check()
    expect(world.panel.page.locator("[data-field=models]")).to_have_value("m-1")
