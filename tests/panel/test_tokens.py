"""The page of tokens: what it hands out opens what it says, and nothing once it is revoked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from cpamp.lab import Manager
from tests.panel.driving import HOSTILE, PHONE, Panel, connected, origin_of
from tests.web.asking import ask

TOKENS = "/v0/management/api-tokens"
SUMMARY = "/v0/management/dashboard/summary?today_start_ms=1"
CONFIG = "/usage-service/config"
KEY = "sk-client-team-a-0001"
HASH = hashlib.sha256(KEY.encode()).hexdigest()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with connected(tmp_path_factory.mktemp("tokens")) as (manager, _):
        manager.http.json("PUT", "/v0/management/api-keys", [KEY])
        yield manager


@pytest.fixture
def panel(manager: Manager, opened: Callable[..., Panel]) -> Panel:
    """The page of a daemon without tokens."""
    for token in manager.http.json("GET", TOKENS)["items"]:
        manager.http.json("DELETE", f"{TOKENS}/{token['id']}")
    panel = opened(origin_of(manager))
    panel.visit("/api-tokens")
    panel.log_in()
    expect(panel.page.locator("[data-block=api-tokens]")).to_have_attribute("data-state", "empty")
    return panel


def create(panel: Panel, name: str, *scopes: str, key: str = "") -> str:
    """Create a token by the dialog; returns it as it is shown this once."""
    page = panel.page
    page.locator("[data-action=create]").click()
    page.locator("dialog [data-field=name]").fill(name)
    page.locator("[data-field=scope-read]").uncheck()
    for scope in scopes:
        page.locator(f"[data-field=scope-{scope}]").check()
    if key:
        page.locator("dialog [data-field=key]").select_option(key)
    page.locator("dialog [data-action=save]").click()
    token = page.locator("dialog [data-field=token]").input_value()
    page.locator("[data-action=done]").click()
    return token


def row(panel: Panel, name: str) -> Locator:
    return panel.page.locator("[data-table=api-tokens] [data-row]").filter(has_text=name)


def statuses(manager: Manager, token: str) -> dict[str, int]:
    paths = (SUMMARY, "/metrics", CONFIG)
    return {path: ask(manager, "GET", path, key=token).status for path in paths}


def scopes(manager: Manager) -> Any:
    return [token["scopes"] for token in manager.http.json("GET", TOKENS)["items"]]


def test_a_token_reads_until_it_is_revoked(panel: Panel, manager: Manager) -> None:
    token = create(panel, "Wall", "read")
    assert statuses(manager, token) == {SUMMARY: 200, "/metrics": 403, CONFIG: 403}
    expect(row(panel, "Wall")).to_be_visible()
    assert token not in panel.page.content()
    row(panel, "Wall").locator("[data-action=revoke]").click()
    expect(panel.page.locator("[data-dialog=revoke-token]")).to_contain_text("Wall")
    panel.page.locator("dialog [data-action=confirm]").click()
    expect(row(panel, "Wall")).to_have_count(0)
    assert statuses(manager, token)[SUMMARY] == 401


def test_a_scraper_sees_metrics_alone(panel: Panel, manager: Manager) -> None:
    token = create(panel, "Prometheus", "metrics")
    assert statuses(manager, token) == {SUMMARY: 403, "/metrics": 200, CONFIG: 403}


def test_all_and_one_key_exclude_each_other(panel: Panel, manager: Manager) -> None:
    create(panel, "Team A", "read", "own", "metrics", key=HASH)
    assert [sorted(each) for each in scopes(manager)] == [["metrics", f"read:key={HASH}"]]
    expect(row(panel, "Team A")).to_contain_text("read the usage of")


@pytest.mark.parametrize(
    ("name", "scope"),
    [("", "read"), ("Nothing", ""), ("No key", "own")],
)
def test_what_is_missing_is_waited_for(panel: Panel, name: str, scope: str) -> None:
    page = panel.page
    page.locator("[data-action=create]").click()
    page.locator("dialog [data-field=name]").fill(name)
    page.locator("[data-field=scope-read]").set_checked(scope == "read")
    if scope == "own":
        page.locator("[data-field=scope-own]").check()
    expect(page.locator("dialog [data-action=save]")).to_be_disabled()


def test_a_name_is_a_text(panel: Panel) -> None:
    create(panel, HOSTILE, "metrics")
    expect(row(panel, HOSTILE)).to_be_visible()
    assert panel.page.evaluate("window.hacked") is None


def test_it_fits_a_phone(panel: Panel) -> None:
    create(panel, "Prometheus", "metrics", "read")
    panel.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    expect(row(panel, "Prometheus").locator("[data-action=revoke]")).to_be_visible()
    assert not panel.overflows()
