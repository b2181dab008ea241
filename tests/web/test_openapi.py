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
from tests.web.examples import made, prepared

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
