"""The description of the API: valid, whole, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from cpamp.lab import Manager
from cpamp.web.openapi import examples, path_of
from cpamp.web.route import NO_BODY
from tests.daemon import Lab
from tests.described import Described, check_refusal, declared
from tests.web.examples import ANALYTICS, KEY_HASH, RANGE, Examples, made

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
# Where a member's name is data, a list is empty by chance, or its rows are of several kinds.
LOOSE = ("prices", "response_metadata", "aliases", "models", "api_key_aliases")
LOOSE += ("apis", "matched", "results")
# What has no example, and why.
CPA = "it is CPA's own answer that is passed on"
UNSHOWN = {
    "/": "it has no body, only the way to the panel",
    "/management.html": "the page is large",
    "/openapi.json": "it is this document",
    "/models": CPA,
    "/v1/models": CPA,
    "/v0/management/auth-files/": CPA,
    "/v0/management/auth-files/fields/": CPA,
    "/v0/management/auth-files/status/": CPA,
    "/v0/resource/plugins": CPA,
    "/v0/resource/plugins/{rest}": CPA,
    "/v0/management/events/stream": "it has no end",
    "/v0/management/codex-inspection/runs/{run_id}/cancel": "it is as the run's own answer",
}
# Headers of answers, by what is asked.
_QUESTION = f"{ANALYTICS}?from_ms=1&to_ms=2&include=model_share"
SENDING = {
    "/": {"Location"},
    "/management.html": {"ETag"},
    _QUESTION: {"ETag"},
    f"{_QUESTION}&format=csv": {"Content-Disposition"},
    "/v0/management/usage/export?limit=1": {"Content-Disposition"},
    "/v0/management/model-prices": {"ETag"},
    "/v0/management/api-key-aliases": {"ETag"},
}
SOURCES = Path(__file__).parent.parent.parent / "cpamp"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    lab = Lab(tmp_path_factory.mktemp("openapi"))
    yield made(lab)
    lab.close()


@pytest.fixture(scope="module")
def manager(asked: Examples) -> Manager:
    return asked.manager


@pytest.fixture(scope="module")
def document(manager: Manager) -> Any:
    return manager.http.json("GET", "/openapi.json")


def contents(part: Any) -> list[Any]:
    """What an answer or a body may be, by its content types."""
    return list(part.get("content", {}).values())


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


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
    found = operations(document)
    assert len(found) > 40
    identifiers = [operation["operationId"] for _, _, operation in found]
    assert len(set(identifiers)) == len(identifiers)
    for path, _, operation in found:
        inside = re.findall(r"{([a-z_]+)}", path)
        told = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert told == inside
        assert operation["summary"]


def test_every_route_has_an_example_or_a_reason(document: Any) -> None:
    without = {
        path
        for path, _, operation in operations(document)
        if not any(
            "example" in c for c in operation["responses"]["2XX"].get("content", {}).values()
        )
    }
    assert without == UNSHOWN.keys()


def test_every_body_is_described(document: Any) -> None:
    for one in declared().values():
        for method in one.methods & {"POST", "PUT", "PATCH"} if not one.fallback else ():
            operation = document["paths"][path_of(one)][method.lower()]
            body = operation.get("requestBody", {})
            if one.body == NO_BODY:
                assert not body
            elif UNSHOWN.get(path_of(one)) == CPA:
                assert list(body["content"]) == ["*/*"]
            else:
                assert contents(body)[0].keys() == {"schema", "example"}, operation["operationId"]


def test_values_are_of_their_types(document: Any) -> None:
    parameters = {
        (operation["operationId"], parameter["name"]): parameter["schema"]
        for _, _, operation in operations(document)
        for parameter in operation["parameters"]
    }
    kinds = {name: schema.get("type") for (_, name), schema in parameters.items()}
    for name in ("from_ms", "to_ms", "limit", "offset", "number", "run_id", "beforeId"):
        assert kinds[name] == "integer", name
    asked = {name for operation, name in parameters if operation.endswith("monitoring_analytics")}
    assert {"include.timeline", "include.events_page.limit", "filters.models"} <= asked
    assert {"If-Match", "If-None-Match", "Last-Event-ID"} <= kinds.keys()
    produced = {
        kind
        for _, _, operation in operations(document)
        for kind in operation["responses"]["2XX"].get("content", {})
    }
    assert {"text/csv", "application/x-ndjson", "text/event-stream", "text/html"} <= produced


def test_headers_are_those_that_are_sent(manager: Manager, document: Any) -> None:
    for path, sent in SENDING.items():
        operation = document["paths"][path.partition("?")[0]]["get"]
        assert manager.http.request("GET", path)[0] < 400
        declared = operation["responses"]["2XX"].get("headers", {}).keys()
        assert sent <= declared
        assert sent <= manager.http.answered.keys()
    refused = document["components"]["responses"]
    shared = {name: [*refused[name]["headers"]] for name in ("Unauthorized", "TooManyTries")}
    assert shared == {"Unauthorized": ["WWW-Authenticate"], "TooManyTries": ["Retry-After"]}
    assert "Allow" in refused["MethodNotAllowed"]["headers"]


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


def test_the_examples_are_true(asked: Examples, document: Any) -> None:
    now = asked.found
    assert now.keys() == examples().keys()
    for name, example in examples().items():
        method, path = name.split(" ")
        assert method.lower() in document["paths"][path]
        assert differences(example["response"], now[name]["response"], name) == []


def test_answers_are_as_described(asked: Examples, document: Any) -> None:
    described = Described(document)
    answered = [(*name.split(" "), example["response"]) for name, example in asked.found.items()]
    answered += [
        (method, path, asked.manager.http.json(method, path, body)) for method, path, body in MORE
    ]
    assert [line for one in answered for line in described.wrong(*one)] == []


def test_requests_are_as_described(asked: Examples, document: Any) -> None:
    for name, example in asked.found.items():
        method, path = name.split(" ")
        content = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if "request" in example and schema:
            whole = {**schema, "components": document["components"]}
            assert list(Draft202012Validator(whole).iter_errors(example["request"])) == [], name


def test_what_is_not_described_is_seen(document: Any) -> None:
    described = Described(document)
    path = "/v0/management/api-tokens"
    whole = {"id": 1, "name": "a", "scopes": ["read"], "createdAtMs": 1, "lastUsedAtMs": None}
    assert described.wrong("GET", path, {"items": [whole]}) == []
    for item in ({**whole, "more": 1}, {**whole, "id": "1"}, {"id": 1}):
        assert described.wrong("GET", path, {"items": [item]})


@pytest.mark.parametrize(
    ("status", "code"), [(412, "model_price_invalid"), (400, "forbidden"), (418, "invalid_json")]
)
def test_a_refusal_that_is_not_declared_is_seen(status: int, code: str) -> None:
    path = "/v0/management/model-prices/my-model"
    check_refusal("PUT", path, 400, {"code": "model_price_invalid"})
    with pytest.raises(AssertionError, match="does not tell of"):
        check_refusal("PUT", path, status, {"code": code})
