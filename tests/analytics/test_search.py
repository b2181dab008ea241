"""A search looks in the texts of an event that it should, and in no others."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.answer import Answerer
from cpamp.analytics.flights import Stopped
from cpamp.analytics.needles import HASH, hashes_having, rows_having
from cpamp.analytics.search import ids_with_trace
from cpamp.pricing.cost import PriceBook
from cpamp.usage.event import Caller, End, Event, ModelNames, Way, Who
from tests.analytics.asking import answered, recounted, stored
from tests.store.samples import NOW, event

NEEDLE = "Needle"
# In each of these alone the needle lies once.
SEARCHED = (
    *("request_id", "event_hash", "api_key_hash", "trace_id"),
    *("model.model", "model.requested_model", "model.resolved_model", "model.analytics_model"),
    *("way.endpoint", "way.method", "way.path", "way.reasoning_effort", "way.service_tier"),
    *("caller.client_ip", "caller.x_forwarded_for", "caller.user_agent"),
    *("who.auth_index", "who.source", "who.source_hash", "who.account_snapshot"),
    *("who.auth_label_snapshot", "who.auth_file_snapshot", "who.auth_provider_snapshot"),
    *("who.auth_project_id_snapshot", "who.executor_type"),
    *("end.fail_summary", "end.header_error_kind", "end.header_error_code", "end.plan_type"),
)
IGNORED = ("who.provider", "who.auth_type", "fail_body", "raw", "metadata")
BARE = event(
    0,
    who=Who(),
    model=ModelNames(),
    way=Way(),
    caller=Caller(),
    end=End(failed=True),
    api_key_hash="",
    request_id="",
    trace_id="",
)


def with_needle(number: int, field: str) -> Event:
    """An event of which this field alone has the needle in it."""
    group, _, member = field.rpartition(".")
    text: Any = f'{{"x":"-{NEEDLE}-"}}' if field in ("raw", "metadata") else f"-{NEEDLE}-"
    value = text.encode() if field in ("raw", "metadata") else text
    digest = hashlib.sha256(field.encode()).hexdigest()
    made = attrs.evolve(BARE, event_hash=digest, timestamp_ms=NOW + number, created_at_ms=number)
    if group:
        return attrs.evolve(made, **{group: getattr(made, group)._replace(**{member: value})})
    return attrs.evolve(made, **{field: value})


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    """Answers about an event for each field, its time in ms telling which."""
    fields = enumerate((*SEARCHED, *IGNORED))
    events = [with_needle(number, field) for number, field in fields]
    with stored(tmp_path_factory.mktemp("search"), [events], PriceBook({})) as found:
        yield found


def question(text: str) -> dict[str, Any]:
    include = {"events_page": {"limit": 1_000}, "summary": True}
    return {"from_ms": 1, "to_ms": 2 * NOW, "search_query": text, "include": include}


def found(answer: dict[str, Any]) -> set[str]:
    """The fields whose events an answer has."""
    names = (*SEARCHED, *IGNORED)
    return {names[row["timestamp_ms"] - NOW] for row in answer["events"]["items"]}


def test_there_are_29_fields() -> None:
    assert len(set(SEARCHED)) == 29


@pytest.mark.parametrize("field", SEARCHED)
def test_a_text_is_found_in_each_field(answerer: Answerer, field: str) -> None:
    for text in ("needle", "NEEDLE", "-needle-"):
        assert field in found(answered(answerer, question(text))), text


def test_other_fields_are_not_searched(answerer: Answerer) -> None:
    answer = answered(answerer, question(NEEDLE))
    assert found(answer) == set(SEARCHED)
    assert answer["summary"]["total_calls"] == 29
    assert found(recounted(answerer, question(NEEDLE))) == set(SEARCHED)


@pytest.mark.parametrize("digits", ["b", "0b", "7f3", "20256", "abcdef01", "f" * 40])
def test_a_part_of_a_hash_is_found(answerer: Answerer, digits: str) -> None:
    hashes = [with_needle(0, field).event_hash for field in (*SEARCHED, *IGNORED)]
    for part in (
        digits,
        hashes[2][20:],
        hashes[3][31:60],
        hashes[4][:5],
        hashes[5][63:],
        hashes[6],
    ):
        for text in (part, part.upper()):
            having = {digest for digest in hashes if part in digest}
            answer = answered(answerer, question(text))
            assert {row["event_hash"] for row in answer["events"]["items"]} >= having
            calls = recounted(answerer, question(text))["summary"]["total_calls"]
            assert answer["summary"]["total_calls"] == calls


def traced(traces: list[str]) -> dict[str, Any]:
    return {**question(""), "filters": {"header_trace_ids": traces}}


def test_many_trace_ids(tmp_path: Path) -> None:
    events = [event(number) for number in range(200)]
    with stored(tmp_path, [events], PriceBook({})) as answerer:
        for count in (1, 5, 50, 5_000):
            wanted = [f"trace-{number}" for number in range(3, 3 + count)]
            names = [*wanted[1:], "TRACE-1", "nothing", "trace"][:5_000]
            rows = answered(answerer, traced(names))["events"]["items"]
            assert {row["header_trace_id"] for row in rows} == {
                one.trace_id for one in events if one.trace_id in names
            }


@pytest.mark.parametrize("count", [1, 5_000])
def test_looking_for_trace_ids_stops(tmp_path: Path, count: int) -> None:
    with stored(tmp_path, [[event(1)]], PriceBook({})) as answerer:
        stop = threading.Event()
        stopping = attrs.evolve(answerer, view=attrs.evolve(answerer.view, stop=stop))
        stop.set()
        traces = tuple(f"trace-{number}" for number in range(count))
        with pytest.raises(Stopped):
            ids_with_trace(stopping.reading.conn, stopping.view, traces)


def go_on() -> None:
    """Nobody stops."""


WORDS = st.text(st.sampled_from("abö"), max_size=6)


@given(st.lists(WORDS, max_size=12), WORDS.filter(bool), st.integers(0, 40))
def test_rows_with_a_text(words: list[str], needle: str, often: int) -> None:
    # Enough of one kind that another way is taken for the rows behind.
    words = [*words, *[needle] * (often * 20), *words]
    texts = [f"{word}\n".encode() if word else b"" for word in words]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    found = rows_having(b"".join(texts), ends, needle.encode(), go_on)
    assert found.tolist() == [needle in word for word in words]


@given(
    st.lists(st.none() | st.binary(min_size=HASH, max_size=HASH), max_size=8),
    st.text("0123456789abcdef", min_size=1, max_size=5),
    st.data(),
)
def test_rows_with_digits_of_a_hash(
    hashes: list[bytes | None], digits: str, data: st.DataObject
) -> None:
    present = [value.hex() for value in hashes if value is not None]
    if present:
        text = data.draw(st.sampled_from(present))
        start = data.draw(st.integers(0, 63))
        digits = data.draw(st.sampled_from([digits, text[start : start + 9], text[start:]]))
    rows = b"".join(b"\0" * (HASH + 1) if value is None else value + b"\1" for value in hashes)
    table = np.frombuffer(bytearray(rows), dtype=np.uint8).reshape(-1, HASH + 1)
    found = hashes_having(table, digits, go_on)
    expected = [value is not None and digits in value.hex() for value in hashes]
    assert found.tolist() == expected
