"""The page of credentials, against what CPA has before and after."""

from __future__ import annotations

import json
import time
from pathlib import Path

from playwright.sync_api import expect

from cpamp.quota import claude
from tests.inspection import fixture
from tests.panel.managing import World

CODEX_USAGE = "https://chatgpt.com/backend-api/wham/usage"


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
