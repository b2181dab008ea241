"""The files of one generation of columns: written at their end, mapped by readers.

Nothing is ever written through a map: on a full file system that would be a SIGBUS, while
`pwrite` returns a short count. A file is closed when nobody uses it any more: a snapshot stays
readable when its file has made way for a wider one, or its folder for another generation.
"""

from __future__ import annotations

import errno
import mmap
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.columns.layout import BLOCK, TYPES, WIDER

# Files of texts grow by this much at a time.
TEXT_STEP = 1 << 20
NEW = os.O_CREAT | os.O_TRUNC


class NoRoom(OSError):
    """The file system is full, or does not let us write: the rows do not count."""


@contextmanager
def needing_room() -> Iterator[None]:
    """Turn what the operating system refuses into `NoRoom`."""
    try:
        yield
    except NoRoom:
        raise
    except OSError as error:
        raise NoRoom(error.errno, error.strerror) from error


def write_all(fd: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data`; raises `NoRoom` where only a part of it went in."""
    view = memoryview(data).cast("B")
    while view:
        written = os.pwrite(fd, view, offset)
        if written == 0:
            raise NoRoom(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view, offset = view[written:], offset + written


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    path.unlink(missing_ok=True)


@attrs.define(eq=False, weakref_slot=True)
class _File:
    """An open file of our own."""

    path: Path
    _fd: int = -1

    def _open(self, flags: int) -> int:
        """Open it for reading and writing; returns its size in bytes."""
        self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
        weakref.finalize(self, os.close, self._fd)
        return os.fstat(self._fd).st_size

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fdatasync(self._fd)


@attrs.define(eq=False)
class ColumnFile(_File):
    """One column: fixed-width little-endian numbers, in a file named after column and type."""

    name: str = ""
    type: np.dtype[Any] = attrs.field(default=np.dtype("<i8"))
    # For how many rows the file has room.
    rows: int = 0
    _map: npt.NDArray[Any] | None = None

    @classmethod
    def open(cls, folder: Path, name: str, kind: str = "", *, new: bool = False) -> ColumnFile:
        """Open the file of a column; `kind` is its type if it is not the narrowest."""
        kind = kind or TYPES[name]
        file = cls(path_of(folder, name, kind), name=name, type=np.dtype(kind))
        file.rows = file._open(NEW if new else 0) // file.type.itemsize
        return file

    def fits(self, values: npt.NDArray[np.int64]) -> bool:
        """Whether every value has room in the column's type."""
        if self.type.itemsize == 8 or not len(values):
            return True
        limits = np.iinfo(self.type)
        return bool(values.min() >= limits.min and values.max() <= limits.max)

    def write(self, row: int, values: npt.NDArray[np.int64]) -> None:
        """Write rows from this one on; raises `NoRoom`."""
        size, end = self.type.itemsize, row + len(values)
        with needing_room():
            if end > self.rows:
                # Grown by whole blocks, so that readers need not map anew for every batch.
                rows = -(-end // BLOCK) * BLOCK
                os.ftruncate(self._fd, rows * size)
                self.rows = rows
            write_all(self._fd, values.astype(self.type).data, row * size)

    def read(self, count: int) -> npt.NDArray[Any]:
        """The first rows, mapped; the array can't be written to."""
        if not count:
            # An empty file can't be mapped.
            return np.zeros(0, dtype=self.type)
        mapped = self._map
        if mapped is None or len(mapped) < count:
            length = self.rows * self.type.itemsize
            whole = mmap.mmap(self._fd, length, prot=mmap.PROT_READ)
            mapped = self._map = np.frombuffer(whole, dtype=self.type)
        return mapped[:count]

    def widened(self, count: int) -> ColumnFile:
        """A file of the next wider type that holds the same rows; raises `NoRoom`.

        This one stays: until the next sync it is the one that a start finds named.
        """
        kind = WIDER[kind_of(self.type)]
        with needing_room():
            wider = ColumnFile.open(self.path.parent, self.name, kind, new=True)
            try:
                if count:
                    wider.write(0, self.read(count).astype(np.int64))
            except BaseException:
                remove(wider.path)
                raise
        return wider


def kind_of(of: np.dtype[Any]) -> str:
    """The type as the layout writes it: ``<u1``, not ``|u1``."""
    return of.str.replace("|", "<")


def path_of(folder: Path, name: str, kind: str) -> Path:
    """The file of a column of some type, such as ``who.u2.col``."""
    return folder / f"{name}.{kind[1:]}.col"


def narrower(folder: Path, name: str, kind: str) -> Iterator[Path]:
    """The files that a column of this type has outgrown."""
    known = TYPES[name]
    while known != kind:
        yield path_of(folder, name, known)
        known = WIDER[known]


@attrs.define(eq=False)
class TextFile(_File):
    """The texts of all rows, one behind the other."""

    # For how many bytes the file has room.
    size: int = 0

    @classmethod
    def open(cls, path: Path, *, new: bool = False) -> TextFile:
        """Open it."""
        file = cls(path)
        file.size = file._open(NEW if new else 0)
        return file

    def write(self, offset: int, texts: bytes) -> None:
        """Write texts from this byte on; raises `NoRoom`."""
        end = offset + len(texts)
        with needing_room():
            if end > self.size:
                size = -(-end // TEXT_STEP) * TEXT_STEP
                os.ftruncate(self._fd, size)
                self.size = size
            write_all(self._fd, texts, offset)

    def read(self, length: int) -> mmap.mmap | bytes:
        """The first bytes, mapped for reading."""
        if not length:
            return b""
        return mmap.mmap(self._fd, length, prot=mmap.PROT_READ)
