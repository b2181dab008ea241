"""Is everything in order: the file itself, and the columns against it. Reads only."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import attrs

from cpamp.columns.columns import STATE, Columns, Identity, Snapshot
from cpamp.store.database import store_id
from cpamp.store.derived import FOLDER
from cpamp.store.deriving import first_difference, read_batch
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


def _whose(conn: sqlite3.Connection, database: Path) -> tuple[Path, Identity, int]:
    """Where the columns of a database are, what they must say of themselves, and its last event."""
    (generation,) = conn.execute(GENERATION).fetchone()
    (last_id,) = conn.execute(LAST_ID).fetchone()
    place = database.parent / FOLDER / str(generation)
    return place, Identity(store_id(conn), int(generation)), last_id


def synced_columns(conn: sqlite3.Connection, database: Path) -> Columns | None:
    """The columns as they were last synced; None where there are none of use."""
    place, identity, last_id = _whose(conn, database)
    return Columns.recover(place, identity, last_id) if place.is_dir() else None


def level_columns(conn: sqlite3.Connection, database: Path, folder: Path) -> Columns | None:
    """A copy of these columns in an empty folder, with the rows of all events added.

    A daemon may go on with its own meanwhile.
    """
    place, identity, last_id = _whose(conn, database)
    # First how far they go: the files only grow, and one that is gone has made way for a wider one.
    for name in (STATE, *(path.name for path in place.glob("*") if path.name != STATE)):
        with suppress(FileNotFoundError):
            shutil.copyfile(place / name, folder / name)
    columns = Columns.recover(folder, identity, last_id)
    known = Dictionaries()
    while columns is not None and columns.last_id < last_id:
        batch = read_batch(conn, known, columns.last_id)
        if batch is None:
            break
        columns.append(batch)
    return columns


def check_columns(conn: sqlite3.Connection, database: Path) -> ColumnsCheck:
    """Compare every synced row of the columns with what the database says."""
    (last_id,) = conn.execute(LAST_ID).fetchone()
    columns = synced_columns(conn, database)
    if columns is None:
        return ColumnsCheck(0, last_id)
    snapshot = columns.snapshot()
    return ColumnsCheck(snapshot.n, last_id, _first_difference(conn, snapshot))


def _first_difference(conn: sqlite3.Connection, snapshot: Snapshot) -> str:
    known = Dictionaries()
    row = after = 0
    while row < snapshot.n:
        batch = read_batch(conn, known, after)
        if batch is None:
            return "there are more rows than events"
        count = min(len(batch), snapshot.n - row)
        name = first_difference(snapshot, batch, row)
        if name:
            return f"column {name}, rows {row} to {row + count - 1}"
        row += count
        after = batch.first_id + count - 1
    return ""
