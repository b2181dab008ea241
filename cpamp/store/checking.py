"""Is everything in order: the file itself, and the columns against it. Reads only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import attrs
import numpy as np

from cpamp.columns.columns import Columns, Identity, Snapshot
from cpamp.columns.layout import NAMES, Batch
from cpamp.store.database import store_id
from cpamp.store.derived import FOLDER
from cpamp.store.deriving import read_batch
from cpamp.store.reading import Dictionaries

GENERATION = "SELECT value FROM meta WHERE name = 'generation'"
# The dictionaries have the names of the columns that refer to them.
REFERRED = ("who", "model", "way", "key", "caller", "ending")
LOST = "SELECT id FROM events WHERE {0} NOT IN (SELECT id FROM {0}) LIMIT 1"
LAST_ID = "SELECT coalesce(max(id), 0) FROM events"


def quick_check(conn: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file, and references that lead nowhere; [] if nothing."""
    try:
        found = [str(row[0]) for row in conn.execute("PRAGMA quick_check")]
        lost = [(name, conn.execute(LOST.format(name)).fetchone()) for name in REFERRED]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    broken = [f"event {row[0]} refers to no row of {name}" for name, row in lost if row]
    return [line for line in found if line != "ok"] + broken


@attrs.frozen
class ColumnsCheck:
    """How the columns, as they were last synced, compare with the database.

    `rows` were compared of `of` events; `differing` names the first column that differs, "" for
    none. Fewer rows than events are no fault: a start reads the rest again.
    """

    rows: int
    of: int
    differing: str = ""


def check_columns(conn: sqlite3.Connection, database: Path) -> ColumnsCheck:
    """Compare every synced row of the columns with what the database says."""
    (generation,) = conn.execute(GENERATION).fetchone()
    (last_id,) = conn.execute(LAST_ID).fetchone()
    place = database.parent / FOLDER / str(generation)
    if not place.is_dir():
        return ColumnsCheck(0, last_id)
    columns = Columns.recover(place, Identity(store_id(conn), int(generation)), last_id)
    if columns is None:
        return ColumnsCheck(0, last_id)
    try:
        snapshot = columns.snapshot()
        return ColumnsCheck(snapshot.n, last_id, _first_difference(conn, snapshot))
    finally:
        columns.close()


def _first_difference(conn: sqlite3.Connection, snapshot: Snapshot) -> str:
    known = Dictionaries()
    row = text_start = after = 0
    while row < snapshot.n:
        batch = read_batch(conn, known, after)
        if batch is None:
            return "there are more rows than events"
        count = min(len(batch), snapshot.n - row)
        name = _difference(snapshot, batch, row, count, text_start)
        if name:
            return f"column {name}, rows {row} to {row + count - 1}"
        text_start += int(batch.values[-1][count - 1])
        row += count
        after = batch.first_id + count - 1
    return ""


def _difference(snapshot: Snapshot, batch: Batch, row: int, count: int, text_start: int) -> str:
    """The first column whose rows differ from the batch's, "" for none."""
    for name, values in zip(NAMES, batch.values, strict=True):
        expected = values[:count] + (text_start if name == "text_end" else 0)
        if not np.array_equal(snapshot.column(name)[row : row + count], expected):
            return name
    length = int(batch.values[-1][count - 1])
    texts = bytes(snapshot.texts()[text_start : text_start + length])
    return "" if texts == batch.texts[:length] else "texts"
