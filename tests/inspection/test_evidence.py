"""What failed events prove of their credentials (inspection contract, 11.1 and 12.2)."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.inspection.candidates import candidate_of
from cpamp.inspection.evidence import exhaustion_of, objects_in
from cpamp.inspection.failures import Failure, classify
from cpamp.usage.event import Event
from tests.collect.doubles import event

BASE_MS = 1_795_500_000_500
HOUR_S = 3600


def failed(
    status: int, body: Any = "", headers: dict[str, Any] | None = None, **more: Any
) -> Event:
    text = body if isinstance(body, str) else json.dumps(body)
    made = event(
        1,
        failed=True,
        fail={"status_code": status, "body": text},
        response_headers={k: [str(v)] for k, v in (headers or {}).items()},
        **{"provider": "codex", **more},
    )
    made.timestamp_ms = BASE_MS
    made.who = made.who._replace(
        auth_file_snapshot="a.json", account_snapshot="a@example.test", auth_index="i1"
    )
    return made


def http_date(seconds: int) -> str:
    return formatdate(BASE_MS // 1000 + seconds, usegmt=True)


LIMIT = {"error": {"type": "usage_limit_reached", "resets_in_seconds": HOUR_S}}
PRIMARY = {
    "x-codex-primary-used-percent": 100,
    "x-codex-primary-reset-after-seconds": 60,
    "x-codex-primary-window-minutes": 300,
}
SECONDARY = {
    "x-codex-secondary-used-percent": 100,
    "x-codex-secondary-reset-after-seconds": 7200,
    "x-codex-secondary-window-minutes": 10080,
}

# headers, body; seconds until the quota is back, its window
CODEX: list[tuple[dict[str, Any], Any, int | None, str]] = [
    (PRIMARY, "", 60, "five_hour"),
    ({**PRIMARY, **SECONDARY}, "", 7200, "weekly"),
    (
        {**PRIMARY, **SECONDARY, "x-codex-rate-limit-reached-type": "primary"},
        "",
        60,
        "five_hour",
    ),
    ({"x-openai-ide-error-code": "usage_limit_reached", "retry-after": 90}, "", 90, "unknown"),
    ({}, LIMIT, HOUR_S, "unknown"),
    ({}, "upstream said: " + json.dumps(LIMIT) + " (429)", HOUR_S, "unknown"),
    ({}, {"type": "usage_limit_reached", "resets_at": BASE_MS // 1000 + 30}, 29, "unknown"),
    # The window that is named as reached, though the other one lasts longer.
    (
        {
            **SECONDARY,
            "x-codex-primary-reset-after-seconds": 60,
            "x-codex-rate-limit-reached-type": "primary",
        },
        "",
        60,
        "unknown",
    ),
    # Only a signal, and no window that is full: the time to wait.
    ({"x-codex-rate-limit-reached-type": "other", "retry-after": 90}, "", 90, "unknown"),
    # The headers come before the texts.
    (PRIMARY, LIMIT, 60, "five_hour"),
    ({}, {"type": "usage_limit_reached", "resets_in_seconds": 60}, 60, "unknown"),
    ({}, {"type": "usage_limit_reached", "resetsInSeconds": "60"}, 60, "unknown"),
    ({}, {"error": {"type": "usage_limit_reached", "resetsAt": BASE_MS + 60_000}}, 60, "unknown"),
    (
        {},
        {"error": {"type": "usage_limit_reached", "resets_at": http_date(60)}},
        60,
        "unknown",
    ),
    ({}, '{"a":1} {"error":' + json.dumps(LIMIT["error"]) + "}", HOUR_S, "unknown"),
    # What proves nothing.
    ({"retry-after": 90}, "", None, ""),
    ({**PRIMARY, "x-codex-primary-used-percent": 99}, "", None, ""),
    ({}, {"error": {"type": "usage_limit_reached", "reset_at": BASE_MS // 1000 + 30}}, None, ""),
    ({}, {"error": {"type": "quota_exhausted", "resets_in_seconds": 60}}, None, ""),
    ({}, "usage_limit_reached", None, ""),
    ({}, {"error": {"type": "usage_limit_reached", "resets_in_seconds": -5}}, None, ""),
]


@pytest.mark.parametrize(("headers", "body", "seconds", "window"), CODEX)
def test_codex(headers: dict[str, Any], body: Any, seconds: int | None, window: str) -> None:
    found = exhaustion_of(failed(429, body, headers), BASE_MS)
    if seconds is None:
        assert found is None
        return
    assert found is not None
    assert found.owner == "cpamp_usage_429"
    assert found.identity.file_name == "a.json"
    assert abs(found.recover_at_ms - BASE_MS - seconds * 1000) <= 1000
    assert found.window_kind == window


# what stands where a moment is told, and seconds until then
MOMENTS: list[tuple[dict[str, Any], int]] = [
    ({"reset_at": BASE_MS // 1000 + 60}, 60),
    ({"resetsAt": BASE_MS + 60_000}, 60),
    ({"error": {"period_end": http_date(60)}}, 60),
    ({"billingPeriodEnd": BASE_MS + 60_000, "reset_after_seconds": 5}, 60),
    ({"reset_after_seconds": 90}, 90),
    ({}, 86_400),
]


@pytest.mark.parametrize(("told", "seconds"), MOMENTS)
def test_when_free_usage_of_xai_is_back(told: dict[str, Any], seconds: int) -> None:
    body = {"code": "subscription:free-usage-exhausted", **told}
    # What the headers say of waiting does not count.
    found = exhaustion_of(failed(402, body, {"retry-after": 7}, provider="x-ai"), BASE_MS)
    assert found is not None
    assert abs(found.recover_at_ms - BASE_MS - seconds * 1000) <= 1000
    assert ("recover_at_estimated" in found.evidence) is (told == {})


# members of a record, and whether it is of xAI itself
NATIVE: list[tuple[dict[str, Any], bool]] = [
    ({"provider": "xai"}, True),
    ({"provider": "X_AI"}, True),
    ({"provider": "grok", "executor_type": "XAIExecutor"}, True),
    ({"provider": "", "executor_type": "XAIExecutor"}, True),
    ({"provider": "openai", "executor_type": "XAIExecutor"}, False),
    ({"provider": "grok"}, False),
    ({"provider": "codex"}, False),
]


@pytest.mark.parametrize(("members", "native"), NATIVE)
def test_what_is_of_xai_itself(members: dict[str, Any], native: bool) -> None:
    event = failed(402, {"code": "subscription:free-usage-exhausted"}, **members)
    event.who = event.who._replace(auth_provider_snapshot="")
    assert (exhaustion_of(event, BASE_MS) is not None) is native


def test_what_is_no_exhaustion() -> None:
    for status in (402, 403, 500):
        assert exhaustion_of(failed(status, "", PRIMARY), BASE_MS) is None
    fine = failed(429, LIMIT)
    fine.end = fine.end._replace(failed=False)
    assert exhaustion_of(fine, BASE_MS) is None
    assert exhaustion_of(failed(402, LIMIT), BASE_MS) is None
    assert exhaustion_of(failed(429, LIMIT, provider="claude"), BASE_MS) is None
    # Back already when it is looked at.
    assert exhaustion_of(failed(429, LIMIT), BASE_MS + HOUR_S * 1000) is None


def test_xai() -> None:
    body = {
        "code": "subscription:free-usage-exhausted",
        "error": "used all free usage for model grok-4.5. tokens (actual/limit): 1,200/1,000",
    }
    found = exhaustion_of(failed(429, body, provider="xai"), BASE_MS)
    assert found is not None
    assert (found.owner, found.window_kind) == ("cpamp_xai_free_usage", "rolling_24h")
    assert found.recover_at_ms == BASE_MS + 86_400_000
    assert found.evidence["recover_at_estimated"] is True
    assert (found.evidence["actual"], found.evidence["overage"]) == (1200, 200)
    mention = {"error": "subscription:free-usage-exhausted"}
    assert exhaustion_of(failed(429, mention, provider="xai"), BASE_MS) is None


REVOKED = (
    "token_revoked",
    "token_invalidated",
    "invalidated_oauth_token",
    "Invalidated OAuth token",
    "oauth token revoked",
    "token has been invalidated",
)
EXPIRED = (
    "invalid_token",
    "invalid or expired credentials",
    "authentication token is expired",
    "token is expired",
    "no auth context",
    "invalid_grant",
    "auth_unavailable",
    "requires reauthorization",
)
DENIED = "access to the chat endpoint is denied"
SURE = ("review", "credential_permission_denied", True)
UNSURE = ("review", "authentication_review", False)
CHAT = [
    ("permission_denied", f"{DENIED}; ensure the correct credentials", None, SURE),
    ("permission_denied", f"{DENIED}; update the permissions", False, SURE),
    ("permission_denied", f"{DENIED}; contact support", True, UNSURE),
    ("permission_denied", DENIED, None, UNSURE),
    ("permission_denied", "contact support", None, UNSURE),
    ("other", f"{DENIED}; contact support", None, None),
]

# status, provider, code, type, text -> action, reason code, may be disabled
FAILURES: list[tuple[Failure, tuple[str, str, bool] | None]] = [
    (Failure(402, code="deactivated-workspace"), ("delete", "workspace_deactivated", True)),
    (Failure(402, summary="payment required"), None),
    (Failure(429, summary="token_revoked"), None),
    (Failure(403, summary="account_deactivated"), ("delete", "account_deactivated", True)),
    (Failure(401, code="token_revoked"), ("reauth", "token_revoked", True)),
    (Failure(401, summary="Token is expired"), ("reauth", "invalid_credentials", True)),
    (Failure(401, type="authentication_error"), ("review", "authentication_review", False)),
    (Failure(401, summary="Unauthorized"), ("review", "authentication_review", False)),
    (Failure(403, summary="Forbidden"), None),
    *(
        (Failure(401, summary=f"so: {word}!"), ("reauth", "token_revoked", True))
        for word in REVOKED
    ),
    *(
        (Failure(403, code=word.replace("_", "-")), ("reauth", "invalid_credentials", True))
        for word in EXPIRED
    ),
    (
        Failure(401, summary="It requires re-authentication"),
        ("reauth", "invalid_credentials", True),
    ),
    # The first row that fits.
    (
        Failure(401, summary="account_deactivated, token_revoked"),
        ("delete", "account_deactivated", True),
    ),
    (Failure(401, code="token_revoked", type="invalid_token"), ("reauth", "token_revoked", True)),
    (Failure(403, type="permission-denied"), ("review", "authentication_review", False)),
    (Failure(500, summary="token_revoked"), None),
    *(
        (Failure(403, "xai", code, "", text, retry), expected)
        for code, text, retry, expected in CHAT
    ),
    (Failure(401), None),
    (
        Failure(
            403,
            "xai",
            "permission-denied",
            "",
            "Access to the chat endpoint is denied. Please contact support",
        ),
        ("review", "credential_permission_denied", True),
    ),
]


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_classes(failure: Failure, expected: tuple[str, str, bool] | None) -> None:
    found = classify(failure)
    assert (found and (found.action, found.code, found.may_disable)) == expected


def test_a_candidate_of_an_event() -> None:
    body = {"error": {"code": "token_revoked", "message": "secret words"}}
    found = candidate_of(failed(401, body, request_id="r-1"), BASE_MS)
    assert found is not None
    assert (found.action_type, found.reason_code) == ("reauth", "token_revoked")
    assert found.evidence["statusCode"] == 401
    assert found.evidence["confidence"] == "high"
    assert "failBody" not in found.evidence
    unresolved = failed(401, body)
    unresolved.who = unresolved.who._replace(auth_file_snapshot="")
    assert candidate_of(unresolved, BASE_MS) is None


@given(st.text(), st.recursive(st.none() | st.text(), lambda s: st.dictionaries(st.text(), s)))
def test_objects_are_found_wherever_they_are(around: str, value: Any) -> None:
    found = list(objects_in(around.replace("{", "") + json.dumps(value)))
    assert (value in found) is isinstance(value, dict)


def test_hostile_texts_end() -> None:
    assert list(objects_in("{" * 100_000)) == []
    assert list(objects_in('{"a":' * 2000)) == []
