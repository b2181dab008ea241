"""The names of API keys over HTTP, by the daemon itself (pricing contract, section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cpamp.lab import Manager
from tests import answers
from tests.daemon import Lab
from tests.web.asking import ask

ALIASES = "/v0/management/api-key-aliases"
H1, H2, H3, H4 = (letter * 64 for letter in "abcd")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon without any name."""
    lab = Lab(tmp_path_factory.mktemp("aliases"))
    manager = lab.manager()
    manager.start()
    yield manager
    lab.close()


@pytest.fixture(autouse=True)
def _empty(manager: Manager) -> None:
    for item in ask(manager, "GET", ALIASES).json["items"]:
        assert ask(manager, "DELETE", f"{ALIASES}/{item['apiKeyHash']}").json == {"ok": True}


def item(key: str, alias: str, **rest: Any) -> dict[str, Any]:
    return {"apiKeyHash": key, "alias": alias, **rest}


def names(manager: Manager) -> list[tuple[str, str]]:
    items = ask(manager, "GET", ALIASES).json["items"]
    return [(found["alias"], found["apiKeyHash"][0]) for found in items]


def test_names_are_merged_and_listed_in_order(manager: Manager) -> None:
    assert ask(manager, "GET", ALIASES).json == {"items": []}
    put = ask(
        manager,
        "PUT",
        ALIASES,
        {"items": [item(f" {H1.upper()} ", "  zeta "), item(H2, "Éa"), item(H3, "CI"), None][:3]},
    )
    assert put.status == 200
    again = {"Items": [{"APIKEYHASH": H4, "Alias": "ci 2", "updatedatms": 77}]}
    put = ask(manager, "PUT", ALIASES, again)
    assert names(manager) == [("CI", "c"), ("ci 2", "d"), ("zeta", "a"), ("Éa", "b")]
    assert put.json == ask(manager, "GET", ALIASES).json
    times = {found["alias"]: found["updatedAtMs"] for found in put.json["items"]}
    assert times["ci 2"] == 77
    assert times["zeta"] > 1_700_000_000_000
    assert put.json["items"][2]["apiKeyHash"] == H1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"[", "invalid_json"),
        (b"[]", "invalid_json"),
        ({"items": {}}, "invalid_json"),
        ({"items": ["x"]}, "invalid_json"),
        ({"items": [item(H1, "a", updatedAtMs=1.5)]}, "invalid_json"),
        ({"items": [item(H1, "a", updatedAtMs=2**63)]}, "invalid_json"),
        ({"items": [{"apiKeyHash": 1, "alias": "a"}]}, "invalid_json"),
        ({"items": [], "activeApiKeyHashes": "x"}, "invalid_json"),
        ({"items": [], "allowOrphanAliasCleanup": 1}, "invalid_json"),
        (b"null", "api_key_aliases_required"),
        ({}, "api_key_aliases_required"),
        ({"items": None}, "api_key_aliases_required"),
        ({"items": [None]}, "api_key_alias_invalid"),
        ({"items": [item("", "a")]}, "api_key_alias_invalid"),
        ({"items": [item("g" * 64, "a")]}, "api_key_alias_invalid"),
        ({"items": [item("a" * 63, "a")]}, "api_key_alias_invalid"),
        ({"items": [item(H1, " ")]}, "api_key_alias_invalid"),
        ({"items": [item(H1, "x" * 121)]}, "api_key_alias_invalid"),
        ({"items": [], "activeApiKeyHashes": ["x", ""]}, "api_key_alias_invalid"),
        ({"items": [item(H1, "a"), item(H2, " A ")]}, "api_key_alias_duplicate"),
        ({"items": [item(H1, "new"), item(H2, "KEPT")]}, "api_key_alias_duplicate"),
    ],
)
def test_a_bad_request_changes_nothing(manager: Manager, body: Any, code: str) -> None:
    ask(manager, "PUT", ALIASES, {"items": [item(H4, "kept")]})
    assert ask(manager, "PUT", ALIASES, body).code == (400, code)
    assert names(manager) == [("kept", "d")]


def test_what_is_allowed(manager: Manager) -> None:
    long = "ä" * 120
    body = {"items": [item(H1, "first"), item(H1, long)], "activeApiKeyHashes": []}
    assert ask(manager, "PUT", ALIASES, body).status == 200
    assert names(manager) == [(long, "a")]
    assert ask(manager, "PUT", ALIASES, {"items": []}).json["items"][0]["alias"] == long


def test_two_keys_exchange_their_names_in_one_request(manager: Manager) -> None:
    ask(manager, "PUT", ALIASES, {"items": [item(H1, "one"), item(H2, "two"), item(H3, "three")]})
    swap = {"items": [item(H1, "TWO"), item(H2, "three"), item(H3, "one")]}
    assert ask(manager, "PUT", ALIASES, swap).status == 200
    assert names(manager) == [("one", "c"), ("three", "b"), ("TWO", "a")]


def test_a_name_of_a_key_that_is_gone(manager: Manager) -> None:
    ask(manager, "PUT", ALIASES, {"items": [item(H1, "name")]})
    wanted: dict[str, Any] = {"items": [item(H2, "Name")], "allowOrphanAliasCleanup": True}
    for active in ([], [H1.upper()], [H3, H1]):
        refused = ask(manager, "PUT", ALIASES, {**wanted, "activeApiKeyHashes": active})
        assert refused.code == (400, "api_key_alias_duplicate")
    wanted["activeApiKeyHashes"] = [f" {H2} ", "no hash"]
    asked = ask(manager, "PUT", ALIASES, {**wanted, "allowOrphanAliasCleanup": False})
    assert asked.code == (400, "api_key_alias_duplicate")
    assert ask(manager, "PUT", ALIASES, wanted).status == 200
    assert names(manager) == [("Name", "b")]


@pytest.mark.parametrize("path", [f"/{H1}", f"/{H1.upper()}/", f"/%20{H1}"])
def test_a_name_is_deleted(manager: Manager, path: str) -> None:
    ask(manager, "PUT", ALIASES, {"items": [item(H1, "one"), item(H2, "two")]})
    for _ in range(2):
        assert ask(manager, "DELETE", ALIASES + path).json == {"ok": True}
        assert names(manager) == [("two", "b")]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("DELETE", "", (405, "method_not_allowed")),
        ("POST", "", (405, "method_not_allowed")),
        ("GET", f"/{H1}", (405, "method_not_allowed")),
        ("DELETE", "/x", (400, "api_key_alias_invalid")),
        ("DELETE", f"/{H1}/x", (404, "not_found")),
        ("GET", "-foo", (404, "not_found")),
        ("GET", "-foo/bar", (404, "not_found")),
    ],
)
def test_paths_and_methods(
    manager: Manager, method: str, path: str, expected: tuple[int, str]
) -> None:
    found = ask(manager, method, ALIASES + path)
    assert found.code == expected
    if expected[0] == 405:
        assert found.headers["allow"] == ("DELETE" if path else "GET, HEAD, PUT")
    assert ask(manager, method, ALIASES + path, key="no").code == (401, "invalid_admin_key")


def test_the_recorded_answer(manager: Manager) -> None:
    (recorded,) = (a for a in answers.answers("life") if a["name"] == "life.aliases")
    items = recorded["answer"]["items"]
    # Last first, so that the order is the server's own.
    assert ask(manager, "PUT", ALIASES, {"items": items[::-1]}).status == 200
    found = ask(manager, "GET", ALIASES)
    assert (found.status, len(items) > 1) == (200, True)
    assert answers.differences(recorded["answer"], found.json) == []
