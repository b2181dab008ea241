"""``cpamp compact``: give free pages of the database back to the file system. Offline."""

from __future__ import annotations

import argparse
from contextlib import closing

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing, locked, open_ours


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Cut the free pages off, and fold the journal in."""
    path = existing(at.database(args.db_path))
    with locked(path, "compact lock"), closing(open_ours(path)) as conn:
        before = path.stat().st_size
        # A script runs to its end; one `execute` would free a single page.
        conn.executescript("PRAGMA incremental_vacuum")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    after = path.stat().st_size
    at.say(f"Database compacted: {before:,} -> {after:,} bytes")
    return 0


COMMAND = Command(
    name="compact",
    help="give free pages back to the file system (the daemon must be stopped)",
    label="compact",
    arguments=db_path_flag,
    run=run,
)
