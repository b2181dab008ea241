"""Reading events back, whole, in pages (usage contract, 5 and 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
import orjson

from cpamp.store import metadata
from cpamp.store.dictionaries import CALLER, ENDING, KEY, MODEL, WAY, WHO, Reader
from cpamp.store.events import FORM_SHIFT, OWN_TEXT, shown_hash
from cpamp.usage.event import Billed, Caller, Event, Tokens
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
BILLED = "SELECT event, prompt, cache_read, cache_creation, output FROM billed"
BILLED_RANGE = f"{BILLED} WHERE event BETWEEN ? AND ?"
BY_HASH = "SELECT id FROM events WHERE hash = ?"


@attrs.define
class Dictionaries:
    """The dictionaries as readers hold them: number -> row. Callers are read on demand."""

    who: Reader[Any] = attrs.Factory(lambda: Reader(WHO))
    model: Reader[Any] = attrs.Factory(lambda: Reader(MODEL))
    way: Reader[Any] = attrs.Factory(lambda: Reader(WAY))
    key: Reader[Any] = attrs.Factory(lambda: Reader(KEY))
    ending: Reader[Any] = attrs.Factory(lambda: Reader(ENDING))
    caller: Reader[Any] = attrs.Factory(lambda: Reader(CALLER))

    def refresh(self, conn: sqlite3.Connection, *, callers: bool = False) -> None:
        """Take in the rows that were added since the last call."""
        for reader in (self.who, self.model, self.way, self.key, self.ending):
            reader.refresh(conn)
        if callers:
            self.caller.refresh(conn)

    def forget(self) -> None:
        """Read everything anew at the next refresh; rows were overwritten."""
        for reader in (self.who, self.model, self.way, self.key, self.ending, self.caller):
            reader.rows = [None]


def read_range(
    conn: sqlite3.Connection, known: Dictionaries, first: int, last: int, *, callers: bool = False
) -> list[tuple[int, Event]]:
    """The events with ids from `first` to `last`, by id."""
    return _events(conn, known, conn.execute(RANGE, (first, last)), first, last, callers)


def read_some(
    conn: sqlite3.Connection, known: Dictionaries, ids: Sequence[int], *, callers: bool = False
) -> list[tuple[int, Event]]:
    """The events with these ids, in the order of `ids`."""
    if not ids:
        return []
    low, high = min(ids), max(ids)
    rows = conn.execute(SOME, (orjson.dumps(list(ids)).decode(),))
    if high - low + 1 == len(ids):
        # A stretch without holes: one walk along the tree.
        rows = conn.execute(RANGE, (low, high))
    found = dict(_events(conn, known, rows, low, high, callers))
    return [(number, found[number]) for number in ids if number in found]


def find(conn: sqlite3.Connection, hash_value: bytes | str) -> int | None:
    """The id of the event with a hash; walks all events, for a person's single question."""
    row = conn.execute(BY_HASH, (hash_value,)).fetchone()
    return None if row is None else int(row[0])


def _events(
    conn: sqlite3.Connection,
    known: Dictionaries,
    rows: Iterable[tuple[Any, ...]],
    low: int,
    high: int,
    callers: bool,
) -> list[tuple[int, Event]]:
    known.refresh(conn, callers=callers)
    billed = {n: Billed(*rest) for n, *rest in conn.execute(BILLED_RANGE, (low, high))}
    return list(_made(known, rows, billed, callers))


def _made(
    known: Dictionaries,
    rows: Iterable[tuple[Any, ...]],
    billed: dict[int, Billed],
    callers: bool,
) -> Iterator[tuple[int, Event]]:
    who, model, way = known.who.rows, known.model.rows, known.way.rows
    key, ending, caller = known.key.rows, known.ending.rows, known.caller.rows
    nobody = Caller()
    for row in rows:
        (number, value, at_ms, form, created, w, m, y, k, c, e) = row[:11]
        (latency, ttft, snapshot_ms, invented) = row[19:23]
        (request_id, trace_id, packed, version, recover_ms, used) = row[23:29]
        (text, body, unknown, raw) = row[29:]
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
                caller[c] if callers else nobody,
                ending[e],
                Tokens._make(row[11:19]),
                latency,
                ttft,
                created,
                snapshot_ms or 0,
                request_id or "",
                trace_id or "",
                metadata.unpack(packed, version) if packed else b"",
                recover_ms or 0,
                used,
                body or "",
                unknown.encode() if unknown else b"",
                raw.encode() if raw else b"",
                bool(invented),
                billed.get(number) if billed else None,
            ),
        )
