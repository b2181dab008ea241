"""Rows for the columns, read again from the database; the same bytes as `columns.layout` makes."""

from __future__ import annotations

import sqlite3

import numpy as np
import numpy.typing as npt

from cpamp.columns.layout import BILLED, FAILED, NONE, Batch
from cpamp.store.reading import Dictionaries
from cpamp.usage.models import SEPARATE

CHUNK = 20_000
ROWS = """
SELECT e.id, e.timestamp_ms, e.timestamp_form, e.who, e.model, e.way, e.key, e.ending, e.caller,
    e.input_tokens, e.output_tokens, e.reasoning_tokens, e.cached_tokens, e.cache_tokens,
    e.cache_read_tokens, e.cache_creation_tokens, e.total_tokens,
    ifnull(e.latency_ms, -1), ifnull(e.ttft_ms, -1)
FROM events AS e WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
TEXTS = """
SELECT ifnull(d.request_id, ''), ifnull(d.trace_id, '')
FROM events AS e LEFT JOIN details AS d ON d.event = e.id
WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
BILLED_EVENTS = "SELECT event FROM billed WHERE event BETWEEN ? AND ?"

IntArray = npt.NDArray[np.int64]


def read_batch(conn: sqlite3.Connection, known: Dictionaries, after: int) -> Batch | None:
    """The rows of the next events after this id, at most `CHUNK`; None if there are none.

    Stops before a hole in the ids, so that the ids of a batch are contiguous.
    """
    found = conn.execute(ROWS, (after, CHUNK)).fetchall()
    if not found:
        return None
    known.refresh(conn)
    table = np.array(found, dtype=np.int64)
    ids = table[:, 0]
    holes = np.flatnonzero(np.diff(ids) != 1)
    if len(holes):
        table = table[: int(holes[0]) + 1]
        ids = table[:, 0]
    texts = _texts(conn, after, len(ids))
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    flags = _flags(conn, known, ids, table[:, 7])
    return Batch(int(ids[0]), [*_values(known, table), flags, ends], b"".join(texts))


def _texts(conn: sqlite3.Connection, after: int, count: int) -> list[bytes]:
    return [
        f"{request}\n{trace}\n".casefold().encode(errors="replace")
        for request, trace in conn.execute(TEXTS, (after, count))
    ]


def _flags(
    conn: sqlite3.Connection, known: Dictionaries, ids: IntArray, endings: IntArray
) -> IntArray:
    failed = np.array([bool(row and row.failed) for row in known.ending.rows], dtype=np.int64)
    flags = failed[endings] * FAILED
    billed = [row[0] for row in conn.execute(BILLED_EVENTS, (int(ids[0]), int(ids[-1])))]
    flags[np.array(billed, dtype=np.int64) - ids[0]] |= BILLED
    return flags


def _values(known: Dictionaries, table: IntArray) -> list[IntArray]:
    """The columns from `time` to `ttft`, in the order of the layout."""
    time, form, who, model, way, key, ending, caller = table[:, 1:9].T
    given, output, reasoning, cached, cache, read, creation, total = table[:, 9:17].T
    latency, ttft = table[:, 17:19].T
    fine = np.maximum(read, 0) + np.maximum(creation, 0)
    compatible = np.maximum(np.maximum(np.maximum(cached, cache), 0) - fine, 0)
    separate = np.array(
        [row is not None and row.cache_input_mode == SEPARATE for row in known.model.rows]
    )
    beside = np.where(separate[model], compatible + fine, 0)
    return [
        time,
        form,
        who,
        model,
        way,
        key,
        ending,
        caller,
        np.maximum(given, 0) + beside,
        output,
        reasoning,
        compatible,
        read,
        creation,
        total,
        np.maximum(latency, NONE),
        np.maximum(ttft, NONE),
    ]
