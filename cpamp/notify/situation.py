"""What holds now, for each kind of rule, from what the daemon knows already."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.threads import deferToThread

from cpamp.analytics.engine import Engine
from cpamp.analytics.request import AnalyticsRequest
from cpamp.analytics.zones import DAY_MS, HOUR_MS, day_start_ms, offset_ms, zone
from cpamp.inspection.account import Account
from cpamp.notify.rule import LEAST_CALLS, Rule
from cpamp.store import Store, candidates, cooldowns
from cpamp.store.candidates import PENDING
from cpamp.store.coverage import Run, between

MINUTE_MS = 60_000
CONNECTION = 1
# By key, such as an account: a sentence about it.
Found = dict[str, str]


class Reporting(Protocol):
    """The collector, as far as it is looked at."""

    def status(self) -> dict[str, Any]:
        """The member `collector` of `/status`."""


@attrs.define(eq=False)
class Situation:
    """Looks when it is asked. `listing` asks CPA for its credentials."""

    _store: Store
    _engine: Engine
    _collector: Reporting
    _listing: Callable[[], Awaitable[Sequence[Account]]]
    _configured: Callable[[], bool]
    _folder: Path
    _now_ms: Callable[[], int]
    _down_since_ms: int | None = attrs.field(default=None, init=False)

    async def found(self, rule: Rule) -> Found:
        """What holds of a rule; raises `Problem` where that can't be known now."""
        look: Callable[[Rule], Awaitable[Found]] = getattr(self, f"_{rule.kind.value}")
        return await look(rule)

    async def _collector_down(self, rule: Rule) -> Found:
        now, status = self._now_ms(), self._collector.status()
        if not self._configured() or status["collector"] == "running":
            self._down_since_ms = None
            return {}
        if self._down_since_ms is None:
            self._down_since_ms = now
        if now - self._down_since_ms < rule.limit * MINUTE_MS:
            return {}
        reason = status.get("lastError") or "no reason is known"
        return {"": f"No records have been collected for {rule.limit:g} minutes: {reason}"}

    async def _key_refused(self, rule: Rule) -> Found:
        key = self._collector.status().get("key", {})
        if key.get("state", "unknown") in ("unknown", "accepted"):
            return {}
        return {"": f"CPA does not take the management key: {key.get('reason', key['state'])}"}

    async def _records_lost(self, rule: Rule) -> Found:
        minute = self._now_ms() // MINUTE_MS
        runs = await self._store.read(between, CONNECTION, minute - 60, minute)
        lost = lost_minutes(runs, minute - 60, minute)
        if lost < rule.limit:
            return {}
        reasons = sorted({run.reason for run in runs if run.state == "lost" and run.reason})
        return {"": f"{lost} minutes of the last hour were lost ({', '.join(reasons)})"}

    async def _unpriced_model(self, rule: Rule) -> Found:
        now = self._now_ms()
        summary = await self._summary(now - DAY_MS, now)
        return {
            model: f"{model or 'A model without a name'} has no price: its cost is not known"
            for model in summary["unpriced_models"]
        }

    async def _spend(self, rule: Rule) -> Found:
        now, tz = self._now_ms(), zone(rule.time_zone)
        day = (now + offset_ms(tz, now)) // DAY_MS
        summary = await self._summary(day_start_ms(tz, day), now + 1)
        spent = summary["total_cost"]
        if spent <= rule.limit:
            return {}
        return {str(day): f"${spent:,.2f} were spent today; the limit is ${rule.limit:,.2f}"}

    async def _failure_rate(self, rule: Rule) -> Found:
        now = self._now_ms()
        summary = await self._summary(now - HOUR_MS, now + 1)
        calls, failed = summary["total_calls"], summary["failure_calls"]
        if calls < LEAST_CALLS or failed * 100 < rule.limit * calls:
            return {}
        return {"": f"{failed} of the {calls} calls of the last hour failed"}

    async def _disk_low(self, rule: Rule) -> Found:
        usage = await deferToThread(shutil.disk_usage, self._folder)
        free = usage.free / 2**20
        return {"": f"{free:,.0f} MiB are free for the data"} if free < rule.limit else {}

    async def _account_needs_person(self, rule: Rule) -> Found:
        waiting, _ = await self._store.read(candidates.listing, PENDING, 500)
        return {
            str(one.id): f"{one.account_snapshot or one.file_name}: {one.reason}" for one in waiting
        }

    async def _account_exhausted(self, rule: Rule) -> Found:
        resting = await self._store.read(cooldowns.active)
        return {
            f"{one.file_name} {one.auth_index}": f"{one.account_snapshot or one.file_name} "
            "has used up its quota and rests"
            for one in resting
        }

    async def _pool_low(self, rule: Rule) -> Found:
        if not self._configured():
            return {}
        accounts = await self._listing()
        on = Counter({account.provider: 0 for account in accounts})
        on.update(account.provider for account in accounts if not account.disabled)
        return {
            provider: f"{count} accounts of {provider} are on; {rule.limit:g} are wanted"
            for provider, count in on.items()
            if count < rule.limit and rule.provider in ("", provider)
        }

    async def _summary(self, from_ms: int, to_ms: int) -> dict[str, Any]:
        request = AnalyticsRequest.summary(from_ms, to_ms)
        answer = await self._engine.ask(lambda answerer: answerer.answer(request))
        summary: dict[str, Any] = answer["summary"]
        return summary


def lost_minutes(runs: Sequence[Run], first: int, last: int) -> int:
    """How many of some minutes were lost."""
    return sum(
        min(run.to_minute, last) - max(run.from_minute, first) + 1
        for run in runs
        if run.state == "lost" and run.to_minute >= first and run.from_minute <= last
    )
