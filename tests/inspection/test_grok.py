"""What xAI's answers mean (inspection contract, section 8)."""

from __future__ import annotations

from typing import Any

import pytest

from cpamp.inspection.grok import (
    Reply,
    billing_windows,
    by_inference,
    classify,
    identity_ok,
    inference_ok,
    refused,
    worst,
)

SPOKEN = {
    "status": "completed",
    "error": None,
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "OK"}]}],
}

CLASSES = [
    (402, "Included Free Usage is over", "free_quota_exhausted"),
    (403, "purchase more credits", "spending_limit"),
    (400, "invalid_grant", "auth_invalid"),
    (426, "", "client_outdated"),
    (400, "safety check failed", "policy_denied"),
    (403, "Subscription required", "entitlement_denied"),
    (402, "", "quota_or_entitlement_unknown"),
    (422, "", "probe_invalid"),
    (404, "", "model_unavailable"),
    (None, "", "upstream_error"),
    (502, "<html>", "upstream_error"),
    (200, "<html>", "protocol_changed"),
    (418, "", "unknown"),
]


# class -> its words
MARKERS = {
    "free_quota_exhausted": (
        "subscription:free-usage-exhausted",
        "free-usage-exhausted",
        "included free usage",
    ),
    "spending_limit": (
        "personal-team-blocked:spending-limit",
        "spending-limit",
        "run out of credits",
        "used all available credits",
        "monthly spending limit",
        "purchase more credits",
        "add credits",
    ),
    "auth_invalid": (
        "invalid_grant",
        "refresh_token_reused",
        "invalid_refresh_token",
        "token_invalidated",
        "token_revoked",
        "refresh token has been revoked",
        "bad-credentials",
        "invalid or expired credentials",
        "authentication token has been invalidated",
    ),
    "policy_denied": (
        "content violates usage guidelines",
        "usage guideline violation",
        "safety_check",
        "safety check",
        "policy violation",
    ),
    "entitlement_denied": (
        "need a grok subscription",
        "do not have an active grok subscription",
        "no active grok subscription",
        "not entitled",
        "not authorized for xai api access",
        "tier denied",
        "subscription required",
        "access to the chat endpoint is denied",
    ),
}
CLASSES += [(403, f"So: {word.upper()}.", kind) for kind in MARKERS for word in MARKERS[kind]]
CLASSES += [
    # The first that fits.
    (401, "included free usage, spending-limit", "free_quota_exhausted"),
    (426, "add credits", "spending_limit"),
    (401, "safety check", "auth_invalid"),
    (426, "safety check", "client_outdated"),
    (503, "not entitled", "entitlement_denied"),
    (429, "", "rate_limited"),
    (403, "", "permission_unknown"),
    (500, "", "upstream_error"),
]


@pytest.mark.parametrize(("status", "body", "kind"), CLASSES)
def test_classes(status: int | None, body: str, kind: str) -> None:
    assert classify(Reply(status, body)) == kind


@pytest.mark.parametrize(
    "changes", [{"status": "failed"}, {"error": {}}, {"output": []}, {"output": "x"}]
)
def test_what_is_no_word_of_a_model(changes: dict[str, Any]) -> None:
    assert inference_ok(Reply(200, SPOKEN))
    assert not inference_ok(Reply(200, {**SPOKEN, **changes}))


# class -> what follows for an account that is on, and for one that is off: action, reason, quota
FOLLOWS: list[tuple[str, tuple[str, str, bool], tuple[str, str, bool]]] = [
    (
        "free_quota_exhausted",
        ("disable", "free_quota_disable", True),
        ("keep", "free_quota_disabled", True),
    ),
    (
        "spending_limit",
        ("disable", "spending_limit_disable", True),
        ("keep", "spending_limit_disabled", True),
    ),
    (
        "entitlement_denied",
        ("disable", "entitlement_disable", True),
        ("keep", "entitlement_review", True),
    ),
    ("auth_invalid", ("reauth", "auth_invalid", False), ("reauth", "auth_invalid", False)),
    *(
        (kind, ("keep", suffix, False), ("keep", suffix, False))
        for kind, suffix in (
            ("policy_denied", "policy_denied"),
            ("permission_unknown", "permission_unknown"),
            ("quota_or_entitlement_unknown", "quota_unknown"),
            ("rate_limited", "rate_limited"),
            ("client_outdated", "client_outdated"),
            ("probe_invalid", "probe_invalid"),
            ("model_unavailable", "model_unavailable"),
            ("upstream_error", "upstream_error"),
            ("protocol_changed", "protocol_changed"),
            ("unknown", "unknown"),
        )
    ),
]


@pytest.mark.parametrize(("kind", "on", "off"), FOLLOWS)
def test_what_follows_of_a_refusal(
    kind: str, on: tuple[str, str, bool], off: tuple[str, str, bool]
) -> None:
    for disabled, wanted in ((False, on), (True, off)):
        found = refused(kind, 403, disabled)
        assert (found.action, found.suffix, found.is_quota) == wanted
        assert (found.kind, found.auto_recover) == (kind, False)


