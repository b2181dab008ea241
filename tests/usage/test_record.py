"""Records made into events, rule by rule (usage contract, section 3 and 13)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.usage.event import Billed, Event, Tokens
from cpamp.usage.models import (
    INCLUDED,
    SEPARATE,
    analytics_model,
    compatible_cached,
    effective_tier,
    normalised,
)
from cpamp.usage.payload import Malformed, strict_json
from cpamp.usage.record import Control, decode, normalise, unknown_members

NOW = 1_777_075_200_000


def event(**record: Any) -> Event:
    return normalise(record, now_ms=NOW)


def test_the_hash_of_the_contract() -> None:
    record = {
        "timestamp": "2026-04-25T08:00:00.120+08:00",
        "request_id": " r-1 ",
        "model": "gpt-5.4",
        "alias": "gpt-5.4(high)",
        "endpoint": "POST /v1/responses",
        "auth_index": "idx9",
        "source": "alice@example.com",
        "tokens": {
            "input_tokens": 10,
            "output_tokens": 20,
            "reasoning_tokens": 3,
            "cached_tokens": 4,
            "total_tokens": 30,
        },
        "failed": False,
        "latency_ms": 1500,
    }
    found = normalise(record, now_ms=NOW)
    assert found.event_hash == "7b18d1b159ba73d4ca343b90a05fe6067d77522e272fe527cab34b7b7c137917"
    assert found.who.source == "ali***@example.com"
    assert found.model.analytics_model == "gpt-5.4"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":-Infinity}', "not JSON"),
        (b"[" * 2000 + b"]" * 2000, "too deep"),
        (b"[" * 200_000, "not JSON"),
        (b"12", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_what_is_no_record(payload: bytes, text: str) -> None:
    with pytest.raises(Malformed, match=text):
        decode(payload, now_ms=NOW)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\\ud800x"}', {"a": "\ufffd\ufffd\ufffdx"}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":1e400}', {"a": 1.7976931348623157e308}),
        (b'{"a":123456789012345678901234567890}', {"a": 1.2345678901234568e29}),
    ],
)
def test_lenient_where_nothing_is_lost(payload: bytes, expected: Any) -> None:
    assert strict_json(payload) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"refresh":true}', Control.REFRESH),
        (b'{"support_refresh":true}', Control.SUPPORT_REFRESH),
        (b'{"refresh":false}', Control.UNKNOWN),
        (b'{"a":true,"b":false}', Control.UNKNOWN),
    ],
)
def test_control_messages(payload: bytes, expected: Control) -> None:
    assert decode(payload, now_ms=NOW) is expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "timestamp",
                        "tokens",
                        "input_tokens",
                        "total",
                        "fail",
                        "body",
                        "status_code",
                        "response_headers",
                        "X-Codex-Primary-Used-Percent",
                        "Retry-After",
                        "x",
                        "source",
                        "latency_ms",
                        "failed",
                        "token_breakdown",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
def test_no_object_is_too_strange(value: Any) -> None:
    payload = json.dumps(value).encode()
    try:
        found = decode(payload, now_ms=NOW)
    except Malformed:
        return
    if isinstance(found, Event):
        assert all(0 <= n < 2**63 for n in found.tokens)
        for number in (found.timestamp_ms, found.latency_ms or 0, found.ttft_ms or 0):
            assert -(2**63) <= number < 2**63


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"alias": "a", "model": "m"}, ("a", "a", "m")),
        ({"alias": "", "requested_model": "x", "model": "m"}, ("m", "", "m")),
        ({"model": "m"}, ("m", "", "m")),
        ({}, ("-", "", "")),
        ({"alias": 12.0}, ("12", "12", "")),
        ({"model": 1.5e-7}, ("0.00000015", "", "0.00000015")),
    ],
)
def test_models(record: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert event(**record).model[:3] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5.4(high)", "gpt-5.4"),
        ("m(-000)", "m"),
        ("m( high)", "m( high)"),
        ("(high)", "(high)"),
        ("custom(model)", "custom(model)"),
        ("m(+08192)", "m"),
        ("m(-2)", "m(-2)"),
        ("m(9223372036854775807)", "m"),
        ("m(9223372036854775808)", "m(9223372036854775808)"),
        ("custom(model)(high)", "custom(model)"),
        (" x(max)", " x"),
        ("a(MAX)", "a"),
        ("a(-1)", "a"),
        ("a(-01)", "a(-01)"),
        ("a(region-us)", "a(region-us)"),
        ("c(m)(high)", "c(m)"),
        ("a()", "a()"),
        ("a(high)\n", "a(high)\n"),
        ("a(8192\n)", "a(8192\n)"),
    ],
)
def test_the_analytics_model(name: str, expected: str) -> None:
    assert analytics_model(name) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"endpoint": "POST /v1/x"}, ("POST /v1/x", "POST", "/v1/x")),
        ({"method": "post", "path": "/p"}, ("POST /p", "POST", "/p")),
        ({"endpoint": "/v1/x", "method": "get"}, ("/v1/x", "GET", "")),
        ({"endpoint": "post /v1/x"}, ("post /v1/x", "", "")),
        ({}, ("-", "", "")),
    ],
)
def test_the_route(record: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert event(**record).way[:3] == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"failed": True}, True),
        ({"failed": False, "success": False}, False),
        ({"failed": 1}, False),
        ({"failed": "true", "status": 500}, True),
        ({"success": False}, True),
        ({"ok": True, "error": "x"}, False),
        ({"status_code": "404"}, True),
        ({"status": 399}, False),
        ({"error": None}, False),
        ({"error": {}}, True),
        ({}, False),
    ],
)
def test_failed(record: dict[str, Any], expected: bool) -> None:
    assert event(**record).end.failed is expected


def test_a_success_has_neither_status_nor_summary() -> None:
    found = event(failed=False, fail={"status_code": 200, "body": "x"}, response_headers={"A": "b"})
    assert (found.end.fail_status_code, found.end.fail_summary, found.fail_body) == (0, "", "")


def test_a_long_failure_body_is_kept_beside_its_summary() -> None:
    found = event(failed=True, fail={"status_code": 500, "body": "sk-abcdefgh " + "x" * 5000})
    assert len(found.end.fail_summary) == 4099
    assert found.fail_body == "[redacted] " + "x" * 5000
    assert event(failed=True, fail={"body": "short"}).fail_body == ""


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"tokens": {"input_tokens": 3}}, Tokens(3, total_tokens=3)),
        (
            {"tokens": {"input_tokens": 0}, "usage": {"prompt_tokens": "5"}},
            Tokens(5, total_tokens=5),
        ),
        ({"input_tokens": 4, "tokens": {"inputTokens": 7}}, Tokens(7, total_tokens=7)),
        ({"tokens": {"promptTokens": 1, "input_tokens": 2}}, Tokens(2, total_tokens=2)),
        ({"tokens": {"input_tokens": -5, "total_tokens": -1}}, Tokens()),
        ({"tokens": {"input_tokens": 12.0}}, Tokens(12, total_tokens=12)),
        ({"tokens": {"input_tokens": "x"}}, Tokens()),
        ({"tokens": {"input_tokens": True}}, Tokens()),
        ({"tokens": {"input_tokens": 10**30}}, Tokens(2**63 - 1, total_tokens=2**63 - 1)),
        ({"tokens": [], "usage": 5, "total": 9}, Tokens(total_tokens=9)),
    ],
)
def test_tokens(record: dict[str, Any], expected: Tokens) -> None:
    assert event(**record).tokens == expected


def test_the_example_of_cache_accounting() -> None:
    tokens = {
        "input_tokens": 10,
        "output_tokens": 2,
        "cached_tokens": 30,
        "cache_read_tokens": 20,
        "cache_creation_tokens": 5,
    }
    found = event(provider="claude", tokens=tokens)
    assert found.model.cache_input_mode == SEPARATE
    assert normalised(found.tokens, SEPARATE) == (10, 40, 25, 5)
    assert found.tokens.total_tokens == 42
    assert compatible_cached(found.tokens) == 5


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"executor_type": "OpenAICompatExecutor", "alias": "claude-x"}, INCLUDED),
        ({"executor_type": "ClaudeExecutor", "provider": "openai"}, SEPARATE),
        ({"provider": "vertex", "model": "claude"}, INCLUDED),
        ({"provider": "x", "model": "Claude-3"}, SEPARATE),
        ({"provider": "x", "model": "grok-4"}, INCLUDED),
        ({"tokens": {"cache_read_tokens": 1}}, SEPARATE),
        ({}, INCLUDED),
        ({"provider": "claude", "tokens": {"cache_input_mode": " Included_In_Input "}}, INCLUDED),
        ({"provider": "claude", "cache_input_mode": "nonsense"}, SEPARATE),
    ],
)
def test_the_cache_input_mode(record: dict[str, Any], expected: str) -> None:
    assert event(**record).model.cache_input_mode == expected


@pytest.mark.parametrize(
    ("identity", "asked", "legacy", "answered", "expected"),
    [
        ("CodexExecutor codex", "fast", "", "default", "fast"),
        ("CodexExecutor codex", "", "", "default", "default"),
        ("OpenAICompatExecutor", "auto", "", "flex", "flex"),
        ("ClaudeExecutor", "auto", "legacy", "", "legacy"),
        ("", "", "", "", ""),
    ],
)
def test_the_effective_tier(
    identity: str, asked: str, legacy: str, answered: str, expected: str
) -> None:
    assert effective_tier(identity, asked, legacy, answered) == expected


def breakdown(uncached: int, read: int, write: int, output: int) -> dict[str, Any]:
    inputs = uncached + read + write
    return {
        "schema_version": 2,
        "quality": "complete",
        "total_tokens": inputs + output,
        "input": {
            "total_tokens": inputs,
            "uncached_tokens": uncached,
            "cache_read_tokens": read,
            "cache_write_tokens": write,
        },
        "output": {"total_tokens": output},
    }


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (breakdown(6, 4, 0, 5), None),
        (breakdown(7, 4, 0, 5), Billed(7, 4, 0, 5)),
        (breakdown(7, 4, 0, 5) | {"quality": "unclassified"}, None),
        (breakdown(7, 4, 0, 5) | {"total_tokens": 1}, None),
        (breakdown(7, 4, 0, 5) | {"schema_version": 1}, None),
        (breakdown(-1, 4, 0, 5), None),
        (7, None),
    ],
)
def test_a_breakdown_is_kept_where_it_says_something_else(
    whole: Any, expected: Billed | None
) -> None:
    tokens = {"input_tokens": 10, "output_tokens": 5, "cached_tokens": 4, "cache_read_tokens": 4}
    found = event(provider="codex", tokens=tokens, token_breakdown=whole)
    assert found.billed == expected


def test_thinking_beside_the_output_is_no_news() -> None:
    tokens = {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 3}
    assert (
        event(provider="gemini", tokens=tokens, token_breakdown=breakdown(10, 0, 0, 8)).billed
        is None
    )


def test_known_members_leave_nothing_unknown() -> None:
    assert unknown_members({"model": "gpt-5.5", "source": "alice@example.com"}) == b""


def test_unknown_members_are_kept_without_secrets() -> None:
    found = event(model="m", new_field={"api_key": "sk-1234567", "n": 1}, generate=False)
    assert json.loads(found.unknown) == {"new_field": {"api_key": "[redacted]", "n": 1}}


def test_the_oldest_shape() -> None:
    record = {
        "timestamp": "2026-05-06T08:00:00.000000001+08:00",
        "latency_ms": 1500,
        "source": "user@example.com",
        "auth_index": "0f1e2d3c4b5a6978",
        "tokens": {
            "input_tokens": 10,
            "output_tokens": 20,
            "reasoning_tokens": 0,
            "cached_tokens": 0,
            "total_tokens": 30,
        },
        "failed": False,
        "provider": "openai",
        "model": "gpt-5.4",
        "alias": "client-gpt",
        "endpoint": "POST /v1/chat/completions",
        "auth_type": "apikey",
        "api_key": "test-key",
        "request_id": "0c7c6000",
    }
    found = normalise(record, now_ms=NOW)
    assert found.timestamp == "2026-05-06T00:00:00.000000001Z"
    assert found.tokens.total_tokens == 30
    assert found.ttft_ms is None


def test_a_record_without_a_time_has_the_time_of_its_arrival() -> None:
    found = event(model="m", timestamp=None)
    assert (found.timestamp_ms, found.time_invented) == (NOW, True)
