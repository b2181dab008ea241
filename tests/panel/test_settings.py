"""The pages of settings: what they save is what the daemon and CPA then have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from playwright.sync_api import Locator, expect

from cpamp.lab import CPA_KEY, Cpa, Manager
from tests.daemon import Lab, connection
from tests.panel.driving import PHONE, Panel, manager_of, origin_of

YAML = """# our CPA
port: 8317 # as ever
tls:
  enable: false
debug: false
remote-management:
  secret-key: "$2a$10$notForAnybodysEyes"
api-keys:
  - sk-client-team-a-0001
request-retry: 3
"""
CONFIG = "/usage-service/config"
ALIASES = "/v0/management/api-key-aliases"
POLICY = "/usage-service/account-processing-policy"
TABS = {"manager": "cpa-side", "keys": "client-keys", "visual": "visual", "source": "source"}


@attrs.define
class Pair:
    """A daemon, its CPA, and a tab that is logged in."""

    manager: Manager
    cpa: Cpa
    panel: Panel

    @property
    def file(self) -> str:
        """CPA's configuration file."""
        status, text = self.manager.http.request("GET", "/v0/management/config.yaml")
        assert status == 200
        return text.decode()

    @file.setter
    def file(self, text: str) -> None:
        path = "/v0/management/config.yaml"
        assert self.manager.http.request("PUT", path, text.encode())[0] == 200

    def open(self, tab: str) -> None:
        self.panel.visit(f"/config?tab={tab}")
        self.panel.boot("running")
        expect(self.panel.page.locator(f"[data-block={TABS[tab]}]")).to_be_visible()

    def field(self, name: str) -> Locator:
        return self.panel.page.locator(f'[data-field="{name}"]')

    def do(self, action: str) -> None:
        """Press a button: of the dialog, where there is one."""
        button = f'[data-action="{action}"]'
        found = f"dialog {button}, body:not(:has(dialog)) {button}"
        self.panel.page.locator(found).first.click()

    def toast(self, kind: str) -> None:
        expect(self.panel.page.locator(f"[data-toast={kind}]")).to_be_visible()

    def typed(self, text: str) -> None:
        """Have this text in the editor."""
        self.field("source").fill(text)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    lab = Lab(tmp_path_factory.mktemp("settings"))
    cpa, manager = lab.cpa(), manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    yield manager, cpa
    lab.close()


@pytest.fixture
def pair(both: tuple[Manager, Cpa], opened: Callable[..., Panel]) -> Pair:
    manager, cpa = both
    pair = Pair(manager, cpa, opened(origin_of(manager)))
    pair.file = YAML
    manager.http.json("PUT", "/v0/management/api-keys", ["sk-client-team-a-0001"])
    pair.panel.visit()
    pair.panel.log_in(remember=True)
    pair.panel.boot("running")
    return pair


def config(pair: Pair) -> Any:
    return pair.manager.http.json("GET", CONFIG)["config"]


def keys(pair: Pair) -> Any:
    return pair.manager.http.json("GET", "/v0/management/api-keys")["api-keys"]


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


# -- the Manager's own --------------------------------------------------------------------------


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


def test_edits_outlive_a_look_at_another_page(pair: Pair) -> None:
    pair.open("manager")
    pair.field("batch-size").fill("77")
    pair.panel.go("/system")
    pair.do("leave")
    expect(pair.panel.page.locator("[data-page=system]")).to_be_visible()
    pair.panel.go("/config?tab=manager")
    expect(pair.field("batch-size")).to_have_value("77")
    pair.do("discard")
    expect(pair.field("batch-size")).to_have_value(str(config(pair)["collector"]["batchSize"]))


# What is typed, in which tab, and where it is typed.
EDITS = [("manager", "batch-size", "77"), ("visual", "request-retry", "7"), ("visual", "port", "x")]
WAYS: dict[str, Callable[[Panel], object]] = {
    "link": lambda panel: panel.page.locator("[data-nav=logs]").click(),
    "keys": lambda panel: panel.page.locator("main").press("g") or panel.page.keyboard.press("l"),
    "address": lambda panel: panel.go("/logs"),
    "back": lambda panel: panel.page.go_back(),
}


