"""Which files the database's path names, and whether they are still those that are open.

A file that was moved or deleted takes writes without complaint, and loses them. A journal that
lies beside a file which is not its own destroys that file when SQLite plays it back.
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs

PIECE = 1 << 20
FileId = tuple[int, int] | None


def file_id(path: Path) -> FileId:
    """Device and inode of a file; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@attrs.define(eq=False)
class Place:
    """The files that a connection has open: the database, its journal, the journal's index."""

    path: Path
    database: FileId = None
    journal: FileId = None
    index: FileId = None
    _fd: int = -1

    @classmethod
    def of(cls, path: Path) -> Place:
        """What the path names now, just after it was opened.

        Must be released only after the connections to it are closed: that a process closes any
        descriptor of a file costs it SQLite's locks on it.
        """
        wal, shm = _beside(path)
        place = cls(path, file_id(path), file_id(wal), file_id(shm))
        place._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return place

    @property
    def holds(self) -> bool:
        """Whether the path still names the database and the journal that were opened."""
        return self.database_holds and file_id(_beside(self.path)[0]) == self.journal

    @property
    def database_holds(self) -> bool:
        """Whether the path still names the database that was opened."""
        return self.database is not None and file_id(self.path) == self.database

    def leave(self) -> None:
        """Keep our journal away from a file that has taken our database's place.

        It stays where that file has the same content, as a copy that was put back has: then the
        newest commits are in the journal alone. Else it gets the suffix ``.former``.
        """
        if self._fd < 0:
            return
        wal, shm = _beside(self.path)
        if file_id(wal) == self.journal and not self._same_content():
            wal.replace(wal.with_name(f"{wal.name}.former"))
        if file_id(shm) == self.index:
            # Made anew; connections to the former file must not share their locks with ours.
            shm.unlink(missing_ok=True)

    def _same_content(self) -> bool:
        offset = 0
        with self.path.open("rb") as file:
            while True:
                piece = file.read(PIECE)
                if piece != os.pread(self._fd, PIECE, offset):
                    return False
                if not piece:
                    return True
                offset += len(piece)

    def release(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _beside(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
