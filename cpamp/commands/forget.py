"""``cpamp forget``: overwrite what names an account, a key or a caller. Offline."""

from __future__ import annotations

import argparse
from contextlib import closing

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing, locked, open_ours
from cpamp.errors import NotFound
from cpamp.store.forgetting import KINDS, forget


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments and flag."""
    parser.add_argument("kind", choices=KINDS, metavar="account|key|caller")
    parser.add_argument(
        "text",
        metavar="TEXT",
        help="the account's name, file, index or project; the key or its hash; "
        "the caller's address or user agent",
    )
    db_path_flag(parser)


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Overwrite the texts, and leave no trace of them in the file or its journal."""
    path = existing(at.database(args.db_path))
    with locked(path, "forget lock"), closing(open_ours(path)) as conn:
        conn.execute("PRAGMA secure_delete=ON")
        rows = forget(conn, args.kind, args.text)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if not rows:
        raise NotFound(f"nothing names that {args.kind}")
    at.say(f"Forgotten: {rows} name(s). All totals are as before.")
    at.say("Backups and exports that were made earlier still hold them.")
    return 0


COMMAND = Command(
    name="forget",
    help="overwrite what names an account, key or caller (the daemon must be stopped)",
    label="forget",
    arguments=arguments,
    run=run,
)
