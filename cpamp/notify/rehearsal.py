"""What a rule would have told in the last thirty days, by the engine that answers the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from cpamp.analytics.engine import Engine
from cpamp.analytics.request import AnalyticsRequest, Include
from cpamp.analytics.zones import DAY_MS, HOUR_MS, zone
from cpamp.notify.judge import times_fired
from cpamp.notify.rule import LEAST_CALLS, Kind, Rule
from cpamp.notify.situation import CONNECTION, MINUTE_MS, lost_minutes
from cpamp.store import Store
from cpamp.store.coverage import between

DAYS = 30
NOT_KEPT = "the past of this is not kept"
Moments = list[tuple[int, bool]]


@attrs.define(eq=False)
class Rehearsal:
    """Plays a rule through the past."""

    _store: Store
    _engine: Engine
    _now_ms: Callable[[], int]

    async def of(self, rule: Rule) -> dict[str, Any]:
        """``{days, count, times_ms, unknown}``; `unknown` says why there is no count."""
        now = self._now_ms()
        match rule.kind:
            case Kind.SPEND:
                fired = await self._spend(rule, now)
            case Kind.FAILURE_RATE:
                fired = await self._failure_rate(rule, now)
            case Kind.UNPRICED_MODEL:
                fired = await self._unpriced_model(now)
            case Kind.RECORDS_LOST:
                fired = await self._records_lost(rule, now)
            case _:
                return {"days": DAYS, "count": None, "times_ms": [], "unknown": NOT_KEPT}
        return {"days": DAYS, "count": len(fired), "times_ms": fired, "unknown": None}

    async def _timeline(self, granularity: str, time_zone: str, now: int) -> list[Any]:
        request = attrs.evolve(
            AnalyticsRequest.plain(max(now - DAYS * DAY_MS, 1), now + 1),
            zone=zone(time_zone),
            include=Include(sections=frozenset(("timeline",)), granularity=granularity),
        )
        answer = await self._engine.ask(lambda answerer: answerer.answer(request))
        rows: list[Any] = answer["timeline"]
        return rows

    async def _spend(self, rule: Rule, now: int) -> list[int]:
        days = await self._timeline("day", rule.time_zone, now)
        return [day["bucket_ms"] for day in days if day["cost"] > rule.limit]

    async def _failure_rate(self, rule: Rule, now: int) -> list[int]:
        hours = {row["bucket_ms"]: row for row in await self._timeline("hour", "", now)}
        first = (now - DAYS * DAY_MS) // HOUR_MS * HOUR_MS
        moments: Moments = []
        for at in range(first, now, HOUR_MS):
            row = hours.get(at)
            enough = row is not None and row["calls"] >= LEAST_CALLS
            rate = 100 * row["failure_rate"] if row is not None else 0
            moments.append((at, enough and rate >= rule.limit))
        return times_fired(moments, rule.quiet_minutes)

    async def _unpriced_model(self, now: int) -> list[int]:
        request = attrs.evolve(
            AnalyticsRequest.plain(max(now - DAYS * DAY_MS, 1), now + 1),
            include=Include(sections=frozenset(("model_stats",))),
        )
        answer = await self._engine.ask(lambda answerer: answerer.answer(request))
        rows = answer["model_stats"]
        return sorted(row["first_seen_ms"] for row in rows if row["unpriced_calls"])

    async def _records_lost(self, rule: Rule, now: int) -> list[int]:
        last = now // MINUTE_MS
        first = last - DAYS * 24 * 60
        runs = await self._store.read(between, CONNECTION, first, last)
        holes = [run for run in runs if run.state == "lost"]
        # Between the minutes at which an hour begins or ends to touch a hole, nothing changes.
        edges = {first, last}
        for run in holes:
            edges.update(range(run.from_minute, min(run.from_minute + 60, run.to_minute) + 1))
            edges.update((run.to_minute, run.to_minute + 60, run.to_minute + 61))
        moments = [
            (minute * MINUTE_MS, lost_minutes(holes, minute - 60, minute) >= rule.limit)
            for minute in sorted(edges)
            if first <= minute <= last
        ]
        return times_fired(moments, rule.quiet_minutes)
