"""The pages of settings: what they save is what the daemon then has."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from cpamp.lab import CPA_KEY
from tests.panel.configuring import TABS, Pair, config
from tests.panel.driving import PHONE

POLICY = "/usage-service/account-processing-policy"


@pytest.mark.parametrize("size", [None, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_fits(pair: Pair, tab: str, size: tuple[int, int] | None) -> None:
    if size:
        pair.panel.page.set_viewport_size({"width": size[0], "height": size[1]})
    pair.open(tab)
    assert not pair.panel.overflows()
    assert pair.panel.repeated() == []
    shown = pair.panel.page.content()
    assert CPA_KEY not in shown
    assert "sk-client-team-a-0001" not in shown or tab == "source"


def test_only_what_was_changed_changes(pair: Pair) -> None:
    before = config(pair)
    pair.open("manager")
    expect(pair.panel.page.locator("[data-block=save-bar]")).to_have_count(0)
    expect(pair.field("cpa-key")).to_have_value("")
    pair.field("poll-interval").fill("750")
    pair.field("collector-mode").select_option("http")
    pair.field("query-limit").fill("1234")
    pair.do("save")
    pair.toast("success")
    expect(pair.panel.page.locator("[data-block=save-bar]")).to_have_count(0)
    expected = {**before["collector"], "pollIntervalMs": 750, "queryLimit": 1234}
    expected["collectorMode"] = "http"
    assert config(pair) == {**before, "collector": expected}


@pytest.mark.parametrize(
    ("field", "value"),
    [("poll-interval", "0"), ("poll-interval", "60001"), ("batch-size", "x"), ("cpa-url", "")],
)
def test_what_can_not_be_saved_is_said_at_its_field(pair: Pair, field: str, value: str) -> None:
    pair.open("manager")
    pair.field(field).fill(value)
    expect(pair.panel.page.locator("[data-action=save]")).to_be_disabled()


def test_another_address_wants_its_key_and_is_asked_about(pair: Pair) -> None:
    before = config(pair)
    pair.open("manager")
    other = f"http://localhost:{pair.cpa.port}"
    pair.field("cpa-url").fill(f"{other}/v0/management/")
    save = pair.panel.page.locator("[data-action=save]")
    expect(save).to_be_disabled()
    pair.field("cpa-key").fill(CPA_KEY)
    save.click()
    dialog = pair.panel.page.locator("[data-dialog=change-connection]")
    expect(dialog).to_contain_text(before["cpaConnection"]["cpaBaseUrl"])
    expect(dialog).to_contain_text(other)
    pair.do("confirm")
    pair.toast("success")
    assert config(pair)["cpaConnection"]["cpaBaseUrl"] == other


def test_accounts_are_switched_off_by_themselves_only_after_a_word(pair: Pair) -> None:
    pair.open("manager")
    page = pair.panel.page
    automatic = page.locator("[data-action=policy-authIssueAutoDisable]")
    expect(automatic).to_be_disabled()
    pair.do("policy-authIssueQueue")
    expect(page.locator("[data-action=policy-authIssueQueue]")).to_be_checked()
    automatic.click()
    expect(page.locator("[data-dialog=auto-disable]")).to_be_visible()
    assert pair.manager.http.json("GET", POLICY)["authIssueAutoDisable"]["enabled"] is False
    pair.do("confirm")
    expect(automatic).to_be_checked()
    assert pair.manager.http.json("GET", POLICY)["authIssueAutoDisable"]["enabled"] is True
