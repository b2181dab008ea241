"""The pages that manage CPA, against what CPA has before and after."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from playwright.sync_api import Locator, expect

from cpamp.lab import CPA_KEY, Cpa, Manager
from cpamp.quota import claude
from tests.daemon import Lab, connection
from tests.inspection import fixture
from tests.panel.driving import PHONE, Panel, manager_of, origin_of

FILES = "/v0/management/auth-files"
CONFIG = "/v0/management/config"
CANDIDATES = "/v0/management/account-action-candidates"
CODEX_USAGE = "https://chatgpt.com/backend-api/wham/usage"
PLUGIN = {
    "id": "prying",
    "enabled": True,
    "registered": True,
    "menus": [{"path": "/v0/resource/plugins/prying/page", "menu": "Look"}],
    "metadata": {"name": "Prying", "version": "1.2"},
    "config": {"depth": 1},
}
OFFER = {"id": "offered", "name": "Offered", "version": "0.3", "source_id": "main"}
# The page, its address, and the block that is to have data.
PAGES = {
    "accounts": ("/accounts", "credentials"),
    "oauth": ("/oauth", "oauth"),
    "ai-providers": ("/ai-providers", "providers"),
    "plugins": ("/plugins", "plugins"),
}


@attrs.define
class World:
    """A tab, the daemon that it shows, and the CPA behind that."""

    panel: Panel
    manager: Manager
    cpa: Cpa

    def files(self) -> dict[str, dict[str, Any]]:
        """CPA's credentials, by their ids."""
        listing = self.manager.http.json("GET", FILES)["files"]
        return {file["id"]: file for file in listing}

    def config(self) -> dict[str, Any]:
        """CPA's configuration."""
        config: dict[str, Any] = self.manager.http.json("GET", CONFIG)
        return config

    def row(self, table: str, key: str) -> Locator:
        """A row of a table."""
        return self.panel.page.locator(f'[data-table={table}] [data-row="{key}"]')

    def click(self, selector: str) -> None:
        """Click what there is one of."""
        self.panel.page.locator(selector).click()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon and its CPA with plugins, for all tests: each changes things of its own."""
    lab = Lab(tmp_path_factory.mktemp("managing"))
    cpa = lab.cpa()
    cpa.control.json("POST", "/plugins", {"plugins": [PLUGIN], "offers": [OFFER]})
    manager = manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    manager.wait_for_collector()
    yield manager, cpa
    lab.close()


@pytest.fixture
def world(servers: tuple[Manager, Cpa], opened: Callable[..., Panel]) -> World:
    """A tab that is logged in."""
    manager, cpa = servers
    panel = opened(origin_of(manager))
    panel.visit()
    panel.log_in(remember=True)
    panel.boot("running")
    return World(panel, manager, cpa)


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


# -- credentials --------------------------------------------------------------------------------


def test_all_credentials_are_listed_and_counted(world: World) -> None:
    world.panel.visit("/accounts")
    world.panel.ready("credentials")
    files = world.files().values()
    rows = world.panel.page.locator("[data-table=auth-files] [data-row]")
    expect(rows).to_have_count(len(files))
    assert world.panel.metric("credentials-all") == len(files)
    assert world.panel.metric("credentials-cooling") == 1
    world.click(".counters [data-option=cooling]")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("quota exhausted")


def test_a_credential_is_switched_in_cpa(world: World) -> None:
    world.panel.visit("/accounts?search=dora")
    switch = world.row("auth-files", "claude-dora.json").locator("[data-action=switch]")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert world.files()["claude-dora.json"]["disabled"] is True
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    assert world.files()["claude-dora.json"]["disabled"] is False


def test_a_pasted_credential_is_uploaded(world: World) -> None:
    world.panel.visit("/accounts")
    world.click("[data-block=credentials] [data-action=add]")
    pasted = world.panel.page.locator("[data-field=paste]")
    upload = world.panel.page.locator("[data-action=upload]")
    pasted.fill("no json")
    expect(upload).to_be_disabled()
    pasted.fill(json.dumps({"type": "claude", "email": "new@example.com", "access_token": "x"}))
    expect(world.panel.page.locator("[data-candidate]")).to_contain_text("claude")
    upload.click()
    expect(world.row("auth-files", "claude-new@example.com.json")).to_be_visible()
    assert world.files()["claude-new@example.com.json"]["provider"] == "claude"


def test_a_file_of_a_known_name_replaces_only_with_consent(world: World, tmp_path: Path) -> None:
    file = tmp_path / "xai-fay.json"
    file.write_text(json.dumps({"type": "xai", "email": "fay@new.example"}))
    world.panel.visit("/accounts")
    world.click("[data-block=credentials] [data-action=add]")
    world.panel.page.locator("[data-field=files]").set_input_files(file)
    upload = world.panel.page.locator("[data-action=upload]")
    expect(upload).to_be_disabled()
    world.panel.page.locator("[data-field=replace]").check()
    upload.click()
    expect(world.panel.page.locator("[data-dialog]")).to_have_count(0)
    assert world.files()["xai-fay.json"]["email"] == "fay@new.example"


def test_a_file_goes_with_all_of_its_credentials(world: World) -> None:
    world.panel.visit("/accounts?search=plugin")
    world.row("auth-files", "plugin.json::plugin-1").locator("[data-action=pick]").check()
    world.click("[data-action=delete-all]")
    dialog = world.panel.page.locator("[data-dialog=delete-credentials]")
    expect(dialog.locator("li")).to_have_count(2)
    dialog.locator("[data-action=confirm]").click()
    expect(world.panel.page.locator("[data-table=auth-files]")).to_have_count(0)
    assert not {"plugin-1", "plugin-2"} & set(world.files())


def test_several_are_disabled_after_a_question(world: World) -> None:
    world.panel.visit("/accounts?search=alice")
    for name in ("codex-alice-plus.json", "codex-alice-team.json"):
        world.row("auth-files", name).locator("[data-action=pick]").check()
    world.click("[data-action=disable-all]")
    world.click("[data-dialog=disable-credentials] [data-action=confirm]")
    expect(world.panel.page.locator("[data-bar=selected]")).to_have_count(0)
    names = ("codex-alice-plus.json", "codex-alice-team.json")
    assert [world.files()[name]["disabled"] for name in names] == [True, True]


def test_a_drawer_shows_what_is_known_of_one(world: World) -> None:
    (index,) = {f["auth_index"] for f in world.files().values() if f["name"] == "vertex.json"}
    sent = {"provider": "vertex", "auth_index": index, "model": "gemini-2.5-flash"}
    before = world.manager.events()
    records = [{**sent, "request_id": f"drawer-{i}", "timestamp": _now()} for i in range(3)]
    world.cpa.control.json("POST", "/publish", {"records": records})
    world.manager.wait_for_events(before + 3)
    world.panel.visit("/accounts?account=vertex.json")
    history = world.panel.page.locator("[data-block=history]")
    expect(history).to_have_attribute("data-value", "3")
    world.click("[data-tab=models]")
    world.panel.ready("models")
    world.click("[data-tab=settings]")
    world.panel.page.locator("[data-field=note]").fill("spare")
    world.click("[data-dialog=credential] [data-action=save]")
    expect(world.panel.page.locator("[data-toast=success]")).to_be_visible()
    assert world.files()["vertex.json"]["note"] == "spare"
    with world.panel.page.expect_download() as download:
        world.click("[data-dialog=credential] [data-action=download]")
    assert download.value.suggested_filename == "vertex.json"


def test_a_provider_is_asked_for_a_quota(world: World) -> None:
    files = [f for f in world.files().values() if f["name"] == "codex müller 42.json"]
    soon = int(time.time())
    windows = (fixture.window(41, fixture.H5, soon), fixture.window(88, fixture.WK, soon))
    rule = {
        "match": {"url": CODEX_USAGE, "auth_index": files[0]["auth_index"]},
        "reply": {"status": 200, "body": fixture.usage("plus", *windows)},
    }
    world.cpa.control.json("POST", "/api_call", {"rules": [rule]})
    world.panel.visit("/accounts?tab=quota&account=codex m%C3%BCller 42.json")
    world.click("[data-action=ask-quota]")
    drawer = world.panel.page.locator("[data-dialog=credential]")
    expect(drawer.locator("[data-window=five-hour]")).to_have_attribute("data-value", "59")
    expect(drawer.locator("[data-window=weekly]")).to_have_attribute("data-value", "12")
    world.click("[data-action=close]")
    row = world.row("auth-files", "codex müller 42.json")
    expect(row.locator("[data-col=quota]")).to_have_attribute("data-value", "12")


def test_what_claude_tells_is_kept_by_the_manager(world: World) -> None:
    name = "claude-dora.json"
    index = world.files()[name]["auth_index"]
    told = {
        "five_hour": {"utilization": 41, "resets_at": "2030-01-01T00:00:00Z"},
        "seven_day": {"utilization": 12, "resets_at": "2030-01-03T00:00:00Z"},
    }
    profile = {"account": {"has_claude_max": True}}
    rules = [
        {"match": {"url": url, "auth_index": index}, "reply": {"status": 200, "body": body}}
        for url, body in ((claude.USAGE_URL, told), (claude.PROFILE_URL, profile))
    ]
    world.cpa.control.json("POST", "/api_call", {"rules": rules})
    world.panel.visit(f"/accounts?tab=quota&account={name}")
    world.click("[data-action=ask-quota]")
    drawer = world.panel.page.locator("[data-dialog=credential]")
    expect(drawer.locator("[data-window=five-hour]")).to_have_attribute("data-value", "59")
    expect(drawer.locator("[data-window=seven-day]")).to_have_attribute("data-value", "88")
    account = {"auth_file_snapshot": name, "auth_index": index}
    question = {"accounts": [{"row_key": "r", "provider": "claude", "account": account}]}
    (item,) = world.manager.http.json("POST", "/v0/management/quota-snapshots/query", question)[
        "items"
    ]
    kept = {one["provider_window_id"]: one["used_percent"] for one in item["windows"]}
    assert kept == {"five-hour": 41, "seven-day": 12}
    # Why not, where the provider does not tell.
    rules[0]["reply"] = {"status": 401, "body": "token expired"}
    world.cpa.control.json("POST", "/api_call", {"rules": rules})
    world.click("[data-action=ask-quota]")
    expect(world.panel.page.locator("[data-toast=error]")).to_contain_text("401")


def test_models_of_a_provider_are_left_out_and_renamed(world: World) -> None:
    world.panel.visit("/accounts?view=oauth")
    world.row("oauth-rules", "claude").click()
    world.panel.page.locator("[data-field=excluded]").fill("claude-old-*")
    world.panel.page.locator("[data-field=aliases]").fill("claude-opus-4-7 = opus\n")
    world.click("[data-dialog=oauth-rules] [data-action=save]")
    row = world.row("oauth-rules", "claude")
    expect(row.locator("[data-col=excluded]")).to_have_text("claude-old-*")
    rules = world.cpa.control.json("GET", "/")["config"]
    assert rules["oauth-excluded-models"] == {"claude": ["claude-old-*"]}
    named = {"name": "claude-opus-4-7", "alias": "opus"}
    assert rules["oauth-model-alias"] == {"claude": [named]}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


# -- logins -------------------------------------------------------------------------------------


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


# -- providers ----------------------------------------------------------------------------------


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


# -- plugins ------------------------------------------------------------------------------------


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


# -- where CPA itself serves the panel ----------------------------------------------------------


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
