"""Ours in the place of the existing server's database, which is moved aside unchanged.

A kill at any moment leaves either the old files in their place, or all that the next start needs
to go on. Runs under the process lock, which is the existing server's as well.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cpamp.security.files import sync_folder
from cpamp.store.database import connect_alone, open_database
from cpamp.store.transaction import transaction
from cpamp.takeover import progress, reference
from cpamp.takeover.carrying import Reseal, carry
from cpamp.takeover.history import begin
from cpamp.takeover.progress import Progress
from cpamp.takeover.reference import INDEX, JOURNAL, Unreadable, beside

ASIDE = ".before-cpamp"
# Our database until it has its name.
MADE = ".taking-over"


def take_place(path: Path, uploads: Path, reseal: Reseal, now_ms: int) -> Path | None:
    """Take the place of the existing server's database at `path`; where that is now.

    None where there is none. `uploads` is the folder of that server's unfinished uploads, which
    is moved aside as well. Raises `Unreadable` with nothing changed.
    """
    made = beside(path, MADE)
    if made.exists() and not path.exists():
        # Killed after the old file was moved, which happens only when ours is whole.
        return _move(path, made, uploads)
    _remove(made)
    if not reference.is_foreign(path):
        return None
    try:
        with reference.opened(path) as source:
            if not reference.is_reference(source):
                return None
            reference.check(source)
            aside = beside(path, _free_suffix(path, uploads))
            _make(made, source, Progress(str(aside), True, now_ms), reseal)
    except Unreadable as error:
        raise Unreadable(f"{path} was left as it is: {error.message}") from error
    except sqlite3.DatabaseError as error:
        raise Unreadable(f"{path} is damaged and was left as it is: {error}") from error
    return _move(path, made, uploads)


def _free_suffix(path: Path, uploads: Path) -> str:
    """What to call the old files: a suffix that no earlier ones have."""
    suffix, number = ASIDE, 1
    while beside(path, suffix).exists() or beside(uploads, suffix).exists():
        number += 1
        suffix = f"{ASIDE}-{number}"
    return suffix


def _make(made: Path, source: sqlite3.Connection, begun: Progress, reseal: Reseal) -> None:
    try:
        with closing(open_database(made)) as conn, transaction(conn):
            carry(conn, source, reseal, begun.begun_at_ms)
            begin(conn, source, begun)
    except BaseException:
        _remove(made)
        raise


def _remove(made: Path) -> None:
    for suffix in ("", JOURNAL, INDEX):
        beside(made, suffix).unlink(missing_ok=True)


def _move(path: Path, made: Path, uploads: Path) -> Path:
    """Move the old files aside, and give ours its name."""
    with closing(connect_alone(made)) as conn:
        (taken,) = progress.load(conn)
    # The database before its journal: alone it would be taken for one that was stopped cleanly.
    for suffix in ("", JOURNAL, INDEX):
        old = beside(path, suffix)
        if old.exists():
            old.rename(beside(taken.path, suffix))
    if uploads.is_dir() and any(uploads.iterdir()):
        uploads.rename(beside(uploads, taken.path.name.removeprefix(path.name)))
    sync_folder(path.parent)
    made.rename(path)
    sync_folder(path.parent)
    return taken.path
