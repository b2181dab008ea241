"""Files and folders that only the daemon's user may read, and writes that are whole or not at all.

Source: server contract, section 1 and point B-5 of section 22: files 0600, folders 0700.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
UMASK = 0o077


def private_umask() -> None:
    """From now on whatever the process creates, SQLite's files included, is its user's alone."""
    os.umask(UMASK)


def make_folder(path: Path) -> None:
    """Make the folder, and those above it, private; one that exists keeps its mode."""
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(FOLDER_MODE, exist_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet; raises `FileExistsError`. It is on disk after."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(fd, "wb") as f:
        f.write(content)
        f.flush()
        os.fsync(f.fileno())
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write the file aside and rename it into place, so that it is never seen half written."""
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    write_new(aside, content)
    aside.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def raise_descriptor_limit(wanted: int = 65_536) -> int:
    """Raise the soft limit of open files towards `wanted`; returns the limit that holds then.

    Hundreds of proxied streams need two descriptors each, and the usual soft limit is 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= reachable:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    return reachable
