"""Rows of the existing server, made into events."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from cpamp.takeover.rows import COLUMNS, RowReader, Unusable, selection
from cpamp.usage.event import Billed, Caller, Event
from cpamp.usage.parts import sha256_hex

NOW = 1_795_500_000_000
PLAIN = {
    "event_hash": "h1",
    "timestamp_ms": 1_795_425_532_923,
    "timestamp": "2026-11-23T09:18:52.92380003Z",
    "model": "gpt-5.5",
    "created_at_ms": 1_795_425_532_999,
    "failed": 0,
}
BREAKDOWN = {
    "schema_version": 2,
    "quality": "complete",
    "input": {
        "uncached_tokens": 7,
        "cache_read_tokens": 2,
        "cache_write_tokens": 1,
        "total_tokens": 10,
    },
    "output": {"total_tokens": 5},
    "total_tokens": 15,
}


def read(*, keep_raw: bool = False, **members: Any) -> Event:
    """The event of a row with these members, through a real statement."""
    conn = sqlite3.connect(":memory:")
    conn.execute(f"CREATE TABLE usage_events ({', '.join(COLUMNS)})")
    row = {**PLAIN, **members}
    marks = ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO usage_events ({', '.join(row)}) VALUES ({marks})", [*row.values()])
    (found,) = conn.execute(f"SELECT {selection(COLUMNS)} FROM usage_events")
    conn.close()
    return RowReader(keep_raw).event(found, NOW)


def test_absent_columns_are_absent_members() -> None:
    event = read()
    assert event.event_hash == "h1"
    assert (event.timestamp_ms, event.timestamp) == (PLAIN["timestamp_ms"], PLAIN["timestamp"])
    assert (event.latency_ms, event.ttft_ms, event.request_id) == (None, None, "")
    assert event.caller == Caller()
    assert event.created_at_ms == PLAIN["created_at_ms"]


def test_the_caller_is_cleaned() -> None:
    event = read(client_ip="1.2.3.4\n", user_agent="a\tb")
    assert event.caller == Caller("1.2.3.4", "", "a b")


@pytest.mark.parametrize(
    ("members", "summary", "body"),
    [
        ({"failed": 0, "fail_summary": "x", "fail_body": "xy"}, "", ""),
        ({"failed": 1, "fail_summary": "x", "fail_body": "x"}, "x", ""),
        ({"failed": 1, "fail_summary": "x", "fail_body": "xy"}, "x", "xy"),
        ({"failed": 1, "fail_body": "token sk-abcdefgh"}, "token [redacted]", ""),
        (
            {"failed": 1, "fail_summary": "short", "fail_body": "Bearer abcdefghijkl"},
            "short",
            "Bearer [redacted]",
        ),
    ],
)
def test_failures_keep_their_texts_redacted(
    members: dict[str, Any], summary: str, body: str
) -> None:
    event = read(**members)
    assert (event.end.fail_summary, event.fail_body) == (summary, body)


def test_a_client_key_in_the_place_of_an_endpoint_is_hashed() -> None:
    key = "sk-client-key-of-somebody"
    event = read(endpoint=key)
    assert (event.way.endpoint, event.api_key_hash) == ("-", sha256_hex(key))
    assert read(endpoint="POST /v1/x").way.endpoint == "POST /v1/x"


def test_what_only_the_record_says_is_read_of_it() -> None:
    raw = {
        "headers": {"X-Request-Id": ["req-1"]},
        "tokens": {"cache_input_mode": "separate_from_input", "total_tokens": 99},
        "token_breakdown": BREAKDOWN,
        "novelty": {"api_key": "sk-abcdefgh"},
        "source": "sk-upstream-key",
    }
    event = read(raw_json=json.dumps(raw), input_tokens=3)
    assert event.trace_id == "req-1"
    assert event.model.cache_input_mode == "separate_from_input"
    assert event.tokens.total_tokens == 99
    assert event.billed == Billed(7, 2, 1, 5)
    assert json.loads(event.unknown) == {"novelty": {"api_key": "[redacted]"}}
    assert event.raw == b""
    kept = read(raw_json=json.dumps(raw), keep_raw=True).raw
    assert b"sk-upstream-key" not in kept
    assert json.loads(kept)["token_breakdown"] == BREAKDOWN


def test_columns_win_over_the_record() -> None:
    event = read(
        raw_json=json.dumps({"headers": {"X-Request-Id": "raw"}, "total_tokens": 5}),
        response_metadata_json=json.dumps({"trace": {"primary_trace_id": "column"}}),
        total_tokens=4,
    )
    assert (event.trace_id, event.tokens.total_tokens) == ("column", 4)


def test_the_record_of_an_old_snapshot_is_its_detail() -> None:
    raw = {"format": "legacy_usage_export", "endpoint": "e", "detail": {"new_member": 1}}
    assert json.loads(read(raw_json=json.dumps(raw)).unknown) == {"new_member": 1}


@pytest.mark.parametrize("text", ["{", "[]", "", "null", b"\xff"])
def test_a_damaged_record_costs_nothing_else(text: Any) -> None:
    event = read(raw_json=text, response_metadata_json=text, request_id="r")
    assert (event.request_id, event.metadata, event.unknown) == ("r", b"", b"")


@pytest.mark.parametrize("value", ["", b"h", 5])
def test_a_row_without_a_hash_is_no_event(value: Any) -> None:
    with pytest.raises(Unusable):
        read(event_hash=value)
