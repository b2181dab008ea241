"""Metadata is packed small, and comes back byte for byte."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.simulator.records import CODEX, Generator
from cpamp.store import metadata, training
from cpamp.usage.event import Event
from cpamp.usage.record import decode
from tests.store.samples import recorded

# JSON has no control characters of its own; the packed forms of two values are such.
JSON = st.recursive(
    st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "req"]), inner),
).map(orjson.dumps)
VALUES = st.sampled_from(["", "req", "1", "12", "a", '"', "\\", "\x01", "\x02", "é", "req_0"])


@given(JSON, VALUES, st.sampled_from([0, 1, 12, 21, 1_795_500_000_000]))
def test_round_trip(text: bytes, trace_id: str, recover_at_ms: int) -> None:
    packed = metadata.pack(text, trace_id, recover_at_ms)
    assert metadata.unpack(packed, metadata.VERSION, trace_id, recover_at_ms) == text


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 100_000])
def test_any_length(size: int) -> None:
    text = orjson.dumps({"a": "x" * size, "b": "req_1", "c": "y" * size})
    packed = metadata.pack(text, "req_1", 5)
    assert metadata.unpack(packed, metadata.VERSION, "req_1", 5) == text


def test_the_shipped_dictionary_is_the_built_one() -> None:
    assert metadata.dictionary(metadata.VERSION) == training.build()
    # More would be out of reach behind the metadata itself.
    assert len(training.build()) < 3600


def packed_sizes(events: list[Event]) -> list[int]:
    return [
        len(metadata.pack(e.metadata, e.trace_id, e.quota_recover_at_ms))
        for e in events
        if e.metadata
    ]


def test_size_of_recorded_metadata() -> None:
    codex = packed_sizes([e for e in recorded() if e.who.provider == "codex"])
    assert sum(codex) / len(codex) < 80
    others = packed_sizes([e for e in recorded() if e.who.provider != "codex"])
    assert sum(others) / len(others) < 70


def test_size_of_metadata_that_differs_in_every_number() -> None:
    made = Generator(1, families=CODEX)
    found = [decode(made.payload(1_795_500_000_000 + i * 977), now_ms=0) for i in range(300)]
    sizes = packed_sizes([e for e in found if isinstance(e, Event)])
    assert sum(sizes) / len(sizes) < 85
