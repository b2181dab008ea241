"""Taking secrets out (usage contract, 3.8 and 3.9, and 13 B6, B16)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.usage.redact import (
    clean_request_text,
    mask_source,
    redact,
    redact_json,
    redact_name,
    secret_looking,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abcdef", "Authorization: [redacted]"),
        ("authorization=xyz, rest", "authorization=[redacted], rest"),
        ('{"authorization":"Basic dXNlcjpwYXNz"}', '{"authorization":"[redacted]"}'),
        ("use bearer abcdefghijkl now", "use Bearer [redacted] now"),
        ("bearer abc", "bearer abc"),
        ("Basic dXNlcjpwYXNz", "Basic [redacted]"),
        ("a Basic subscription", "a Basic subscription"),
        ('"access_token": "ya29.abc", "x": 1', '"access_token": "[redacted]", "x": 1'),
        ("refresh_token=abc&id_token=def", "refresh_token=[redacted]&id_token=[redacted]"),
        ("api key: abc", "api key: [redacted]"),
        ('x-api-key="abc"', 'x-api-key="[redacted]"'),
        ("key sk-proj-ABCDEFGH12345678.", "key [redacted]."),
        ("sk-ant-api03-abcdef", "[redacted]"),
        ("ghp_abcdef123", "[redacted]"),
        ("github_pat_" + "a" * 22, "[redacted]"),
        ("AIzaSyExample-_1", "[redacted]"),
        ('"set-cookie": "a=b; c"', '"set-cookie": "[redacted]"'),
        ('"set-cookie":["a=b; c"]', '"set-cookie":["[redacted]"]'),
        ("Cookie: a=b; c\nnext", "Cookie: [redacted]\nnext"),
        ("for alice@example.com and bob.b@x.co.uk", "for a***@example.com and b***@x.co.uk"),
        ('"set-cookie":["a=b; c","sid=1"], "x": 1', '"set-cookie":["[redacted]"], "x": 1'),
        ('"Authorization": [ "abc def" ]', '"Authorization": ["[redacted]"]'),
        ('{"api_key": ["abc","def"]}', '{"api_key": ["[redacted]"]}'),
        ('"authorization":"Custom a, b"', '"authorization":"[redacted]"'),
        (r'{"a":"{\"cookie\":\"x, y\"}"}', r'{"a":"{\"cookie\":\"[redacted]\"}"}'),
        ('"api_key": "cut off, and its end', '"api_key": "[redacted]"'),
        ("Cookie: a=1, b=2; c", "Cookie: [redacted]"),
        (
            "Set-Cookie: a=1; expires=Thu, 01 Jan 2026 00:00:00 GMT, b=2\nnext",
            "Set-Cookie: [redacted]\nnext",
        ),
        ("cookie: none, so log in", "cookie: [redacted], so log in"),
        ('Authorization: Digest username="u", nonce="n"', "Authorization: [redacted]"),
        ("UPSTREAM_API_KEY=abc", "UPSTREAM_API_KEY=[redacted]"),
        ("  nothing here  ", "nothing here"),
        ("", ""),
    ],
)
def test_redaction(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 5000, "x" * 4096 + "..."),
        ("é" * 3000, "é" * 2048 + "..."),
        ("x" * 4096, "x" * 4096),
        ("€" * 3000, "€" * 1365 + "..."),
    ],
)
def test_a_long_text_is_cut_at_a_character(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert redact(expected) == expected


@given(st.text(max_size=300), st.integers(8, 200))
def test_the_limit_holds(text: str, limit: int) -> None:
    assert len(redact(text, limit).encode(errors="replace")) <= limit + 3
    assert len(clean_request_text(text, limit).encode(errors="replace")) <= limit


def test_a_huge_text_takes_no_time_to_speak_of() -> None:
    # A pattern that looks back at every character would need hours for these.
    for unit in ("a", "a.", "@", "sk-", "cookie:", '"cookie": "', '"api_key":["', "cookie:,", "\\"):
        assert redact(unit * 1_000_000)
    for field in ("api_key", "cookie:", "authorization", '"authorization" ', "bearer", "cookie: ["):
        assert redact(field + " " * 1_000_000 + "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice@example.com", "ali***@example.com"),
        ("a@b", "a***@b"),
        ("sk-abcdefgh", "m:sk-a...efgh"),
        ("sk-abc", "m:****"),
        ("AIzaSy", "m:****"),
        ("a" * 32, "m:aaaa...aaaa"),
        ("a" * 31, "a" * 31),
        ("project name with spaces and more than 32", "project name with spaces and more than 32"),
        ("  ", ""),
    ],
)
def test_masking_a_source(text: str, expected: str) -> None:
    assert mask_source(text) == expected
    assert mask_source(expected) == expected


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask_source(text)
    assert mask_source(once) == once


@pytest.mark.parametrize(("text", "expected"), [("sk-", True), ("sk- x", False), ("x", False)])
def test_what_looks_like_a_secret(text: str, expected: bool) -> None:
    assert secret_looking(text) is expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("curl/8\r\nX-Evil: 1", 1024, "curl/8 X-Evil: 1"),
        ("a\u202eb\u200bc\u00a0d", 64, "a b c d"),
        ("x" * 70, 64, "x" * 61 + "..."),
        ("  ", 64, ""),
    ],
)
def test_request_texts_are_one_printable_line(text: str, limit: int, expected: str) -> None:
    assert clean_request_text(text, limit) == expected


def test_a_payload_is_redacted_by_name_and_by_content() -> None:
    payload: dict[str, Any] = {
        "api_key": "sk-client-1",
        "Set-Cookie": ["a"],
        "my-secret-thing": {"x": 1},
        "source": "alice@example.com",
        "token": 5,
        "fail": {"body": "Bearer abcdefghijkl"},
        "user_agent": "a\nb",
        "model": "gpt-5.5",
        "list": ["sk-abcdefghi", 1, None],
        "X-Auth-Token": ["a"],
        "max_tokens": 7,
        "by_key": {"sk-proj-ABCDEFGH12345678": 5},
    }
    assert redact_json(payload) == {
        "api_key": "[redacted]",
        "Set-Cookie": "[redacted]",
        "my-secret-thing": "[redacted]",
        "source": "ali***@example.com",
        "token": "[redacted]",
        "fail": {"body": "Bearer [redacted]"},
        "user_agent": "a b",
        "model": "gpt-5.5",
        "list": ["[redacted]", 1, None],
        "X-Auth-Token": "[redacted]",
        "max_tokens": 7,
        "by_key": {"[redacted]": 5},
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-5.5(high)", "gpt-5.5(high)"),
        ("task-runner", "task-runner"),
        ("risk-analysis-model-of-ours", "risk-analysis-model-of-ours"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4@20250514"),
        ("hf_mistral", "hf_mistral"),
        ("POST /v1/tokens:count", "POST /v1/tokens:count"),
        ("sk-proj-ABCDEFGH12345678", "[redacted]"),
        ("via sk-proj-ABCDEFGH12345678", "via [redacted]"),
        ("AIzaSyABCDEFGH12345678", "[redacted]"),
        ("POST /v1?api_key=abc", "POST /v1?api_key=[redacted]"),
        ("Bearer abcdefghijklmnop", "Bearer [redacted]"),
        ("model of alice@example.com", "model of a***@example.com"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert redact_name(name) == expected
    assert redact_name(expected) == expected
