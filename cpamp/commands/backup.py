"""``cpamp backup``: a consistent copy of database and data key, while the daemon runs.

Source: server contract, section 21 and point B-18 of section 22.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from cpamp.commands.command import Command, Surroundings, db_path_flag
from cpamp.commands.offline import existing
from cpamp.errors import Problem
from cpamp.security.files import make_folder, sync_folder, write_new
from cpamp.settings import Settings
from cpamp.store.backup import backup
from cpamp.store.database import open_reader


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its flags."""
    db_path_flag(parser)
    parser.add_argument("--out", metavar="DIR", required=True, help="a new or empty folder")


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Copy the database through SQLite's backup API, and the data key beside it."""
    settings = at.settings()
    path = existing(at.database(args.db_path))
    folder = at.cwd / args.out
    make_folder(folder)
    if any(folder.iterdir()):
        raise Problem(f"{folder} is not empty")
    target = folder / "usage.sqlite"
    partial = target.with_name(target.name + ".partial")
    try:
        with closing(open_reader(path)) as conn:
            backup(conn, partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    said = _copy_data_key(settings, folder)
    sync_folder(folder)
    at.say(f"Database: {target} ({target.stat().st_size:,} bytes)")
    at.say(said)
    return 0


def _copy_data_key(settings: Settings, folder: Path) -> str:
    """Copy the key file; returns the line that tells what became of it."""
    if settings.data_key:
        return "Data key: given by the environment or a secret file; keep that with the backup."
    try:
        key = settings.data_key_path.read_bytes()
    except FileNotFoundError:
        return f"Data key: none at {settings.data_key_path}; the saved CPA key can't be restored."
    write_new(folder / "data.key", key)
    return f"Data key: {folder / 'data.key'}"


COMMAND = Command(
    name="backup",
    help="copy database and data key to a folder, also while the daemon runs",
    label="backup",
    arguments=arguments,
    run=run,
)
