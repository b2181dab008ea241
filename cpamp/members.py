"""Reading the members of a JSON object whose absence means something.

Absent and null are the same. A member of the wrong type is the sender's mistake: `InvalidJson`.
"""

from __future__ import annotations

from typing import Any

from cpamp.errors import InvalidJson

MOST = 2**63 - 1


def folded(value: Any, *names: str) -> dict[str, Any]:
    """The members with these names in any case, of equal ones the last; null has none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidJson("what must be an object is not")
    known = {name.lower(): name for name in names}
    return {known[name.lower()]: v for name, v in value.items() if name.lower() in known}


def text(source: dict[str, Any], key: str) -> str:
    """The trimmed text, "" when absent."""
    value = source.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidJson(f"{key} must be a text")
    return value.strip()


def positive(source: dict[str, Any], key: str, otherwise: int) -> int:
    """The whole number if it is above 0, else `otherwise`."""
    value = source.get(key)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MOST:
        raise InvalidJson(f"{key} must be a whole number")
    return value if value > 0 else otherwise


def flag(source: dict[str, Any], key: str, otherwise: bool) -> bool:
    """The boolean, or `otherwise` when absent."""
    value = source.get(key)
    if value is None:
        return otherwise
    if not isinstance(value, bool):
        raise InvalidJson(f"{key} must be true or false")
    return value


def child(source: dict[str, Any], key: str) -> dict[str, Any]:
    """The object, {} when absent."""
    value = source.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidJson(f"{key} must be an object")
    return value


def number(source: dict[str, Any], key: str) -> float | None:
    """The number, None when absent."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidJson(f"{key} must be a number")
    return float(value)


def texts(source: dict[str, Any], key: str) -> list[str] | None:
    """The trimmed texts of a list, None when absent."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidJson(f"{key} must be a list of texts")
    return [item.strip() for item in value]


def listed(source: dict[str, Any], key: str) -> list[Any]:
    """The list, [] when absent."""
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidJson(f"{key} must be a list")
    return value
