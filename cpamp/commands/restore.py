"""``cpamp restore``: put a backup in place of the database of a daemon that is stopped.

What was there before is moved aside, never deleted. The columns are derived and simply go.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing, locked
from cpamp.errors import Problem
from cpamp.security.files import FILE_MODE, sync_folder
from cpamp.settings import Settings
from cpamp.store.backup import backup
from cpamp.store.checking import quick_check
from cpamp.store.database import open_reader


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    db_path_flag(parser)
    parser.add_argument(
        "--from", dest="source", metavar="DIR", required=True, help="what backup --out wrote"
    )


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Check and copy the backup, and only then move the present files aside for it."""
    settings = at.settings()
    source = existing(at.cwd / args.source / "usage.sqlite")
    path = at.database(args.db_path)
    suffix = time.strftime(".before-restore-%Y%m%d-%H%M%S", time.localtime(at.now_ms() / 1000))
    with closing(open_reader(source)) as conn:
        problems = quick_check(conn)
        if problems:
            raise Problem(f"the backup is damaged: {problems[0]}")
        with locked(path, "restore lock"), _copied(conn, path) as copy:
            _move_aside(at, path, suffix)
            shutil.rmtree(path.with_name("columns"), ignore_errors=True)
            copy.rename(path)
            sync_folder(path.parent)
            at.say(f"Database restored: {path}")
        _restore_data_key(at, settings, source.with_name("data.key"), suffix)
    return 0


@contextmanager
def _copied(conn: sqlite3.Connection, path: Path) -> Iterator[Path]:
    """A copy of an open database beside `path`, with what is in its journal; it goes with errors.

    A backup that was made by hand may have a journal.
    """
    copy = path.with_name(path.name + ".partial")
    copy.unlink(missing_ok=True)
    try:
        backup(conn, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _move_aside(at: Surroundings, path: Path, suffix: str) -> None:
    """Rename the database with its journal; its own files only, never the lock."""
    for part in ("", "-wal", "-shm"):
        old = path.with_name(path.name + part)
        if old.exists():
            kept = path.with_name(path.name + suffix + part)
            old.rename(kept)
            at.say(f"Kept: {kept}")


def _restore_data_key(at: Surroundings, settings: Settings, source: Path, suffix: str) -> None:
    target = settings.data_key_path
    if settings.data_key or not source.exists():
        at.say("Data key: left as it is")
        return
    if target.exists():
        if target.read_bytes() == source.read_bytes():
            at.say("Data key: the same")
            return
        kept = target.with_name(target.name + suffix)
        target.rename(kept)
        at.say(f"Kept: {kept}")
    _copy(source, target)
    at.say(f"Data key restored: {target}")


def _copy(source: Path, target: Path) -> None:
    """Copy under a temporary name and rename; private, and on disk when it returns."""
    partial = target.with_name(target.name + ".partial")
    with source.open("rb") as read, partial.open("wb") as write:
        partial.chmod(FILE_MODE)
        shutil.copyfileobj(read, write, 1024 * 1024)
        write.flush()
        os.fsync(write.fileno())
    partial.rename(target)
    sync_folder(target.parent)


COMMAND = Command(
    name="restore",
    help="put a backup in place of the database (the daemon must be stopped)",
    label="restore",
    arguments=arguments,
    run=run,
)
