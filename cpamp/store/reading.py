"""Reading events back, whole, in pages (usage contract, 5 and 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import orjson

from cpamp.store import metadata
from cpamp.store.dictionaries import CALLER, ENDING, KEY, MODEL, WAY, WHO, BoundedReader, Reader
from cpamp.store.events import FORM_SHIFT, OWN_TEXT, shown_hash
from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who
from cpamp.usage.timestamps import join

FORM_MASK = (1 << FORM_SHIFT) - 1
_COLUMNS = """
SELECT e.id, e.hash, e.timestamp_ms, e.timestamp_form, e.created_at_ms,
    e.who, e.model, e.way, e.key, e.caller, e.ending,
    e.input_tokens, e.output_tokens, e.reasoning_tokens, e.cached_tokens, e.cache_tokens,
    e.cache_read_tokens, e.cache_creation_tokens, e.total_tokens,
    e.latency_ms, e.ttft_ms, e.auth_snapshot_at_ms, e.time_invented,
    d.request_id, d.trace_id, d.metadata, d.dictionary, d.quota_recover_at_ms,
    d.quota_used_percent, d.timestamp_text, d.fail_body, d.unknown, d.raw
FROM events AS e LEFT JOIN details AS d ON d.event = e.id
"""
RANGE = f"{_COLUMNS} WHERE e.id BETWEEN ? AND ? ORDER BY e.id"
SOME = f"{_COLUMNS} WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id"
BILLED_RANGE = """
SELECT event, prompt, cache_read, cache_creation, output FROM billed WHERE event BETWEEN ? AND ?
"""
BILLED_SOME = """
SELECT event, prompt, cache_read, cache_creation, output FROM billed
WHERE event IN (SELECT value FROM json_each(?))
"""
BY_HASH = "SELECT id FROM events WHERE hash = ?"


@attrs.frozen
class Known:
    """The rows of the small dictionaries by number, as one call found them."""

    who: Sequence[Who | None]
    model: Sequence[ModelNames | None]
    way: Sequence[Way | None]
    key: Sequence[tuple[str] | None]


@attrs.define
class Dictionaries:
    """The dictionaries as readers hold them. Endings and callers are read on demand."""

    who: Reader[Who] = attrs.Factory(lambda: Reader(WHO))
    model: Reader[ModelNames] = attrs.Factory(lambda: Reader(MODEL))
    way: Reader[Way] = attrs.Factory(lambda: Reader(WAY))
    key: Reader[tuple[str]] = attrs.Factory(lambda: Reader(KEY))
    ending: BoundedReader[End] = attrs.Factory(lambda: BoundedReader(ENDING))
    caller: BoundedReader[Caller] = attrs.Factory(lambda: BoundedReader(CALLER))

    def refresh(self, conn: sqlite3.Connection) -> Known:
        """All rows; those that were added since the last call are read."""
        return Known(
            self.who.refresh(conn),
            self.model.refresh(conn),
            self.way.refresh(conn),
            self.key.refresh(conn),
        )

    def forget(self) -> None:
        """Read everything anew at the next call: another file has come."""
        # New readers: a thread that is in the middle of a call fills the old ones.
        fresh = Dictionaries()
        self.who, self.model, self.way, self.key = fresh.who, fresh.model, fresh.way, fresh.key
        self.ending, self.caller = fresh.ending, fresh.caller


def read_range(
    conn: sqlite3.Connection, known: Dictionaries, first: int, last: int, *, callers: bool = False
) -> list[tuple[int, Event]]:
    """The events with ids from `first` to `last`, by id."""
    rows = conn.execute(RANGE, (first, last)).fetchall()
    return _events(conn, known, rows, conn.execute(BILLED_RANGE, (first, last)), callers)


def read_some(
    conn: sqlite3.Connection, known: Dictionaries, ids: Sequence[int], *, callers: bool = False
) -> list[tuple[int, Event]]:
    """The events with these ids, in the order of `ids`."""
    if not ids:
        return []
    if max(ids) - min(ids) + 1 == len(ids):
        # A stretch without holes: one walk along the tree.
        events = read_range(conn, known, min(ids), max(ids), callers=callers)
    else:
        wanted = (orjson.dumps(list(ids)).decode(),)
        rows = conn.execute(SOME, wanted).fetchall()
        events = _events(conn, known, rows, conn.execute(BILLED_SOME, wanted), callers)
    found = dict(events)
    return [(number, found[number]) for number in ids if number in found]


def find(conn: sqlite3.Connection, hash_value: bytes | str) -> int | None:
    """The id of the event with a hash; walks all events, for a person's single question."""
    row = conn.execute(BY_HASH, (hash_value,)).fetchone()
    return None if row is None else int(row[0])


def _events(
    conn: sqlite3.Connection,
    dictionaries: Dictionaries,
    rows: list[tuple[Any, ...]],
    billed_rows: Iterable[tuple[int, ...]],
    callers: bool,
) -> list[tuple[int, Event]]:
    # A row is committed with its texts, so that what is read after it has them.
    known = dictionaries.refresh(conn)
    endings = dictionaries.ending.get(conn, (row[10] for row in rows))
    called: Mapping[int, Caller] = {}
    if callers:
        called = dictionaries.caller.get(conn, (row[9] for row in rows))
    billed = {number: Billed(*rest) for number, *rest in billed_rows}
    return list(_made(known, endings, called, rows, billed))


def _made(
    known: Known,
    endings: Mapping[int, End],
    callers: Mapping[int, Caller],
    rows: Iterable[tuple[Any, ...]],
    billed: Mapping[int, Billed],
) -> Iterator[tuple[int, Event]]:
    who, model, way, key = known.who, known.model, known.way, known.key
    nobody = Caller()
    for row in rows:
        # fmt: off
        (
            number, value, at_ms, form, created_ms, w, m, y, k, c, e, *counts,
            latency, ttft, snapshot_ms, invented,
            request_id, trace_id, packed, version, recover_ms, used, text, body, unknown, raw,
        ) = row
        # fmt: on
        if text is None:
            kind = form >> FORM_SHIFT
            text = join(at_ms, form & FORM_MASK, 0 if kind == OWN_TEXT else kind)
        yield (
            number,
            Event(
                shown_hash(value),
                at_ms,
                text,
                who[w],
                model[m],
                way[y],
                key[k][0],
                callers.get(c, nobody),
                endings[e],
                Tokens._make(counts),
                latency,
                ttft,
                created_ms,
                snapshot_ms or 0,
                request_id or "",
                trace_id or "",
                metadata.unpack(packed, version, trace_id or "", recover_ms or 0)
                if packed
                else b"",
                recover_ms or 0,
                used,
                body or "",
                unknown.encode() if unknown else b"",
                raw.encode() if raw else b"",
                bool(invented),
                billed.get(number),
            ),
        )
