"""Events come back as they went in, each once, all of a batch or none."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpamp.columns.columns import Snapshot
from cpamp.columns.layout import NAMES
from cpamp.store.checking import check_columns, quick_check
from cpamp.store.database import open_reader
from cpamp.store.dictionaries import TABLES
from cpamp.store.events import stored_hash
from cpamp.store.reading import Dictionaries, read_range, read_some
from cpamp.usage.event import Caller, Event, Tokens
from cpamp.usage.models import compatible_cached, normalised
from cpamp.usage.timestamps import split
from tests.store.samples import DAY_MS, any_event, event, events, recorded, writing

# A database is made for each example.
SLOW = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def stored(path: Path) -> list[Event]:
    """All events, by id; the ids are contiguous from 1."""
    with closing(open_reader(path)) as conn:
        (last,) = conn.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        found = read_range(conn, Dictionaries(), 1, last, callers=True)
    assert [number for number, _ in found] == list(range(1, last + 1))
    return [one for _, one in found]


def kept(given_events: Sequence[Event]) -> list[Event]:
    """Which of some events are to be stored: a hash once stored is never stored again.

    Two events of one hash are the same if they share their day, or if a time was invented.
    """
    found: list[Event] = []
    for one in given_events:
        same = [e for e in found if e.event_hash == one.event_hash]
        day = int(one.timestamp_ms / DAY_MS)
        if not any(
            e.time_invented or one.time_invented or int(e.timestamp_ms / DAY_MS) == day
            for e in same
        ):
            found.append(one)
    return found


@SLOW
@given(st.lists(st.lists(any_event(), max_size=4), max_size=4))
def test_events_come_back(batches: list[list[Event]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usage.sqlite"
        taken: list[Event] = []
        with writing(path) as writer:
            for batch in batches:
                # Within a batch equal hashes are one event, whatever their days.
                first = {e.event_hash: e for e in reversed(batch)}
                wanted = kept([*taken, *first.values()])[len(taken) :]
                added = writer.add(batch, 1)
                expected = [e for e in batch if any(e is one for one in wanted)]
                assert [e for e, new in zip(batch, added.new, strict=True) if new] == expected
                assert (added.inserted, added.skipped) == (
                    len(expected),
                    len(batch) - len(expected),
                )
                taken += expected
            assert writer.derived.columns is not None
            assert figures(writer.derived.columns.snapshot()) == [in_columns(e) for e in taken]
        assert stored(path) == taken
        with closing(open_reader(path)) as conn:
            assert check_columns(conn, path).differing == ""
            assert quick_check(conn) == []
            assert view(conn) == [as_row(i, e) for i, e in enumerate(taken, 1)]


# -- the columns --------------------------------------------------------------------------------


def figures(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    """What the columns say of each event, but for its references; and its texts."""
    names = [n for n in NAMES if n not in ("form", "text_end", *(table.name for table in TABLES))]
    columns = [snapshot.column(name).tolist() for name in names]
    ends = [0, *snapshot.column("text_end").tolist()]
    texts = [bytes(snapshot.texts()[start:end]) for start, end in pairwise(ends)]
    return list(zip(*columns, texts, strict=True))


def in_columns(one: Event) -> tuple[Any, ...]:
    buckets = normalised(one.tokens, one.model.cache_input_mode)
    return (
        one.timestamp_ms,
        buckets.total_input,
        one.tokens.output_tokens,
        one.tokens.reasoning_tokens,
        compatible_cached(one.tokens),
        one.tokens.cache_read_tokens,
        one.tokens.cache_creation_tokens,
        one.tokens.total_tokens,
        -1 if one.latency_ms is None else one.latency_ms,
        -1 if one.ttft_ms is None else one.ttft_ms,
        1,
        one.end.failed + 2 * (one.billed is not None) + 4 * one.has_headers,
        _searched(one).casefold().encode(),
    )


def _searched(one: Event) -> str:
    own = one.event_hash if isinstance(stored_hash(one.event_hash), str) else ""
    return "".join(f"{text}\n" for text in (one.request_id, one.trace_id)) + (own and f"{own}\n")


# -- the view -----------------------------------------------------------------------------------

# Contract, section 4.1.
VIEW = """
id request_id event_hash timestamp_ms timestamp provider executor_type model endpoint method path
client_ip x_forwarded_for user_agent auth_type auth_index source source_hash api_key_hash
account_snapshot auth_label_snapshot auth_file_snapshot auth_provider_snapshot
auth_project_id_snapshot auth_snapshot_at_ms requested_model resolved_model reasoning_effort
service_tier request_service_tier response_service_tier cache_input_mode input_tokens output_tokens
reasoning_tokens cached_tokens cache_tokens cache_read_tokens cache_creation_tokens total_tokens
normalized_uncached_input_tokens normalized_total_input_tokens normalized_cache_read_tokens
normalized_cache_creation_tokens latency_ms ttft_ms failed fail_status_code fail_summary
response_metadata_json header_quota_recover_at_ms header_quota_used_percent header_quota_plan_type
header_error_kind header_error_code header_trace_id fail_body raw_json created_at_ms
"""


def view(conn: sqlite3.Connection) -> list[dict[str, Any]]:
    rows = conn.execute("SELECT * FROM usage_events ORDER BY id")
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def as_row(number: int, one: Event) -> dict[str, Any]:
    """What the contract's table holds of an event; metadata is not unpacked."""
    buckets = normalised(one.tokens, one.model.cache_input_mode)
    texts = {**one.who._asdict(), **one.way._asdict(), **one.caller._asdict()}
    texts |= {**one.model._asdict(), "request_id": one.request_id, "raw_json": one.raw.decode()}
    texts |= {
        "api_key_hash": one.api_key_hash,
        "fail_summary": one.end.fail_summary,
        "fail_body": one.fail_body or one.end.fail_summary,
        "header_quota_plan_type": one.end.plan_type,
        "header_error_kind": one.end.header_error_kind,
        "header_error_code": one.end.header_error_code,
        "header_trace_id": one.trace_id,
    }
    del texts["analytics_model"]
    return {
        **{name: text or None for name, text in texts.items()},
        **one.tokens._asdict(),
        "id": number,
        "event_hash": one.event_hash,
        "timestamp_ms": one.timestamp_ms,
        "timestamp": one.timestamp,
        "model": one.model.model,
        "auth_snapshot_at_ms": one.auth_snapshot_at_ms or None,
        "normalized_uncached_input_tokens": buckets.uncached_input,
        "normalized_total_input_tokens": buckets.total_input,
        "normalized_cache_read_tokens": buckets.cache_read,
        "normalized_cache_creation_tokens": buckets.cache_creation,
        "latency_ms": one.latency_ms,
        "ttft_ms": one.ttft_ms,
        "failed": int(one.end.failed),
        "fail_status_code": one.end.fail_status_code or None,
        "response_metadata_json": None,
        "header_quota_recover_at_ms": one.quota_recover_at_ms or None,
        "header_quota_used_percent": one.quota_used_percent,
        "created_at_ms": one.created_at_ms,
    }


