"""Payloads as they come: JSON that is read strictly, and written as it is stored."""

from __future__ import annotations

import json
from typing import Any

import orjson

from cpamp.usage.models import MAX_INT

MAX_DEPTH = 1_000


class Malformed(Exception):
    """The payload is not JSON, or not an object; the message says which."""


def strict_json(payload: bytes) -> Any:
    """The JSON value of a payload; raises `Malformed`.

    Lone surrogates and invalid UTF-8 become U+FFFD, numbers that no double holds become the
    nearest that one does; NaN, infinities and nesting beyond 1,000 are refused.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _careful_json(payload, error)


def _careful_json(payload: bytes, error: Exception) -> Any:
    text = payload.decode("utf-8", errors="replace").removeprefix("\ufeff")

    def refuse(constant: str) -> Any:
        raise Malformed(f"usage payload is not JSON: {constant}")

    try:
        value = json.loads(text, parse_constant=refuse, parse_float=_finite, parse_int=bounded)
    except RecursionError as deep:
        raise Malformed("usage payload is not JSON: nested too deep") from deep
    except ValueError as invalid:
        raise Malformed(f"usage payload is not JSON: {error}") from invalid
    return _without_surrogates(value, 0)


def _finite(text: str) -> float:
    number = float(text)
    return max(min(number, 1.7976931348623157e308), -1.7976931348623157e308)


def bounded(text: str) -> int:
    """The integer of a text of digits, or the nearest of 64 bits to a long one."""
    if len(text) < 20:
        return int(text)
    return -MAX_INT - 1 if text.startswith("-") else MAX_INT


def _without_surrogates(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Malformed("usage payload is not JSON: nested too deep")
    try:
        if isinstance(value, str):
            return value.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace")
        if isinstance(value, list):
            return [_without_surrogates(inner, depth + 1) for inner in value]
        if isinstance(value, dict):
            return {
                _without_surrogates(name, depth): _without_surrogates(inner, depth + 1)
                for name, inner in value.items()
            }
    except RecursionError as deep:
        raise Malformed("usage payload is not JSON: nested too deep") from deep
    return value


def json_bytes(value: Any) -> bytes:
    """A redacted value as it is stored."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(value, sort_keys=True, default=str).encode(errors="replace")
