"""What CPA could do since when, by the table of its contract (section 14)."""

from __future__ import annotations

import json

import pytest

from cpamp.simulator.records import as_of
from cpamp.simulator.versions import Version
from tests.answers import DATA

OLDEST = {
    "timestamp",
    "latency_ms",
    "source",
    "auth_index",
    "tokens",
    "failed",
    "provider",
    "model",
    "endpoint",
    "auth_type",
    "api_key",
    "request_id",
}
TOKENS = {
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "total_tokens",
}
SINCE_7_0_6 = {"alias", "fail"}
SINCE_7_1_38 = SINCE_7_0_6 | {
    "response_headers",
    "reasoning_effort",
    "ttft_ms",
    "service_tier",
    "executor_type",
}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("7.2.140", (7, 2, 140)),
        ("v6.10.8", (6, 10, 8)),
        ("7.1.39-beta", (7, 1, 39)),
        ("dev", (7, 2, 140)),
        ("", (7, 2, 140)),
    ],
)
def test_texts(text: str, version: tuple[int, int, int]) -> None:
    assert Version.of(text) == version


def test_order() -> None:
    texts = ["7.2.140", "7.1.17", "6.9.38", "7.0.7", "7.2.0", "6.10.8", "7.1.9"]
    ordered = ["6.9.38", "6.10.8", "7.0.7", "7.1.9", "7.1.17", "7.2.0", "7.2.140"]
    assert sorted(texts, key=Version.of) == ordered


@pytest.mark.parametrize(
    ("version", "members", "tokens"),
    [
        ("6.10.6", set(), set()),
        ("6.10.8", {"alias"}, set()),
        ("7.0.6", SINCE_7_0_6, {"cache_read_tokens", "cache_creation_tokens"}),
        ("7.1.38", SINCE_7_1_38, {"cache_read_tokens", "cache_creation_tokens"}),
    ],
)
def test_the_members_of_a_record(version: str, members: set[str], tokens: set[str]) -> None:
    lines = (DATA / "cpa" / "records.jsonl").read_text().splitlines()
    # One that has every member that a record can have.
    newest = max(map(json.loads, lines), key=len)
    record = as_of(newest, Version.of(version))
    assert set(record) == OLDEST | members
    assert set(record["tokens"]) == TOKENS | tokens
    assert as_of(newest, Version.of("7.2.140")) == newest
