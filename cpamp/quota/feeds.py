"""What inspections and collected events tell of quota windows (inspection contract, 13.5, 13.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.inspection.evidence import metadata_of, texts_of
from cpamp.inspection.reply import DAY, number
from cpamp.inspection.windows import SPARK_MODELS, duration_name
from cpamp.quota.keys import AccountNames
from cpamp.quota.observation import Entry, Observation, Window, canonical
from cpamp.quota.snapshots import Snapshots
from cpamp.store.inspection import Result
from cpamp.usage import xai
from cpamp.usage.event import Event
from cpamp.usage.identity import provider_name

SCOPE = "codex:rate-limits"
# Results that are looked at in one transaction.
AT_ONCE = 100
PAUSE_SECONDS = 1.0
# No window is as long as ten years.
MOST_MINUTES = 5_256_000
_KINDS = {18_000: "five-hour", 604_800: "weekly"}


# -- inspections --------------------------------------------------------------------------------


def of_result(result: Result) -> Entry | None:
    """What a stored result of a Codex account tells; None where nothing."""
    whole = result.observed and not result.error_kind and 200 <= (result.status_code or 0) < 300
    if result.provider != "codex" or not (result.windows or whole):
        return None
    at_ms, about = result.created_at_ms, f"run:{result.run_id}:result:{result.id}"
    windows = tuple(
        canonical(_of_result_window(window, at_ms, about, result.plan_type), "codex")
        for window in result.windows
    )
    names = AccountNames(
        account_snapshot=result.account_snapshot,
        auth_file_snapshot=result.file_name,
        auth_provider_snapshot=result.provider,
        auth_index=result.auth_index,
    )
    inventory = "complete" if whole else "partial"
    seen = Observation("inspection", at_ms, SCOPE, inventory, windows, observation_id=about)
    return Entry("", "codex", names.key("codex"), seen)


def _of_result_window(window: Mapping[str, Any], at_ms: int, about: str, plan: str) -> Window:
    scope = window.get("modelScope") or {}
    end, seconds = window.get("resetAtMs"), window.get("limitWindowSeconds")
    fixed = end is not None and seconds is not None
    used = window.get("usedPercent")
    return Window(
        provider_window_id=window["id"],
        provider_window_aliases=tuple(window.get("providerWindowAliases", ())),
        window_kind=duration_name(seconds),
        window_mode="fixed" if fixed else "unknown",
        model_scope_kind=scope.get("kind", "all"),
        model_scope_key=scope.get("key", ""),
        model_ids=tuple(scope.get("models", ())),
        source="inspection",
        source_observation_id=about,
        observed_at_ms=at_ms,
        boundary_accuracy=window.get("resetAccuracy", "unknown") if fixed else "unknown",
        cycle_start_ms=_start(end, seconds),
        cycle_end_ms=end if fixed else None,
        duration_seconds=seconds,
        used_percent=None if used is None else min(max(used, 0.0), 100.0),
        plan_type=plan,
    )


# -- events -------------------------------------------------------------------------------------


def of_event(event: Event) -> Entry | None:
    """What an event tells of its account's windows; None where nothing."""
    who = event.who
    if not (who.auth_index or who.auth_file_snapshot):
        return None
    provider = provider_name(who.provider or who.auth_provider_snapshot)
    names = AccountNames(
        who.account_snapshot,
        who.auth_label_snapshot,
        who.auth_file_snapshot,
        who.auth_provider_snapshot,
        who.auth_project_id_snapshot,
        who.auth_index,
        who.source,
    )
    if provider == "codex":
        windows = tuple(_of_headers(event))
        seen = Observation("response_header", event.timestamp_ms, SCOPE, "partial", windows)
        return Entry("", "codex", names.key("codex"), seen) if windows else None
    usage = _free_usage(event)
    if usage is None:
        return None
    seen = Observation(
        "response_body", event.timestamp_ms, "xai:included-free", "partial", (usage,)
    )
    return Entry("", "xai", names.key("xai"), seen)


def _of_headers(event: Event) -> Iterable[Window]:
    quota = metadata_of(event).get("quota")
    if not isinstance(quota, dict):
        return
    plan = str(quota.get("plan_type") or event.end.plan_type or "")
    spark = _of_spark(event)
    for place, name in enumerate(("primary", "secondary")):
        window = quota.get(name)
        used = number(window.get("used_percent")) if isinstance(window, dict) else None
        if not isinstance(window, dict) or used is None:
            continue
        minutes = number(window.get("window_minutes"))
        seconds = int(minutes * 60) if minutes and 0 < minutes < MOST_MINUTES else None
        end = window.get("reset_at_ms")
        fixed = isinstance(end, int) and bool(seconds)
        label = f"{'spark-' if spark else ''}{_name(seconds, place, plan)}"
        window = Window(
            provider_window_id=label,
            window_kind=duration_name(seconds),
            window_mode="fixed" if fixed else "unknown",
            model_scope_kind="models" if spark else "family",
            model_scope_key="" if spark else "codex_main",
            model_ids=SPARK_MODELS if spark else (),
            source="response_header",
            observed_at_ms=event.timestamp_ms,
            boundary_accuracy="derived" if fixed else "unknown",
            cycle_start_ms=_start(end, seconds),
            cycle_end_ms=end if fixed else None,
            duration_seconds=seconds,
            used_percent=min(max(used, 0.0), 100.0),
            plan_type=plan.lower(),
        )
        yield canonical(window, "codex")


