"""Compares, now and then, CPA's counters with what was stored of its records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
from twisted.internet.task import deferLater

from cpamp.collect.names import Listing
from cpamp.collect.reconcile import Attempts, Span, buckets, compare, grown, totals
from cpamp.collect.worker import Working
from cpamp.columns.columns import Snapshot
from cpamp.errors import StoreUnavailable
from cpamp.store import Store
from cpamp.store.reading import Dictionaries

# The least time between two comparisons by counters, in ms.
EVERY_MS = 240_000
# What CPA has just counted may still be on its way, for so many seconds.
ON_ITS_WAY_SECONDS = 10.0
# An attempt ends at most this long after its beginning, which is its time in the store.
LONGEST_MS = 3_600_000
ELSEWHERE = (
    "CPA counts attempts, but none of their records came: "
    "another subscriber or consumer may be taking them"
)


@attrs.define(eq=False)
class Reconciler:
    """Judges listings of one CPA. `covers` says whether a stretch of time was covered.

    Time that is known to be lost is not compared: what is missing there is no news.
    """

    _reactor: Any
    _store: Store
    _worker: Working
    _now_ms: Callable[[], int]
    _covers: Callable[[int, int], bool]
    _on_restart: Callable[[], None]
    status: dict[str, Any] = attrs.field(factory=lambda: {"state": "unknown"}, init=False)
    _last: tuple[int, Attempts] | None = attrs.field(default=None, init=False)

    def begin(self) -> None:
        """Another run, perhaps of another CPA."""
        self._last = None
        self.status = {"state": "unknown"}

    async def listed(self, entries: Listing) -> None:
        """Judge a listing of this moment."""
        now = self._now_ms()
        counted = await self._worker.run(totals, entries)
        last = self._last
        increase = None if last is None else grown(last[1], counted)
        if last is not None and increase is None:
            self.status = {"state": "unknown", "reason": "CPA counts anew", "checkedAtMs": now}
            self._last = now, counted
            self._on_restart()
        elif last is None:
            self._last = now, counted
        elif now - last[0] >= EVERY_MS:
            self._last = now, counted
            between = Span(last[0], now, increase or {})
            await self._compare(now, between, await self._worker.run(buckets, entries, now))

    async def _compare(self, now: int, between: Span, ten_minutes: Sequence[Span]) -> None:
        await deferLater(self._reactor, ON_ITS_WAY_SECONDS, lambda: None)
        by_counters = [between] if self._covers(between.from_ms, between.to_ms) else []
        by_buckets = [span for span in ten_minutes if self._covers(span.from_ms, span.to_ms)]
        spans = [*by_counters, *by_buckets]
        if not spans:
            self.status = {"state": "unknown", "reason": "not covered", "checkedAtMs": now}
            return
        try:
            snapshot, known = self._store.snapshot(), self._store.dictionaries
            stored = await self._store.read(stored_attempts, known, snapshot, spans)
        except StoreUnavailable:
            return
        self.status = {
            "checkedAtMs": now,
            **_judged(spans[: len(by_counters)], stored[: len(by_counters)]),
            "buckets": _judged(by_buckets, stored[len(by_counters) :]),
        }
        if self.status["buckets"]["state"] == "suspected":
            self.status["state"] = "suspected"


def _judged(spans: Sequence[Span], stored: Sequence[Attempts]) -> dict[str, Any]:
    if not spans:
        return {"state": "unknown"}
    judged = compare(spans, stored)
    judged |= {"fromMs": spans[0].from_ms, "toMs": spans[-1].to_ms}
    if judged["state"] == "suspected" and not judged["storedAttempts"]:
        judged["reason"] = ELSEWHERE
    return judged


def stored_attempts(
    conn: sqlite3.Connection, known: Dictionaries, snapshot: Snapshot, spans: Sequence[Span]
) -> list[dict[str, int]]:
    """Stored events by auth index, per span, by the time of their end; for a reader's thread."""
    known.refresh(conn)
    indexes = ["" if who is None else who.auth_index for who in known.who.rows]
    first, last = min(span.from_ms for span in spans), max(span.to_ms for span in spans)
    rows = snapshot.rows_in(first - LONGEST_MS, last)
    latency = snapshot.column("latency")[rows]
    ends = snapshot.column("time")[rows] + np.maximum(latency, 0)
    who = snapshot.column("who")[rows].astype(np.int64)
    found = []
    for span in spans:
        inside = (ends >= span.from_ms) & (ends < span.to_ms)
        counts: dict[str, int] = {}
        for code, count in enumerate(np.bincount(who[inside]).tolist()):
            # A credential that was stored after the dictionaries were read is not counted yet.
            if count and code < len(indexes) and indexes[code]:
                counts[indexes[code]] = counts.get(indexes[code], 0) + count
        found.append(counts)
    return found
