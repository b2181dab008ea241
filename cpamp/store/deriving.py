"""Rows for the columns, read again from the database; the same bytes as `columns.layout` makes."""

from __future__ import annotations

import sqlite3

import numpy as np
import numpy.typing as npt

from cpamp.columns.columns import Snapshot
from cpamp.columns.layout import BILLED, FAILED, HEADERS, NAMES, Batch
from cpamp.store.reading import Dictionaries
from cpamp.store.rows import IntArray, make_batch, text_of
from cpamp.usage.models import SEPARATE

CHUNK = 20_000
ROWS = """
SELECT e.id, e.timestamp_ms, e.timestamp_form, e.who, e.model, e.way, e.key, e.ending, e.caller,
    e.input_tokens, e.output_tokens, e.reasoning_tokens, e.cached_tokens, e.cache_tokens,
    e.cache_read_tokens, e.cache_creation_tokens, e.total_tokens,
    ifnull(e.latency_ms, -1), ifnull(e.ttft_ms, -1), e.connection
FROM events AS e WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
MODEL_AT, ENDING_AT = 4, 7
TEXTS = """
SELECT ifnull(d.request_id, ''), ifnull(d.trace_id, ''), iif(typeof(e.hash) = 'text', e.hash, '')
FROM events AS e LEFT JOIN details AS d ON d.event = e.id
WHERE e.id > ? ORDER BY e.id LIMIT ?
"""
BILLED_EVENTS = "SELECT event FROM billed WHERE event BETWEEN ? AND ?"
ENDINGS = """
SELECT id, failed, header_error_kind || header_error_code || plan_type <> ''
FROM ending WHERE id IN (SELECT value FROM json_each(?))
"""
# The dictionary's version stays when metadata is let go.
TELLING = """
SELECT event FROM details WHERE event BETWEEN ? AND ?
AND coalesce(dictionary, trace_id, quota_recover_at_ms, quota_used_percent) IS NOT NULL
"""


def read_batch(
    conn: sqlite3.Connection, known: Dictionaries, after: int, limit: int = CHUNK
) -> Batch | None:
    """The rows of the next events after this id, at most `limit`; None if there are none.

    Stops before a hole in the ids, so that the ids of a batch are contiguous.
    """
    found = conn.execute(ROWS, (after, limit)).fetchall()
    if not found:
        return None
    table = np.array(found, dtype=np.int64)
    ids = table[:, 0]
    holes = np.flatnonzero(np.diff(ids) != 1)
    if len(holes):
        table = table[: int(holes[0]) + 1]
        ids = table[:, 0]
    return make_batch(
        int(ids[0]),
        table[:, 1:],
        _separate(conn, known)[table[:, MODEL_AT]],
        _flags(conn, ids, table[:, ENDING_AT]),
        [text_of(*row) for row in conn.execute(TEXTS, (after, len(ids)))],
    )


def first_difference(snapshot: Snapshot, batch: Batch, row: int) -> str:
    """The first column in which rows from `row` on differ from the batch's; "" for none."""
    count = min(len(batch), snapshot.n - row)
    text_start = snapshot.text_start(row)
    for name, values in zip(NAMES, batch.values, strict=True):
        expected = values[:count] + (text_start if name == "text_end" else 0)
        if not np.array_equal(snapshot.column(name)[row : row + count], expected):
            return name
    length = int(batch.values[-1][count - 1])
    texts = bytes(snapshot.texts()[text_start : text_start + length])
    return "" if texts == batch.texts[:length] else "texts"


def _separate(conn: sqlite3.Connection, known: Dictionaries) -> npt.NDArray[np.bool_]:
    """By model number: whether cache tokens come beside the input tokens."""
    models = known.refresh(conn).model
    return np.array([row is not None and row.cache_input_mode == SEPARATE for row in models])


def _flags(conn: sqlite3.Connection, ids: IntArray, endings: IntArray) -> IntArray:
    present, places = np.unique(endings, return_inverse=True)
    found = {row[0]: row[1:] for row in conn.execute(ENDINGS, (str(present.tolist()),))}
    of_ending = [
        FAILED * failed | HEADERS * told
        for failed, told in (found.get(number, (0, 0)) for number in present.tolist())
    ]
    flags = np.array(of_ending, dtype=np.int64)[places.reshape(-1)]
    between = int(ids[0]), int(ids[-1])
    for statement, flag in ((BILLED_EVENTS, BILLED), (TELLING, HEADERS)):
        concerned = [row[0] for row in conn.execute(statement, between)]
        flags[np.array(concerned, dtype=np.int64) - ids[0]] |= flag
    return flags
