"""Events that could not be stored yet, on disk: appended, checked, replayed in order.

A file is a row of frames. A frame is three little-endian numbers of 4 bytes (the length of its
body, the body's CRC-32, how many events it holds) and the body: a batch of events as JSON. A frame
that a crash cut short was never acknowledged; it is ignored, and so is all behind it. Events are
normalised and redacted; their hash makes a second replay harmless.

All calls of `Spool` are for one thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson
from twisted.logger import Logger

from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who

VERSION = 1
FILE_BYTES = 4 * 1024 * 1024
HEAD = struct.Struct("<III")
_GROUPS: dict[str, Any] = {
    "who": Who,
    "model": ModelNames,
    "way": Way,
    "caller": Caller,
    "end": End,
    "tokens": Tokens,
    "billed": Billed,
}
_BYTES = ("metadata", "unknown", "raw")
_NAMES = tuple(field.name for field in attrs.fields(Event))


class SpoolFull(Exception):
    """The spool has no room, or its disk has none; nothing was written."""


def pack(events: Sequence[Event]) -> bytes:
    """The frame of some events."""
    body = orjson.dumps([VERSION, [_fields(event) for event in events]])
    return HEAD.pack(len(body), zlib.crc32(body), len(events)) + body


def unpack(data: bytes) -> Iterator[tuple[list[Event], int]]:
    """The batches of all whole frames, each with where its frame ends."""
    at = 0
    while at + HEAD.size <= len(data):
        length, checksum, _ = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + length]
        # An empty body has a valid checksum, and a stretch of zeros is full of them.
        if not body or len(body) < length or zlib.crc32(body) != checksum:
            return
        version, events = orjson.loads(body)
        if version != VERSION:
            return
        at += HEAD.size + length
        yield [_event(fields) for fields in events], at


def _fields(event: Event) -> list[Any]:
    values = []
    for name in _NAMES:
        value = getattr(event, name)
        if name in _BYTES:
            value = value.decode()
        elif name in _GROUPS and value is not None:
            value = list(value)
        values.append(value)
    return values


def _event(values: list[Any]) -> Event:
    fields = dict(zip(_NAMES, values, strict=True))
    for name in _BYTES:
        fields[name] = fields[name].encode()
    for name, group in _GROUPS.items():
        if fields[name] is not None:
            fields[name] = group(*fields[name])
    return Event(**fields)


@attrs.frozen
class Spooled:
    """A file of the spool, read."""

    file: Path
    batches: list[list[Event]]
    # Whether it holds nothing else than those.
    whole: bool

    @property
    def events(self) -> int:
        """How many events it holds."""
        return sum(map(len, self.batches))


@attrs.define(eq=False)
class Spool:
    """Files in one folder, of at most `limit` bytes together; `events` counts what is in them."""

    folder: Path
    limit: int
    size: int = attrs.field(default=0, init=False)
    events: int = attrs.field(default=0, init=False)
    _fd: int = attrs.field(default=-1, init=False)
    _file_bytes: int = attrs.field(default=0, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def open(self) -> None:
        """Find what an earlier run left; raises `OSError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.size = sum(file.stat().st_size for file in self._files())
        self.events = sum(map(_count, self._files()))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.spool"))

    def append(self, events: Sequence[Event]) -> None:
        """Write a batch and wait until it is on the disk; raises `SpoolFull`."""
        frame = pack(events)
        if self.size + len(frame) > self.limit:
            raise SpoolFull("the spool has reached its limit")
        try:
            fd = self._current()
            if os.pwrite(fd, frame, self._file_bytes) < len(frame):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(fd)
        except OSError as error:
            # What was written of the frame is torn, and the next one is written over it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._file_bytes)
            raise SpoolFull(f"the spool can't be written: {error.strerror}") from error
        self._file_bytes += len(frame)
        self.size += len(frame)
        self.events += len(events)

    def _current(self) -> int:
        if self._fd >= 0 and self._file_bytes < FILE_BYTES:
            return self._fd
        self.close()
        # A number that was put aside as damaged is not used again: another would replace it.
        stems = [file.stem for end in ("spool", "damaged") for file in self.folder.glob(f"*.{end}")]
        number = max((int(stem) for stem in stems if stem.isdecimal()), default=0) + 1
        path = self.folder / f"{number:012}.spool"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file_bytes = 0
        _sync_folder(self.folder)
        return self._fd

    def oldest(self) -> Spooled | None:
        """The oldest file; it gets no more events. Raises `OSError`."""
        files = self._files()
        if not files:
            self.size = self.events = 0
            return None
        if len(files) == 1:
            self.close()
        data = files[0].read_bytes()
        found = list(unpack(data))
        end = found[-1][1] if found else 0
        return Spooled(files[0], [batch for batch, _ in found], end == len(data))

    def remove(self, spooled: Spooled) -> None:
        """A file's events are stored; raises `OSError`.

        A rest that can't be read is put aside for a person to look at, not thrown away.
        """
        self.size = max(self.size - spooled.file.stat().st_size, 0)
        if spooled.whole:
            spooled.file.unlink()
        else:
            aside = spooled.file.with_suffix(".damaged")
            spooled.file.rename(aside)
            self._log.warn("a part of the spool is torn or damaged: {aside}", aside=aside)
        self.events = max(self.events - spooled.events, 0)

    def close(self) -> None:
        """Close the file that is being written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _count(file: Path) -> int:
    """The events of a file by the heads of its frames alone; the last may be torn."""
    total, at = 0, 0
    with file.open("rb") as f:
        end = f.seek(0, os.SEEK_END)
        while at + HEAD.size <= end:
            f.seek(at)
            length, _, events = HEAD.unpack(f.read(HEAD.size))
            at += HEAD.size + length
            if not length or at > end:
                break
            total += events
    return total


def _sync_folder(folder: Path) -> None:
    """Bring a new file's name to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
