"""Files of all forms: what is read, what is counted, what is refused (usage, 7.1 to 7.3, 13)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.importing.forms import JSONL, NO_DETAILS, TWO_VALUES
from cpamp.importing.reading import EMPTY
from cpamp.importing.shape import DIRECT, WRAPPED
from cpamp.importing.splitting import LINE_BYTES
from cpamp.usage.parts import sha256_hex
from tests.importing.files import DETAIL, RECORD, lines, payload, read, wrapped

ONE, TWO, THREE = ({**RECORD, "request_id": name} for name in ("one", "two", "three"))
EXPORTED = {"event_hash": "given", "timestamp_ms": 1_767_323_045_000, "model": "m"}
BOM = b"\xef\xbb\xbf"
CUT_ARRAY = "usage import payload ends in the middle of its JSON array"
CUT_OBJECT = "usage import payload ends in the middle of a JSON object"
BEHIND_ARRAY = "usage import payload has text behind its JSON array"
WARNINGS = [
    "legacy_usage_metadata_is_partial",
    "legacy_usage_source_matching_may_be_approximate",
]


def indented(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


# Name -> (file, events, failed, unsupported, format).
READ: dict[str, tuple[bytes, int, int, int, str]] = {
    "lines": (lines(ONE, TWO), 2, 0, 0, JSONL),
    "no last newline": (lines(ONE, TWO)[:-1], 2, 0, 0, JSONL),
    "crlf and blank lines": (lines(ONE, TWO).replace(b"\n", b"\r\n\r\n \t\n"), 2, 0, 0, JSONL),
    "byte order mark": (BOM + lines(ONE, TWO), 2, 0, 0, JSONL),
    "byte order mark and array": (BOM + indented([ONE]), 1, 0, 0, JSONL),
    "blanks first": (b" \r\n\t" + lines(ONE), 1, 0, 0, JSONL),
    "not an object": (lines(ONE, 7, "x", None, [ONE], TWO), 2, 4, 0, JSONL),
    "bad lines alone": (b"nonsense\nmore\n", 0, 2, 0, JSONL),
    "bad first line": (b"{nonsense}\n" + lines(ONE), 1, 1, 0, JSONL),
    "first line cut off": (b'{"model":"a"\n' + lines(ONE), 1, 1, 0, JSONL),
    "first line cut at a comma": (b'{"model":"a",\n' + lines(ONE), 1, 1, 0, JSONL),
    "first line a bracket": (b"{\n" + lines(ONE), 1, 1, 0, JSONL),
    "first line cut in a text": (b'{"model":"a\n' + lines(ONE), 1, 1, 0, JSONL),
    "only line cut off": (b'{"model":"a"', 0, 1, 0, JSONL),
    "last line cut off": (lines(ONE) + b'{"model":', 1, 1, 0, JSONL),
    "text behind a line": (b'{"model":"a"} x\n' + lines(ONE), 2, 1, 0, JSONL),
    "array": (json.dumps([ONE, 3, TWO, None, "x", [], THREE]).encode(), 3, 4, 0, JSONL),
    "indented array": (indented([ONE, TWO]) + b"\n", 2, 0, 0, JSONL),
    "empty array": (b"[ ]", 0, 0, 0, JSONL),
    "array of a bad element": (b"[{bad},{}," + lines(ONE).strip() + b"]", 1, 2, 0, JSONL),
    "one object": (indented(ONE), 1, 0, 0, JSONL),
    "object over lines, then lines": (indented(ONE) + b"\n" + lines(TWO, THREE), 3, 0, 0, JSONL),
    "commas first": (b'{"model":"a"\n,"timestamp":3}\n' + lines(ONE), 2, 0, 0, JSONL),
    "objects on one line": (lines(ONE)[:-1] + lines(TWO), 2, 0, 0, JSONL),
    "nothing known of it": (lines({}, {"x": 1}, ONE, {"model": "", "time": None}), 1, 3, 0, JSONL),
    "no hash": (lines({**EXPORTED, "event_hash": ""}), 1, 0, 0, JSONL),
    "hash alone": (lines({"event_hash": "x"}, {"eventHash": "y"}), 2, 0, 0, JSONL),
    "exported before all else": (lines({**payload([DETAIL]), **EXPORTED}), 1, 0, 0, JSONL),
    "usage of a record, first": (
        lines({"model": "m", "usage": {"input_tokens": 3}}),
        1,
        0,
        0,
        JSONL,
    ),
    "usage of a record, later": (lines(ONE, {"time": 9, "usage": {"total": 3}}), 2, 0, 0, JSONL),
    "summary, later": (lines(ONE, {"usage": {"total_requests": 3}}), 1, 0, 1, JSONL),
    "packed": (gzip.compress(lines(ONE, TWO)), 2, 0, 0, JSONL),
    "packed twice": (gzip.compress(lines(ONE)) + gzip.compress(lines(TWO)), 2, 0, 0, JSONL),
    "packed with a mark": (gzip.compress(BOM + lines(ONE)), 1, 0, 0, JSONL),
    "wrapped snapshot": (indented(wrapped([DETAIL])), 1, 0, 0, WRAPPED),
    "snapshot on a line": (lines(wrapped([DETAIL])) + b" \n", 1, 0, 0, WRAPPED),
    "direct snapshot": (indented(payload([DETAIL])), 1, 0, 0, DIRECT),
    "packed snapshot": (gzip.compress(lines(payload([DETAIL]))), 1, 0, 0, DIRECT),
    "usage decides": (lines({**payload([DETAIL] * 3), **wrapped([DETAIL])}), 1, 0, 0, WRAPPED),
    "bad details": (
        lines(payload([DETAIL, 3, None, {}, {**DETAIL, "timestamp": ""}, {"timestamp": "x"}])),
        *(1, 5, 0, DIRECT),
    ),
    "numeric time": (lines(payload([{"timestamp": 1_767_323_045}])), 1, 0, 0, DIRECT),
    "parts of no use": (
        lines(
            {
                "apis": {
                    "a": 1,
                    "b": {},
                    "c": {"models": []},
                    "d": {"models": {"m": 2, "n": {}, "o": {"details": []}, "p": {"details": 1}}},
                    "e": {"models": {"m": {"details": [DETAIL]}}},
                }
            }
        ),
        *(1, 4, 3, DIRECT),
    ),
}

# Name -> (file, message, unsupported).
REFUSED: dict[str, tuple[bytes, str, int]] = {
    "nothing": (b"", EMPTY, 0),
    "blanks": (b" \n\t\r\n", EMPTY, 0),
    "a mark alone": (BOM, EMPTY, 0),
    "packed nothing": (gzip.compress(b""), EMPTY, 0),
    "open array": (b"[" + lines(ONE), CUT_ARRAY, 0),
    "array cut in an element": (indented([ONE, TWO])[:-30], CUT_ARRAY, 0),
    "text behind the array": (indented([ONE]) + b"\n{}", BEHIND_ARRAY, 0),
    "array closed as an object": (b"[{}}", BEHIND_ARRAY, 0),
    "object cut off": (indented(ONE)[:-3], CUT_OBJECT, 0),
    "snapshot cut off": (lines(wrapped([DETAIL]))[:-9], CUT_OBJECT, 0),
    "summary": (lines({"usage": {"total_requests": 3}}), NO_DETAILS, 1),
    "usage without requests": (lines({"usage": {"apis": {}}}), NO_DETAILS, 1),
    "totals": (lines({"total_requests": 3, "success_count": 3}), NO_DETAILS, 1),
    "empty snapshot": (lines({"total_requests": 0, "apis": {}}), NO_DETAILS, 0),
    "snapshot without details": (lines(payload([])), NO_DETAILS, 1),
    "text behind a snapshot": (lines(payload([DETAIL]), ONE), TWO_VALUES, 0),
    "packed and cut": (gzip.compress(lines(ONE))[:-4], "the gzip stream ends too early", 0),
}
DUPLICATES = {
    "usage": b'{"usage":{"apis":{"e":{}}},"usage":{}}',
    "apis": b'{"usage":{"apis":{"e":{}},"apis":{}}}',
    "e": b'{"apis":{"e":{},"x":{},"e":{}}}',
    "models": b'{"apis":{"e":{"models":{},"models":{}}}}',
    "m": b'{"apis":{"e":{"models":{"m":{},"m":{}}}}}',
    "details": b'{"apis":{"e":{"models":{"m":{"details":[],"details":[]}}}}}',
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str) -> None:
    data, events, failed, unsupported, form = READ[name]
    result = read(data)
    assert result.error is None
    assert (len(result.events), result.failed, result.unsupported) == (events, failed, unsupported)
    assert result.format == form
    assert result.warnings == (None if form == JSONL else WARNINGS)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    data, message, unsupported = REFUSED[name]
    result = read(data)
    assert (result.error, result.unsupported) == (message, unsupported)


@pytest.mark.parametrize("name", DUPLICATES)
def test_a_repeated_structural_member_is_refused(name: str) -> None:
    message = f'usage import legacy object contains duplicate structural key "{name}"'
    assert read(DUPLICATES[name]).error == message


FILES = [
    *(case[0] for case in READ.values()),
    *(case[0] for case in REFUSED.values()),
    *DUPLICATES.values(),
]


@given(st.sampled_from(FILES), st.lists(st.integers(0, 3000), max_size=12))
def test_any_cut_gives_the_same(data: bytes, cuts: list[int]) -> None:
    assert read(data, [cut % (len(data) + 1) for cut in cuts]) == read(data)


@pytest.mark.parametrize("name", [*READ, *REFUSED])
def test_byte_by_byte_gives_the_same(name: str) -> None:
    data = (READ.get(name) or REFUSED[name])[0]
    assert read(data, range(1, len(data))) == read(data)


TOO_LONG = b'{"model":"' + b"x" * LINE_BYTES + b'"}'


@pytest.mark.parametrize(
    ("data", "events", "failed"),
    [
        (TOO_LONG + b"\n" + lines(ONE), 1, 1),
        (lines(ONE) + TOO_LONG, 1, 1),
        (b"[" + TOO_LONG + b"," + lines(ONE) + b"]", 1, 1),
        (b'{\n"a":1,\n' + TOO_LONG[1:] + b"\n" + lines(ONE), 1, 1),
        (TOO_LONG[:-1] + b"\n" + lines(ONE), 1, 1),
    ],
    ids=["first line", "later line", "element", "object over lines", "cut first line"],
)
def test_a_record_that_is_too_long_counts_as_failed(data: bytes, events: int, failed: int) -> None:
    for cuts in (range(0), range(0, len(data), 1_000_003)):
        result = read(data, cuts)
        assert (len(result.events), result.failed, result.error) == (events, failed, None)


def test_a_large_snapshot_is_read_from_a_file_of_its_own(tmp_path: Path) -> None:
    details = [{**DETAIL, "latency_ms": number, "note": "x" * 400} for number in range(4_000)]
    data = lines(payload(details))
    result = read(data, range(0, len(data), 65_536), tmp_path)
    assert [event.latency_ms for event in result.events] == list(range(4_000))
    # It never had a name.
    assert list(tmp_path.iterdir()) == []


def test_requests_come_in_the_order_of_their_keys() -> None:
    value = {
        "apis": {
            endpoint: {"models": {m: {"details": [DETAIL]} for m in ("z", "ä", "a")}}
            for endpoint in ("POST /b", "POST /a")
        }
    }
    found = [(e.way.endpoint, e.model.model) for e in read(lines(value)).events]
    assert found == [(e, m) for e in ("POST /a", "POST /b") for m in ("a", "z", "ä")]


def test_a_request_of_a_snapshot() -> None:
    (event,) = read(lines(wrapped([DETAIL], "POST /v1/chat/completions"))).events
    assert event.timestamp == "2026-01-02T03:04:05Z"
    assert (event.who.source, event.who.auth_index) == ("ali***@example.com", "auth-1")
    assert event.who.source_hash == sha256_hex("alice@example.com")
    assert event.way[:3] == (
        "POST /v1/chat/completions",
        "POST",
        "/v1/chat/completions",
    )
    assert event.model[:4] == ("gpt-4o", "", "", "gpt-4o")
    assert (event.tokens.total_tokens, event.latency_ms) == (33, 123)
    assert event.request_id.startswith("legacy:")
    assert len(event.request_id) == len("legacy:") + 16


def test_names_inside_a_request_of_a_snapshot() -> None:
    detail = {**DETAIL, "alias": "mine(high)", "model": "no", "resolvedModel": "real", "id": "r-1"}
    (event,) = read(lines(payload([detail]))).events
    assert event.model[:4] == ("mine(high)", "mine(high)", "real", "mine")
    assert event.request_id == "r-1"


@pytest.mark.parametrize(
    ("key", "endpoint", "is_secret"),
    [
        ("sk-abcdef", "-", True),
        ("0123456789abcdef0123456789abcdef", "-", True),
        ("POST /v1/messages", "POST /v1/messages", False),
        ("my client", "my client", False),
        ("get /v1", "get /v1", False),
    ],
)
def test_a_client_key_as_a_name_is_never_kept(key: str, endpoint: str, is_secret: bool) -> None:
    (event,) = read(lines(payload([DETAIL], key))).events
    assert event.way.endpoint == endpoint
    assert event.api_key_hash == (sha256_hex(key) if is_secret else "")
    assert not is_secret or key not in repr(event)


def test_a_larger_snapshot_adds_what_is_new() -> None:
    details = [{**DETAIL, "latency_ms": number % 3} for number in range(9)]
    new = {**DETAIL, "latency_ms": 77}
    small = {"apis": {"POST /b": payload(details, "POST /b")["apis"]["POST /b"]}}
    larger = {
        "apis": {
            # Another endpoint and model before it, another request among its own.
            "POST /a": payload([DETAIL], "POST /a")["apis"]["POST /a"],
            "POST /b": payload([*details[:2], new, *details[2:], details[0]], "POST /b")["apis"][
                "POST /b"
            ],
        }
    }
    before, after = read(lines(small)).hashes, read(lines(larger)).hashes
    assert len(set(before)) == len(before) == 9
    assert len(set(after)) == len(after) == 12
    assert set(before) < set(after)


@given(st.permutations(range(8)))
def test_the_order_of_requests_does_not_matter(order: list[int]) -> None:
    details = [{**DETAIL, "latency_ms": number // 2} for number in range(8)]
    shuffled = [details[number] for number in order]
    assert set(read(lines(payload(details))).hashes) == set(read(lines(payload(shuffled))).hashes)


def test_two_client_keys_with_the_same_request_are_two_requests() -> None:
    value = {
        "apis": {**payload([DETAIL], "sk-aaaaaa")["apis"], **payload([DETAIL], "sk-bbbbbb")["apis"]}
    }
    assert len(set(read(lines(value)).hashes)) == 2
