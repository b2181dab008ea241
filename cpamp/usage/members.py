"""Members of a record, read by any of their names (usage contract, 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cpamp.usage.models import MAX_INT
from cpamp.usage.payload import bounded

Record = Mapping[str, Any]


def first(record: Record, names: Iterable[str]) -> Any:
    """The value of the first name that is present, even if it is null."""
    for name in names:
        if name in record:
            return record[name]
    return None


def as_text(value: Any) -> str:
    """A JSON value as text; "" for what has none."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return ""


def as_integer(value: Any) -> int:
    """A JSON value as an integer of 64 bits; 0 for what is none."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int | float):
        return clamp(int(value))
    if isinstance(value, str):
        text = value.strip()
        return clamp(bounded(text)) if _INTEGER.match(text) else 0
    return 0


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}$", re.ASCII)


def clamp(number: int) -> int:
    """The nearest integer of 64 bits."""
    return max(min(number, MAX_INT), -MAX_INT - 1)


def optional_integer(value: Any) -> int | None:
    """An integer, or None where there is none."""
    return None if value is None else as_integer(value)


def text_of(record: Record, *names: str) -> str:
    """The text of the first name that is present."""
    for name in names:
        if name in record:
            value = record[name]
            return value.strip() if type(value) is str else as_text(value)
    return ""
