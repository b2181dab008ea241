"""Quota snapshots through the real daemon."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

from cpamp.lab import CPA_KEY
from cpamp.simulator.fixtures import auth_index
from tests.daemon import Lab, body, encoded
from tests.described import Described
from tests.quota.test_observation import HOUR, entry, window

BASE = "/v0/management/quota-snapshots"
SHARES = "/v0/management/monitoring/account-window-shares"


def test_over_http(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    http = manager.http
    now = time.time_ns() // 1_000_000
    told = {"entries": [entry(window(observed_at_ms=now, cycle_end_ms=now + HOUR), row_key="r")]}
    answer = http.json("POST", BASE, told)
    (item,) = answer["items"]
    assert (item["row_key"], item["provider"], item["inserted_count"]) == ("r", "codex", 1)
    account = {"row_key": "r", "provider": "codex", "account": told["entries"][0]["account"]}
    answer = http.json("POST", f"{BASE}/query", {"accounts": [account]})
    assert answer["items"][0]["account_key"] == item["account_key"]
    assert answer["items"][0]["windows"][0]["used_percent"] == 12.5
    target = urlencode({**account["account"], "auth_provider_snapshot": "codex"})
    answer = http.json("GET", f"{SHARES}?{target}")
    assert answer["account_key"] == item["account_key"]
    assert Described.by(http).wrong("GET", SHARES, answer) == []
    (shared,) = answer["windows"]
    assert (shared["used_percent"], shared["unexplained_percent"]) == (12.5, 12.5)
    assert http.request("GET", SHARES)[0] == 400
    other = {**account, "account": {"auth_index": "none"}}
    answer = http.json("POST", f"{BASE}/query", {"accounts": [other]})
    assert answer["items"][0]["windows"] == []
    for method, path, value, status in (
        ("GET", BASE, None, 405),
        ("PUT", f"{BASE}/query", None, 405),
        ("POST", f"{BASE}/other", {}, 404),
        ("POST", BASE, {"entries": [], "x": 1}, 400),
        ("POST", f"{BASE}/query", {"accounts": []}, 400),
    ):
        sent = None if value is None else encoded(value)
        found, answer = body(http.request(method, path, sent))
        assert found == status, path
        assert answer["code"]
    http.key = "wrong"
    assert http.request("POST", BASE, encoded(told))[0] == 401


def test_claude_tells_when_it_is_asked(lab: Lab) -> None:
    cpa = lab.cpa("--quotas")
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY)
    manager.start()
    http = manager.http
    name, now = "claude-dora.json", time.time_ns() // 1_000_000
    who = {"auth_file_snapshot": name, "auth_index": auth_index("claude", name)}
    event = {
        **who,
        "event_hash": "one",
        "timestamp_ms": now - HOUR,
        "model": "claude-opus-4-7",
        "provider": "claude",
    }
    http.request("POST", "/v0/management/usage/import", json.dumps(event).encode())
    question = {"accounts": [{"row_key": "r", "provider": "claude", "account": who}]}
    (item,) = http.json("POST", f"{BASE}/refresh", question)["items"]
    names = ["five-hour", "seven-day", "weekly-scoped-id-claude-opus-4-7"]
    assert "error" not in item
    assert [one["provider_window_id"] for one in item["windows"]] == names
    assert item["windows"][0]["plan_type"] == "max"
    assert http.json("POST", f"{BASE}/query", question)["items"] == [item]

    (account,) = http.json("GET", "/v0/management/monitoring/forecast")["accounts"]
    assert (account["auth_file_snapshot"], account["auth_provider_snapshot"]) == (name, "claude")
    assert [one["window"] for one in account["windows"]] == names
    told = {one["provider_window_id"]: one["used_percent"] for one in item["windows"]}
    assert {one["window"]: one["used_percent"] for one in account["windows"]} == told
    # What is told without a call is told at once.
    told = window(
        provider_window_id="five-hour",
        observed_at_ms=time.time_ns() // 1_000_000,
        cycle_end_ms=now + HOUR,
        used_percent=77.5,
    )
    seen = {**question["accounts"][0], "windows": [told]}
    assert http.json("POST", BASE, {"entries": [seen]})["items"][0]["inserted_count"] == 1
    (account,) = http.json("GET", "/v0/management/monitoring/forecast")["accounts"]
    assert account["windows"][0]["used_percent"] == 77.5
    # Who may read may not have anybody asked.
    token = {"name": "reader", "scopes": ["read"]}
    http.key = http.json("POST", "/v0/management/api-tokens", token)["token"]
    assert len(http.json("GET", "/v0/management/monitoring/forecast")["accounts"]) == 1
    assert http.request("POST", f"{BASE}/refresh", encoded(question))[0] == 403
