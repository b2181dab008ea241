"""What a rule would have told in the last thirty days, by the engine that answers the pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from cpamp.analytics.engine import Engine
from cpamp.analytics.request import AnalyticsRequest, Include
from cpamp.analytics.zones import DAY_MS, HOUR_MS, zone
from cpamp.notify.judge import times_fired
from cpamp.notify.rule import LEAST_CALLS, Kind, Rule
from cpamp.notify.situation import CONNECTION, MINUTE_MS, lost_minutes
from cpamp.store import Store, candidates, cooldowns, inspection
from cpamp.store.coverage import between

DAYS = 30
NOT_KEPT = "the past of this is not kept"
NOT_COUNTED = "only inspections of all accounts count them, and none of these days is kept"
Moments = list[tuple[int, bool]]


@attrs.define(eq=False)
class Rehearsal:
    """Plays a rule through the past."""

    _store: Store
    _engine: Engine
    _now_ms: Callable[[], int]

    async def of(self, rule: Rule) -> dict[str, Any]:
        """``{days, count, times_ms, since_ms, unknown}``.

        `unknown` says why there is no count; `since_ms` from when on the past is known, None
        where it is of all days.
        """
        now = self._now_ms()
        since_ms: int | None = None
        match rule.kind:
            case Kind.SPEND:
                fired = await self._spend(rule, now)
            case Kind.FAILURE_RATE:
                fired = await self._failure_rate(rule, now)
            case Kind.UNPRICED_MODEL:
                fired = await self._unpriced_model(now)
            case Kind.RECORDS_LOST:
                fired = await self._records_lost(rule, now)
            case Kind.ACCOUNT_NEEDS_PERSON:
                fired = await self._store.read(candidates.made_since, now - DAYS * DAY_MS)
            case Kind.ACCOUNT_EXHAUSTED:
                fired = await self._account_exhausted(rule, now)
            case Kind.POOL_LOW:
                counts = await self._store.read(inspection.enabled_since, now - DAYS * DAY_MS)
                if not counts:
                    return _answer(None, unknown=NOT_COUNTED)
                since_ms, fired = counts[0][0], _pool_low(rule, counts)
            case _:
                return _answer(None, unknown=NOT_KEPT)
        return _answer(fired, since_ms)

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

    async def _account_exhausted(self, rule: Rule, now: int) -> list[int]:
        by_key: defaultdict[str, Moments] = defaultdict(list)
        for key, begin, end in await self._store.read(cooldowns.spans):
            by_key[key] += [(begin, True)] if end is None else [(begin, True), (end, False)]
        return [at for at in _fired(by_key, rule) if at >= now - DAYS * DAY_MS]

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


def _pool_low(rule: Rule, counts: Sequence[tuple[int, str, int]]) -> list[int]:
    """What inspections saw; what changed between two of them is not known."""
    by_provider: defaultdict[str, Moments] = defaultdict(list)
    for at_ms, provider, enabled in counts:
        if rule.provider in ("", provider):
            by_provider[provider].append((at_ms, enabled < rule.limit))
    return _fired(by_provider, rule)


def _fired(by_key: Mapping[str, Moments], rule: Rule) -> list[int]:
    """When each thing by itself would have been told."""
    quiet = rule.quiet_minutes
    return sorted(at for moments in by_key.values() for at in times_fired(moments, quiet))


def _answer(
    fired: list[int] | None, since_ms: int | None = None, unknown: str | None = None
) -> dict[str, Any]:
    return {
        "days": DAYS,
        "count": None if fired is None else len(fired),
        "times_ms": fired or [],
        "since_ms": since_ms,
        "unknown": unknown,
    }
