"""``cpamp backup``: a consistent copy of database and data key, while the daemon runs."""

from __future__ import annotations

import argparse

from cpamp.backing_up import BackedUp, back_up
from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing
from cpamp.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    db_path_flag(parser)
    parser.add_argument("--out", metavar="DIR", required=True, help="a new or empty folder")


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Copy, and tell where to."""
    settings = at.settings()
    done = back_up(settings, existing(at.database(args.db_path)), at.cwd / args.out)
    at.say(f"Database: {done.database} ({done.size_bytes:,} bytes)")
    at.say(_about_key(settings, done))
    return 0


def _about_key(settings: Settings, done: BackedUp) -> str:
    if settings.data_key:
        return "Data key: given by the environment or a secret file; keep that with the backup."
    if done.data_key is None:
        return f"Data key: none at {settings.data_key_path}; the saved CPA key can't be restored."
    return f"Data key: {done.data_key}"


COMMAND = Command(
    name="backup",
    help="copy database and data key to a folder, also while the daemon runs",
    label="backup",
    arguments=arguments,
    run=run,
)
