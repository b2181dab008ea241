"""Which rows have a text in them: the plain search through texts, and through hashes.

The texts of rows lie one behind the other; no text that is looked for runs from one row into the
next, since what stands between rows is in no text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cpamp.analytics.facets import IntArray
from cpamp.analytics.view import BoolArray

# Rows that are searched at a time.
ROWS = 8_192
# Needles of so few bytes stand in many places: of each row it is found whether one is in it.
SHORT = 2
# A hash in bytes, and one more that tells whether the row has one.
HASH = 32
Bytes = npt.NDArray[np.uint8]


def rows_having(
    text: Any,
    ends: IntArray,
    needle: bytes,
    go_on: Callable[[], None],
    known: BoolArray | None = None,
) -> BoolArray:
    """By row: whether its texts have the needle in them; `ends` says where the texts of each end.

    `go_on` is called now and then, and may raise. Rows that are `known` count as having it.
    """
    found = np.zeros(len(ends), dtype=bool) if known is None else known.copy()
    start = 0
    text, anchor = memoryview(text), 0
    for row in range(0, len(ends), ROWS):
        go_on()
        if found[row : row + ROWS].all():
            start = int(ends[row : row + ROWS][-1])
            continue
        of_rows = ends[row : row + ROWS].astype(np.int64) - start
        starts = np.concatenate(([0], of_rows[:-1]))
        block = np.frombuffer(text[start : start + int(of_rows[-1])], dtype=np.uint8)
        if not row:
            anchor = _anchor(block, needle)
        begins = _begins(block, needle[anchor : anchor + SHORT])
        if len(needle) <= SHORT:
            # One more, at which a row without text can begin.
            begins = np.append(begins, False).view(np.uint8)
            having = np.maximum.reduceat(begins, starts).astype(bool) & (of_rows > starts)
            found[row : row + ROWS] |= having
        else:
            places = _places(block, needle, anchor, np.flatnonzero(begins))
            found[row + np.searchsorted(of_rows, places, side="right")] = True
        start += int(of_rows[-1])
    return found


def _anchor(text: Bytes, needle: bytes) -> int:
    """Where in the needle two bytes stand that are rarest in the text, as far as bytes tell."""
    often = np.bincount(text, minlength=256)[np.frombuffer(needle, dtype=np.uint8)]
    return int((often[:-1] * often[1:]).argmin()) if len(needle) > SHORT else 0


def _begins(text: Bytes, pair: bytes) -> BoolArray:
    """Where these two bytes stand, or the one."""
    mask: BoolArray = text == pair[0]
    if len(pair) > 1:
        mask[:-1] &= text[1:] == pair[1]
        mask[-1:] = False
    return mask


def _places(text: Bytes, needle: bytes, anchor: int, places: IntArray) -> IntArray:
    """Where the whole needle stands, if its bytes from `anchor` on stand at these places."""
    places = places - anchor
    places = places[(places >= 0) & (places <= len(text) - len(needle))]
    for i, byte in enumerate(needle):
        if not anchor <= i < anchor + SHORT:
            places = places[text.take(places + i) == byte]
    return places


def hashes_having(
    hashes: Bytes, digits: str, go_on: Callable[[], None], known: BoolArray | None = None
) -> BoolArray:
    """By row: whether the hexadecimal text of its hash has these digits in it.

    A row is a hash and a byte that is 1, or zeros where there is none. Rows that are `known` count
    as having them.
    """
    found = np.zeros(len(hashes), dtype=bool) if known is None else known.copy()
    either = [_covered(digits, odd=odd) for odd in (False, True)]
    for row in range(0, len(hashes), ROWS):
        go_on()
        if found[row : row + ROWS].all():
            continue
        block = hashes[row : row + ROWS]
        having = np.zeros(len(block), dtype=bool)
        if len(digits) == 1:
            digit, values = int(digits, 16), block[:, :HASH]
            having = (values >> 4 == digit) | (values & 15 == digit)
            # Eight bytes at a time.
            having = having.view(np.uint64).any(axis=1)
        else:
            for wanted in either:
                places = _hex_places(block.reshape(-1), wanted)
                having[places // (HASH + 1)] = True
        found[row : row + ROWS] |= having & (block[:, HASH] == 1)
    return found


def _covered(digits: str, *, odd: bool) -> list[tuple[int, int]]:
    """The bytes over which digits lie that begin with a first or second one: (mask, value)."""
    padded = "." * odd + digits
    padded += "." * (len(padded) % 2)
    pairs = [padded[i : i + 2] for i in range(0, len(padded), 2)]
    return [
        (
            int("".join("0" if digit == "." else "f" for digit in pair), 16),
            int(pair.replace(".", "0"), 16),
        )
        for pair in pairs
    ]


def _hex_places(flat: Bytes, wanted: list[tuple[int, int]]) -> IntArray:
    """Where these bytes stand inside a hash."""
    # A whole byte, if there is one, leaves the fewest places.
    key = next((i for i, (mask, _) in enumerate(wanted) if mask == 0xFF), 0)
    mask, value = wanted[key]
    places = np.flatnonzero(flat == value if mask == 0xFF else flat & mask == value) - key
    column = places % (HASH + 1)
    places = places[(column + len(wanted) <= HASH) & (places >= 0)]
    for i, (mask, value) in enumerate(wanted):
        if i != key:
            places = places[flat.take(places + i) & mask == value]
    return places
