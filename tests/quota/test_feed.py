"""What calls tell of quotas on its way to the snapshots (inspection contract, 13.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from twisted.internet.task import Clock

from cpamp.quota.feeds import PAUSE_SECONDS, QuotaFeed
from cpamp.quota.observation import Entry
from cpamp.usage.event import Event
from tests.collect.doubles import event


@attrs.define
class Snapshots:
    """Notes the percentages that it is told, by observation."""

    told: list[list[float | None]] = attrs.field(factory=list)

    async def observe(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.told.append([window.used_percent for window in entry.observation.windows])


def used(percent: float, at: int, **changes: Any) -> Event:
    headers = {
        "x-codex-primary-used-percent": [f"{percent}"],
        "x-codex-primary-window-minutes": ["300"],
    }
    made = event(at, provider="codex", response_headers=headers | changes)
    return attrs.evolve(made, timestamp_ms=at)


REFUSED = event(9, provider="codex", failed=True, fail={"status_code": 429, "body": "no more"})


def feeding() -> tuple[Clock, QuotaFeed, list[list[float | None]]]:
    clock, snapshots = Clock(), Snapshots()
    feed = QuotaFeed(clock, snapshots)  # type: ignore[arg-type]
    feed.startService()
    feed.added([used(1, 1)])
    return clock, feed, snapshots.told


@pytest.mark.parametrize(
    "batches",
    [
        [[used(50, 2)], [used(60, 3)]],
        [[used(60, 3)], [used(50, 2)]],
        [[used(60, 3)], [REFUSED]],
        [[used(60, 3), REFUSED]],
    ],
    ids=["in order", "late", "refused later", "refused together"],
)
def test_after_a_pause_the_newest_counts(batches: list[list[Event]]) -> None:
    clock, feed, told = feeding()
    assert told == [[1]]
    for batch in batches:
        feed.added(batch)
    assert told == [[1]]
    clock.advance(PAUSE_SECONDS)
    assert told == [[1], [60]]
    clock.advance(PAUSE_SECONDS)
    assert (told, clock.getDelayedCalls()) == ([[1], [60]], [])


def test_the_end_does_not_wait_for_the_pause() -> None:
    clock, feed, told = feeding()
    feed.added([used(60, 3)])
    feed.stopService()
    assert (told, clock.getDelayedCalls()) == ([[1], [60]], [])


def test_a_window_of_no_sensible_length_stops_nothing() -> None:
    clock, feed, told = feeding()
    feed.added([used(60, 3, **{"x-codex-primary-window-minutes": ["1e308"]})])
    clock.advance(PAUSE_SECONDS)
    assert told == [[1], [60]]
