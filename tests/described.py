"""Answers held against the description of the API: nothing lacks, and nothing is not told of."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Self

import attrs
from jsonschema import Draft202012Validator
from twisted.internet import reactor

from cpamp.lab import Http
from cpamp.schemas import PLACE
from cpamp.settings import load
from cpamp.tap import build
from cpamp.web.openapi import document, examples
from cpamp.web.route import Route

FEW = 4


@cache
def declared(**environ: str) -> dict[str, Route]:
    """What the daemon's own wiring declares; nothing is opened by it."""
    settings = load({"USAGE_DATA_DIR": "nowhere", **environ}, Path("/nonexistent"))
    return build(settings, reactor, key_in_log=False).listener.factory.surface.routes


@cache
def _told() -> Any:
    return document(declared(), examples())


def check_refusal(method: str, path: str, status: int, body: Any) -> None:
    """An answer that tells of a problem has a status and a code that its route declares."""
    code = body.get("code") if isinstance(body, dict) else None
    operation = _operation(_told(), method, path.partition("?")[0])
    if status < 400 or code is None or operation is None:
        return
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{method} {path} does not tell of {status} {code}"
    if "$ref" in answer:
        answer = _told()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"]["application/json"]["schema"]
    codes = schema["properties"]["code"]["enum"]
    assert code in codes, f"{method} {path} does not tell of {status} {code}"


def _operation(told: Any, method: str, path: str) -> Any:
    """What is told of a request's route: of two that fit, the one with less that may vary."""
    fitting = []
    for template, operations in told["paths"].items():
        rest = "[^/]+" if not template.endswith(("{rest}", "{model}")) else ".+"
        pattern = re.sub(r"\\{[a-z_]+\\}", rest, re.escape(template.rstrip("/")))
        if re.fullmatch(f"{pattern}/?", path):
            fitting.append((template.count("{"), operations))
    best = min(fitting, key=lambda one: one[0], default=(0, {}))[1]
    return best.get(method.lower())


@attrs.define
class Described:
    """What answers look like, by the routes that declare it."""

    _document: Any
    _validators: dict[str, Draft202012Validator] = attrs.field(factory=dict, init=False)

    @classmethod
    def by(cls, http: Http) -> Self:
        """What a daemon says of itself."""
        return cls(http.json("GET", "/openapi.json"))

    def wrong(self, method: str, path: str, answer: Any) -> list[str]:
        """What an answer to a request has that its schema has not, or the other way round."""
        name = self._shape(method, path.partition("?")[0])
        if name is None:
            return []
        if name not in self._validators:
            schemas = {
                key: {**schema, "additionalProperties": False}
                for key, schema in self._document["components"]["schemas"].items()
            }
            whole = {"$ref": f"{PLACE}{name}", "components": {"schemas": schemas}}
            self._validators[name] = Draft202012Validator(whole)
        found = self._validators[name].iter_errors(_part(answer))
        return [f"{method} {path} {error.json_path}: {error.message[:200]}" for error in found]

    def _shape(self, method: str, path: str) -> str | None:
        """The name of the schema; None where the route declares none."""
        for template, operations in self._document["paths"].items():
            pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
            if method.lower() in operations and re.fullmatch(pattern, path):
                content = operations[method.lower()]["responses"]["2XX"].get("content", {})
                reference: str = content.get("application/json", {}).get("schema", {}).get("$ref")
                return reference and reference.removeprefix(PLACE)
        return None


def _part(value: Any) -> Any:
    """The same with lists of a few elements: rows of one list are made alike."""
    if isinstance(value, list):
        return [_part(one) for one in value[:FEW]]
    if isinstance(value, dict):
        return {name: _part(member) for name, member in value.items()}
    return value
