"""The three forms of a file of events: lines, an array, an object (usage contract, 7.1).

Each takes plain bytes in pieces of any size, the first of which begins with the value, and gives
what it finds; what it can't use it counts in the `Tally`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Protocol

import attrs

from cpamp.errors import BadRequest
from cpamp.importing.legacy import WARNINGS, Walk
from cpamp.importing.shape import DIRECT, TOTALS, WRAPPED, Shape
from cpamp.importing.splitting import LINE_BYTES, SPACE, ElementSplitter, LineSplitter
from cpamp.usage.event import Event
from cpamp.usage.exported import exported_hash, read_exported
from cpamp.usage.members import Record
from cpamp.usage.payload import Malformed, strict_json
from cpamp.usage.record import normalise

JSONL = "usage_service_jsonl"
NO_DETAILS = "legacy usage export does not contain request details"
TWO_VALUES = "usage import payload contains multiple JSON values"
# What is held in memory of an object whose end has not come.
_HELD_BYTES = 1024 * 1024
_PIECE_BYTES = 256 * 1024
# An object with none of these is no request (13 B8, B21).
_TELLING = (
    *("timestamp", "model", "alias", "request_id", "timestamp_ms"),
    *("time", "created_at", "createdAt", "created", "request_time", "requestTime"),
    *("requested_model", "requestedModel", "resolved_model", "resolvedModel"),
    *("model_name", "modelName", "requestId"),
)


class ImportInvalid(BadRequest):
    """The file is none that can be imported."""

    code = "import_invalid"


class Candidate:
    """A record that is an event; made into one only where it is needed."""

    __slots__ = ("_hash", "_record", "size")

    def __init__(self, record: Record, hash_text: str, size: int) -> None:
        self._record = record
        self._hash = hash_text
        # How many bytes of the file it took.
        self.size = size

    @property
    def key(self) -> tuple[int, str] | None:
        """Time and hash by which it is found in the store, where both are given."""
        at_ms = self._record.get("timestamp_ms")
        return (at_ms, self._hash) if self._hash and type(at_ms) is int and at_ms > 0 else None

    def event(self, now_ms: int) -> Event:
        """The event."""
        read = read_exported if self._hash else normalise
        return read(self._record, now_ms=now_ms)


Found = Candidate | Event


@attrs.define
class Tally:
    """What a file turned out to be, and how much of it could not be used."""

    format: str = ""
    failed: int = 0
    unsupported: int = 0
    warnings: list[str] | None = None

    def record(self, text: bytes) -> Iterator[Found]:
        """The candidate that a text is, if it is one."""
        try:
            value = strict_json(text)
        except Malformed:
            value = None
        if not isinstance(value, dict):
            self.failed += 1
            return
        hash_text = exported_hash(value)
        if hash_text or _tells(value):
            yield Candidate(value, hash_text, len(text))
        elif isinstance(value.get("usage"), dict) and "apis" not in value["usage"]:
            # A summary without requests.
            self.unsupported += 1
        else:
            self.failed += 1


def _tells(record: Record) -> bool:
    return any(record.get(name) not in (None, "") for name in _TELLING)


class Form(Protocol):
    """What all three do; both raise `ImportInvalid`."""

    def feed(self, data: bytes) -> Iterator[Found]:
        """What ends in `data`."""
        ...

    def end(self) -> Iterator[Found]:
        """What ends with the file."""
        ...


@attrs.define
class Lines:
    """One record a line."""

    _tally: Tally
    _splitter: LineSplitter = attrs.Factory(LineSplitter)

    def feed(self, data: bytes) -> Iterator[Found]:
        """The records of the lines that end in `data`."""
        for line in self._splitter.feed(data):
            yield from self._tally.record(line)

    def end(self) -> Iterator[Found]:
        """That of a last line without a newline."""
        for line in self._splitter.end():
            yield from self._tally.record(line)


@attrs.define
class Array:
    """One array of records."""

    _tally: Tally
    _splitter: ElementSplitter = attrs.Factory(ElementSplitter)

    def feed(self, data: bytes) -> Iterator[Found]:
        """The records of the elements that end in `data`."""
        splitter = self._splitter
        if not splitter.closed_by:
            for element in splitter.feed(data):
                yield from self._tally.record(element)
            data = splitter.rest
        if splitter.closed_by == "}" or (splitter.closed_by and data.strip(SPACE)):
            raise ImportInvalid("usage import payload has text behind its JSON array")

    def end(self) -> Iterator[Found]:
        """Nothing: an array ends before the file does, or was cut off."""
        if not self._splitter.closed_by:
            raise ImportInvalid("usage import payload ends in the middle of its JSON array")
        return iter(())


class _Stage(Enum):
    FIRST_LINE = auto()
    BEHIND_NEWLINE = auto()
    MORE_LINES = auto()


@attrs.define
class Object:
    """An object: a snapshot, or a record, behind which lines may follow.

    A snapshot is read when the file has ended, since nothing may follow it.
    """

    _tally: Tally
    _now_ms: int
    _folder: Path | None
    _shape: Shape = attrs.Factory(Shape)
    # The object's bytes; None if they are too many and it is no snapshot.
    _spool: SpooledTemporaryFile[bytes] | None = None
    _size: int = 0
    _stage: _Stage = _Stage.FIRST_LINE
    _last: bytes = b""  # of the first line, but for blanks
    # What takes the rest of the file, once the object has ended.
    _behind: Lines | _Blanks | None = None

    def __attrs_post_init__(self) -> None:
        folder = None if self._folder is None else str(self._folder)
        # It ends with this object, and by its own kind even if the process is killed.
        self._spool = SpooledTemporaryFile(_HELD_BYTES, dir=folder)  # noqa: SIM115

    def feed(self, data: bytes) -> Iterator[Found]:
        """The record that ends in `data`, and those of the lines behind it."""
        while data and self._behind is None:
            match self._stage:
                case _Stage.FIRST_LINE:
                    line, newline, more = data.partition(b"\n")
                    rest = self._look(line)
                    if rest is None:
                        self._last = line.rstrip(SPACE)[-1:] or self._last
                        self._stage = _Stage.BEHIND_NEWLINE if newline else self._stage
                        data = more
                    else:
                        data = rest + newline + more
                        yield from self._judge()
                case _Stage.BEHIND_NEWLINE:
                    data = data.lstrip(SPACE)
                    if _goes_on(self._last, data[:1]):
                        self._stage, data = _Stage.MORE_LINES, b"\n" + data
                    elif data:
                        yield from self._refuse()
                case _Stage.MORE_LINES:
                    rest = self._look(data)
                    data = b"" if rest is None else rest
                    if rest is not None:
                        yield from self._judge()
        if self._behind is not None:
            yield from self._behind.feed(data)

    def end(self) -> Iterator[Found]:
        """The requests of a snapshot, or what ends with the file."""
        if self._behind is None:
            if self._stage is _Stage.MORE_LINES or self._shape.apis_at is not None:
                raise ImportInvalid("usage import payload ends in the middle of a JSON object")
            yield from self._refuse()
        elif isinstance(self._behind, Lines):
            yield from self._behind.end()
        else:
            yield from self._walk()

    def _look(self, data: bytes) -> bytes | None:
        """Take more of the object; once it has ended, what is behind it."""
        end = self._shape.feed(data)
        rest = None
        if end is not None:
            data, rest = data[: end - self._size], data[end - self._size :]
        self._size += len(data)
        if self._is_too_long:
            self._spool = None
        elif self._spool is not None:
            self._spool.write(data)
        return rest

    @property
    def _is_too_long(self) -> bool:
        apis_at = self._shape.apis_at
        return self._size > LINE_BYTES and (apis_at is None or apis_at > LINE_BYTES)

    def _judge(self) -> Iterator[Found]:
        """The object has ended: what is it?"""
        kind = self._shape.kind
        if self._spool is None or (not kind and self._size > LINE_BYTES):
            yield from self._refuse()
        elif kind:
            self._tally.warnings = list(WARNINGS)
            self._tally.format = WRAPPED if self._shape.usage_is_object else DIRECT
            self._check_snapshot(kind)
            self._behind = _Blanks()
        else:
            self._behind = Lines(self._tally)
            self._spool.seek(0)
            yield from self._tally.record(self._spool.read())
            self._spool.close()

    def _check_snapshot(self, kind: str) -> None:
        if kind == TOTALS:
            self._tally.unsupported += 1
            raise ImportInvalid(NO_DETAILS)
        if self._shape.repeated is not None:
            raise ImportInvalid(
                "usage import legacy object contains duplicate structural key "
                f'"{self._shape.repeated}"'
            )

    def _refuse(self) -> Iterator[Found]:
        """The object, or what looked like one, is no record; lines go on behind it."""
        self._tally.failed += 1
        self._behind = Lines(self._tally)
        return iter(())

    def _walk(self) -> Iterator[Found]:
        walk = Walk(self._shape.tree, self._read, self._now_ms)
        found = False
        for event in walk.events():
            found = True
            yield event
        self._tally.failed += walk.failed
        self._tally.unsupported += walk.unsupported
        if not found:
            raise ImportInvalid(NO_DETAILS)

    def _read(self, begin: int, end: int) -> Iterator[bytes]:
        assert self._spool is not None
        for place in range(begin, end, _PIECE_BYTES):
            self._spool.seek(place)
            yield self._spool.read(min(_PIECE_BYTES, end - place))


class _Blanks:
    """Takes the rest of a file that must have nothing more."""

    def feed(self, data: bytes) -> Iterator[Found]:
        if data.strip(SPACE):
            raise ImportInvalid(TWO_VALUES)
        return iter(())


def _goes_on(before: bytes, behind: bytes) -> bool:
    """Whether an object goes on over a newline, by the signs at both sides of it.

    Otherwise its first line is malformed, and the next line is one of its own.
    """
    if before in (b"{", b","):
        return behind in (b'"', b"}")
    return before in (b"[", b":") or behind in (b",", b":", b"}", b"]")
