"""Events that could not be stored yet, on disk: appended, checked, replayed in order.

A frame is its length and CRC-32 (4 bytes each, little-endian) and then a batch of events as JSON.
A frame that a crash cut short is ignored, and so is all behind it. Events are normalised and
redacted; their hash makes a second replay harmless.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import orjson

from cpamp.usage.event import Billed, Caller, End, Event, ModelNames, Tokens, Way, Who

VERSION = 1
FILE_BYTES = 8 * 1024 * 1024
_HEAD = 8


class SpoolFull(Exception):
    """The spool has no room, or its disk has none; nothing was written."""


def pack(events: Sequence[Event]) -> bytes:
    """The frame of some events."""
    body = orjson.dumps([VERSION, [_fields(event) for event in events]])
    head = len(body).to_bytes(4, "little") + zlib.crc32(body).to_bytes(4, "little")
    return head + body


def unpack(data: bytes) -> Iterator[list[Event]]:
    """The batches of all whole frames."""
    at = 0
    while at + _HEAD <= len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        body = data[at + _HEAD : at + _HEAD + length]
        if len(body) < length or zlib.crc32(body).to_bytes(4, "little") != data[at + 4 : at + 8]:
            return
        version, events = orjson.loads(body)
        if version != VERSION:
            return
        yield [_event(fields) for fields in events]
        at += _HEAD + length


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


@attrs.define(eq=False)
class Spool:
    """Files in one folder, of at most `limit` bytes together. All calls are for a thread."""

    folder: Path
    limit: int
    size: int = 0
    events: int = 0
    _fd: int = -1
    _file_bytes: int = 0

    def open(self) -> None:
        """Find what an earlier run left."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.size = sum(file.stat().st_size for file in self._files())
        self.events = sum(
            len(batch) for file in self._files() for batch in unpack(file.read_bytes())
        )
        if not self.events:
            for file in self._files():
                file.unlink()
            self.size = 0

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.spool"))

    def append(self, events: Sequence[Event]) -> None:
        """Write a batch and wait until it is on the disk; raises `SpoolFull`."""
        frame = pack(events)
        if self.size + len(frame) > self.limit:
            raise SpoolFull("the spool has reached its limit")
        try:
            fd = self._current()
            written = os.pwrite(fd, frame, self._file_bytes)
            if written < len(frame):
                raise OSError(28, "no room for the spool")
            os.fdatasync(fd)
        except OSError as error:
            # What was written of the frame is torn, and the next one is written over it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._file_bytes)
            raise SpoolFull(str(error)) from error
        self._file_bytes += len(frame)
        self.size += len(frame)
        self.events += len(events)

    def _current(self) -> int:
        if self._fd >= 0 and self._file_bytes < FILE_BYTES:
            return self._fd
        self.close()
        names = self._files()
        number = int(names[-1].stem) + 1 if names else 1
        path = self.folder / f"{number:012}.spool"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file_bytes = 0
        return self._fd

    def oldest(self) -> tuple[Path, list[list[Event]]] | None:
        """The oldest file and its batches; it gets no more of them."""
        files = self._files()
        if not files:
            return None
        if len(files) == 1:
            self.close()
        return files[0], list(unpack(files[0].read_bytes()))

    def remove(self, file: Path, events: int) -> None:
        """A file's events are stored."""
        self.size = max(self.size - file.stat().st_size, 0)
        self.events = max(self.events - events, 0)
        file.unlink()

    def close(self) -> None:
        """Close the file that is being written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
