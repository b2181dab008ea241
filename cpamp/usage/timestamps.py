"""Points in time as records write them, and as they are kept (usage contract, 3.3).

Kept are milliseconds since the epoch, the digits below them, and the form of the text, so that
nearly every text can be made again from three small numbers.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

DAY_MS = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()
LAST_DAY = date(9999, 12, 31).toordinal() - EPOCH_DAY
FIRST_DAY = date(1, 1, 1).toordinal() - EPOCH_DAY
# The first ms that has a date, and the first one behind the last that has.
FIRST_MS = FIRST_DAY * DAY_MS
END_MS = (LAST_DAY + 1) * DAY_MS
# Below this a number is seconds, from it on milliseconds.
SECONDS_BELOW = 10_000_000_000
# The form of a text with as many fraction digits as are needed; other forms are their number.
CANONICAL = 0
FIXED_DIGITS = (3, 6, 9)

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,60}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d{1,30}$", re.ASCII)


class Instant(NamedTuple):
    """A point in time: ms since the epoch, and its digits below a millisecond in ns."""

    ms: int
    sub_ns: int = 0

    @property
    def text(self) -> str:
        """The canonical text."""
        return join(self.ms, self.sub_ns)


def read_instant(value: Any) -> Instant | None:
    """The instant that a JSON value means, or None where it means none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    found = parse(text)
    return _from_number(int(text)) if found is None and _INTEGER.match(text) else found


def _from_number(value: float) -> Instant | None:
    if value != value or abs(value) > 2**62:
        return None
    number = int(value)
    ms = number * 1000 if number < SECONDS_BELOW else number
    return Instant(ms) if FIRST_MS <= ms < END_MS else None


def parse(text: str) -> Instant | None:
    """The instant of an RFC 3339 text, or of one without a zone, which is taken as UTC."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    second, fraction, zone = match.groups()
    ms = _second_ms(second, zone)
    if ms is None:
        return None
    ms_of_second, sub_ns = (
        divmod(int(fraction[:9].ljust(9, "0")), 1_000_000) if fraction else (0, 0)
    )
    return Instant(ms + ms_of_second, sub_ns)


@lru_cache(maxsize=4096)
def _second_ms(text: str, zone: str | None) -> int | None:
    """The ms of a text without its fraction; None where there is no such second."""
    if text[10] == " " and zone is not None:
        return None
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:])
    try:
        day = date.fromisoformat(text[:10]).toordinal() - EPOCH_DAY
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    seconds = hour * 3600 + minute * 60 + second
    if zone is not None and zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            return None
        shift = hours * 3600 + minutes * 60
        seconds -= shift if zone[0] == "+" else -shift
    ms = day * DAY_MS + seconds * 1000
    return ms if FIRST_MS <= ms < END_MS else None


@lru_cache(maxsize=4096)
def _minute_text(minute: int) -> str:
    day, rest = divmod(minute, 1440)
    hour, minute_of_hour = divmod(rest, 60)
    return f"{date.fromordinal(day + EPOCH_DAY).isoformat()}T{hour:02}:{minute_of_hour:02}"


def join(ms: int, sub_ns: int = 0, form: int = CANONICAL) -> str:
    """The text of an instant; `form` is `CANONICAL` or a number of fraction digits."""
    minute, rest = divmod(ms, 60_000)
    # Two digits of seconds, three of ms, six below.
    digits = f"{rest:05}{sub_ns:06}"
    fraction = digits[2 : 2 + form] if form else digits[2:].rstrip("0")
    head = f"{_minute_text(minute)}:{digits[:2]}"
    return f"{head}.{fraction}Z" if fraction else f"{head}Z"


def is_made(text: str) -> bool:
    """Whether `join` makes this text, of the time that it means."""
    instant = parse(text)
    return instant is not None and split(text, instant.ms) is not None


def split(text: str, ms: int) -> tuple[int, int] | None:
    """The digits below a ms and the form with which `join` makes `text` again from `ms`.

    None where it can't be made from numbers.
    """
    if not FIRST_MS <= ms < END_MS:
        return None
    fraction = text[20:-1]
    if len(fraction) > 9 or not ((fraction.isdigit() and fraction.isascii()) or not fraction):
        return None
    sub_ns = int(fraction.ljust(9, "0")) % 1_000_000 if fraction else 0
    form = CANONICAL
    if fraction.endswith("0"):
        form = len(fraction)
        if form not in FIXED_DIGITS:
            return None
    return (sub_ns, form) if join(ms, sub_ns, form) == text else None