def _of_spark(event: Event) -> bool:
    """Whether the event's model has windows of its own."""
    return event.model.model in SPARK_MODELS or event.model.resolved_model in SPARK_MODELS


def _start(end_ms: int | None, seconds: int | None) -> int | None:
    return None if end_ms is None or seconds is None else end_ms - seconds * 1000


def _name(seconds: int | None, place: int, plan: str) -> str:
    if seconds is not None:
        if 28 * DAY <= seconds <= 31 * DAY:
            return "monthly"
        return _KINDS.get(seconds) or f"window-{duration_name(seconds)}-{place}"
    if place == 0:
        return "five-hour"
    return "monthly" if plan.lower() == "team" else "weekly"


def _free_usage(event: Event) -> Window | None:
    who = event.who
    if not event.end.failed or event.end.fail_status_code not in (402, 429):
        return None
    if not xai.is_native(who.provider, who.auth_provider_snapshot, who.executor_type):
        return None
    found = (xai.free_usage(text, event.timestamp_ms) for text in texts_of(event))
    usage = next((one for one in found if one is not None), None)
    if usage is None:
        return None
    actual, limit = usage.get("actual"), usage.get("limit")
    return Window(
        provider_window_id="included-free-rolling-24h",
        window_kind="rolling_24h",
        window_mode="rolling",
        model_scope_kind="all",
        source="response_body",
        observed_at_ms=event.timestamp_ms,
        boundary_accuracy="estimated",
        duration_seconds=DAY,
        used_percent=100.0,
        used_value=None if actual is None else float(actual),
        limit_value=None if limit is None else float(limit),
        quota_unit="tokens" if limit else "",
    )


# -- on their way -------------------------------------------------------------------------------


@attrs.define(eq=False)
class QuotaFeed(Service):
    """Takes what is seen along the way to the snapshots, the newest of each credential.

    Every call tells of quotas, and busy accounts make hundreds a second: after each look there is
    a pause, and of what comes meanwhile the newest counts.
    """

    _reactor: Any
    _snapshots: Snapshots
    _waiting: dict[tuple[str, str, bool, bool], Event] = attrs.field(factory=dict, init=False)
    _working: Deferred[None] | None = attrs.field(default=None, init=False)
    _pause: Any = attrs.field(default=None, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def stopService(self) -> Deferred[None] | None:
        """End after what is being written, and after a last look at what waits."""
        super().stopService()
        if self._pause is not None:
            self._pause.cancel()
            self._rested()
        return self._working

    def added(self, events: Sequence[Event]) -> None:
        """These were stored for the first time; called by the collector, which must not wait."""
        for event in events:
            told = b'"quota"' in event.metadata
            if told or event.end.fail_status_code in (402, 429):
                who = event.who
                # What tells nothing of quotas must not take the place of what does.
                key = (who.auth_file_snapshot, who.auth_index, told, _of_spark(event))
                before = self._waiting.get(key)
                if before is None or before.timestamp_ms <= event.timestamp_ms:
                    self._waiting[key] = event
        if self.running:
            self._look()

    def _look(self) -> None:
        """Take what waits, unless it is to wait on."""
        if not self._waiting or self._working or self._pause:
            return
        events, self._waiting = list(self._waiting.values()), {}
        self._working = Deferred.fromCoroutine(self._events(events))
        self._working.addErrback(lambda f: self._log.failure("quotas are lost", failure=f))
        self._working.addCallback(self._looked)

    def _looked(self, _: Any) -> None:
        self._working = None
        if self.running:
            self._pause = self._reactor.callLater(PAUSE_SECONDS, self._rested)

    def _rested(self) -> None:
        self._pause = None
        self._look()

    async def _events(self, events: Sequence[Event]) -> None:
        await self._observe([entry for event in events if (entry := of_event(event))])

    async def results(self, results: Sequence[Result]) -> None:
        """These have been stored by an inspection."""
        await self._observe([entry for result in results if (entry := of_result(result))])

    async def _observe(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), AT_ONCE):
            try:
                await self._snapshots.observe(entries[start : start + AT_ONCE])
            except Problem as problem:
                # The next look at the account tells the same again.
                self._log.warn("quotas are not stored: {reason}", reason=problem.message)