def test_the_view_has_the_columns_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add([event(1)], 1)
    with closing(open_reader(path)) as conn:
        (row,) = view(conn)
    assert sorted(row) == sorted(VIEW.split())


# -- duplicates ---------------------------------------------------------------------------------


def at(number: int, day: int, *, invented: bool = False) -> Event:
    """The event of a number, on another day."""
    at_ms = event(number).timestamp_ms + day * DAY_MS
    return event(number, timestamp_ms=at_ms, time_invented=invented)


# What is stored already, what comes, whether it is new.
DUPLICATES = [
    ([], event(1), True),
    ([event(1)], event(1), False),
    ([event(2)], event(1), True),
    ([at(1, 0)], attrs.evolve(event(1), request_id="another"), False),
    ([at(1, 0)], at(1, 0, invented=True), False),
    ([at(1, 0)], at(1, 5, invented=True), False),
    ([at(1, 0), at(2, 1), at(3, -9)], at(3, 5, invented=True), False),
    ([at(1, 0, invented=True)], at(1, 5), False),
    ([at(1, 0, invented=True)], at(1, 5, invented=True), False),
    ([at(1, 0, invented=True)], at(2, 5), True),
    ([event(1, event_hash="not-hexadecimal")], event(2, event_hash="not-hexadecimal"), False),
    ([event(1, event_hash="a" * 64)], event(1, event_hash="A" * 64), True),
    # The index holds the end of a hash alone.
    ([event(1, event_hash="a" * 40 + "0" * 24)], event(1, event_hash="b" * 40 + "0" * 24), True),
]


@pytest.mark.parametrize(("before", "comes", "new"), DUPLICATES)
@pytest.mark.parametrize("restarted", [False, True])
def test_duplicates(
    tmp_path: Path, before: list[Event], comes: Event, new: bool, restarted: bool
) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        assert writer.add(before, 1).inserted == len(before)
        if not restarted:
            assert writer.add([comes], 1).new == [new]
    if restarted:
        with writing(path) as writer:
            assert writer.add([comes], 1).new == [new]
    assert len(stored(path)) == len(before) + new


