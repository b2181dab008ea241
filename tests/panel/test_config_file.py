"""CPA's configuration file, as a text and as a form."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from cpamp.lab import CPA_KEY, Cpa, Manager
from tests.panel.configuring import YAML, Pair
from tests.panel.driving import Panel


def test_a_text_is_reviewed_and_written(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("source")
    changed = YAML.replace("request-retry: 3", "request-retry: 5") + "ws-auth: true\n"
    pair.typed(changed)
    pair.do("save")
    diff = page.locator("dialog [data-block=diff]")
    expect(diff).to_have_attribute("data-added", "2")
    expect(diff).to_have_attribute("data-removed", "1")
    expect(diff).to_contain_text("+ request-retry: 5")
    expect(page.locator("[data-block=cutting]")).to_have_count(0)
    assert "sk-client-team-a-0001" not in diff.inner_text()
    assert pair.file == YAML
    pair.do("confirm")
    pair.toast("success")
    assert pair.file == changed


def test_what_cuts_the_manager_off_is_warned_of(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("source")
    pair.typed(YAML.replace("notForAnybodysEyes", "anotherOne").replace("8317", "8318"))
    pair.do("save")
    expect(page.locator("[data-block=cutting]")).to_contain_text("port, remote-management")
    diff = page.locator("dialog [data-block=diff]")
    assert "anotherOne" not in diff.inner_text()
    page.locator("[data-field=secrets]").check()
    expect(diff).to_contain_text("anotherOne")


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("source")
    mine = YAML.replace("debug: false", "debug: true")
    theirs = YAML.replace("request-retry: 3", "request-retry: 9")
    pair.typed(mine)
    pair.do("save")
    pair.file = theirs
    pair.do("confirm")
    expect(page.locator("[data-error=changed_meanwhile]")).to_be_visible()
    assert pair.file == theirs
    shown = page.locator("dialog [data-block=diff]")
    expect(shown.nth(0)).to_contain_text("+ request-retry: 9")
    expect(shown.nth(1)).to_contain_text("- request-retry: 9")
    pair.do("take-theirs")
    expect(pair.field("source")).to_have_value(theirs)
    assert pair.file == theirs


def test_a_text_that_is_no_yaml_names_its_line(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("source")
    pair.typed(YAML + "tls: [1\nx: 2\n")
    expect(page.locator("[data-error=invalid_yaml]")).to_be_visible()
    expect(page.locator("[data-action=save]")).to_be_disabled()
    page.locator("[data-tab=visual]").click()
    expect(page.locator("[data-error=invalid_yaml]")).to_be_visible()
    page.locator("[data-action=open-source]").click()
    expect(pair.field("source")).to_be_focused()


def test_words_are_found_one_after_the_other(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("source")
    find = page.locator("[data-block=source] [data-field=search]")
    find.fill("ENABLE")
    count = page.locator("[data-metric=matches]")
    expect(count).to_have_text("1 of 1")
    find.fill("true")
    expect(count).to_have_attribute("data-value", "0")
    find.fill("al")
    expect(count).to_have_text("1 of 2")
    find.press("Enter")
    expect(count).to_have_text("2 of 2")
    find.press("Enter")
    expect(count).to_have_text("1 of 2")
    find.press("Shift+Enter")
    expect(count).to_have_text("2 of 2")
    expect(page.locator(".editor mark")).to_have_count(2)


def test_the_form_touches_nothing_else(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("visual")
    expect(pair.field("port")).to_have_value("8317")
    page.locator('[data-action="debug"]').click()
    pair.field("request-retry").fill("x")
    expect(page.locator("[data-action=save]")).to_be_disabled()
    pair.field("request-retry").fill("7")
    pair.field("proxy-url").fill("socks5://proxy:1080")
    page.locator('[data-action="tls.enable"]').click()
    pair.do("save")
    pair.do("confirm")
    pair.toast("success")
    expected = YAML.replace("debug: false", "debug: true").replace("enable: false", "enable: true")
    expected = expected.replace("request-retry: 3", "request-retry: 7")
    assert pair.file == f"{expected}proxy-url: socks5://proxy:1080\n"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("host", "127.0.0.1"),
        ("max-retry-interval", "9"),
        ("remote-management.secret-key", "new"),
        ("tls.cert", "/cert.pem"),
    ],
)
def test_what_is_taken_back_leaves_nothing_behind(pair: Pair, name: str, typed: str) -> None:
    bar = pair.panel.page.locator("[data-block=save-bar]")
    pair.open("visual")
    pair.field(name).fill(typed)
    expect(bar).to_be_visible()
    pair.field(name).fill("")
    expect(bar).to_have_count(0)


def test_a_setting_is_found_by_its_name(pair: Pair) -> None:
    pair.panel.visit("/config?tab=visual&search=retry")
    page = pair.panel.page
    expect(page.locator('[data-setting="request-retry"]')).to_be_visible()
    expect(page.locator('[data-setting="port"]')).to_have_count(0)
    expect(page.locator("[data-section]")).to_have_count(1)


def test_cpas_own_part_works_without_a_manager(
    both: tuple[Manager, Cpa], opened: Callable[..., Panel]
) -> None:
    _, cpa = both
    panel = opened(cpa.url)
    pair = Pair(both[0], cpa, panel)
    pair.file = YAML
    panel.visit("/config?tab=manager")
    panel.boot("login")
    panel.log_in(CPA_KEY)
    panel.boot("running")
    panel.ready("client-keys")
    tabs = [tab.get_attribute("data-tab") for tab in panel.page.locator("[data-tab]").all()]
    assert tabs == ["keys", "visual", "source"]
    panel.go("/config?tab=source")
    panel.ready("source")
    pair.typed(YAML + "ws-auth: true\n")
    pair.do("save")
    pair.do("confirm")
    pair.toast("success")
    assert pair.file == YAML + "ws-auth: true\n"
    asked = {one.split(" ")[1].split("?")[0] for one in panel.requests}
    named = {"config", "api-keys", "config.yaml"}
    own = {f"/v0/management/{name}" for name in named}
    assert asked == {"/management.html", "/usage-service/info", *own}
    assert json.dumps(sorted(asked)).count("usage-service") == 1
