"""JSON schemas of shapes, of attrs classes, and of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs

_PLAIN: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


# Where a document keeps the schemas that have a name.
PLACE = "#/components/schemas/"
# Schemas that have a name, by that name.
Named = dict[str, dict[str, Any]]


def schema_of_shape(kind: Any, named: Named) -> dict[str, Any]:
    """A reference to the schema of a `TypedDict`, which is put into `named` with all it refers to.

    Two shapes of one name must be the same.
    """
    name: str = kind.__name__
    hints = get_type_hints(kind, include_extras=True)
    members, required = {}, []
    for member, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        members[member] = _schema(get_args(hint)[0] if optional else hint, named)
        if not optional and member in kind.__required_keys__:
            required.append(member)
    schema = {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "properties": members,
        "required": required,
    }
    if named.setdefault(name, schema) != schema:
        raise ValueError(f"two shapes are called {name}")
    return {"$ref": f"{PLACE}{name}"}


def _schema(kind: Any, named: Named) -> dict[str, Any]:
    """The schema of a type of a member of a shape."""
    if is_typeddict(kind):
        return schema_of_shape(kind, named)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(option, named) for option in inner]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _schema(inner[0], named)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], named)}
    return {} if kind is Any else {"type": _PLAIN[kind]}


def schema_of_class(kind: type) -> dict[str, Any]:
    """The schema of the JSON that an attrs class stands for.

    A class may say it itself, by a method `json_schema`.
    """
    own = getattr(kind, "json_schema", None)
    if own is not None:
        found: dict[str, Any] = own()
        return found
    types = get_type_hints(kind)
    properties = {field.name: schema_of_type(types[field.name]) for field in attrs.fields(kind)}
    return {"type": "object", "properties": properties}


def schema_of_type(kind: Any) -> dict[str, Any]:
    """The schema of a type of a field."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"type": "string", "enum": [member.value for member in kind]}
    if isinstance(kind, type) and attrs.has(kind):
        return schema_of_class(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        options = [schema_of_type(option) for option in inner if option is not NoneType]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin is not None and issubclass(origin, Sequence | frozenset):
        return {"type": "array", "items": schema_of_type(inner[0])}
    return {}


def schema_of_value(value: Any) -> dict[str, Any]:
    """The schema of an example; nothing that it lacks is said to be required or missing."""
    match value:
        case dict():
            properties = {str(name): schema_of_value(member) for name, member in value.items()}
            return {"type": "object", "properties": properties}
        case []:
            return {"type": "array"}
        case list():
            return {"type": "array", "items": schema_of_value(value[0])}
        case None:
            return {}
        case int() if not isinstance(value, bool):
            # A figure that happens to be whole.
            return {"type": "number"}
        case _:
            return {"type": _PLAIN[type(value)]}
