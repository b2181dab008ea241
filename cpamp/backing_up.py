"""A backup: database and data key, copied to a folder of their own while the daemon runs.

Source: server contract, section 21 and point B-18 of section 22.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import attrs

from cpamp.errors import Problem
from cpamp.security.files import make_folder, sync_folder, write_new
from cpamp.settings import Settings
from cpamp.store.backup import backup
from cpamp.store.database import open_reader


@attrs.frozen
class BackedUp:
    """What was copied. `data_key` is None where it is kept elsewhere, or there is none."""

    database: Path
    size_bytes: int
    data_key: Path | None


def back_up(settings: Settings, database: Path, folder: Path) -> BackedUp:
    """Copy the database through SQLite's backup API, and the data key beside it; on disk after.

    The folder is made if need be; raises `Problem` where it is not empty.
    """
    make_folder(folder)
    if any(folder.iterdir()):
        raise Problem(f"{folder} is not empty")
    target = folder / "usage.sqlite"
    partial = target.with_name(target.name + ".partial")
    try:
        with closing(open_reader(database)) as conn:
            backup(conn, partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    data_key = None if settings.data_key else _copied(settings.data_key_path, folder / "data.key")
    sync_folder(folder)
    return BackedUp(target, target.stat().st_size, data_key)


def _copied(path: Path, target: Path) -> Path | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    write_new(target, key)
    return target
