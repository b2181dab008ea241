"""The price book over HTTP, by the daemon itself (pricing contract, section 2)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cpamp.lab import Manager
from cpamp.web.prices import BOOK_BYTES
from tests import answers
from tests.daemon import Lab
from tests.web.asking import Asked, ask

PRICES = "/v0/management/model-prices"
EMPTY = {"prompt": 0, "completion": 0, "cache": 0}
FULL = {
    "prompt": 2.5,
    "completion": 10,
    "cache": 1,
    "cacheRead": 0.25,
    "promptConfigured": True,
    "completionConfigured": True,
    "cacheReadConfigured": True,
    "cacheCreationConfigured": True,
    "source": "models.dev",
    "sourceModelId": "acme/m",
    "rawJson": '{"cost":{}}',
    "contextTiers": [
        {"thresholdTokens": 200000, "prompt": 5, "promptConfigured": True},
        {"thresholdTokens": 1000, "cache": 0, "cacheConfigured": True},
    ],
    "serviceTiers": [
        {"mode": " Flex ", "serviceTier": "FLEX", "prompt": 1, "promptConfigured": True},
        {"mode": "fast", "serviceTier": "priority", "prompt": 9, "promptConfigured": True},
    ],
    "syncedAtMs": 12,
    "updatedAtMs": 34,
}


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon without any price."""
    lab = Lab(tmp_path_factory.mktemp("prices"))
    manager = lab.manager(CPAMP_SEED_PRICES="false")
    manager.start()
    yield manager
    lab.close()


@pytest.fixture(autouse=True)
def _empty(manager: Manager) -> None:
    assert ask(manager, "PUT", PRICES, {"prices": {}}).json == {"prices": {}}


def book(manager: Manager, query: str = "") -> Any:
    return ask(manager, "GET", PRICES + query).json["prices"]


def untimed(prices: Any) -> Any:
    return {m: {k: v for k, v in p.items() if k != "updatedAtMs"} for m, p in prices.items()}


def test_a_whole_book_comes_back_normalised_and_sorted(manager: Manager) -> None:
    put = ask(manager, "PUT", PRICES, {"prices": {"z": {}, "a/b": FULL, "A": None}})
    assert put.status == 200
    assert put.headers["content-type"] == "application/json"
    assert list(put.json["prices"]) == ["A", "a/b", "z"]
    assert ask(manager, "GET", PRICES).body == put.body
    told = put.json["prices"]["a/b"]
    assert told["updatedAtMs"] > 1_700_000_000_000
    expected = {
        **{k: v for k, v in FULL.items() if k not in ("rawJson", "updatedAtMs")},
        "contextTiers": [
            {
                "thresholdTokens": 1000,
                **EMPTY,
                "cacheConfigured": True,
            },
            {"thresholdTokens": 200000, **EMPTY, "prompt": 5, "promptConfigured": True},
        ],
        "serviceTiers": [
            {
                "mode": "fast",
                "serviceTier": "priority",
                **EMPTY,
                "prompt": 9,
                "promptConfigured": True,
            },
            {
                "mode": "flex",
                "serviceTier": "flex",
                **EMPTY,
                "prompt": 1,
                "promptConfigured": True,
            },
        ],
    }
    assert untimed(put.json["prices"]) == {"A": EMPTY, "a/b": expected, "z": EMPTY}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'"prices"', "invalid_json"),
        (b'{"prices": [1]}', "model_price_invalid"),
        (b'{"prices": {"m": "1"}}', "model_price_invalid"),
        (b'{"prices": {"m": {"prompt": 1e999}}}', "invalid_json"),
        (b'{"prices": {"m": {"prompt": NaN}}}', "invalid_json"),
        (b'{"prices": {"m": {"prompt": -1}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"prompt": "1"}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"promptConfigured": 1}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"syncedAtMs": 1.5}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"syncedAtMs": 9223372036854775808}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"source": 1}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"contextTiers": {}}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"contextTiers": [{}]}}}', "model_price_invalid"),
        (b'{"prices": {"m": {"serviceTiers": [{"mode": "a"}]}}}', "model_price_invalid"),
        (b'{"prices": {" ": {}}}', "model_price_invalid"),
        (b'{"prices": {"\\ud800": {}}}', "invalid_json"),
        (b'{"prices": {"\xff": {}}}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"{}", "prices_required"),
        (b"null", "prices_required"),
        (b'{"prices": null}', "prices_required"),
    ],
)
def test_a_bad_book_leaves_the_stored_one_untouched(
    manager: Manager, body: bytes, code: str
) -> None:
    ask(manager, "PUT", PRICES, {"prices": {"kept": {"prompt": 1}}})
    assert ask(manager, "PUT", PRICES, body).code == (400, code)
    assert list(book(manager)) == ["kept"]


