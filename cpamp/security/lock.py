"""One process per database: an exclusive ``flock`` beside it; and one daemon per folder.

Source: server contract, section 3.2. The operating system lets go of the locks when the process
ends in whatever way; the lock file itself stays.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cpamp.errors import Problem

from .files import FILE_MODE, make_folder


class LockError(Problem):
    """The database can't be locked for this process."""

    code = "database_locked"


def canonical(path: Path) -> Path:
    """The database's one true path, absolute and with every symbolic link resolved.

    So every way to name the file gives the same lock. Nothing is created; a dangling link of the
    last part stays as it is, for `ProcessLock.acquire` to refuse.
    """
    resolved = path.absolute().parent.resolve() / path.name
    return resolved.resolve() if resolved.exists() else resolved


def lock_path(database: Path) -> Path:
    """The lock file of a database."""
    return database.with_name(database.name + ".manager.lock")


class ProcessLock:
    """The lock of one canonical database path; also a context manager."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self._fd: int | None = None

    @property
    def path(self) -> Path:
        """The lock file."""
        return lock_path(self.database)

    def acquire(self) -> None:
        """Make the database's folder and take the lock, or raise `LockError`; never waits."""
        if self.database.is_symlink():
            # SQLite would create its target.
            raise LockError(f"{self.database} is a dangling symbolic link")
        try:
            make_folder(self.database.parent)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as e:
            raise LockError(f"{e.filename}: {e.strerror}") from e
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._refuse_hard_links()
        except BlockingIOError as e:
            os.close(fd)
            raise LockError(
                f"manager database process lock is already held for {self.database}"
            ) from e
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _refuse_hard_links(self) -> None:
        try:
            links = self.database.stat().st_nlink
        except FileNotFoundError:
            return
        if links > 1:
            raise LockError(
                f"manager database has multiple hard links for {self.database}; "
                "another name of the file would have another lock"
            )

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class FolderLock:
    """Keeps a second daemon out of some folders: what lies beside a database has one name for all.

    So two daemons with databases of their own in one folder would overwrite each other's columns.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._fds: list[int] = []

    def acquire(self) -> None:
        """Lock the folders, which must exist, or raise `LockError`; never waits."""
        known: set[tuple[int, int]] = set()
        for folder in self._folders:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._fds.append(fd)
            # One folder may have several names.
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) in known:
                continue
            known.add((found.st_dev, found.st_ino))
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                self.release()
                raise LockError(
                    f"another daemon keeps its files in {folder}; give each a folder of its own"
                ) from e
            except OSError:
                # Some file systems lock no folders.
                continue

    def release(self) -> None:
        """Let go of all."""
        while self._fds:
            os.close(self._fds.pop())
