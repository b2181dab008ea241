"""What the text of one upstream header means (usage contract, 3.10).

Every reader takes a text without blanks around it, and gives None where it means nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from cpamp.usage.redact import redact
from cpamp.usage.timestamps import END_MS, parse

TEXT_BYTES = 1024
# A number beyond the first is in seconds since the epoch, beyond the second in ms.
SECONDS_ABOVE = 1e9
MS_ABOVE = 1e12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}$")
_SPACED = re.compile(r"(\S+) (\S+?) ?(?:(UTC|GMT|Z)|([+-]\d\d):?(\d\d))$", re.ASCII)
TRACE_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")


def as_text(value: str) -> str | None:
    """A text without secrets."""
    return redact(value, TEXT_BYTES) or None


def as_lower(value: str) -> str | None:
    """The same in lower case."""
    return redact(value, TEXT_BYTES).lower() or None


def as_float(value: str) -> float | None:
    """A finite number, with or without a percent sign; whole ones as int."""
    text = value.removesuffix("%")
    if text.isdecimal() and text.isascii() and len(text) < 16:
        return int(text)
    if not _FLOAT.match(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def as_int(value: str) -> int | None:
    """A whole number in base 10."""
    return int(value) if _INTEGER.match(value) else None


def as_count(value: str) -> int | None:
    """A whole number of at least 0."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_bool(value: str) -> bool | None:
    """Yes or no."""
    text = value.lower()
    if text in ("true", "1", "yes"):
        return True
    return False if text in ("false", "0", "no") else None


def as_time(value: str) -> int | None:
    """A point in time in ms: a date in one of three forms, or seconds or ms since the epoch."""
    number = as_float(value)
    if number is not None:
        if number > MS_ABOVE:
            return int(number) if number < END_MS else None
        return int(number * 1000) if number > SECONDS_ABOVE else None
    spaced = _SPACED.match(value)
    if spaced is not None:
        day, time, utc, hours, minutes = spaced.groups()
        value = f"{day}T{time}Z" if utc else f"{day}T{time}{hours}:{minutes}"
    instant = parse(value)
    return _http_date(value) if instant is None else instant.ms


def _http_date(value: str) -> int | None:
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int((moment - _EPOCH).total_seconds() * 1000)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def as_trace_parent(value: str) -> str | None:
    """A W3C trace parent in lower case, if it is a valid one."""
    text = value.lower()
    match = TRACE_PARENT.match(text)
    if match is None or match[1] == "ff" or not match[2].strip("0") or not match[3].strip("0"):
        return None
    return text


def nested_objects(value: Any, deepest: int) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, depth first; what is nested deeper than that is left out."""
    if deepest < 0:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from nested_objects(inner, deepest - 1)