def test_a_body_that_is_too_long_is_refused_unread(manager: Manager) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", manager.http.port, timeout=60)
    connection.putrequest("PUT", PRICES)
    connection.putheader("Authorization", f"Bearer {manager.http.key}")
    connection.putheader("Content-Length", str(BOOK_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_only_the_first_value_counts_and_names_match_in_any_case(manager: Manager) -> None:
    body = ' {"Prices": {"M": {"PROMPT": 1, "ünknown": [2]}}, "x": 1} trailing {'
    assert ask(manager, "PUT", PRICES, body.encode()).status == 200
    assert untimed(book(manager)) == {"M": {**EMPTY, "prompt": 1}}


@pytest.mark.parametrize("model", ["m", "acme/m-1", "models/ä b", "a%b", "q?x=1&y", "A.b:c@d"])
def test_one_model_is_changed_and_the_others_stay(manager: Manager, model: str) -> None:
    ask(manager, "PUT", PRICES, {"prices": {"other": {"prompt": 1}}})
    before = book(manager)["other"]
    for safe in ("/", ""):
        path = f"{PRICES}/{quote(model, safe=safe)}"
        put = ask(manager, "PUT", path, {"prompt": 2})
        assert untimed(put.json["prices"]) == {model: {**EMPTY, "prompt": 2}}
        assert book(manager) == {"other": before, **put.json["prices"]}
        assert ask(manager, "GET", path).json == put.json
        assert ask(manager, "DELETE", path).json == {"ok": True}
        assert ask(manager, "DELETE", path).json == {"ok": True}
        assert ask(manager, "GET", path).code == (404, "not_found")
        assert book(manager) == {"other": before}


def test_bad_prices_of_one_model(manager: Manager) -> None:
    assert ask(manager, "PUT", f"{PRICES}/m", {"prompt": -1}).code == (400, "model_price_invalid")
    assert ask(manager, "PUT", f"{PRICES}/m", b"x").code == (400, "invalid_json")
    assert ask(manager, "PUT", f"{PRICES}/%20", {}).code == (400, "model_price_invalid")
    assert ask(manager, "PUT", f"{PRICES}/%FF", {}).status == 400
    assert book(manager) == {}


def test_the_sources_records_come_only_when_asked_for_and_stay(manager: Manager) -> None:
    ask(manager, "PUT", PRICES, {"prices": {"m": FULL, "n": {"rawJson": "[]"}}})
    assert "rawJson" not in book(manager)["m"]
    ask(manager, "PUT", PRICES, {"prices": book(manager)})
    ask(manager, "PUT", f"{PRICES}/m", {"prompt": 3})
    raw = {model: price["rawJson"] for model, price in book(manager, "?include=raw").items()}
    assert raw == {"m": FULL["rawJson"], "n": "[]"}
    ask(manager, "PUT", f"{PRICES}/m", {"prompt": 3, "rawJson": ""})
    assert "rawJson" not in book(manager, "?include=raw")["m"]
    ask(manager, "DELETE", f"{PRICES}/n")
    ask(manager, "PUT", f"{PRICES}/n", {})
    assert "rawJson" not in book(manager, "?include=raw")["n"]


def test_a_change_of_what_others_changed_is_refused(manager: Manager) -> None:
    first = ask(manager, "GET", PRICES).headers["etag"]
    put = ask(manager, "PUT", f"{PRICES}/m", {"prompt": 1}, If_Match=first)
    second = put.headers["etag"]
    assert (put.status, second != first) == (200, True)
    for method, path, body in (
        ("PUT", PRICES, {"prices": {}}),
        ("PUT", f"{PRICES}/m", {"prompt": 2}),
        ("DELETE", f"{PRICES}/m", None),
    ):
        for stale in (first, '"x"', "nonsense", f"{first}, {first}"):
            refused = ask(manager, method, path, body, If_Match=stale)
            assert refused.code == (412, "model_prices_changed")
    assert ask(manager, "GET", PRICES).headers["etag"] == second
    assert ask(manager, "PUT", f"{PRICES}/m", {}, If_Match="*").status == 200
    third = ask(manager, "GET", PRICES, If_None_Match=second)
    assert third.status == 200
    weak = f"{first}, W/{third.headers['etag']}"
    assert ask(manager, "DELETE", f"{PRICES}/m", If_Match=weak).status == 200
    last = ask(manager, "GET", PRICES)
    same = ask(manager, "GET", PRICES, If_None_Match=last.headers["etag"])
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", last.headers["etag"])


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "", 405, {"GET", "HEAD", "PUT"}),
        ("DELETE", "", 405, {"GET", "HEAD", "PUT"}),
        ("POST", "/m", 405, {"GET", "HEAD", "PUT", "DELETE"}),
        ("PUT", "/usage-summary", 405, {"GET", "HEAD"}),
        ("DELETE", "/usage-summary", 405, {"GET", "HEAD"}),
        ("PUT", "/sync", 405, {"POST"}),
        ("GET", "/sync", 405, {"POST"}),
        ("GET", "-foo", 404, None),
        ("POST", "-foo/bar", 404, None),
        ("GET", "/", 200, None),
        ("GET", "/usage-summary/", 200, None),
        ("OPTIONS", "", 204, None),
    ],
)
def test_paths_and_methods(
    manager: Manager, method: str, path: str, status: int, allowed: set[str] | None
) -> None:
    found = ask(manager, method, PRICES + path)
    assert found.status == status
    if allowed is not None:
        assert found.code == (405, "method_not_allowed")
        assert set(found.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["", "/m", "/usage-summary", "-foo"])
