"""What Claude's answers mean, and asking for them (inspection contract, section 9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from cpamp.inspection.problems import NotConfigured
from cpamp.quota.claude import PROFILE_URL, USAGE_URL, WINDOWS, observed, plan_of
from cpamp.quota.observation import InvalidObservation
from cpamp.quota.refreshing import NO_INDEX, Refreshing
from tests.inspection.world import World, world

NOW = 1_795_500_000_000
RESET = "2026-11-24T10:00:00.500000+00:00"
RESET_MS = 1_795_514_400_500
OPUS = {"model": {"id": "claude-opus-4-7", "display_name": "Opus"}}


def scoped(percent: float | None, **changes: Any) -> dict[str, Any]:
    return {"kind": "weekly_scoped", "percent": percent, "scope": OPUS, **changes}


def session(percent: float, **changes: Any) -> dict[str, Any]:
    return {"kind": "session", "percent": percent, "resets_at": RESET, **changes}


# A body, and of each window its id and use.
BODIES: list[tuple[Any, list[tuple[str, float | None]] | None]] = [
    ({"five_hour": {"utilization": 12.5, "resets_at": RESET}}, [("five-hour", 12.5)]),
    (
        {name: {"utilization": i} for i, name in enumerate(WINDOWS)},
        [(name.replace("_", "-"), i) for i, name in enumerate(WINDOWS)],
    ),
    ('{"seven_day": {"utilization": "7%", "resets_at": null}}', [("seven-day", 7)]),
    ({"seven_day": {"utilization": 130}}, [("seven-day", 100)]),
    ({"seven_day": {"utilization": None}}, [("seven-day", None)]),
    ({"five_hour": None, "limits": [session(52)]}, [("five-hour", 52)]),
    ({"five_hour": {"utilization": 1}, "limits": [session(52)]}, [("five-hour", 1)]),
    ({"limits": [session(52, is_active=False)]}, []),
    ({"limits": [{"kind": "weekly", "percent": 3}]}, [("seven-day", 3)]),
    ({"limits": [{"kind": "weekly_all", "percent": 3}]}, [("seven-day", 3)]),
    ({"limits": [scoped(33)]}, [("weekly-scoped-id-claude-opus-4-7", 33)]),
    (
        {"limits": [scoped(90, is_active=False), scoped(20), scoped(30)]},
        [("weekly-scoped-id-claude-opus-4-7", 30)],
    ),
    (
        {"limits": [scoped(9, is_active=False, scope={"model": {"display_name": "My Model"}})]},
        [("weekly-scoped-id-my-model", 9)],
    ),
    ({"limits": [scoped(None), scoped(1, scope=None), scoped(1, scope={"model": None})]}, []),
    ({"limits": ["x", None, {"kind": ["session"]}]}, []),
    ({"extra_usage": {"utilization": 20}}, None),
    ("<html>", None),
    ("", None),
    ([], None),
]


@pytest.mark.parametrize(("body", "windows"), BODIES)
def test_bodies(body: Any, windows: list[tuple[str, float | None]] | None) -> None:
    seen = observed(body, "max", NOW)
    if windows is None:
        assert seen is None
        return
    assert seen is not None
    assert [(w.provider_window_id, w.used_percent) for w in seen.windows] == windows
    assert {w.plan_type for w in seen.windows} <= {"max"}


def test_a_window_with_its_end() -> None:
    seen = observed({"five_hour": {"utilization": 1, "resets_at": RESET}}, "", NOW)
    assert seen is not None
    (window,) = seen.windows
    assert (window.cycle_start_ms, window.cycle_end_ms) == (RESET_MS - 18_000_000, RESET_MS)
    assert (window.window_mode, window.boundary_accuracy) == ("fixed", "exact")
    assert (window.model_scope_kind, window.model_ids) == ("all", ())
    assert (seen.source, seen.inventory, seen.scope) == (
        "api_query",
        "complete",
        "claude:quota-windows",
    )


def test_a_window_of_a_model() -> None:
    seen = observed({"limits": [scoped(33)]}, "", NOW)
    assert seen is not None
    (window,) = seen.windows
    assert (window.model_scope_kind, window.model_ids) == ("models", ("claude-opus-4-7",))
    assert (window.duration_seconds, window.window_mode) == (604_800, "unknown")


@pytest.mark.parametrize(
    ("body", "plan"),
    [
        ({"account": {"has_claude_max": True, "has_claude_pro": True}}, "max"),
        ({"account": {"has_claude_pro": True}}, "pro"),
        (
            {
                "account": {"has_claude_pro": False},
                "organization": {
                    "organization_type": "claude_team",
                    "subscription_status": "active",
                },
            },
            "team",
        ),
        ({"organization": {"organization_type": "claude_team"}}, "free"),
        ('{"account": {"uuid": "x"}}', "free"),
        ({}, ""),
        ("<html>", ""),
    ],
)
def test_plans(body: Any, plan: str) -> None:
    assert plan_of(body) == plan


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*WINDOWS, "limits", "utilization", "resets_at", "scope", "model", "kind"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_hostile_bodies_are_read_or_refused(body: Any) -> None:
    seen = observed(body, "", NOW)
    plan_of(body)
    for window in seen.windows if seen else ():
        assert window.used_percent is None or 0 <= window.used_percent <= 100


# -- asking -------------------------------------------------------------------------------------

USAGE = {"five_hour": {"utilization": 40, "resets_at": RESET}, "limits": [scoped(33)]}
PROFILE = {"account": {"has_claude_max": True}}


def asked(*indexes: str) -> dict[str, Any]:
    return {
        "accounts": [
            {
                "row_key": index,
                "provider": "claude",
                "account": {"auth_file_snapshot": f"{index}.json", "auth_index": index},
            }
            for index in indexes
        ]
    }


def answers(w: World, index: str, usage: dict[str, Any], profile: dict[str, Any]) -> None:
    w.cpa.api_rules.rules += [
        {"match": {"auth_index": index, "url": USAGE_URL}, "reply": usage},
        {"match": {"auth_index": index, "url": PROFILE_URL}, "reply": profile},
    ]


def refreshing(w: World) -> Refreshing:
    return Refreshing(lambda: w.editor.credentials, w.snapshots, w.now_ms)


@ensureDeferred
async def test_asking(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answers(w, "i1", {"body": USAGE}, {"body": PROFILE})
        answer = await refreshing(w).refresh(asked("i1"))
        (item,) = answer["items"]
        assert "error" not in item
        five, week = item["windows"]
        assert (five["provider_window_id"], five["used_percent"]) == ("five-hour", 40)
        assert (five["plan_type"], five["source"]) == ("max", "api_query")
        assert week["model_ids"] == ["claude-opus-4-7"]
        # Two calls, no listing; and it is what `query` tells from then on.
        assert len(w.calls("POST /v0/management/api-call")) == len(w.cpa.notes) == 2
        assert (await w.snapshots.ask(asked("i1")))["items"] == answer["items"]
        points = "SELECT count(*), count(DISTINCT window) FROM quota_points"
        await refreshing(w).refresh(asked("i1"))
        counts = await w.store.read(lambda conn: conn.execute(points).fetchone())
        assert counts == (4, 2)


@ensureDeferred
async def test_without_a_profile_only_the_plan_is_missing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answers(w, "i1", {"body": USAGE}, {"error": "request failed"})
        answers(w, "i2", {"body": USAGE}, {"status": 403, "body": PROFILE})
        answer = await refreshing(w).refresh(asked("i1", "i2"))
        for item in answer["items"]:
            assert "error" not in item
            assert "plan_type" not in item["windows"][0]


@ensureDeferred
async def test_what_the_provider_does_not_tell(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answers(w, "i1", {"body": USAGE}, {"body": PROFILE})
        await refreshing(w).refresh(asked("i1"))
        w.cpa.api_rules.rules = []
        secret = "sk-ant-oat01-abcdefghijklmnopqrstuvwxyz0123456789"
        for index, reply in (
            ("i1", {"status": 401, "body": f"invalid token {secret}"}),
            ("i2", {"status": 200, "body": "<html>"}),
            ("i3", {"error": "request failed"}),
            ("i4", {"raw": {"body": "x"}}),
            ("i5", {"status": 429, "body": ""}),
        ):
            answers(w, index, reply, {"body": PROFILE})
        answer = await refreshing(w).refresh(asked("i1", "i2", "i3", "i4", "i5"))
        errors = [item["error"] for item in answer["items"]]
        assert errors[0].startswith("the provider answered 401: invalid token")
        assert secret not in errors[0]
        assert errors[1] == "the provider answered 200: <html>"
        assert "request failed" in errors[2]
        assert errors[3] == "the provider answered what CPA does not tell: x"
        assert errors[4] == "the provider answered 429: nothing"
        # What was known stays.
        assert [len(item["windows"]) for item in answer["items"]] == [2, 0, 0, 0, 0]


@ensureDeferred
async def test_what_can_not_be_asked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        codex = asked("i1")
        codex["accounts"][0]["provider"] = "codex"
        for bad in (codex, {"accounts": []}, {**asked("i1"), "x": 1}, []):
            with pytest.raises(InvalidObservation):
                await refreshing(w).refresh(bad)
        without = asked("i1")
        del without["accounts"][0]["account"]["auth_index"]
        (item,) = (await refreshing(w).refresh(without))["items"]
        assert item["error"] == NO_INDEX
        assert w.cpa.notes == []

        def nobody() -> Any:
            raise NotConfigured

        with pytest.raises(NotConfigured):
            await Refreshing(nobody, w.snapshots, w.now_ms).refresh(asked("i1"))


@ensureDeferred
async def test_three_accounts_at_a_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        names = [f"i{n}" for n in range(8)]
        for name in names:
            answers(w, name, {"body": USAGE, "delay_ms": 30}, {"body": PROFILE, "delay_ms": 30})
        answer = await refreshing(w).refresh(asked(*names))
        assert [item["row_key"] for item in answer["items"]] == names
        assert all(item["windows"] for item in answer["items"])
        begun = sorted(note["at_ms"] for note in w.cpa.notes)
        # The seventh call, of the fourth account, came after an answer.
        assert begun[6] - begun[0] >= 25