def test_duplicates_within_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    first, again = event(1), event(1, request_id="again")
    with writing(path) as writer:
        assert writer.add([first, again, event(2), first], 1).new == [True, False, True, False]
    assert stored(path) == [first, event(2)]


def test_a_duplicate_adds_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add([event(1)], 1)
        writer.add([event(1, caller=Caller(client_ip="192.0.2.1"), api_key_hash="secret")], 1)
    with closing(open_reader(path)) as conn:
        assert conn.execute("SELECT count(*) FROM caller").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM key").fetchone() == (1,)


# -- all or nothing -----------------------------------------------------------------------------


class Unfit(Exception):
    """The statement of one event fails."""


def test_a_batch_fails_whole(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    too_large = event(51, tokens=Tokens(input_tokens=2**63), caller=Caller("192.0.2.9"))
    with writing(path) as writer:
        writer.add(events(0, 50), 1)
        with pytest.raises(OverflowError):
            writer.add([event(50, who=event(3).who._replace(source="x")), too_large], 1)
        assert len(stored(path)) == 50
        # Numbers that were given out in vain are given out again.
        writer.add([event(52, caller=Caller("192.0.2.10"))], 1)
    assert stored(path) == [*events(0, 50), event(52, caller=Caller("192.0.2.10"))]
    with closing(open_reader(path)) as conn:
        assert quick_check(conn) == []
        assert check_columns(conn, path).differing == ""


def test_work_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"

    def work(conn: sqlite3.Connection) -> None:
        conn.execute("INSERT INTO settings VALUES ('a', '1', 0)")
        raise Unfit

    with writing(path) as writer:
        with pytest.raises(Unfit):
            writer.transaction(work)
        # A wrong statement is no trouble with the file.
        with pytest.raises(sqlite3.IntegrityError):
            writer.transaction(lambda c: c.execute("INSERT INTO settings VALUES ('a', NULL, 0)"))
        found = writer.transaction(lambda c: c.execute("SELECT count(*) FROM settings").fetchone())
    assert found == (0,)


# -- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids", [[], [3], [1, 2, 3], [3, 2, 1], [40, 7, 22], [1, 999], [5, 5], [50, 1]]
)
def test_events_by_id_in_any_order(tmp_path: Path, ids: list[int]) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add(events(1, 51), 1)
    with closing(open_reader(path)) as conn:
        found = read_some(conn, Dictionaries(), ids, callers=True)
    assert found == [(number, event(number)) for number in ids if number <= 50]


def test_callers_are_read_only_where_wanted(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add([event(1)], 1)
    with closing(open_reader(path)) as conn:
        known = Dictionaries()
        ((_, without),) = read_some(conn, known, [1])
        ((_, with_caller),) = read_some(conn, known, [1], callers=True)
    assert (without.caller, with_caller.caller) == (Caller(), event(1).caller)


def test_many_endings_and_callers(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    many = [
        event(
            n,
            end=event(n).end._replace(fail_summary=f"failure {n}"),
            caller=Caller(user_agent=f"agent {n}"),
        )
        for n in range(12_000)
    ]
    with writing(path) as writer:
        for start in range(0, len(many), 500):
            writer.add(many[start : start + 500], 1)
        # The writer has forgotten the first ones, and finds them again.
        again = [attrs.evolve(e, event_hash=f"again-{e.event_hash}") for e in many[:100]]
        writer.add(again, 1)
    known = Dictionaries()
    with closing(open_reader(path)) as conn:
        for start in range(0, 12_000, 500):
            page = read_range(conn, known, start + 1, start + 500, callers=True)
            assert [e for _, e in page] == many[start : start + 500]
        assert conn.execute("SELECT count(*) FROM caller").fetchone() == (12_000,)
        assert [e for _, e in read_range(conn, known, 12_001, 12_100, callers=True)] == again


def test_recorded_events(tmp_path: Path) -> None:
    """Real ones; nearly none needs its time's text."""
    path = tmp_path / "usage.sqlite"
    some = recorded()
    with writing(path) as writer:
        assert writer.add(some, 1).inserted == len(some)
    assert [attrs.evolve(e, sub_ns=-1) for e in some] == stored(path)
    assert all(split(e.timestamp, e.timestamp_ms) for e in some)