def test_the_key_is_asked_for_first(manager: Manager, path: str) -> None:
    for method in ("GET", "PATCH"):
        found = ask(manager, method, PRICES + path, key="no")
        assert found.code == (401, "invalid_admin_key")


@pytest.mark.parametrize("name", ["life", "mon"])
def test_recorded_answers(manager: Manager, name: str) -> None:
    (recorded,) = (a for a in answers.answers(name) if a["name"] == f"{name}.prices")
    put = ask(manager, "PUT", PRICES, {"prices": answers.setup(name)["prices"]})
    found = ask(manager, "GET", recorded["path"])
    assert found.status == recorded["status"]
    assert answers.differences(recorded["answer"], found.json) == []
    assert put.body == found.body


def test_prices_outlive_the_daemon_and_each_file_has_its_own(lab: Lab, tmp_path: Path) -> None:
    manager = lab.manager()
    manager.start()
    seeded = ask(manager, "GET", PRICES)
    assert seeded.json["prices"]["gpt-5.5"]["source"] == "embedded"
    ask(manager, "PUT", f"{PRICES}/mine", {"prompt": 1})
    before = ask(manager, "GET", PRICES)
    manager.stop()
    manager.start()
    assert_same(ask(manager, "GET", PRICES), before)
    info = json.loads(manager.http.request("GET", "/usage-service/info")[1])
    assert info["hasHistoricalData"] is True


def assert_same(one: Asked, other: Asked) -> None:
    assert (one.body, one.headers["etag"]) == (other.body, other.headers["etag"])
