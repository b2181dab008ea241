"""Tokens that read, and what they may not do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cpamp.lab import Http, Manager, wait_until
from cpamp.tokens import READ_KEY, TokenInvalid, checked
from tests.answers import events
from tests.daemon import Lab, data

PATH = "/v0/management/api-tokens"
MONITORING = "/v0/management/monitoring"
ANALYTICS = f"{MONITORING}/analytics"
IMPORT = "/v0/management/usage/import"
ALL_TIME = {"from_ms": 1, "to_ms": 4_000_000_000_000}
EVERYTHING = {
    **ALL_TIME,
    "include": {
        "summary": True,
        "api_key_stats": True,
        "filter_selectors": True,
        "events_page": {"limit": 500},
    },
}
READS = (
    "/status",
    "/v0/management/usage",
    "/v0/management/usage/export",
    "/v0/management/model-prices",
    "/v0/management/model-prices/usage-summary",
    "/v0/management/model-prices/gpt-5.4",
    "/v0/management/api-key-aliases",
    f"{ANALYTICS}?from_ms=1&to_ms=2&include=summary",
    "/v0/management/monitoring/header-snapshots",
    "/v0/management/monitoring/explain?from_ms=1&to_ms=2&include=summary",
    "/v0/management/dashboard/summary?today_start_ms=1",
    "/openapi.json",
)
# What tells of all keys together.
OF_ALL = (
    "/v0/management/events/stream",
    f"{MONITORING}/forecast",
    f"{MONITORING}/account-window-shares?auth_index=1",
    "/metrics",
)
CHANGES = (
    ("PUT", "/v0/management/model-prices"),
    ("PUT", "/v0/management/api-key-aliases"),
    ("POST", "/v0/management/usage/import"),
    ("GET", "/usage-service/config"),
    ("PUT", "/usage-service/config"),
    ("POST", "/setup"),
    ("GET", PATH),
    ("POST", PATH),
    ("DELETE", f"{PATH}/1"),
    ("GET", "/v0/management/config"),
)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    lab = Lab(tmp_path_factory.mktemp("tokens"))
    manager = lab.manager()
    manager.start()
    manager.http.request("POST", IMPORT, events("raw"))
    yield manager
    lab.close()


def token(manager: Manager, name: str, *scopes: str) -> Http:
    """A client with a new token."""
    made = manager.http.json("POST", PATH, {"name": name, "scopes": list(scopes)})
    assert made["token"].startswith("cmp_token_")
    return Http(manager.http.port, made["token"])


def statuses(http: Http, asked: Any) -> dict[Any, int]:
    return {one: http.request(*one, b"" if one[0] != "GET" else None)[0] for one in asked}


def test_a_token_that_reads_changes_nothing(manager: Manager) -> None:
    http = token(manager, "status line", "read")
    asked = [("GET", path) for path in READS]
    assert statuses(http, asked) == dict.fromkeys(asked, 200)
    assert statuses(http, CHANGES) == dict.fromkeys(CHANGES, 403)
    assert json.loads(http.request("GET", PATH)[1])["code"] == "forbidden"
    assert http.request("GET", "/metrics")[0] == 403


def test_a_token_for_metrics_opens_them_alone(manager: Manager) -> None:
    http = token(manager, "prometheus", "metrics")
    assert http.request("GET", "/metrics")[0] == 200
    asked = [("GET", path) for path in READS]
    assert statuses(http, asked) == dict.fromkeys(asked, 403)


def test_a_token_of_one_key_sees_its_events_alone(manager: Manager) -> None:
    whole = manager.http.json("POST", ANALYTICS, EVERYTHING)
    row = whole["api_key_stats"][0]
    assert len(whole["api_key_stats"]) > 2
    http = token(manager, "one key", READ_KEY + row["api_key_hash"].upper())
    for _ in range(2):
        # The admin's answer to the same question is another one, kept or not.
        assert manager.http.json("POST", ANALYTICS, EVERYTHING)["summary"] == whole["summary"]
        found = http.json("POST", ANALYTICS, EVERYTHING)
        assert found["summary"]["total_calls"] == row["calls"] < whole["summary"]["total_calls"]
        assert [one["api_key_hash"] for one in found["api_key_stats"]] == [row["api_key_hash"]]
        assert found["filter_options"]["api_key_hashes"] == [row["api_key_hash"]]
        assert {e["api_key_hash"] for e in found["events"]["items"]} == {row["api_key_hash"]}
    # What it asks for can't widen that.
    other = whole["api_key_stats"][1]["api_key_hash"]
    for more in (
        {"filters": {"api_key_hashes": [other]}},
        {"search_api_key_hash": other},
        {"search_query": other},
    ):
        found = http.json("POST", ANALYTICS, {**EVERYTHING, **more})
        assert found["summary"]["total_calls"] == 0
    table = http.request(
        "GET", f"{ANALYTICS}?from_ms=1&to_ms=4000000000000&format=csv&include.events_page.limit=5"
    )
    others = {r["api_key_hash"] for r in whole["api_key_stats"][1:]} - {""}
    assert table[0] == 200
    assert not [name for name in others if name.encode() in table[1]]
    refused = [("GET", path) for path in READS if not path.startswith(ANALYTICS)]
    refused += [("GET", path) for path in OF_ALL]
    refused += [("POST", f"{MONITORING}/account-{name}") for name in ("history", "window-usage")]
    refused += CHANGES
    assert statuses(http, refused) == dict.fromkeys(refused, 403)


def test_a_token_of_one_key_does_not_see_that_others_are_busy(manager: Manager) -> None:
    whole = manager.http.json("POST", ANALYTICS, EVERYTHING)
    mine, other = (row["api_key_hash"] for row in whole["api_key_stats"][:2])
    http = token(manager, "not the others", READ_KEY + mine)
    question = json.dumps({**EVERYTHING, "include": {"events_page": {"limit": 1}}}).encode()
    table = f"{ANALYTICS}?from_ms=1&to_ms=4000000000000&format=csv&include.events_page.limit=5"

    def seen() -> list[Any]:
        """Two forms of an answer, with their headers."""
        found = []
        for call in (("POST", ANALYTICS, question), ("GET", table, None)):
            status, answer = http.request(*call)
            text = re.sub(rb'"generated_at_ms":\d+', b"", answer)
            found.append((status, {**http.answered, "Date": ""}, text))
        return found

    before = seen()
    line = {"event_hash": "busy", "timestamp_ms": 1_800_000_000_000, "api_key_hash": other}
    added = manager.http.request("POST", IMPORT, json.dumps(line).encode())
    assert json.loads(added[1])["added"] == 1
    assert seen() == before
    assert b"next_before_id" in before[0][2]


def test_tokens_are_listed_revoked_and_never_told_again(manager: Manager) -> None:
    http = token(manager, "to be revoked", "read", "metrics")

    def listed() -> dict[str, Any]:
        items = manager.http.json("GET", PATH)["items"]
        return next((one for one in items if one["name"] == "to be revoked"), {})

    item = listed()
    assert item["scopes"] == ["read", "metrics"]
    assert (item["lastUsedAtMs"], item["createdAtMs"] > 0) == (None, True)
    assert http.request("GET", "/status")[0] == 200
    assert listed()["lastUsedAtMs"] >= item["createdAtMs"]
    stored = b"".join(f.read_bytes() for f in data(manager).glob("usage.sqlite*"))
    assert http.key.encode() not in stored
    assert http.key.encode() not in manager.http.request("GET", PATH)[1]
    assert manager.http.json("DELETE", f"{PATH}/{item['id']}") == {"ok": True}
    assert http.request("GET", "/status")[0] == 401
    assert listed() == {}
    for gone in (item["id"], "x", "9" * 30):
        assert manager.http.request("DELETE", f"{PATH}/{gone}")[0] == 404


def test_tokens_outlive_a_restart(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    http = token(manager, "kept", "read")
    assert http.request("GET", "/status")[0] == 200
    manager.stop()
    http.close()
    manager.start()
    assert http.request("GET", "/status")[0] == 200
    wait_until(
        lambda: manager.http.json("GET", PATH)["items"][0]["lastUsedAtMs"] is not None,
        what="the use",
    )


KEY = "0" * 64


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("", ["read"]),
        ("n" * 121, ["read"]),
        ("n", []),
        ("n", ["write"]),
        ("n", ["read:key="]),
        ("n", ["read:key=" + "g" * 64]),
        ("n", ["read", READ_KEY + KEY]),
        ("n", [READ_KEY + KEY, READ_KEY + "1" * 64]),
    ],
)
def test_what_no_token_is(name: str, scopes: list[str]) -> None:
    with pytest.raises(TokenInvalid):
        checked(name, scopes)


def test_two_tokens_have_two_names(manager: Manager) -> None:
    token(manager, "twice", "read")
    asked = json.dumps({"name": " twice ", "scopes": ["metrics"]}).encode()
    status, body = manager.http.request("POST", PATH, asked)
    assert (status, json.loads(body)["code"]) == (400, "api_token_invalid")
