"""``cpamp check``: the file, the data key, the columns. Also while the daemon runs."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing
from cpamp.doctor.finding import Finding, Level, bad, note, ok, page
from cpamp.doctor.machine import data_key
from cpamp.setup.bootstrap import CONFIG_SETTING
from cpamp.setup.config import encrypted_key
from cpamp.store import settings as stored
from cpamp.store.checking import check_columns, quick_check
from cpamp.store.database import open_reader


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Print what is in order and what is not; the status is 1 where something is not."""
    settings = at.settings()
    path = existing(at.database(args.db_path))
    with closing(open_reader(path)) as conn:
        problems = quick_check(conn)
        if problems:
            findings = [bad("database", problems[0], "restore a backup: cpamp restore")]
        else:
            sealed = encrypted_key(stored.get(conn, CONFIG_SETTING))
            findings = [
                ok("database", str(path)),
                data_key(settings, sealed)[0],
                _columns(conn, path),
            ]
    at.say(page(findings))
    return int(any(f.level is Level.BAD for f in findings))


def _columns(conn: sqlite3.Connection, path: Path) -> Finding:
    found = check_columns(conn, path)
    if found.differing:
        return bad(
            "columns",
            f"differ from the database: {found.differing}",
            f"stop the daemon, delete {path.parent / 'columns'}, and start it: they are made anew",
        )
    if found.rows < found.of:
        return note("columns", f"{found.rows:,} of {found.of:,} synced; a start makes the rest")
    return ok("columns", f"{found.rows:,} rows equal to the database")


COMMAND = Command(
    name="check",
    help="check the database, the data key and the columns; also while the daemon runs",
    label="check",
    arguments=db_path_flag,
    run=run,
)
