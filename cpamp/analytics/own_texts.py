"""Times whose text is not made of their numbers: such texts are read from the details.

They are rare: what CPA sends is kept in one form, only imported events bring texts as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
import orjson

from cpamp.analytics.facets import IntArray
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import Chunk
from cpamp.store.events import FORM_SHIFT, OWN_TEXT
from cpamp.usage.timestamps import parse, split

OWN = OWN_TEXT << FORM_SHIFT
# Texts that are read at a time, so that reading can stop between them.
PIECE = 1_000
TEXTS = """
SELECT event, timestamp_text FROM details
WHERE event IN (SELECT value FROM json_each(?)) AND timestamp_text IS NOT NULL
"""


class Key(NamedTuple):
    """What is equal where texts are: the time that a text means and its form.

    Of a text that means no time: a number of its own, and the form `OWN`.
    """

    time: int
    form: int


def own_rows(chunk: Chunk) -> IntArray:
    """The places of the rows with a text of their own."""
    return np.flatnonzero(chunk.column("form") >= OWN)


@attrs.frozen
class OwnTexts:
    """The texts of one answer."""

    _conn: sqlite3.Connection
    _numbers: dict[str, int] = attrs.field(factory=dict, init=False)

    def told(self, chunk: Chunk) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """For each row a time and a form, both of which are equal where the texts are."""
        times, forms = chunk.time, chunk.column("form")
        places = own_rows(chunk)
        if not len(places):
            return times, forms
        keys = np.array(self.keys(chunk, places), dtype=np.int64)
        times, forms = times.copy(), forms.copy()
        times[places], forms[places] = keys.T
        return times, forms

    def keys(self, chunk: Chunk, places: IntArray) -> Sequence[Key]:
        """What the texts of some rows are told apart by."""
        found: list[Key] = []
        for start in range(0, len(places), PIECE):
            chunk.view.go_on()
            piece = places[start : start + PIECE]
            ids = chunk.view.snapshot.ids_of(chunk.numbers.take(piece)).tolist()
            texts = dict(self._conn.execute(TEXTS, (orjson.dumps(ids).decode(),)))
            times = chunk.time.take(piece).tolist()
            for number, time in zip(ids, times, strict=True):
                # A text that was let go is made of the time, see `store.reading`.
                found.append(self._key(texts[number]) if number in texts else Key(time, 0))
        return found

    def _key(self, text: str) -> Key:
        instant = parse(text)
        parts = None if instant is None else split(text, instant.ms)
        if instant is None or parts is None:
            return Key(self._numbers.setdefault(text, len(self._numbers)), OWN)
        sub_ns, form = parts
        return Key(instant.ms, sub_ns | form << FORM_SHIFT)


def of_the_same_text(texts: OwnTexts, selection: Selection, rows: IntArray) -> IntArray:
    """Further rows that may have the text of one of these, though another time."""
    found: list[IntArray] = []
    some = selection.view.chunk(np.sort(rows))
    times, forms = texts.told(some)
    wanted = set(zip(times.tolist(), forms.tolist(), strict=True))
    for chunk in selection.chunks():
        places = own_rows(chunk)
        if len(places):
            same = [key in wanted for key in texts.keys(chunk, places)]
            found.append(chunk.numbers.take(places[same]))
    moved = times[times != some.time]
    if len(moved):
        found += [chunk.numbers[np.isin(chunk.time, moved)] for chunk in selection.chunks()]
    return np.setdiff1d(np.concatenate(found), rows) if found else np.zeros(0, dtype=np.int64)
