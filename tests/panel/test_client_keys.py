"""Client keys of CPA, and their names."""

from __future__ import annotations

import hashlib
from typing import Any

from playwright.sync_api import expect

from tests.panel.configuring import Pair

ALIASES = "/v0/management/api-key-aliases"


def keys(pair: Pair) -> Any:
    return pair.manager.http.json("GET", "/v0/management/api-keys")["api-keys"]


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