# an answer of the model to an account that is off and ours, off, on -> actions and reasons
SPEECH: list[tuple[Reply, list[tuple[str, str]]]] = [
    (
        Reply(200, SPOKEN),
        [
            ("enable", "enable_owned"),
            ("keep", "inference_manual_disable"),
            ("keep", "inference_healthy"),
        ],
    ),
    (Reply(402, "x"), [("keep", "inference_quota_unknown")] * 3),
    (Reply(422, "x"), [("keep", "inference_probe_invalid")] * 3),
    (Reply(200, "x"), [("keep", "inference_protocol_changed")] * 3),
    (Reply(401, ""), [("reauth", "auth_invalid")] * 3),
]


@pytest.mark.parametrize(("reply", "wanted"), SPEECH)
def test_what_follows_of_a_word(reply: Reply, wanted: list[tuple[str, str]]) -> None:
    found = [by_inference(reply, *who) for who in ((True, True), (True, False), (False, False))]
    assert [(one.action, one.suffix) for one in found] == wanted
    assert [one.auto_recover for one in found] == [one.action == "enable" for one in found]


def test_the_worst_failure_counts() -> None:
    order = [
        "auth_invalid",
        "free_quota_exhausted",
        "entitlement_denied",
        "client_outdated",
        "permission_unknown",
        "policy_denied",
        "rate_limited",
        "probe_invalid",
        "upstream_error",
        "unknown",
    ]
    failures = [(kind, 400 + i) for i, kind in enumerate(order)]
    for i, kind in enumerate(order):
        assert worst(failures[i:][::-1])[0] == kind
    assert worst([("spending_limit", 1), ("free_quota_exhausted", 2)]) == ("spending_limit", 1)


# the answer to who it is -> "" where that is well
IDENTITIES: list[tuple[Reply, str]] = [
    (Reply(200, {"user_id": "u"}), ""),
    (Reply(200, {"team_id": "t"}), ""),
    (Reply(200, {"team_blocked": False}), ""),
    (Reply(200, {"user_id": "u", "team_blocked": True}), "spending_limit"),
    (Reply(200, {"user_id": None}), "protocol_changed"),
    (Reply(200, []), "protocol_changed"),
    (Reply(401, ""), "auth_invalid"),
    (Reply(None), "upstream_error"),
]


@pytest.mark.parametrize(("reply", "kind"), IDENTITIES)
def test_who_it_is(reply: Reply, kind: str) -> None:
    assert identity_ok(reply) == kind


WEEK = {"type": "USAGE_PERIOD_WEEKLY", "start": "2026-11-01T00:00:00Z"}
WEEK["end"] = "2026-11-08T00:00:00Z"
# members of a billing reply -> its windows: id, percent, when it begins anew
BILLS: list[tuple[Any, list[tuple[str, float, str]]]] = [
    ({"credit_usage_percent": "3 %"}, [("xai-weekly", 3, "-")]),
    ({"creditUsagePercent": 0, "currentPeriod": WEEK}, [("xai-weekly", 0, WEEK["end"])]),
    ({"current_period": WEEK}, [("xai-weekly", 0, WEEK["end"])]),
    # Not said, and not plain either.
    ({"current_period": {**WEEK, "type": "monthly"}}, []),
    ({"current_period": {**WEEK, "end": "soon"}}, []),
    ({"current_period": {**WEEK, "end": WEEK["start"]}}, []),
    ({"monthly_limit": 1000, "included_used": 250}, [("xai-monthly", 25, "-")]),
    ({"monthlyLimit": {"val": 1000}, "includedUsed": {"value": 0}}, [("xai-monthly", 0, "-")]),
    ({"monthly_limit": {}, "included_used": {}}, []),
    ({"monthly_limit": 0, "included_used": 0}, []),
    ({"on_demand_cap": {"val": 500}, "on_demand_used": {"val": 50}}, [("xai-on-demand", 10, "-")]),
    ({"on_demand_cap": 0, "on_demand_used": 0}, []),
    ({"on_demand_usage_percent": 7}, [("xai-on-demand", 7, "-")]),
    (
        {"product_usage": [{"product": "API", "usage_percent": 5}, {"product": "x"}, 7]},
        [("xai-product-0", 5, "-")],
    ),
    ([], []),
    ({}, []),
]


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize(("bill", "windows"), BILLS)
def test_bills(bill: Any, windows: list[tuple[str, float, str]], wrapped: bool) -> None:
    found = billing_windows(Reply(200, {"config": bill} if wrapped else bill), None)
    assert [(w["id"], w["usedPercent"], w["resetLabel"]) for w in found] == windows


def test_a_monthly_bill_fills_gaps_alone() -> None:
    weekly = Reply(200, {"config": {"credit_usage_percent": 3}})
    bill = {"monthly_limit": {"val": 1000}, "included_used": {"value": 250}}
    monthly = Reply(200, {"config": {"credit_usage_percent": 9, **bill}})
    found = {w["id"]: w["usedPercent"] for w in billing_windows(weekly, monthly)}
    assert found == {"xai-weekly": 3, "xai-monthly": 25}
    assert billing_windows(Reply(500, monthly.body), Reply(404, monthly.body)) == []
    (product,) = billing_windows(
        Reply(200, {"product_usage": [{"product": "API", "percent": 5}]}), None
    )
    assert product["labelKey"] == "xai_quota.product_usage"
    assert product["labelParams"] == {"product": "API"}
