"""One bad item costs none of its neighbours (usage contract, 2.6, 13 B3)."""

from __future__ import annotations

import orjson
import pytest

from cpamp.collect import decoding
from cpamp.collect.decoding import Decoded, decode_items
from cpamp.collect.intake import Item
from cpamp.store.dead_letters import PAYLOAD_BYTES
from cpamp.usage.record import Control
from tests.answers import DATA
from tests.collect.doubles import NOW, payload, record

DEEP = 400


def decoded(*payloads: bytes, is_array: bool = False) -> Decoded:
    return decode_items([Item(text, NOW, is_array) for text in payloads], keep_raw=False)


def array(body: bytes) -> Decoded:
    return decoded(body, is_array=True)


def requests(found: Decoded) -> list[str]:
    return [event.request_id for event in found.events]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"12", "unexpected usage queue item"),
        (b"true", "unexpected usage queue item"),
        (b'["x"]', "unexpected usage queue item"),
        (b'"not JSON"', "not JSON"),
        (b'"[1]"', "not a JSON object"),
    ],
)
def test_a_bad_member_of_a_reply_goes_alone(item: bytes, reason: str) -> None:
    found = array(b"[%s,%s,%s]" % (payload(1), item, payload(2)))
    assert requests(found) == ["req-0001", "req-0002"]
    (letter,) = found.letters
    assert reason in letter.error
    assert letter.created_at_ms == NOW


WHOLE = b"[%s,%s,%s]" % (payload(1), payload(2), payload(3))
THIRD = WHOLE.rindex(b'{"timestamp')


@pytest.mark.parametrize(
    ("length", "records", "letters"),
    [
        (len(WHOLE) - 1, 3, 0),
        (len(WHOLE) - 2, 2, 1),
        (THIRD + 8, 2, 1),
        (THIRD + 1, 2, 1),
        (THIRD, 2, 0),
        (len(payload(1)) + 1, 1, 0),
        (len(payload(1)) + 2, 1, 0),
        (len(payload(1)) + 9, 1, 1),
        (THIRD + 20, 2, 1),
        (THIRD - 1, 2, 0),
        (10, 0, 1),
    ],
)
def test_a_reply_that_broke_off_gives_what_has_come(
    length: int, records: int, letters: int
) -> None:
    found = array(WHOLE[:length])
    assert requests(found) == [f"req-{n:04}" for n in range(1, records + 1)]
    assert len(found.letters) == letters


@pytest.mark.parametrize("item", [b"null", b'""', b'" "', b'{"refresh":false}', b'{"a":true}'])
def test_what_is_skipped(item: bytes) -> None:
    found = array(b"[%s,%s]" % (item, payload(1)))
    assert requests(found) == ["req-0001"]
    assert found.letters == []


def test_a_string_is_the_text_of_a_record() -> None:
    body = orjson.dumps([payload(1).decode(), record(2)])
    assert requests(array(body)) == ["req-0001", "req-0002"]


@pytest.mark.parametrize("body", [b"<html>", b'{"error":"x"}', b"12", b"[1,", b"\xff\xfe"])
def test_a_reply_that_is_no_array_is_one_dead_letter(body: bytes) -> None:
    found = array(body)
    assert found.events == []
    assert len(found.letters) == 1
    assert found.letters[0].payload == body.decode(errors="replace")


@pytest.mark.parametrize("body", [b"[]", b"null", b""])
def test_empty_replies(body: bytes) -> None:
    assert array(body) == Decoded()


def test_control_messages_are_neither_events_nor_dead_letters() -> None:
    found = decoded(b'{"refresh":true}', payload(1), b'{"support_refresh":true}')
    assert found.controls == {Control.REFRESH, Control.SUPPORT_REFRESH}
    assert requests(found) == ["req-0001"]
    assert found.letters == []


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff", b"1"])
def test_a_bad_record(text: bytes) -> None:
    found = decoded(payload(1), text, b"  ", payload(2))
    assert requests(found) == ["req-0001", "req-0002"]
    assert len(found.letters) == 1


def test_a_dead_letter_is_redacted_and_cut() -> None:
    secret = b"sk-proj-ABCDEFGH12345678"
    (letter,) = decoded(b"{ Authorization: Bearer " + secret + b" " + b"x" * 200_000).letters
    assert secret.decode() not in letter.payload
    assert len(letter.payload.encode()) <= PAYLOAD_BYTES


def test_an_odd_record_nested_deep_is_refused_or_stored_and_never_fatal() -> None:
    nest: object = 1
    for _ in range(DEEP):
        nest = [nest]
    deep = b"[" * DEEP + b"1" + b"]" * DEEP
    body = b'[%s,{"timestamp":"2026-11-24T06:00:00Z","x":%s},%s,%s]'
    found = array(body % (payload(1), deep, deep, payload(2)))
    assert [r for r in requests(found) if r] == ["req-0001", "req-0002"]
    assert len(found.events) + len(found.letters) == 4


def lines() -> list[bytes]:
    return (DATA / "cpa" / "records.jsonl").read_bytes().splitlines()


def many() -> list[bytes]:
    """Real records, more than one part of them."""
    bodies = [line for line in lines() if line.startswith(b'{"timestamp":')]
    return bodies * (3 * decoding.PART_BYTES // sum(map(len, bodies)) + 1)


def test_a_reply_read_in_parts_gives_what_the_records_give_one_by_one() -> None:
    body = b"[" + b",".join(many()) + b"]"
    assert len(body) > 2 * decoding.PART_BYTES
    assert array(body) == decoded(*many())


def test_a_reply_that_breaks_off_keeps_the_parts_before() -> None:
    body = b"[" + b",".join(many()) + b"]"
    found = array(body[:-10])
    whole = decoded(*many())
    assert 0 < len(found.events) < len(whole.events)
    assert found.events == whole.events[: len(found.events)]
    assert len(found.letters) == 1


def test_a_seam_that_is_none_is_not_cut_at() -> None:
    # Records inside a record, and the seam's text inside a string.
    inner = {"x" * decoding.PART_BYTES: [record(7), record(8)], "s": '},{"timestamp":'}
    body = orjson.dumps([{"timestamp": "2026-11-24T06:00:00Z", **inner}, record(1)])
    found = array(body)
    assert [r for r in requests(found) if r] == ["req-0001"]
    assert len(found.events) == 2
    assert found.letters == []
