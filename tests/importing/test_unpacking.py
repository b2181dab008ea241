"""Gzip in pieces."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.importing.unpacking import PIECE_BYTES, Damaged, Unpacker


def unpack(data: bytes, step: int = 1000) -> list[bytes]:
    unpacker = Unpacker(most_bytes=10_000_000)
    found: list[bytes] = []
    for start in range(0, len(data), step):
        found += unpacker.feed(data[start : start + step])
    return [*found, *unpacker.end()]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_members_join(parts: list[bytes], step: int) -> None:
    packed = b"".join(gzip.compress(part) for part in parts)
    assert b"".join(unpack(packed, step)) == b"".join(parts)


def test_zeros_behind_the_end_are_padding() -> None:
    assert b"".join(unpack(gzip.compress(b"abc") + bytes(700))) == b"abc"


def test_no_piece_is_large() -> None:
    pieces = unpack(gzip.compress(bytes(9_000_000)))
    assert sum(map(len, pieces)) == 9_000_000
    assert max(map(len, pieces)) <= PIECE_BYTES


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(b"some text")[:-9], "ends too early"),
        (gzip.compress(b"some text") + b"more", "damaged"),
        (gzip.compress(b"some text")[:-8] + bytes(8), "damaged"),
        (gzip.compress(bytes(10_000_001)), "too large"),
    ],
    ids=["cut", "text behind", "wrong sum", "bomb"],
)
def test_what_can_not_be_unpacked(packed: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        unpack(packed)
