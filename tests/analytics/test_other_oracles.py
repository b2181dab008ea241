"""The dashboard, histories, windows and header snapshots, each against a count event by event."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpamp.analytics.answer import Answerer
from cpamp.analytics.dashboard import DashboardRequest, dashboard
from cpamp.analytics.headers import SnapshotsRequest, key_of, snapshots
from cpamp.analytics.history import HistoryRequest, history
from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.recount.sums import Sums
from cpamp.analytics.windows import Scope, WindowsRequest, folded_model, window_usage
from cpamp.errors import BadRequest
from cpamp.store.reading import read_range
from cpamp.usage.event import Event
from cpamp.usage.identity import TARGET_FIELDS, account_key_of
from tests.analytics.asking import NOW, stored
from tests.analytics.test_oracle import BOOK, DAY, HOUR, TIMES, some_event
from tests.analytics.test_zones import ms
from tests.store import samples

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
EVENTS = st.lists(some_event(), max_size=30, unique_by=lambda e: e.event_hash)
SCOPES = st.sampled_from(
    [
        None,
        {"kind": "all"},
        {"kind": "family", "key": "codex_main"},
        {"kind": "family", "key": "gemini"},
        {"kind": "models", "models": ["a", "AB"]},
        {"kind": "product", "key": "x"},
        {"kind": "feature", "key": "x", "complete": True},
        {"kind": "product", "key": "x", "complete": True},
        {"kind": "product", "key": "x", "models": ["a"], "complete": True},
        {"kind": "family", "key": "codex_main", "models": ["a"]},
        {"kind": "all", "complete": False},
    ]
)


def facts_of(answerer: Answerer) -> list[Fact]:
    reading = answerer.reading
    last = answerer.view.snapshot.n
    rows = read_range(reading.conn, reading.dictionaries, 1, last, callers=True)
    return [Fact.of(number, event, reading.book) for number, event in rows]


def added(facts: list[Fact]) -> Sums:
    sums = Sums()
    for fact in facts:
        sums.add(fact)
    return sums


@FEW
@given(EVENTS, TIMES, st.integers(0, 30 * HOUR))
def test_the_dashboard(events: list[Event], start: int, length: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), [events], BOOK) as answerer,
    ):
        query = {"today_start_ms": [str(start)], "now_ms": [str(start + length)]}
        found = dashboard(answerer, DashboardRequest.read(query, NOW))
        facts = facts_of(answerer)
    now = start + length
    inside = [f for f in facts if start <= f.event.timestamp_ms < now]
    today = added(inside)
    assert found["today"]["total_calls"] == today.calls
    assert found["today"]["failure_calls"] == today.failures
    assert found["today"]["input_tokens"] == today.input_tokens
    assert found["today"]["total_cost"] == pytest.approx(today.cost)
    assert found["today"]["average_latency_ms"] == pytest.approx(today.latency.mean)
    assert found["today"]["zero_token_calls"] == today.zero_token_calls
    assert found["today"]["unpriced_calls"] == today.unpriced_calls
    rolling = added([f for f in facts if now - 1_800_000 <= f.event.timestamp_ms < now])
    assert found["rolling_30m"]["total_calls"] == rolling.calls
    assert found["rolling_30m"]["total_tokens"] == rolling.total_tokens
    for i, hour in enumerate(found["traffic_timeline"]):
        sums = added([f for f in inside if (f.event.timestamp_ms - start) // HOUR == i])
        assert (hour["calls"], hour["failure"]) == (sums.calls, sums.failures)
        assert hour["tokens"] == sums.total_tokens
    points = found["today_request_health_timeline"]["points"]
    for i, point in enumerate(points):
        sums = added([f for f in inside if (f.event.timestamp_ms - start) // 600_000 == i])
        assert (point["calls"], point["failure"]) == (sums.calls, sums.failures)
    models = defaultdict(list)
    for fact in inside:
        models[fact.event.model.analytics_model].append(fact)
    ranked = sorted(models, key=lambda name: (-len(models[name]), name))[:5]
    assert [row["model"] for row in found["top_models_today"]] == ranked
    for row in (*found["top_models_today"], *found["model_cost_rank"]):
        sums = added(models[row["model"]])
        unpriced = (row["unpriced_calls"], row["unpriced_tokens"])
        assert unpriced == (sums.unpriced_calls, sums.unpriced_tokens)
    failing = [f for f in inside if f.event.end.failed]
    assert len(found["recent_failures"]) == min(len(failing), 5)


@pytest.mark.parametrize(
    ("zone", "text", "minutes"),
    [
        ("", "2026-10-25T01:00Z", 24 * 60),
        ("UTC", "2026-10-25T00:00Z", 24 * 60),
        ("Asia/Kathmandu", "2026-10-24T18:15Z", 24 * 60),
        ("Europe/Berlin", "2026-10-24T22:00Z", 25 * 60),
        ("America/New_York", "2026-03-08T05:00Z", 23 * 60),
        ("Australia/Lord_Howe", "2026-04-04T13:00Z", 24 * 60 + 30),
        ("Australia/Lord_Howe", "2026-10-03T13:30Z", 23 * 60 + 30),
        # A day that begins at one o'clock.
        ("Africa/Cairo", "2026-04-23T22:00Z", 23 * 60),
    ],
)
def test_a_day_of_the_dashboard(tmp_path: Path, zone: str, text: str, minutes: int) -> None:
    start = ms(text)
    end = start + minutes * 60_000
    times = (start, end - 1, end, end + HOUR)
    events = [samples.event(n, timestamp_ms=at_ms) for n, at_ms in enumerate(times)]
    query = {"today_start_ms": [str(start)], "now_ms": [str(end + DAY)], "time_zone": [zone]}
    with stored(tmp_path, [events], BOOK) as answerer:
        found = dashboard(answerer, DashboardRequest.read(query, NOW))
    health = found["today_request_health_timeline"]
    assert health["to_ms"] == end
    assert (len(health["points"]), health["total_calls"]) == (minutes // 10, 2)
    hours = found["traffic_timeline"]
    assert [hour["calls"] for hour in hours] == [1, *[0] * (len(hours) - 2), 1]
    assert len(hours) == len(found["hourly_activity"]) == -(-minutes // 60)
    # Totals cover everything up to now.
    assert found["today"]["total_calls"] == 4


TARGET = st.fixed_dictionaries(dict.fromkeys(TARGET_FIELDS, st.sampled_from(["", "a", "ab", "A"])))


def matches(fact: Fact, target: dict[str, str], key: str) -> bool:
    who = fact.event.who
    if key and account_key_of(who) == key:
        return True
    file = target["auth_file_snapshot"].strip()
    if not file and target["source"].strip() not in (
        target["account_snapshot"].strip(),
        target["auth_label_snapshot"].strip(),
    ):
        file = target["source"].strip()
    index = target["auth_index"].strip()
    old = not who.auth_file_snapshot.strip() and who.source.strip().lower() == file.lower()
    return bool(file and index) and old and who.auth_index.strip().lower() == index.lower()


@FEW
@given(EVENTS, st.lists(TARGET, min_size=1, max_size=4))
def test_histories(events: list[Event], targets: list[dict[str, str]]) -> None:
    accounts = [
        {"row_key": f"row {i}", **target, "auth_provider_snapshot": "a"}
        for i, target in enumerate(targets)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), [events], BOOK) as answerer,
    ):
        items = history(answerer, HistoryRequest.read({"accounts": accounts}))["items"]
        facts = facts_of(answerer)
    for account, item in zip(accounts, items, strict=True):
        mine = [f for f in facts if matches(f, account, item["account_key"])]
        sums = added(mine)
        assert (item["total_requests"], item["failure_calls"]) == (sums.calls, sums.failures)
        assert item["total_tokens"] == sums.total_tokens
        assert item["total_cost"] == pytest.approx(sums.cost)
        unpriced = (item["unpriced_calls"], item["unpriced_tokens"])
        assert unpriced == (sums.unpriced_calls, sums.unpriced_tokens)
        assert item["matched"] == bool(mine)
        if mine:
            assert (item["first_seen_ms"], item["last_seen_ms"]) == (
                sums.first_seen_ms,
                max(f.event.timestamp_ms for f in mine),
            )
            newest = sorted(mine, key=lambda f: f.order, reverse=True)[:10]
            marks = [(m["timestamp_ms"], m["failed"]) for m in item["recent_requests"]]
            assert marks == [(f.event.timestamp_ms, f.event.end.failed) for f in newest]


NAMES = ("", "a", "ab", "gpt-5.5", "gpt-5.3-codex-spark", "gemini-3-pro", "claude-4", "x-o3", "b")


@pytest.mark.parametrize("kind", ["all", "family", "models", "product", "feature"])
@pytest.mark.parametrize("key", ["codex_main", "claude_gpt", "gemini", "other"])
@pytest.mark.parametrize("models", [[], ["a", "gpt-5.5"]])
@pytest.mark.parametrize("complete", [None, True, False])
def test_what_counts_in_a_window(kind: str, key: str, models: list[str], complete: Any) -> None:
    scope = {"kind": kind, "key": key, "models": models}
    scope |= {} if complete is None else {"complete": complete}
    if kind == "models" and not models:
        with pytest.raises(BadRequest):
            Scope.read(scope)
        return
    read = Scope.read(scope)
    for name in NAMES:
        assert read.verdict(name) == verdict(scope, name), name


def verdict(scope: dict[str, Any] | None, name: str) -> tuple[bool, bool]:
    """Whether an event of this model counts, and whether that is unknown: the first that fits."""
    scope = scope or {"kind": "all"}
    kind, key = scope["kind"], scope.get("key")
    models = [model.lower() for model in scope.get("models", [])]
    family_main = (kind, key) == ("family", "codex_main")
    certain = scope.get("complete", kind not in ("product", "feature"))
    family = (
        "claude_gpt"
        if any(part in name for part in ("claude", "gpt", "o1", "o3", "o4"))
        else "gemini"
        if "gemini" in name
        else ""
    )
    rows = (
        (not certain, (False, False)),
        (kind == "all", (True, False)),
        (family_main, (name not in ("", "gpt-5.3-codex-spark"), not name)),
        (bool(models), (name in models, not name)),
        (kind in ("product", "feature"), (False, False)),
        (kind == "family", (family == key, not family)),
    )
    return next(found for fits, found in rows if fits)


@FEW
@given(EVENTS, st.lists(st.tuples(TARGET, TIMES, SCOPES), min_size=1, max_size=4))
def test_windows(events: list[Event], asked: list[tuple[dict[str, str], int, Any]]) -> None:
    windows = [
        {
            **{"row_key": "r", "window_key": f"w{i}", "from_ms": start, "to_ms": start + DAY},
            **target,
            **{"auth_provider_snapshot": "a", "auth_index": target["auth_index"] or "b"},
            "model_scope": scope,
        }
        for i, (target, start, scope) in enumerate(asked)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), [events], BOOK) as answerer,
    ):
        request = WindowsRequest.read({"windows": windows})
        items = window_usage(answerer, request)["items"]
        facts = facts_of(answerer)
    for window, read, item in zip(windows, request.windows, items, strict=True):
        counted, unknown = [], 0
        for fact in facts:
            inside = window["from_ms"] <= fact.event.timestamp_ms < window["to_ms"]
            if inside and matches(fact, window, read.target.key):
                model = fact.event.model
                name = folded_model(model.resolved_model.strip() or model.analytics_model)
                counts, unclear = verdict(window["model_scope"], name)
                unknown += unclear
                counted += [fact] if counts else []
        sums = added(counted)
        assert (item["total_requests"], item["failure_calls"]) == (sums.calls, sums.failures)
        assert item["total_tokens"] == sums.total_tokens
        assert item["total_cost"] == pytest.approx(sums.cost)
        unpriced = (item["unpriced_calls"], item["unpriced_tokens"])
        assert unpriced == (sums.unpriced_calls, sums.unpriced_tokens)
        assert item["unmatched_requests"] == unknown


@FEW
@given(EVENTS, st.integers(1, 10))
def test_header_snapshots(events: list[Event], days: int) -> None:
    now = NOW + 4 * DAY
    with (
        tempfile.TemporaryDirectory() as folder,
        stored(Path(folder), [events], BOOK) as answerer,
    ):
        items = snapshots(answerer, SnapshotsRequest(days, 1000, now))["items"]
        facts = facts_of(answerer)
    newest: dict[Any, Fact] = {}
    for fact in sorted(facts, key=lambda f: f.order):
        key = key_of(fact.event.who)
        inside = now - days * DAY <= fact.event.timestamp_ms < now
        if inside and fact.event.has_headers and key is not None:
            newest[key] = fact
    expected = sorted(newest.values(), key=lambda f: f.order, reverse=True)
    assert [item["event_hash"] for item in items] == [f.event.event_hash for f in expected]
