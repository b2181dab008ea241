"""What observations make of windows, from storing to asking (inspection contract, 13.2 to 13.6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.quota.feeds import of_event
from cpamp.quota.observation import InvalidObservation
from cpamp.store import quota as stored
from tests.collect.doubles import event
from tests.inspection import fixture
from tests.inspection.world import World, world
from tests.quota.test_observation import HOUR, about, entry, window

ACCOUNT = {"auth_file_snapshot": "a.json", "auth_index": "i1"}
Seen = list[dict[str, Any]]


async def tell(w: World, at_ms: int, *windows: dict[str, Any], **changes: Any) -> int:
    made = [{**one, "observed_at_ms": at_ms} for one in windows]
    observation = about(observed_at_ms=at_ms, **changes.pop("about", {}))
    body = {"entries": [entry(*made, observation=observation, **changes)]}
    answer = await w.snapshots.add(body)
    return int(answer["items"][0]["inserted_count"])


async def ask(w: World, at_ms: int, **more: Any) -> Seen:
    body = {"accounts": [{"row_key": "r", "provider": "codex", "account": ACCOUNT}], **more}
    answer = await w.snapshots.ask({**body, "now_ms": at_ms})
    windows: Seen = answer["items"][0]["windows"]
    return windows


def weekly(now: int, used: float, **changes: Any) -> dict[str, Any]:
    week = 604_800
    return window(
        provider_window_id="weekly",
        cycle_end_ms=now + 24 * HOUR,
        duration_seconds=week,
        used_percent=used,
        **changes,
    )


@ensureDeferred
async def test_storing_and_asking(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms()
        short = window(cycle_end_ms=now + HOUR, plan_type="Plus")
        assert await tell(w, now, short, weekly(now, 40)) == 2
        assert await tell(w, now, short, weekly(now, 40)) == 0
        first, second = await ask(w, now)
        assert (first["provider_window_id"], second["provider_window_id"]) == (
            "five-hour",
            "weekly",
        )
        assert (first["used_percent"], first["stale"], first["plan_type"]) == (12.5, False, "plus")
        assert first["model_scope_key"] == "codex_main"
        assert first["availability"] == "active"
        assert first["field_sources"]["boundary"] == {"source": "api_query", "observed_at_ms": now}
        assert first["container_provider_window_id"] == "weekly"
        assert first["current_cycle"]["parent_cycle_id"] == second["current_cycle"]["id"]
        assert first["current_cycle"]["forecast_eligible"] is True
        assert (await ask(w, now + 2 * HOUR))[0]["stale"] is True
        # All or nothing.
        bad = entry(window(used_percent=200))
        with pytest.raises(InvalidObservation):
            await w.snapshots.add({"entries": [entry(weekly(now, 99)), bad]})
        assert (await ask(w, now))[1]["used_percent"] == 40


@pytest.mark.parametrize("richer_first", [True, False])
@ensureDeferred
async def test_of_one_moment_the_scope_that_tells_more_is_shown(
    tmp_path: Path, richer_first: bool
) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms()
        rich = weekly(now, 40), "s"
        poor = window(
            provider_window_id="weekly",
            window_mode="unknown",
            boundary_accuracy="unknown",
            cycle_end_ms=None,
            duration_seconds=None,
            used_percent=41,
        )
        for one, scope in (rich, (poor, "t")) if richer_first else ((poor, "t"), rich):
            await tell(w, now, one, about={"inventory_scope_key": scope})
        (shown,) = await ask(w, now)
        assert (shown["used_percent"], shown["boundary_accuracy"]) == (40, "exact")


@ensureDeferred
async def test_windows_that_go_and_come_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - 10 * HOUR
        short = window(cycle_end_ms=now + HOUR)
        await tell(w, now, short, weekly(now, 40))
        await tell(w, now + 1000, weekly(now, 41))
        first, _ = await ask(w, now)
        assert (first["availability"], first["missing_since_ms"]) == ("pending_absent", now + 1000)
        # What is older does not bring it back.
        await tell(w, now + 500, short)
        assert (await ask(w, now))[0]["availability"] == "pending_absent"
        await tell(w, now + 2000, weekly(now, 42))
        assert [one["provider_window_id"] for one in await ask(w, now)] == ["weekly"]
        first, _ = await ask(w, now, include_inactive=True)
        assert (first["availability"], first["deactivated_at_ms"]) == ("inactive", now + 1000)
        assert first["previous_cycle"]["end_reason"] == "window_removed"
        await tell(w, now + 3000, short, weekly(now, 42))
        first, _ = await ask(w, now)
        assert (first["availability"], first["activation_generation"]) == ("active", 2)
        gone = [{"provider_window_id": "primary", "model_scope_kind": "all"}]
        delta = {"inventory_mode": "delta"}
        await tell(w, now + 4000, removed_windows=gone, about=delta)
        assert [one["provider_window_id"] for one in await ask(w, now)] == ["weekly"]


# the use before and after, and how far the end moved, in ms -> why the cycle ended
CYCLES: list[tuple[float, float, int, str | None]] = [
    (40, 60, 0, None),
    (40, 60, 30_000, None),
    (40, 1, 24 * HOUR, "early_reset"),
    (60, 25, 24 * HOUR, "early_reset"),
    (60, 45, 24 * HOUR, None),
    (3, 0.5, 24 * HOUR, "early_reset"),
    (3, 2, 24 * HOUR, None),
    (40, 0.5, 168 * HOUR, "scheduled"),
]


@pytest.mark.parametrize(("before", "after", "moved", "reason"), CYCLES)
@ensureDeferred
async def test_cycles(
    tmp_path: Path, before: float, after: float, moved: int, reason: str | None
) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        await tell(w, now, weekly(now, before))
        await tell(w, now + 60_000, weekly(now + moved, after))
        (one,) = await ask(w, now)
        assert one["used_percent"] == after
        if reason is None:
            assert "previous_cycle" not in one
            return
        assert one["previous_cycle"]["end_reason"] == reason
        assert one["previous_cycle"]["forecast_eligible"] is (reason == "scheduled")
        assert one["current_cycle"]["id"] == one["previous_cycle"]["id"] + 1


@ensureDeferred
async def test_several_that_go_back_at_once_were_put_back_by_the_provider(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        short = window(cycle_end_ms=now + 2 * HOUR, used_percent=60)
        await tell(w, now, short, weekly(now, 60))
        moved = window(cycle_end_ms=now + 3 * HOUR, used_percent=0.5)
        await tell(w, now + 60_000, moved, weekly(now + 24 * HOUR, 1))
        reasons = [one["previous_cycle"]["end_reason"] for one in await ask(w, now)]
        assert reasons == ["provider_reset"] * 2


@pytest.mark.parametrize("mode", ["calendar", "rolling", "non_window"])
@ensureDeferred
async def test_another_kind_of_window_ends_a_cycle(tmp_path: Path, mode: str) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        await tell(w, now, weekly(now, 40))
        await tell(w, now + 60_000, weekly(now, 41, window_mode=mode))
        (one,) = await ask(w, now)
        assert one["previous_cycle"]["end_reason"] == "mode_changed"
        assert ("current_cycle" in one) is (mode == "calendar")


# the accuracy that is known and that is told, seconds later -> what holds
ACCURACIES: list[tuple[str, str, int, str, bool]] = [
    ("derived", "exact", 30, "exact", True),
    ("estimated", "derived", 30, "derived", True),
    ("exact", "derived", 30, "exact", False),
    ("exact", "estimated", 30, "exact", False),
    ("derived", "derived", 30, "derived", True),
]


@pytest.mark.parametrize(("known", "told", "seconds", "holds", "moves"), ACCURACIES)
@ensureDeferred
async def test_the_surer_boundary_counts(
    tmp_path: Path, known: str, told: str, seconds: int, holds: str, moves: bool
) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        later = now + seconds * 1000
        await tell(w, now, weekly(now, 40, boundary_accuracy=known))
        await tell(w, later, weekly(later, 41, boundary_accuracy=told))
        (one,) = await ask(w, now)
        assert (one["boundary_accuracy"], one["current_cycle"]["boundary_accuracy"]) == (
            holds,
            holds,
        )
        assert one["cycle_end_ms"] == (later if moves else now) + 24 * HOUR
        assert "previous_cycle" not in one


@ensureDeferred
async def test_a_window_that_nobody_has_used_has_no_cycle_yet(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now, week = w.now_ms() - HOUR, 168 * HOUR
        await tell(w, now, weekly(now + week - 24 * HOUR, 0))
        (one,) = await ask(w, now)
        assert "current_cycle" not in one
        await tell(w, now + 1000, weekly(now + week - 24 * HOUR, 1))
        (one,) = await ask(w, now)
        assert one["current_cycle"]["scheduled_start_ms"] == now


@ensureDeferred
async def test_of_the_same_moment_the_stronger_counts(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        # (mode, source), the weakest first; each is told after a stronger one.
        ranks = [
            ("partial", "response_header"),
            ("partial", "inspection"),
            ("delta", "response_header"),
            ("complete", "response_header"),
            ("complete", "response_body"),
            ("complete", "api_query"),
            ("complete", "inspection"),
        ]
        for used, (mode, source) in enumerate(ranks, 1):
            seen = {"inventory_mode": mode, "source": source}
            await tell(w, now, weekly(now, used, source=source), about=seen)
            assert (await ask(w, now))[0]["used_percent"] == used
        mode, source = ranks[2]
        seen = {"inventory_mode": mode, "source": source}
        await tell(w, now, weekly(now, 99, source=source), about=seen)
        assert (await ask(w, now))[0]["used_percent"] == len(ranks)


@ensureDeferred
async def test_credits_and_plans_stay_until_others_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() - HOUR
        listed = [{"id": "c", "expires_at_ms": now + HOUR}]
        first = weekly(now, 40, plan_type="Pro", reset_credits_available=1, reset_credits=listed)
        await tell(w, now, first)
        await tell(w, now + 1000, weekly(now, 41))
        (one,) = await ask(w, now)
        assert (one["plan_type"], one["reset_credits"], one["used_percent"]) == ("pro", listed, 41)
        told = {"source": "api_query", "observed_at_ms": now}
        assert one["field_sources"]["plan_type"] == told
        assert one["field_sources"]["reset_credits"] == told
        # What is over has none.
        (old,) = await ask(w, now + 48 * HOUR)
        assert (old["stale"], "reset_credits" in old) == (True, False)
        await tell(w, now + 2000, weekly(now, 42, reset_credits_available=0))
        (one,) = await ask(w, now)
        assert one["reset_credits_available"] == 0
        assert "reset_credits" not in one


# a window -> for how long after it was seen it is not stale, in seconds; None: for ever
STALE: list[tuple[dict[str, Any], int | None]] = [
    ({"window_mode": "fixed"}, 3600),
    ({"window_mode": "calendar"}, 3600),
    ({"window_mode": "rolling", "cycle_end_ms": None, "duration_seconds": 60}, 60),
    ({"window_mode": "non_window"}, None),
    ({"window_mode": "unknown"}, None),
]


@pytest.mark.parametrize(("members", "seconds"), STALE)
@ensureDeferred
async def test_how_long_it_holds(
    tmp_path: Path, members: dict[str, Any], seconds: int | None
) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms()
        await tell(w, now, window(**{"cycle_end_ms": now + HOUR, **members}))
        assert [one["stale"] for one in await ask(w, now)] == [False]
        at_ms = now + (10**9 if seconds is None else seconds * 1000 + 1)
        assert [one["stale"] for one in await ask(w, at_ms)] == [seconds is not None]


@ensureDeferred
async def test_the_order_of_windows(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms()
        names = ["b", "a", "day", "none"]
        lengths: list[Any] = [18_000, 18_000, 86_400, None]
        seen = [
            window(
                provider_window_id=name,
                duration_seconds=length,
                cycle_end_ms=now + HOUR if length else None,
                window_mode="fixed" if length else "non_window",
            )
            for name, length in zip(names, lengths, strict=True)
        ]
        await tell(w, now, *reversed(seen))
        assert [one["provider_window_id"] for one in await ask(w, now)] == ["a", "b", "day", "none"]


@ensureDeferred
async def test_an_inspection_writes_what_is_new_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cpa.auth_files = [fixture.BY_KEY["f01"].entry()]
        w.cpa.api_rules.rules = [
            {
                "match": {},
                "reply": {
                    "body": fixture.usage(
                        "plus",
                        fixture.window(12, 18_000, NOW_S),
                        fixture.window(40, 604_800, NOW_S),
                    )
                },
            }
        ]
        account = {"auth_file_snapshot": "f01.json", "auth_index": "a01"}
        body = {"accounts": [{"row_key": "r", "provider": "codex", "account": account}]}

        async def points() -> int:
            counted = await w.store.read(
                lambda c: c.execute("SELECT count(*) FROM quota_points").fetchone()
            )
            return int(counted[0])

        await w.inspect()
        first, second = (await w.snapshots.ask(body))["items"][0]["windows"]
        assert (first["used_percent"], second["used_percent"]) == (12, 40)
        assert first["source"] == "inspection"
        assert first["source_observation_id"].startswith("run:1:result:")
        assert await points() == 2
        await w.inspect()
        assert await points() == 2
        w.cpa.api_rules.rules[0]["reply"]["body"] = fixture.usage(
            "plus", fixture.window(13, 18_000, NOW_S), fixture.window(40, 604_800, NOW_S)
        )
        await w.inspect()
        assert await points() == 4
        # The newest of each window stays for ever.
        w.ahead_ms = 40 * 24 * HOUR
        await w.store.write(stored.forget_old, w.now_ms())
        assert await points() == 2


NOW_S = 1_900_000_000


def test_headers_of_events() -> None:
    headers = {
        "x-codex-plan-type": ["plus"],
        "x-codex-primary-used-percent": ["30"],
        "x-codex-primary-window-minutes": ["300"],
        "x-codex-primary-reset-after-seconds": ["600"],
        "x-codex-secondary-used-percent": ["50"],
    }
    made = event(1, provider="codex", response_headers=headers)
    found = of_event(made)
    assert found is not None
    short, long = found.observation.windows
    assert (short.provider_window_id, short.used_percent, short.window_mode) == (
        "five-hour",
        30,
        "fixed",
    )
    assert short.cycle_end_ms == made.timestamp_ms + 600_000
    assert (long.provider_window_id, long.window_mode, long.cycle_end_ms) == (
        "weekly",
        "unknown",
        None,
    )
    spark = event(1, provider="codex", model="gpt-5.3-codex-spark", response_headers=headers)
    found = of_event(spark)
    assert found is not None
    assert found.observation.windows[0].key == ("spark-five-hour", "models", "")
    assert of_event(event(1, provider="codex")) is None
    assert of_event(event(1, provider="claude", response_headers=headers)) is None


def test_free_usage_of_xai() -> None:
    text = '{"code":"subscription:free-usage-exhausted","error":"tokens (actual/limit): 12/10"}'
    made = event(1, provider="xai", failed=True, fail={"status_code": 429, "body": text})
    found = of_event(made)
    assert found is not None
    (one,) = found.observation.windows
    assert (found.observation.scope, one.window_mode) == ("xai:included-free", "rolling")
    assert (one.used_value, one.limit_value, one.duration_seconds) == (12, 10, 86_400)


@ensureDeferred
async def test_old_points_are_thinned_out_and_go(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        now = w.now_ms() // HOUR * HOUR
        ten, day = HOUR // 6, 24 * HOUR
        reset = now - 60 * HOUR

        def used(at_ms: int) -> float:
            return 90 if at_ms < reset + 2 * ten else 10

        times = range(now - 72 * HOUR, now, ten)
        rows = [(1, at_ms, "inspection", used(at_ms), reset) for at_ms in times]
        rows += [(1, now - 40 * day, "inspection", 1, reset), (2, now - 40 * day, "x", 1, reset)]
        state = "INSERT INTO quota_windows VALUES (?, ?, 'codex', 'weekly', '', '', ?, '{}')"

        def prepare(conn: Any) -> None:
            conn.executemany(state, [(1, "a", now), (2, "b", now - 40 * day)])
            conn.executemany("INSERT INTO quota_points VALUES (?, ?, ?, ?, ?)", rows)

        await w.store.write(prepare)
        await w.store.write(stored.forget_old, now)
        left = await w.store.read(stored.points, 1, 0)
        fine = [point for point in left if point.observed_at_ms >= now - stored.FINE_MS]
        assert len(fine) == 48 * 6
        old = [point.observed_at_ms for point in left[: -len(fine)]]
        # The last of each hour, and the last before the counter went back.
        hourly = list(range(now - 71 * HOUR - ten, now - 48 * HOUR, HOUR))
        assert old == sorted([*hourly, reset + ten])
        # The newest of a window stays, however old it is.
        assert len(await w.store.read(stored.points, 2, 0)) == 1
