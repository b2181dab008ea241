"""The files of one generation of columns: written at their end, mapped by readers.

Nothing is ever written through a map: on a full file system that would be a SIGBUS, while
`pwrite` returns a short count.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.columns.layout import BLOCK, TYPES, WIDER

# Files of texts grow by this much at a time.
TEXT_STEP = 1 << 20


class NoRoom(OSError):
    """The file system is full; nothing of the rows counts."""


def write_all(fd: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data`; raises `NoRoom` where only a part of it went in."""
    view = memoryview(data).cast("B")
    while view:
        try:
            written = os.pwrite(fd, view, offset)
        except OSError as error:
            raise NoRoom(error.errno, str(error)) from error
        if written == 0:
            raise NoRoom(28, "no room for columns")
        view, offset = view[written:], offset + written


@attrs.define(eq=False)
class ColumnFile:
    """One column: fixed-width little-endian numbers."""

    path: Path
    type: np.dtype[Any]
    _fd: int = -1
    _rows: int = 0  # how many the file has room for
    _map: npt.NDArray[Any] | None = None

    @classmethod
    def open(cls, folder: Path, name: str, kind: str = "") -> ColumnFile:
        """Open or create the file of a column; `kind` is its type if it is not the narrowest."""
        path = folder / f"{name}.col"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = cls(path, np.dtype(kind or TYPES[name]), fd)
        file._rows = os.fstat(fd).st_size // file.type.itemsize
        return file

    @property
    def rows(self) -> int:
        """For how many rows the file has room."""
        return self._rows

    def fits(self, values: npt.NDArray[np.int64]) -> bool:
        """Whether every value has room in the column's type."""
        if self.type.itemsize == 8 or not len(values):
            return True
        limits = np.iinfo(self.type)
        return bool(values.min() >= limits.min and values.max() <= limits.max)

    def write(self, row: int, values: npt.NDArray[np.int64]) -> None:
        """Write rows from this one on; raises `NoRoom`."""
        size = self.type.itemsize
        end = row + len(values)
        if end > self._rows:
            # Grown by whole blocks, so that readers need not map anew for every batch.
            self._rows = -(-end // BLOCK) * BLOCK
            os.ftruncate(self._fd, self._rows * size)
        write_all(self._fd, values.astype(self.type).data, row * size)

    def read(self, count: int) -> npt.NDArray[Any]:
        """The first rows, mapped; the array must not be written to."""
        if not count:
            # An empty file can't be mapped.
            return np.zeros(0, dtype=self.type)
        mapped = self._map
        if mapped is None or len(mapped) < count:
            mapped = self._map = np.memmap(
                self.path, dtype=self.type, mode="r", shape=(self._rows,)
            )
        return mapped[:count]

    def widened(self, count: int) -> ColumnFile:
        """A file of the next wider type with the same rows, in place of this one."""
        kind = WIDER[self.type.str.replace("|", "<")]
        aside = ColumnFile.open(self.path.parent, f"{self.path.stem}.wider", kind)
        try:
            if count:
                aside.write(0, self.read(count).astype(np.int64))
            aside.path.replace(self.path)
        except BaseException:
            aside.close()
            aside.path.unlink(missing_ok=True)
            raise
        aside.path = self.path
        self.close()
        return aside

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Close the file; maps that readers hold stay valid."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@attrs.define(eq=False)
class TextFile:
    """The texts of all rows, one behind the other."""

    path: Path
    _fd: int
    _size: int

    @classmethod
    def open(cls, path: Path) -> TextFile:
        """Open or create it."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return cls(path, fd, os.fstat(fd).st_size)

    @property
    def size(self) -> int:
        """For how many bytes the file has room."""
        return self._size

    def write(self, offset: int, texts: bytes) -> None:
        """Write texts from this byte on; raises `NoRoom`."""
        end = offset + len(texts)
        if end > self._size:
            self._size = -(-end // TEXT_STEP) * TEXT_STEP
            os.ftruncate(self._fd, self._size)
        write_all(self._fd, texts, offset)

    def read(self, length: int) -> mmap.mmap | bytes:
        """The first bytes, mapped for reading."""
        if not length:
            return b""
        return mmap.mmap(self._fd, length, prot=mmap.PROT_READ)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
