"""Notices: rules and ways to reach people, set and rehearsed in the panel."""

from __future__ import annotations

from playwright.sync_api import expect

from cpamp.lab import Manager
from tests.panel.driving import Panel

BASE = "/v0/management/notifications"


def test_a_rule_and_a_way(inside: Panel, filled: Manager) -> None:
    inside.visit("/notices")
    page = inside.page
    page.locator("[data-action=add-channel]").click()
    dialog = page.locator("[data-dialog=notice]")
    dialog.locator("[data-field=name]").fill("Team")
    expect(dialog.locator("[data-action=save]")).to_be_disabled()
    dialog.locator("[data-field=url]").fill("http://127.0.0.1:9/hook")
    dialog.locator("[data-action=save]").click()
    expect(page.locator("[data-table=notice-channels]")).to_contain_text("Team")
    page.locator("[data-action=add-rule]").click()
    dialog.locator("[data-field=name]").fill("Costly day")
    dialog.locator("[data-field=limit]").fill("1")
    dialog.locator("[data-action=rehearse]").click()
    expect(dialog.locator("[data-block=rehearsal]")).to_contain_text("30 days")
    told = filled.http.json("POST", f"{BASE}/rehearsal", {"kind": "spend", "limit": 1})
    rehearsal = dialog.locator("[data-block=rehearsal]")
    expect(rehearsal).to_have_attribute("data-value", str(told["count"]))
    assert rehearsal.locator(".dim").inner_text().count("·") == max(told["count"] - 1, 0)
    dialog.locator("[data-action=save]").click()
    rules = page.locator("[data-table=notice-rules]")
    expect(rules).to_contain_text("Costly day")
    (rule,) = filled.http.json("GET", BASE)["rules"]
    assert (rule["kind"], rule["limit"], rule["enabled"]) == ("spend", 1, True)
    rules.locator("[data-action=turn-rule]").click()
    expect(rules.locator("[data-action=turn-rule]")).to_have_attribute("aria-checked", "false")
    page.locator("[data-action=test-channel]").click()
    expect(page.locator("[data-toast=error]")).to_contain_text("did not get through")
    rules.locator("[data-row]").click()
    dialog.locator("[data-action=delete]").click()
    page.locator("[data-dialog=delete-notice] [data-action=confirm]").click()
    expect(rules).to_have_count(0)
    assert filled.http.json("GET", BASE)["rules"] == []
