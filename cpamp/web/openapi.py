"""`/openapi.json`: the surface described by its own declarations (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any, is_typeddict

import attrs
import orjson
from twisted.internet.threads import deferToThread

from cpamp import __version__
from cpamp.errors import InvalidJson, Problem, StoreUnavailable
from cpamp.schemas import PLACE, Named, schema_of_class, schema_of_shape, schema_of_value
from cpamp.web.body import BodyCut, BodyTooLarge
from cpamp.web.errors import (
    SENT,
    AddressTooLong,
    Forbidden,
    HeadTooLarge,
    HostilePath,
    MethodNotAllowed,
    TooManyTries,
    Unauthorized,
    json_bytes,
)
from cpamp.web.request import ApiRequest
from cpamp.web.route import JSON, Access, Body, Parameter, Reply, Route, route

PATH = "/openapi.json"
_PARAMETER = re.compile(r"<(?:[a-z]+(?:\(.*?\))?:)?([a-z_]+)>")
# What a route of each access takes, as names of security schemes; {} is nothing.
_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.OPTIONAL: [{}, {"key": []}],
}
_RESPONSES = "#/components/responses/"
_MATCH = "If-None-Match"
# Parameters of paths that are whole numbers.
_WHOLE = ("number", "run_id")
# Problems that most routes have, alone of their status.
_SHARED: Mapping[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        *(HostilePath, MethodNotAllowed, AddressTooLong, HeadTooLarge, BodyTooLarge),
        *(Unauthorized, Forbidden, TooManyTries, StoreUnavailable),
    )
}


@attrs.define(slots=False)
class OpenApi:
    """Describes the routes that `routes` gives, with the examples that the tests keep true."""

    _routes: Callable[[], Mapping[str, Route]]

    @route("GET", PATH, summary="This description", access=Access.READ)
    async def described(self, request: ApiRequest) -> Any:
        """The whole document, put together in a thread when it is first asked for."""
        text = await deferToThread(lambda: self._document)
        return Reply(200, text, {"Content-Type": JSON})

    @cached_property
    def _document(self) -> bytes:
        return json_bytes(document(self._routes(), examples()))


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
        path = path_of(one)
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
                    "content": {JSON: {"schema": {"$ref": f"{PLACE}Problem"}}},
                },
                **{kind.__name__: _refusal([kind]) for kind in _SHARED.values()},
            },
        },
    }


def path_of(one: Route) -> str:
    """The path of a route as the description has it."""
    return _PARAMETER.sub(r"{\1}", one.path)


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
            **({"304": _unchanged(one)} if _MATCH in one.headers else {}),
            **dict(_refusals(one)),
            "default": {"$ref": f"{_RESPONSES}Problem"},
        },
    }
    body = _request_body(one.body, method, example, named)
    return operation | ({"requestBody": body} if body else {})


def _unchanged(one: Route) -> dict[str, Any]:
    sent = {name: meaning for name, meaning in one.sends.items() if name == "ETag"}
    return {"description": "As the client has it", **_headers(sent)}


def _headers(sent: Mapping[str, str]) -> dict[str, Any]:
    """The member of a response that tells of its headers."""
    kinds = {"Retry-After": "integer"}
    told = {
        name: {"description": meaning, "schema": {"type": kinds.get(name, "string")}}
        for name, meaning in sent.items()
    }
    return {"headers": told} if told else {}


def _identifier(method: str, path: str) -> str:
    return "_".join(re.findall(r"[A-Za-z0-9]+", f"{method.lower()} {path}"))


def _parameters(one: Route) -> Iterator[dict[str, Any]]:
    for name in _PARAMETER.findall(one.path):
        kind = "integer" if name in _WHOLE else "string"
        yield {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
    for name, told in one.query.items():
        parameter = Parameter(told) if isinstance(told, str) else told
        yield {
            "name": name,
            "in": "query",
            "description": parameter.meaning,
            "required": parameter.required,
            "schema": parameter.schema,
        }
    for name, meaning in one.headers.items():
        # How a client says what it takes is no parameter by OpenAPI's rule.
        if name != "Accept":
            yield {
                "name": name,
                "in": "header",
                "description": meaning,
                "required": False,
                "schema": {"type": "string"},
            }


def problems_of(one: Route) -> Iterator[type[Problem]]:
    """All that may go wrong with a request to a route, and that can be foreseen."""
    yield from (HostilePath, MethodNotAllowed, AddressTooLong, HeadTooLarge)
    if one.access not in (Access.PUBLIC, Access.OPTIONAL):
        yield from (Unauthorized, Forbidden, TooManyTries)
    if one.access is not Access.PUBLIC:
        yield StoreUnavailable
    if one.body.limit:
        yield BodyTooLarge
    if one.body.streamed:
        yield BodyCut
    if one.body.form is not None:
        yield InvalidJson
    yield from one.problems


def _refusals(one: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers of each status of a problem; those of one problem alone are shared."""
    found: dict[int, dict[type[Problem], None]] = {}
    for kind in problems_of(one):
        found.setdefault(kind.status, {})[kind] = None
    for status, kinds in sorted(found.items()):
        shared = list(kinds) == [_SHARED.get(status)]
        yield (
            str(status),
            {"$ref": f"{_RESPONSES}{next(iter(kinds)).__name__}"} if shared else _refusal(kinds),
        )


def _refusal(kinds: Iterable[type[Problem]]) -> dict[str, Any]:
    told: dict[str, list[str]] = {}
    for kind in kinds:
        text = (kind.__doc__ or "").partition("\n")[0].strip()
        if text not in told.setdefault(kind.code, []):
            told[kind.code].append(text)
    schema = {
        "allOf": [{"$ref": f"{PLACE}Problem"}],
        "properties": {"code": {"enum": sorted(told)}},
    }
    lines = [f"{code}: {' '.join(texts)}" for code, texts in told.items()]
    sent = dict(SENT[kind] for kind in kinds if kind in SENT)
    content = {JSON: {"schema": schema}}
    return {"description": "\n".join(lines), **_headers(sent), "content": content}


def _answer(one: Route, example: Mapping[str, Any], named: Named) -> dict[str, Any]:
    content = {kind: _answer_of(kind, one, example.get("response"), named) for kind in one.produces}
    known = {kind: shown for kind, shown in content.items() if shown}
    told = {"description": "As asked for", **_headers(one.sends)}
    return told | ({"content": known} if known else {})


def _answer_of(kind: str, one: Route, example: Any, named: Named) -> dict[str, Any]:
    """An answer of one content type; {} where nothing is known of it."""
    if kind != JSON:
        first = kind == one.produces[0]
        return _shown(_plain(kind), example if first else None)
    if one.answer is not None:
        return _shown(schema_of_shape(one.answer, named), example)
    return {} if example is None else _shown(schema_of_value(example), example)


def _request_body(
    body: Body, method: str, example: Mapping[str, Any], named: Named
) -> dict[str, Any] | None:
    if not body.kinds or (body.streamed and method == "GET"):
        return None
    request, content = example.get("request"), {}
    for kind in body.kinds:
        if is_typeddict(body.form):
            schema = schema_of_shape(body.form, named)
        else:
            schema = _plain(kind) if body.form is None else schema_of_class(body.form)
        content[kind] = _shown(schema, request if kind == body.kinds[0] else None)
    return {"required": body.required, "content": content}


def _plain(kind: str) -> dict[str, Any]:
    """The schema of what is no JSON of ours."""
    return {} if kind == "*/*" else {"type": "string"}


def _shown(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"schema": schema} | ({} if example is None else {"example": example})


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