@pytest.mark.parametrize(("tab", "field", "typed"), EDITS)
@pytest.mark.parametrize("way", WAYS)
def test_edits_are_asked_about_before_they_are_left(
    pair: Pair, tab: str, field: str, typed: str, way: str
) -> None:
    page = pair.panel.page
    pair.open(tab)
    pair.panel.go("/logs")
    expect(page.locator("[data-page=logs]")).to_be_visible()
    pair.panel.go(f"/config?tab={tab}")
    pair.field(field).fill(typed)
    here = page.url
    for answer in ("stay", "leave"):
        WAYS[way](pair.panel)
        expect(page.locator("[data-dialog=unsaved]")).to_be_visible()
        expect(page.locator("[data-page=config]")).to_be_visible()
        expect(page).to_have_url(here)
        pair.do(answer)
        expect(page.locator("[data-dialog=unsaved]")).to_have_count(0)
        if answer == "stay":
            expect(pair.field(field)).to_have_value(typed)
    expect(page.locator("[data-page=logs]")).to_be_visible()
    assert "/logs" in page.url
    pair.panel.go(f"/config?tab={tab}")
    expect(pair.field(field)).to_have_value(typed)
    pair.do("discard")
    pair.panel.go("/logs")
    expect(page.locator("[data-page=logs]")).to_be_visible()


def test_the_browser_asks_before_edits_go_with_its_tab(pair: Pair) -> None:
    page, asked = pair.panel.page, []
    page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    for edited in (False, True):
        pair.open("manager")
        if edited:
            pair.field("batch-size").fill("77")
        page.reload()
        pair.panel.boot("running")
        assert asked == (["beforeunload"] if edited else [])


def test_a_logout_throws_edits_away_after_a_question(pair: Pair) -> None:
    pair.open("manager")
    pair.field("cpa-key").fill("typed in the wrong place")
    pair.do("logout")
    pair.do("stay")
    expect(pair.field("cpa-key")).to_have_value("typed in the wrong place")
    pair.do("logout")
    pair.do("leave")
    pair.panel.boot("login")
    pair.panel.log_in(remember=True)
    pair.panel.boot("running")
    pair.panel.go("/config?tab=manager")
    expect(pair.field("cpa-key")).to_have_value("")


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


# -- client keys --------------------------------------------------------------------------------


def test_a_key_comes_with_its_name_and_goes_without_it(pair: Pair) -> None:
    page = pair.panel.page
    pair.open("keys")
    pair.do("add")
    key = pair.field("key").input_value()
    assert len(key) == 67
    pair.do("generate")
    expect(pair.field("key")).not_to_have_value(key)
    key = pair.field("key").input_value()
    page.locator("dialog [data-field=alias]").fill("Build server")
    pair.do("save")
    name = hashlib.sha256(key.encode()).hexdigest()
    row = page.locator(f'[data-row="{name}"]')
    expect(row).to_contain_text("Build server")
    assert key not in page.content()
    assert keys(pair) == ["sk-client-team-a-0001", key]
    row.locator("[data-action=show]").click()
    expect(row).to_contain_text(key)
    row.locator("[data-action=delete]").click()
    expect(page.locator("[data-dialog=delete-key]")).to_contain_text("Build server")
    pair.do("confirm")
    expect(row).to_have_count(0)
    assert keys(pair) == ["sk-client-team-a-0001"]
    # Its usage is still to be told by its name.
    named = [item["apiKeyHash"] for item in pair.manager.http.json("GET", ALIASES)["items"]]
    assert name in named


def test_keys_that_were_changed_elsewhere_are_not_overwritten(pair: Pair) -> None:
    pair.open("keys")
    pair.do("add")
    theirs = ["sk-client-team-a-0001", "sk-of-somebody-else"]
    pair.manager.http.json("PUT", "/v0/management/api-keys", theirs)
    pair.do("save")
    expect(pair.panel.page.locator("dialog [data-error=http_412]")).to_be_visible()
    assert keys(pair) == theirs


# -- CPA's file ---------------------------------------------------------------------------------


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


# -- where CPA serves the page ------------------------------------------------------------------


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
