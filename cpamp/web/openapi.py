"""`/openapi.json`: the surface described by its own declarations (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

import attrs
import orjson

from cpamp import __version__
from cpamp.errors import Problem
from cpamp.schemas import PLACE, Named, schema_of_class, schema_of_shape, schema_of_value
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, Body, Route, route

PATH = "/openapi.json"
_PARAMETER = re.compile(r"<(?:[a-z]+(?:\(.*?\))?:)?([a-z_]+)>")
# What a route of each access takes, as names of security schemes; {} is nothing.
_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.OPTIONAL: [{}, {"key": []}],
}
_ERROR = {"$ref": "#/components/responses/Problem"}


@attrs.define(slots=False)
class OpenApi:
    """Describes the routes that `routes` gives, with the examples that the tests keep true."""

    _routes: Callable[[], Mapping[str, Route]]

    @route("GET", PATH, summary="This description")
    async def described(self, request: ApiRequest) -> Any:
        """The whole document."""
        return self._document

    @cached_property
    def _document(self) -> dict[str, Any]:
        return document(self._routes(), examples())


def examples() -> Mapping[str, Any]:
    """Requests and their answers, by method and path."""
    found: Mapping[str, Any] = orjson.loads(
        files("cpamp.web").joinpath("data/examples.json").read_bytes()
    )
    return found


def document(routes: Mapping[str, Route], shown: Mapping[str, Any]) -> dict[str, Any]:
    """The description of some routes."""
    paths: dict[str, dict[str, Any]] = {}
    named: Named = {"Problem": _problem()}
    for one in routes.values():
        if one.fallback:
            continue
        path = _PARAMETER.sub(r"{\1}", one.path)
        for method in sorted(one.methods - {"HEAD"}):
            example = shown.get(f"{method} {path}", {})
            operation = _operation(one, method, path, example, named)
            paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cpamp",
            "version": __version__,
            "description": "The Manager Server for CLIProxyAPI.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "./"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The admin key, or a token that may read this.",
                }
            },
            "schemas": dict(sorted(named.items())),
            "responses": {
                "Problem": {
                    "description": "What went wrong, and what to do",
                    "content": _json({"$ref": f"{PLACE}Problem"}),
                }
            },
        },
    }


def _operation(
    one: Route, method: str, path: str, example: Mapping[str, Any], named: Named
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _identifier(method, path),
        "summary": one.summary,
        "tags": [path.split("/")[3] if path.startswith("/v0/management/") else "server"],
        "security": _SECURITY.get(one.access, [{"key": []}]),
        "parameters": list(_parameters(one)),
        "responses": {
            "2XX": _answer(one, example, named),
            **{str(status): _ERROR for status in _statuses(one)},
            "default": _ERROR,
        },
    }
    body = _request_body(one.body, method, example)
    return operation | ({"requestBody": body} if body else {})


def _identifier(method: str, path: str) -> str:
    return "_".join(re.findall(r"[A-Za-z0-9]+", f"{method.lower()} {path}"))


def _parameters(one: Route) -> Iterator[dict[str, Any]]:
    for name in _PARAMETER.findall(one.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, meaning in one.query.items():
        yield {
            "name": name,
            "in": "query",
            "description": meaning,
            "required": "required" in meaning,
            "schema": {"type": "string"},
        }


def _statuses(one: Route) -> Iterator[int]:
    if one.access is not Access.PUBLIC:
        yield from (401, 429)
    if one.body.limit:
        yield 413


def _answer(one: Route, example: Mapping[str, Any], named: Named) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "As asked for"}
    if one.answer is not None:
        answer["content"] = _json(schema_of_shape(one.answer, named), example.get("response"))
    elif "response" in example:
        schema = schema_of_value(example["response"])
        answer["content"] = _json(schema, example["response"])
    return answer


def _request_body(body: Body, method: str, example: Mapping[str, Any]) -> dict[str, Any] | None:
    if body.form is not None:
        schema = schema_of_class(body.form)
    elif "request" in example:
        schema = schema_of_value(example["request"])
    elif body.streamed and method != "GET":
        return {"content": {"*/*": {}}}
    else:
        return None
    return {"required": True, "content": _json(schema, example.get("request"))}


def _json(schema: Any, example: Any = None) -> dict[str, Any]:
    content = {"schema": schema}
    return {"application/json": content | ({} if example is None else {"example": example})}


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["code", "error"],
        "properties": {
            "code": {"type": "string", "enum": sorted({kind.code for kind in _kinds(Problem)})},
            "error": {"type": "string", "description": "For people"},
        },
    }


def _kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for more in kind.__subclasses__():
        yield from _kinds(more)
