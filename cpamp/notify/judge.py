"""When a thing that holds is told, and when that it is over: nothing but values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

MINUTE_MS = 60_000


@attrs.frozen
class Held:
    """A thing that a rule has seen, such as one account: since when, and whether it was told.

    `ended_ms` is when it was over, None while it holds.
    """

    since_ms: int
    text: str
    told: bool
    ended_ms: int | None = None


@attrs.frozen
class Notice:
    """Something to be told of a thing: that it holds, or (`over`) that it no longer does."""

    key: str
    text: str
    since_ms: int
    over: bool = False


def judged(
    before: Mapping[str, Held], now: Mapping[str, str], now_ms: int, quiet_minutes: int
) -> tuple[list[Notice], dict[str, Held]]:
    """The notices that are due, and what to remember; `now` has a text for what holds now.

    What comes back within the quiet time after its end goes on untold, and its end is told only
    if its beginning was.
    """
    notices: list[Notice] = []
    after: dict[str, Held] = {}
    quiet_ms = quiet_minutes * MINUTE_MS
    for key, text in now.items():
        held = before.get(key)
        if held is None or (held.ended_ms is not None and now_ms - held.ended_ms >= quiet_ms):
            notices.append(Notice(key, text, now_ms))
            after[key] = Held(now_ms, text, True)
        elif held.ended_ms is None:
            after[key] = attrs.evolve(held, text=text)
        else:
            # Here again before the quiet time was over.
            after[key] = Held(now_ms, text, False)
    for key, held in before.items():
        if key in now:
            continue
        ended_ms = now_ms if held.ended_ms is None else held.ended_ms
        if held.ended_ms is None and held.told:
            notices.append(Notice(key, held.text, held.since_ms, over=True))
        if now_ms - ended_ms < quiet_ms:
            after[key] = attrs.evolve(held, ended_ms=ended_ms)
    return notices, after


def times_fired(moments: Sequence[tuple[int, bool]], quiet_minutes: int) -> list[int]:
    """When a thing would have been told, of moments in ms with whether it held then."""
    fired: list[int] = []
    held: dict[str, Held] = {}
    for at_ms, holds in moments:
        notices, held = judged(held, {"": ""} if holds else {}, at_ms, quiet_minutes)
        fired += [at_ms for notice in notices if not notice.over]
    return fired
