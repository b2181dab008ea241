"""Events of all shapes, and a store without threads, for the tests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson
from hypothesis import strategies as st

from cpamp.store.database import open_database
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.writing import WriterConnection
from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who
from cpamp.usage.models import INCLUDED, SEPARATE
from cpamp.usage.record import decode
from cpamp.usage.timestamps import join

RECORDS = Path(__file__).parent.parent / "data/cpa/records.jsonl"
DAY_MS = 86_400_000
NOW = 1_795_500_000_000


def recorded() -> list[Event]:
    """The events of all recorded records, with their payloads."""
    found = [
        decode(line, now_ms=1_790_000_000_000, keep_raw=True)
        for line in RECORDS.read_bytes().splitlines()
    ]
    return [event for event in found if isinstance(event, Event)]


def event(number: int, **members: Any) -> Event:
    """A small event; equal numbers give equal events, one per second."""
    at_ms = NOW + number * 1000
    made = Event(
        event_hash=hashlib.sha256(b"%d" % number).hexdigest(),
        timestamp_ms=at_ms,
        timestamp=join(at_ms),
        who=Who(auth_index=f"auth-{number % 7}"),
        model=ModelNames(model=f"gpt-{number % 3}"),
        way=Way(endpoint="POST /v1/responses"),
        api_key_hash=f"key-{number % 2}",
        caller=Caller(client_ip=f"10.0.0.{number % 11}"),
        end=End(failed=number % 5 == 0),
        tokens=Tokens(input_tokens=number, output_tokens=2, total_tokens=number + 2),
        latency_ms=number % 900,
        ttft_ms=None,
        created_at_ms=at_ms + 5,
        request_id=f"req-{number}",
        trace_id=f"trace-{number}",
    )
    return attrs.evolve(made, **members)


def events(first: int, last: int) -> list[Event]:
    """Small events with these numbers, the last excluded."""
    return [event(number) for number in range(first, last)]


@contextmanager
def writing(path: Path) -> Iterator[WriterConnection]:
    """The writer of a database, which is made if there is none; its columns are level."""
    open_database(path).close()
    writer = WriterConnection(path, Derived.beside(path, Dictionaries()), lambda: None)
    writer.open()
    try:
        writer.finish_columns()
        yield writer
    finally:
        writer.close()


# -- for properties -----------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
FEW_TEXTS = st.sampled_from(["", "a", "A", "ab", "b|", "ünï", "x\ny"])
COUNTS = st.one_of(st.integers(0, 5000), st.integers(0, 2**60))
# Not all of int64: sums of several counts are stored too.
TIMES = st.integers(-62_135_596_800_000, 253_402_300_799_999)
HASHES = st.one_of(
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.sampled_from(["f" * 64, "F" * 64, "analytics-benchmark-000001", "", "é"]),
)
JSONS = st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda v: orjson.dumps(v) if v else b"")


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """Any event that could be stored."""
    at_ms = draw(TIMES)
    text = join(at_ms, draw(st.integers(0, 999_999)), draw(st.sampled_from([0, 3, 6, 9])))
    optional = st.none() | st.integers(0, 2**40)
    trace_id = draw(TEXTS)
    recover_ms = draw(st.integers(0, 2**42))
    metadata = draw(JSONS)
    if draw(st.booleans()):
        metadata = orjson.dumps({"quota": {"recover_at_ms": recover_ms}, "trace": trace_id})
    return Event(
        event_hash=draw(HASHES),
        timestamp_ms=at_ms,
        timestamp=draw(st.sampled_from([text, text.lower(), "yesterday"])),
        who=Who(*(draw(FEW_TEXTS) for _ in Who._fields)),
        model=ModelNames(*(draw(FEW_TEXTS) for _ in range(4)), draw(st.sampled_from(MODES))),
        way=Way(*(draw(FEW_TEXTS) for _ in Way._fields)),
        api_key_hash=draw(FEW_TEXTS),
        caller=Caller(*(draw(FEW_TEXTS) for _ in Caller._fields)),
        end=End(draw(st.booleans()), draw(st.sampled_from([0, 200, 429])), draw(FEW_TEXTS)),
        tokens=Tokens(*(draw(COUNTS) for _ in Tokens._fields)),
        latency_ms=draw(optional),
        ttft_ms=draw(optional),
        created_at_ms=draw(st.integers(0, 2**42)),
        auth_snapshot_at_ms=draw(st.integers(0, 2**42)),
        request_id=draw(TEXTS),
        trace_id=trace_id,
        metadata=metadata,
        quota_recover_at_ms=recover_ms,
        quota_used_percent=draw(st.none() | st.floats(0, 100)),
        fail_body=draw(TEXTS),
        unknown=draw(JSONS),
        raw=draw(JSONS),
        time_invented=draw(st.booleans()),
        billed=draw(st.none() | st.builds(Billed, COUNTS, COUNTS, COUNTS, COUNTS)),
    )


MODES = (INCLUDED, SEPARATE)
