"""The files of resumable uploads (usage contract, 8). Everything here blocks: threads call it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import orjson

from cpamp.importing.session import Session, SessionUnavailable
from cpamp.security import files

DATA, METADATA = ".part", ".json"


@attrs.frozen
class UploadFolder:
    """One folder that holds, per upload, the data received and what is known of it."""

    path: Path

    def open(self) -> None:
        """Make the folder, private; raises `SessionUnavailable` for one that can't be trusted."""
        if self.path.is_symlink():
            raise SessionUnavailable(f"{self.path} is a symbolic link, which is refused")
        self.path.mkdir(mode=files.FOLDER_MODE, parents=True, exist_ok=True)
        self.path.chmod(files.FOLDER_MODE)

    def recover(self) -> Iterator[Session]:
        """The uploads of earlier runs, as their data files show them; the rest is removed."""
        known = set()
        for file in sorted(self.path.glob(f"*{METADATA}")):
            try:
                session = Session.read(orjson.loads(file.read_bytes()))
                if session.id != file.stem:
                    raise ValueError("another upload's name")
            except (ValueError, OSError):
                continue
            known.add(session.id)
            if session.active:
                judge(session, self._size(session))
            self.save(session.id, session.kept())
            yield session
        for file in self.path.iterdir():
            ours = file.stem in known and file.suffix in (DATA, METADATA)
            if not ours and not file.is_dir():
                file.unlink()

    def _size(self, session: Session) -> int | None:
        try:
            found = self.data(session).lstat()
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def data(self, session: Session) -> Path:
        """Where the data of an upload is."""
        return self.path / f"{session.id}{DATA}"

    def create(self, session: Session) -> None:
        """Make both files."""
        files.write_new(self.data(session), b"")
        self.save(session.id, session.kept())

    def save(self, number: str, kept: dict[str, Any]) -> None:
        """Keep what is known of an upload."""
        files.replace(self.path / f"{number}{METADATA}", orjson.dumps(kept))

    def remove(self, session: Session) -> None:
        """Remove both files."""
        self.remove_data(session)
        (self.path / f"{session.id}{METADATA}").unlink(missing_ok=True)

    def remove_data(self, session: Session) -> None:
        """Remove the data, which nobody needs any more."""
        self.data(session).unlink(missing_ok=True)

    def append(self, session: Session, offset: int, data: bytes) -> None:
        """Write more data; raises `OSError` where not all of it could be written."""
        fd = os.open(self.data(session), os.O_WRONLY | os.O_NOFOLLOW)
        try:
            if os.pwrite(fd, data, offset) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)

    def sync(self, session: Session) -> None:
        """Bring the data to the disk."""
        fd = os.open(self.data(session), os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def cut(self, session: Session, offset: int) -> None:
        """Take back what was written behind `offset`."""
        fd = os.open(self.data(session), os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.ftruncate(fd, offset)
        finally:
            os.close(fd)

    def reader(self, session: Session) -> BinaryIO:
        """The data, to be read."""
        fd = os.open(self.data(session), os.O_RDONLY | os.O_NOFOLLOW)
        return os.fdopen(fd, "rb", buffering=0)


def judge(session: Session, size: int | None) -> None:
    """Set how far an unfinished upload has come; `size` is its data file's, None for none."""
    if session.cancelling:
        session.status, session.retryable = "cancelled", False
    elif size is None or size > session.size_bytes:
        session.status, session.retryable = "failed", False
        session.error = "the uploaded data is missing or damaged"
    else:
        session.received_bytes = size
        if size < session.size_bytes:
            session.status, session.retryable, session.error = "uploading", False, ""
        elif session.status != "failed":
            session.status = "ready"
