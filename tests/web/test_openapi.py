"""The description of the API: valid, whole, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from cpamp.lab import Manager
from cpamp.web.openapi import examples
from tests.daemon import Lab
from tests.described import Described
from tests.web.examples import ANALYTICS, KEY_HASH, RANGE, made, prepared

EVERYTHING = (
    *("summary", "summary_comparison", "summary_percentiles", "timeline", "anomaly_points"),
    *("hourly_distribution", "heatmap", "model_share", "model_stats", "channel_share"),
    *("failure_sources", "account_stats", "account_strips", "api_key_stats", "credential_stats"),
    *("credential_timeline", "api_key_timeline", "task_buckets"),
)
INSIDE = {
    **dict.fromkeys(EVERYTHING, True),
    **{"events_page": {"limit": 50}, "recent_failures": 20, "recent_requests": 5},
    **{"model_timeline": 2, "drilldown_preview": {**RANGE, "limit": 5}},
}
KEYS = {"api_key_hashes": [KEY_HASH]}
RULES = "/v0/management/notifications"
# Questions beside those that are shown as examples.
MORE: list[tuple[str, str, Any]] = [
    *(
        ("POST", ANALYTICS, {**RANGE, "filters": KEYS, "include": {**INSIDE, **options}})
        for options in (
            {"filter_options": True},
            {"filter_options": True, "filter_selectors": True, "summary_profile": "compact"},
        )
    ),
    ("GET", "/v0/management/panel/bootstrap", None),
    ("POST", "/usage-service/retry", None),
    ("GET", "/usage-service/account-processing-policy", None),
    ("GET", "/usage-service/quota-cooldowns", None),
    ("GET", "/v0/management/account-action-candidates", None),
    ("POST", "/v0/management/api-tokens", {"name": "wall", "scopes": ["read"]}),
    ("GET", "/v0/management/api-tokens", None),
    ("POST", f"{RULES}/rules", {"kind": "spend", "name": "much", "limit": 1}),
    ("POST", f"{RULES}/channels", {"means": "webhook", "name": "a", "url": "http://localhost/x"}),
    (
        "POST",
        f"{RULES}/channels",
        {"means": "email", "name": "b", "host": "localhost", "from": "a@b.c", "to": "d@e.f"},
    ),
    ("POST", f"{RULES}/rehearsal", {"kind": "spend", "limit": 1}),
    ("POST", f"{RULES}/rehearsal", {"kind": "disk_low", "limit": 1}),
    ("GET", RULES, None),
    ("GET", f"{RULES}/log", None),
    (
        "POST",
        "/v0/management/usage/import-sessions",
        {"filename": "a.jsonl", "size_bytes": 10, "resume_key": "0" * 32},
    ),
    ("GET", "/v0/management/usage/import-sessions", None),
]
# Where a member's name is data, or a list is empty by chance.
LOOSE = ("prices", "response_metadata", "aliases", "models", "api_key_aliases")
SOURCES = Path(__file__).parent.parent.parent / "cpamp"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    lab = Lab(tmp_path_factory.mktemp("openapi"))
    yield prepared(lab)
    lab.close()


@pytest.fixture(scope="module")
def document(manager: Manager) -> Any:
    return manager.http.json("GET", "/openapi.json")


def test_it_is_valid(document: Any) -> None:
    validate(document)


def test_it_names_every_code(document: Any) -> None:
    known = set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    served = [p for p in SOURCES.rglob("*.py") if p.parent.name != "commands"]
    text = "\n".join(path.read_text() for path in served)
    declared = set(re.findall(r'^    code(?:: ClassVar\[str\])? = "([a-z_]+)"$', text, re.M))
    assert declared > {"invalid_json", "not_found"}
    assert declared <= known


def test_every_route_tells_what_it_takes(document: Any) -> None:
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) > 40
    identifiers = [operation["operationId"] for _, _, operation in operations]
    assert len(set(identifiers)) == len(identifiers)
    for path, _, operation in operations:
        inside = re.findall(r"{([a-z_]+)}", path)
        told = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert told == inside
        assert operation["summary"]


def differences(example: Any, found: Any, path: str) -> list[str]:
    """Where an answer is of another shape than its example."""
    if path.rpartition(".")[2] in LOOSE or example is None or found is None:
        return []
    if isinstance(example, dict) and isinstance(found, dict):
        missing = [f"{path}: no {name}" for name in example.keys() - found.keys()]
        return missing + [
            line
            for name in example.keys() & found.keys()
            for line in differences(example[name], found[name], f"{path}.{name}")
        ]
    if isinstance(example, list) and isinstance(found, list):
        return [] if not (example and found) else differences(example[0], found[0], f"{path}[0]")
    numbers = isinstance(example, int | float) and isinstance(found, int | float)
    return [] if numbers or type(example) is type(found) else [f"{path}: {found!r}"]


def test_the_examples_are_true(manager: Manager, document: Any) -> None:
    now = made(manager)
    assert now.keys() == examples().keys()
    for name, example in examples().items():
        method, path = name.split(" ")
        assert method.lower() in document["paths"][path]
        assert differences(example["response"], now[name]["response"], name) == []


def test_answers_are_as_described(manager: Manager, document: Any) -> None:
    described = Described(document)
    answered = [(*name.split(" "), example["response"]) for name, example in made(manager).items()]
    answered += [
        (method, path, manager.http.json(method, path, body)) for method, path, body in MORE
    ]
    assert [line for one in answered for line in described.wrong(*one)] == []


def test_what_is_not_described_is_seen(document: Any) -> None:
    described = Described(document)
    path = "/v0/management/api-tokens"
    whole = {"id": 1, "name": "a", "scopes": ["read"], "createdAtMs": 1, "lastUsedAtMs": None}
    assert described.wrong("GET", path, {"items": [whole]}) == []
    for item in ({**whole, "more": 1}, {**whole, "id": "1"}, {"id": 1}):
        assert described.wrong("GET", path, {"items": [item]})
