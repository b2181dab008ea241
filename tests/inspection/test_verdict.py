"""The table of verdicts, and how replies are read (inspection contract, 5 and 16)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.inspection.account import Account
from cpamp.inspection.reply import Usage
from cpamp.inspection.verdict import Verdict, judge
from cpamp.inspection.windows import quota_windows
from tests.inspection.fixture import (
    ALL,
    H5,
    HEALTHY,
    MO,
    NOW_S,
    WK,
    Case,
    usage,
    window,
)

NOW_MS = NOW_S * 1000
JUDGED = [case for case in ALL if case.kind in (None, "http_status")]


def verdict(status: int, body: Any, **more: Any) -> Verdict:
    """Of a body as CPA passes it on: as text."""
    text = body if isinstance(body, str) else json.dumps(body)
    read = Usage.read(text, more.pop("plan", ""))
    return judge(
        **{
            "status": status,
            "body": text,
            "usage": read,
            "disabled": False,
            "threshold": 100.0,
            **more,
        }
    )


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.key)
def test_the_fixture(case: Case) -> None:
    account = Account.of(case.entry())
    assert account.disabled is case.off
    found = verdict(case.status, case.body, disabled=case.off)
    assert (found.action, found.used_percent, found.is_quota) == (
        case.action,
        case.used,
        case.quota,
    )
    ids = [w["id"] for w in quota_windows(Usage.read(case.body, ""), NOW_MS)]
    assert tuple(ids) == case.windows


# status, body, disabled, owned -> action, reason code
ROWS: list[tuple[int, Any, bool, bool, str, str]] = [
    (402, {"code": "DEACTIVATED_WORKSPACE"}, True, False, "delete", "workspace_deactivated"),
    (
        200,
        usage("plus", window(1, H5), window(100, WK)),
        False,
        False,
        "disable",
        "long_window_exhausted",
    ),
    (200, HEALTHY, True, True, "enable", "quota_recovered"),
    (200, HEALTHY, True, False, "enable", "quota_recovered_manual_only"),
    (429, HEALTHY, False, False, "keep", "quota_healthy"),
    # A 401 is not hidden by a part of an answer.
    (
        401,
        {"rate_limit": {}, "error": "token_revoked"},
        False,
        False,
        "reauth",
        "auth_token_revoked",
    ),
    (401, usage("plus", window(1, H5), window(100, WK)), False, False, "reauth", "auth_failed"),
    (401, "invalid or expired credentials", True, True, "reauth", "auth_expired"),
    # Exhausted without percentages, where the long window is known to begin anew.
    (
        200,
        usage("plus", window(None, H5), window(None, WK), reached=True),
        False,
        False,
        "disable",
        "long_window_exhausted",
    ),
    (
        200,
        usage("plus", window(None, H5), None, allowed=False),
        False,
        False,
        "keep",
        "quota_incomplete",
    ),
    # A passing rate limit or a broken gateway is no used up quota.
    (429, "Rate limit reached for requests", False, False, "keep", "no_action"),
    (503, "limit reached", False, False, "keep", "no_action"),
    (403, "quota exhausted", False, False, "keep", "no_action"),
    (429, '{"error":{"type":"usage_limit_reached"}}', False, False, "disable", "quota_exhausted"),
    (402, "", False, False, "disable", "quota_exhausted"),
    (402, "", True, False, "keep", "quota_exhausted_already_disabled"),
    (200, "Quota Exhausted", False, False, "disable", "quota_exhausted"),
    (200, "hello", True, True, "keep", "quota_unknown_stay_disabled"),
    (204, "", True, True, "keep", "no_action"),
    (404, "", False, False, "keep", "no_action"),
]


@pytest.mark.parametrize(("status", "body", "off", "owned", "action", "code"), ROWS)
def test_rows(status: int, body: Any, off: bool, owned: bool, action: str, code: str) -> None:
    found = verdict(status, body, disabled=off, owned=owned)
    assert (found.action, found.code) == (action, code)
    assert found.auto_recover is (code == "quota_recovered")


@pytest.mark.parametrize(("threshold", "action"), [(100.0, "keep"), (80.0, "disable")])
def test_threshold(threshold: float, action: str) -> None:
    body = usage("plus", window(10, H5), window(80, WK))
    assert verdict(200, body, threshold=threshold).action == action


def test_a_disabled_account_whose_token_grew_old_is_told_of_it() -> None:
    assert "does not refresh" in verdict(401, "", disabled=True).reason
    assert "does not refresh" not in verdict(401, "").reason


percent = st.none() | st.floats(0, 130)
body = st.one_of(
    st.text(max_size=30),
    st.builds(
        usage,
        st.sampled_from(["plus", "team", ""]),
        st.none() | st.builds(window, percent, st.sampled_from([None, H5, WK, MO, 3600])),
        st.none() | st.builds(window, percent, st.sampled_from([None, H5, WK, MO, 172_800])),
        allowed=st.booleans(),
        reached=st.booleans(),
    ),
    st.recursive(
        st.none() | st.text(max_size=5), lambda s: st.dictionaries(st.text(max_size=12), s)
    ),
)


@given(st.integers(100, 599), body, st.booleans(), st.booleans())
def test_what_never_happens(status: int, body: Any, off: bool, owned: bool) -> None:
    found = verdict(status, body, disabled=off, owned=owned)
    assert not (found.action == "disable" and off)
    assert not (found.action == "enable" and not off)
    assert found.auto_recover <= (owned and off)
    if status in (401, 403):
        assert found.action in ("keep", "reauth", "disable" if status == 403 else "keep", "enable")
    if found.action == "delete":
        assert status == 402


LIMIT = {"primary_window": window(7, H5), "secondary_window": window(9, WK)}
SPARK = {"limit_name": "GPT-5.3-Codex-Spark", "metered_feature": "codex_spark", "rate_limit": LIMIT}


def test_all_kinds_of_windows() -> None:
    reply = {
        **HEALTHY,
        "code_review_rate_limit": {"primary_window": window(1, WK)},
        "additional_rate_limits": [SPARK, {"limit_name": "Fast Lane!", "rate_limit": LIMIT}],
    }
    windows = {w["id"]: w for w in quota_windows(Usage.read(reply, ""), NOW_MS)}
    assert list(windows) == [
        "five-hour",
        "weekly",
        "code-review-weekly",
        "fast-lane-five-hour-0",
        "fast-lane-weekly-0",
        "spark-five-hour-0",
        "spark-weekly-0",
    ]
    spark = windows["spark-weekly-0"]
    assert spark["labelKey"] == "codex_quota.additional_secondary_window"
    assert spark["labelParams"] == {"name": "GPT-5.3-Codex-Spark"}
    assert spark["modelScope"] == {
        "kind": "models",
        "models": ["gpt-5.3-codex-spark"],
        "complete": True,
    }
    assert spark["providerWindowAliases"] == [
        "codex-spark-weekly-0",
        "fast-coding-weekly-0",
        "gpt-5-3-codex-spark-weekly-0",
    ]
    assert windows["weekly"]["modelScope"]["key"] == "codex_main"
    assert windows["code-review-weekly"]["modelScope"]["complete"] is False
    assert windows["fast-lane-weekly-0"]["modelScope"]["key"] == "fast_lane"
    assert windows["weekly"]["resetAtMs"] == NOW_MS + 3_600_000
    assert windows["weekly"]["resetAccuracy"] == "exact"


def test_ids_do_not_depend_on_the_order_of_the_list() -> None:
    twins = [
        {"limit_name": "x", "metered_feature": "a", "rate_limit": LIMIT},
        {"limit_name": "x", "metered_feature": "b", "rate_limit": LIMIT},
        {"limit_name": "x", "rate_limit": {"primary_window": window(1, H5)}},
        {"limit_name": "x", "rate_limit": {"primary_window": window(2, H5)}},
    ]
    both = [
        quota_windows(Usage.read({"additional_rate_limits": order}, ""), NOW_MS)
        for order in (twins, twins[::-1])
    ]
    assert both[0] == both[1]
    assert [w["id"] for w in both[0]] == [
        "x-five-hour-0",
        "x-five-hour-1",
        "x--a-five-hour-0",
        "x--a-weekly-0",
        "x--b-five-hour-0",
        "x--b-weekly-0",
    ]


def test_resets() -> None:
    read = Usage.read(
        {
            "rateLimit": {
                "primaryWindow": {"usedPercent": "12%", "limitWindowSeconds": "18000.4"},
                "secondaryWindow": {"usedPercent": "x", "resetAfterSeconds": 60},
            },
            "planType": "Pro_Lite",
        },
        "plus",
    )
    assert read.plan_type == "pro-lite"
    first, second = quota_windows(read, NOW_MS)
    assert (first["usedPercent"], first["resetLabel"], first["resetAccuracy"]) == (
        12,
        "-",
        "unknown",
    )
    assert first["limitWindowSeconds"] == 18_000
    assert (second["resetAtMs"], second["resetAccuracy"]) == (NOW_MS + 60_000, "derived")
    assert "usedPercent" not in second


# primary and secondary (used, seconds), plan -> classes by place, the deciding class
CLASSES: list[tuple[Any, Any, str, list[str], str]] = [
    ((1, 18_000), (2, 604_800), "", ["five-hour", "weekly"], "weekly"),
    ((1, 604_800), (2, 18_000), "", ["weekly", "five-hour"], "weekly"),
    ((1, 18_000), (2, 28 * 86_400), "", ["five-hour", "monthly"], "monthly"),
    ((1, 18_000), (2, 31 * 86_400), "", ["five-hour", "monthly"], "monthly"),
    ((1, 18_000), (2, 32 * 86_400), "", ["five-hour", "long"], "long"),
    ((1, 18_000), (2, 18_001), "", ["five-hour", "long"], "long"),
    ((1, 3_600), (2, 604_800), "", ["other", "weekly"], "weekly"),
    # The first of a class has it.
    ((1, 18_000), (2, 18_000), "", ["five-hour", "other"], ""),
    ((1, 604_800), (2, 30 * 86_400), "", ["weekly", "monthly"], "weekly"),
    # Windows that don't tell their length have one by their place, if it is free.
    ((1, None), (2, None), "", ["five-hour", "weekly"], "weekly"),
    ((1, None), (2, None), "team", ["five-hour", "monthly"], "monthly"),
    ((1, None), (2, 18_000), "", ["other", "five-hour"], ""),
    ((1, 604_800), (2, None), "", ["weekly", "other"], "weekly"),
    ((1, 604_800), (2, None), "team", ["weekly", "monthly"], "weekly"),
    (None, (2, None), "", ["weekly"], "weekly"),
]


@pytest.mark.parametrize(("first", "second", "plan", "kinds", "long"), CLASSES)
def test_classes_of_windows(
    first: Any, second: Any, plan: str, kinds: list[str], long: str
) -> None:
    made = [None if one is None else window(*one) for one in (first, second)]
    read = Usage.read(usage(plan, *made), "")
    assert read.main is not None
    assert [placed.kind for placed in read.main.placed(plan)] == kinds
    assert read.long_kind == long
    assert read.used_most == max(one[0] for one in (first, second) if one)


# a window, whether the limit is reached -> its use, None where it is absent
USES: list[tuple[dict[str, Any], bool, float | None]] = [
    ({"used_percent": 3}, False, 3),
    ({"usedPercent": " 3.5% "}, False, 3.5),
    ({"used_percent": "many"}, False, None),
    ({"used_percent": True}, False, None),
    ({"reset_at": NOW_S + 5}, True, 100),
    ({"resetAfterSeconds": "5"}, True, 100),
    ({"reset_at": NOW_S + 5}, False, None),
    ({"reset_at": 0}, True, None),
    ({}, True, None),
]


@pytest.mark.parametrize("key", ["limit_reached", "limitReached", "allowed"])
@pytest.mark.parametrize(("fields", "reached", "used"), USES)
def test_what_a_window_has_used(
    fields: dict[str, Any], reached: bool, used: float | None, key: str
) -> None:
    full = {key: not reached if key == "allowed" else reached}
    reply = {"rate_limit": {**full, "secondary_window": {"limit_window_seconds": WK, **fields}}}
    (found,) = quota_windows(Usage.read(reply, ""), NOW_MS)
    assert found.get("usedPercent") == used


# a window's reset -> when, and how sure that is
RESETS: list[tuple[dict[str, Any], int | None, str]] = [
    ({"reset_at": NOW_S + 1.9}, NOW_MS + 1000, "exact"),
    ({"reset_at": str(NOW_S + 1), "reset_after_seconds": 9}, NOW_MS + 1000, "exact"),
    ({"reset_at": 0, "reset_after_seconds": 9}, NOW_MS + 9000, "derived"),
    ({"reset_after_seconds": -9}, None, "unknown"),
    ({"reset_at": 1e30}, None, "unknown"),
    ({}, None, "unknown"),
]


@pytest.mark.parametrize(("fields", "at_ms", "accuracy"), RESETS)
def test_when_a_window_begins_anew(
    fields: dict[str, Any], at_ms: int | None, accuracy: str
) -> None:
    reply = {"rate_limit": {"primary_window": {"used_percent": 1, **fields}}}
    (found,) = quota_windows(Usage.read(reply, ""), NOW_MS)
    assert (found.get("resetAtMs"), found["resetAccuracy"]) == (at_ms, accuracy)
    assert (found["resetLabel"] == "-") is (at_ms is None)


# the reply, and whether it had a section of quotas
OBSERVED: list[tuple[Any, bool]] = [
    ({"rate_limit": {}}, True),
    ({"rateLimit": {}}, True),
    ({"code_review_rate_limit": {}}, True),
    ({"additional_rate_limits": []}, True),
    ({"rate_limit": None, "additional_rate_limits": {}}, False),
    ({"plan_type": "plus"}, False),
    ([], False),
    ("<html>", False),
]


@pytest.mark.parametrize(("reply", "observed"), OBSERVED)
def test_whether_quotas_were_told(reply: Any, observed: bool) -> None:
    assert Usage.read(reply, "").observed is observed
