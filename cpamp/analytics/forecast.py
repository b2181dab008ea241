"""When the quota windows of the accounts will be used up, by what providers told of them.

Most tell with every answer, in its headers; Claude tells when it is asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import orjson

from cpamp.analytics.answer import Answerer
from cpamp.analytics.asked import asked_series
from cpamp.analytics.burning import DAY_MS, SHORT_MS, Sample, burn
from cpamp.analytics.columnar import Row
from cpamp.analytics.facets import IntArray, provider_shown
from cpamp.analytics.headers import key_of
from cpamp.analytics.selection import Condition, select
from cpamp.analytics.view import View
from cpamp.store import metadata
from cpamp.usage.event import Who

# Of the last hours, by which short windows are judged, one sample in so much; of the day before
# one in more.
FINE_MS, COARSE_MS = 10 * 60_000, 90 * 60_000
# How long ago an account may have been seen last.
SEEN_DAYS = 8
WINDOWS = ("primary", "secondary")
DETAILS = """
SELECT event, metadata, dictionary, ifnull(trace_id, ''), ifnull(quota_recover_at_ms, 0)
FROM details WHERE metadata IS NOT NULL AND event IN (SELECT value FROM json_each(?))
"""


@attrs.frozen
class ForecastRequest:
    """The state of all accounts at a moment."""

    now_ms: int


def forecast(answerer: Answerer, request: ForecastRequest) -> Row:
    """All members of the answer."""
    view, now = answerer.view, request.now_ms
    conn = answerer.reading.conn
    series = [*_series(conn, view, now), *asked_series(conn, view, now, now - SEEN_DAYS * DAY_MS)]
    rows = [_account(who, windows, now) for who, windows in series]
    shown = sorted(
        (row for row in rows if row["windows"]),
        key=lambda row: (_soonest(row["windows"]), row["auth_file_snapshot"], row["auth_index"]),
    )
    return {"accounts": shown, "pools": _pools(shown)}


def _series(
    conn: sqlite3.Connection, view: View, now_ms: int
) -> Iterator[tuple[Who, Mapping[str, Sequence[Sample]]]]:
    """Of each account its newest credential, and the samples of its windows."""
    numbers = range(view.size("who"))
    keys = {number: key_of(view.facets.who(number)) for number in numbers}
    groups = {key: i for i, key in enumerate(dict.fromkeys(keys.values()))}
    codes = np.array([groups[keys[number]] for number in numbers], dtype=np.int64)
    named = np.array([keys[number] is not None for number in numbers], dtype=bool)
    condition = Condition((("who", named),), headers=True)
    selection = select(view, now_ms - SEEN_DAYS * DAY_MS, now_ms + 1, condition)
    rows = np.concatenate([np.zeros(0, np.int64), *(c.numbers for c in selection.chunks())])
    kept, who = _thinned(view, rows, codes, now_ms)
    ids: list[int] = view.snapshot.ids_of(kept).tolist()
    found = {
        number: orjson.loads(metadata.unpack(packed, version, trace, recover))
        for number, packed, version, trace, recover in conn.execute(
            DETAILS, (orjson.dumps(ids).decode(),)
        )
    }
    times = view.snapshot.column("time").take(kept).tolist()
    series: dict[int, tuple[int, dict[str, list[Sample]]]] = {}
    for number, at_ms, credential in zip(ids, times, who.tolist(), strict=True):
        group = int(codes[credential])
        samples = series[group][1] if group in series else {name: [] for name in WINDOWS}
        series[group] = credential, samples
        for name, sample in _samples(found.get(number, {}), at_ms):
            samples[name].append(sample)
    for credential, windows in series.values():
        yield view.facets.who(credential), windows


def _thinned(view: View, rows: IntArray, codes: IntArray, now_ms: int) -> tuple[IntArray, IntArray]:
    """Some of the rows, ascending in time: the last of each stretch of time of each account."""
    time = view.snapshot.column("time").take(rows)
    who = view.snapshot.column("who").take(rows).astype(np.int64)
    age = now_ms - time
    # Older than two days only the newest one matters.
    stretch = np.where(age < SHORT_MS, time // FINE_MS, time // COARSE_MS + (1 << 40))
    stretch = np.where(age > 2 * DAY_MS, 1 << 41, stretch)
    order = np.lexsort((rows, time, stretch, codes[who]))
    group, of = codes[who][order], stretch[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (group[1:] != group[:-1]) | (of[1:] != of[:-1])
    kept = order[last]
    kept = kept[np.lexsort((rows[kept], time[kept]))]
    return rows[kept], who[kept]


def _samples(told: Mapping[str, Any], at_ms: int) -> Iterator[tuple[str, Sample]]:
    quota = told.get("quota") or {}
    for name in WINDOWS:
        window = quota.get(name) or {}
        used = window.get("used_percent")
        if used is None:
            continue
        reset = window.get("reset_at_ms")
        if reset is None and window.get("reset_after_seconds") is not None:
            reset = at_ms + round(window["reset_after_seconds"] * 1000)
        yield name, Sample(at_ms, used, int(reset or 0), float(window.get("window_minutes") or 0))


def _account(who: Who, series: Mapping[str, Sequence[Sample]], now_ms: int) -> Row:
    return {
        "auth_file_snapshot": who.auth_file_snapshot,
        "auth_index": who.auth_index,
        "account_snapshot": who.account_snapshot,
        "auth_label_snapshot": who.auth_label_snapshot,
        "auth_provider_snapshot": provider_shown(who),
        "windows": [
            {"window": name, **attrs.asdict(burn(samples, now_ms))}
            for name, samples in series.items()
            if samples
        ],
    }


def _soonest(windows: Sequence[Row]) -> float:
    moments = [window["spent_at_ms"] for window in windows if window["spent_at_ms"] is not None]
    return min(moments, default=float("inf"))


def _pools(accounts: Sequence[Row]) -> list[Row]:
    """Of each provider and window: what its accounts have left, and when all are used up."""
    groups: dict[tuple[str, str, float], list[Row]] = {}
    for account in accounts:
        for window in account["windows"]:
            place = account["auth_provider_snapshot"], window["window"], window["window_minutes"]
            groups.setdefault(place, []).append(window)
    return [
        {
            "provider": provider,
            "window": name,
            "window_minutes": minutes,
            "accounts": len(windows),
            "spent": sum(window["used_percent"] >= 100 for window in windows),
            "left_percent": sum(100 - min(w["used_percent"], 100) for w in windows) / len(windows),
            **_dry(windows),
        }
        for (provider, name, minutes), windows in sorted(groups.items())
    ]


def _dry(windows: Sequence[Row]) -> Row:
    """When the last account is used up at the present rates; `lasts` if one is not before."""
    if any(window["lasts"] is None for window in windows):
        return {"dry_at_ms": None, "lasts": None}
    if any(window["lasts"] for window in windows):
        return {"dry_at_ms": None, "lasts": True}
    return {"dry_at_ms": max(window["spent_at_ms"] for window in windows), "lasts": False}
