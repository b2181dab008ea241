"""A file of events, fed in pieces of any size (usage contract, 7.1 to 7.3, 13 B7, B21, B24).

Pure: bytes in, events out, with counts of what could not be read. The same bytes give the same
result however they are cut.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from cpamp.errors import BadRequest
from cpamp.importing.legacy import DIRECT, NO_DETAILS, WARNINGS, NoDetails, Walk, kind_of
from cpamp.importing.splitting import SPACE, ElementSplitter, LineSplitter
from cpamp.usage.event import Event
from cpamp.usage.exported import exported_hash, read_exported
from cpamp.usage.record import Malformed, normalise, strict_json

JSONL = "usage_service_jsonl"
ARRAY = "usage_service_json_array"
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
UNPACKED_BYTES = 64 * 1024 * 1024 * 1024
# A first line that ends like this is the beginning of a value over several lines.
_OPEN_ENDS = (b"{", b"[", b",", b":")
_MARKS = frozenset(
    (
        *("timestamp", "time", "created_at", "createdAt", "created", "request_time", "requestTime"),
        *("model", "alias", "requested_model", "requestedModel", "resolved_model", "resolvedModel"),
        *("model_name", "modelName", "request_id", "requestId", "id", "timestamp_ms"),
    )
)


class ImportInvalid(BadRequest):
    """The file is none that can be imported."""

    code = "import_invalid"


class Candidate:
    """A parsed object that is an event; made into one only where it is needed."""

    __slots__ = ("key", "record")

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        at_ms = record.get("timestamp_ms")
        hash_text = exported_hash(record)
        # What tells whether it is stored already, where that is known without more work.
        self.key = (at_ms, hash_text) if hash_text and type(at_ms) is int and at_ms > 0 else None

    def event(self, now_ms: int) -> Event:
        """The event."""
        if exported_hash(self.record):
            return read_exported(self.record, now_ms=now_ms)
        return normalise(self.record, now_ms=now_ms)


class FileReader:
    """Feed it a file; it gives candidates and ready events."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.format = ""
        self.failed = 0
        self.unsupported = 0
        self.warnings: list[str] | None = None
        self._begin = b""
        self._splitter: LineSplitter | ElementSplitter | None = None
        self._unpacker: Any = None
        self._unpacked = 0
        self._first = True
        self._legacy = False

    def feed(self, data: bytes) -> Iterator[Candidate | Event]:
        """What ends in `data`; raises `ImportInvalid`."""
        if self._first and not self._unpacker:
            self._begin += data
            if len(self._begin) < 3:
                return
            data, self._begin = self._begin, b""
            self._first = False
            if data.startswith(GZIP):
                self._unpacker = zlib.decompressobj(31)
        if self._unpacker:
            data = self._unpack(data)
        yield from self._take(data)

    def end(self) -> Iterator[Candidate | Event]:
        """The rest; raises `ImportInvalid`."""
        if self._first and self._begin:
            begin, self._begin, self._first = self._begin, b"", False
            yield from self._take(begin)
        if self._unpacker and not self._unpacker.eof:
            raise ImportInvalid("the gzip stream ends too early")
        if self._splitter is None and self._begin.strip(SPACE):
            yield from self._start(whole=True)
        if self._splitter is None:
            raise ImportInvalid("empty usage import payload")
        if isinstance(self._splitter, LineSplitter):
            for line in self._splitter.end():
                yield from self._line(line)
            return
        if not self._splitter.complete:
            raise ImportInvalid("the usage import payload ends in the middle of a JSON value")
        if self._splitter.rest.strip(SPACE):
            yield from self._after(self._splitter.rest, last=True)

    def _unpack(self, data: bytes) -> bytes:
        try:
            plain: bytes = self._unpacker.decompress(data)
        except zlib.error as error:
            raise ImportInvalid(f"the gzip stream is damaged: {error}") from error
        self._unpacked += len(plain)
        if self._unpacked > UNPACKED_BYTES:
            raise ImportInvalid("the unpacked file is too large")
        return plain

    def _take(self, data: bytes) -> Iterator[Candidate | Event]:
        if self._splitter is None:
            self._begin += data
            yield from self._start(whole=False)
        elif isinstance(self._splitter, LineSplitter):
            for line in self._splitter.feed(data):
                yield from self._line(line)
        else:
            yield from self._elements(data)

    def _start(self, *, whole: bool) -> Iterator[Candidate | Event]:
        """Find out the format, once enough is there."""
        begin = self._begin.removeprefix(BOM).lstrip(SPACE)
        if not begin:
            return
        if begin.startswith(b"["):
            self.format = ARRAY
            self._splitter = ElementSplitter()
        elif not begin.startswith(b"{"):
            self.format = JSONL
            self._splitter = LineSplitter()
        else:
            line, newline, _ = begin.partition(b"\n")
            if not newline and not whole and len(begin) < 1024 * 1024:
                return
            line = line.strip(SPACE)
            one_line = (newline or whole) and not line.endswith(_OPEN_ENDS)
            is_object = one_line and _object(line) is not None
            self.format = JSONL
            if (one_line and not is_object) or (is_object and not _snapshot_like(line)):
                self._splitter = LineSplitter()
            else:
                self._splitter = ElementSplitter()
        self._begin = b""
        yield from self._take(begin)

    def _elements(self, data: bytes) -> Iterator[Candidate | Event]:
        splitter = self._splitter
        assert isinstance(splitter, ElementSplitter)
        for element in splitter.feed(data):
            if self.format == ARRAY:
                yield from self._line(element)
            else:
                yield from self._single(element)
        if splitter.complete and splitter.rest and not self._legacy and self.format != ARRAY:
            yield from self._after(splitter.rest, last=False)

    def _after(self, rest: bytes, *, last: bool) -> Iterator[Candidate | Event]:
        """What comes behind the first value: lines, or nothing that is allowed."""
        if self._legacy and rest.strip(SPACE):
            raise ImportInvalid("usage import payload contains multiple JSON values")
        if self.format == ARRAY and rest.strip(SPACE):
            raise ImportInvalid("there is text after the JSON array")
        lines = self._splitter = LineSplitter()
        for line in lines.feed(rest):
            yield from self._line(line)
        if last:
            for line in lines.end():
                yield from self._line(line)

    def _single(self, text: bytes) -> Iterator[Candidate | Event]:
        """The first object: a snapshot, an exported event, or a raw record."""
        value = _object(text)
        if value is None:
            self.failed += 1
            return
        try:
            kind = "" if exported_hash(value) else kind_of(value)
        except NoDetails as error:
            self.unsupported += 1
            raise ImportInvalid(NO_DETAILS) from error
        if not kind:
            yield from self._record(value)
            return
        self.format, self._legacy = kind, True
        self.warnings = [*WARNINGS, *(["usage_payload_counts_twice"] if kind == DIRECT else [])]
        walk = Walk(value, self._now_ms)
        count = 0
        for event in walk.events():
            count += 1
            yield event
        self.failed += walk.failed
        self.unsupported += walk.unsupported
        if not count:
            raise ImportInvalid(NO_DETAILS)

    def _line(self, line: bytes) -> Iterator[Candidate | Event]:
        value = _object(line)
        if value is None:
            self.failed += 1
        else:
            yield from self._record(value)

    def _record(self, value: dict[str, Any]) -> Iterator[Candidate | Event]:
        if not exported_hash(value) and _MARKS.isdisjoint(value):
            self.failed += 1
            return
        yield Candidate(value)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        try:
            value = strict_json(text)
        except Malformed:
            return None
    return value if isinstance(value, dict) else None


def _snapshot_like(line: bytes) -> bool:
    return b'"apis"' in line or b'"usage"' in line or b'"total_requests"' in line
