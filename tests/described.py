"""Answers held against the description of the API: nothing lacks, and nothing is not told of."""

from __future__ import annotations

import re
from typing import Any, Self

import attrs
from jsonschema import Draft202012Validator

from cpamp.lab import Http
from cpamp.schemas import PLACE

FEW = 4


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
