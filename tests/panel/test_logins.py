"""Logins to providers, and what they leave in CPA."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.panel.managing import World


def test_a_login_ends_with_the_pasted_address(world: World) -> None:
    world.panel.visit("/oauth")
    row = world.panel.page.locator("[data-row=codex]")
    row.locator("[data-action=start]").click()
    link = row.locator("[data-action=open]").get_attribute("href") or ""
    state = re.sub(r".*state=", "", link)
    assert link.startswith("https://login.example/codex")
    row.locator("[data-field=redirect]").fill(f"http://localhost:1455/?code=c&state={state}")
    row.locator("[data-action=send]").click()
    expect(row).to_have_attribute("data-step", "done")


def test_a_login_is_given_up(world: World) -> None:
    world.panel.visit("/oauth")
    row = world.panel.page.locator("[data-row=kimi]")
    row.locator("[data-action=start]").click()
    expect(row.locator("[data-field=redirect]")).to_have_count(0)
    with world.panel.page.expect_response(re.compile("oauth-session")) as answer:
        row.locator("[data-action=cancel]").click()
    assert answer.value.json()["cancelled"] is True
    expect(row).to_have_attribute("data-step", "idle")


def test_a_service_account_is_imported(world: World, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"project_id": "p-77", "client_email": "robot@p-77.example"}))
    world.panel.visit("/oauth")
    row = world.panel.page.locator("[data-row=vertex]")
    row.locator("[data-field=service-account]").set_input_files(file)
    row.locator("[data-field=location]").fill("europe-west1")
    row.locator("[data-action=import]").click()
    expect(row).to_contain_text("europe-west1")
    assert world.files()["vertex-p-77.json"]["email"] == "robot@p-77.example"
