"""A stream of bytes cut into JSON values, without parsing them (usage contract, 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE_BYTES = 10 * 1024 * 1024
SPACE = b" \t\r\n"
_MARKS = re.compile(rb'["\\{}\[\],]')


class LineSplitter:
    """Lines of JSON. Lines that are too long are told of by an empty value."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that end in `data`; b"" stands for one that was too long."""
        lines = data.split(b"\n")
        if self._skipping:
            if len(lines) == 1:
                return
            self._skipping = False
            lines = lines[1:]
        else:
            lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        for line in lines:
            if len(line) > LINE_BYTES:
                yield b""
            elif line := line.strip(SPACE):
                yield line
        if len(self._rest) > LINE_BYTES:
            self._rest, self._skipping = b"", True
            yield b""

    def end(self) -> Iterator[bytes]:
        """The last line, if it has no newline."""
        rest, self._rest = self._rest.strip(SPACE), b""
        if rest:
            yield rest


class ElementSplitter:
    """Elements of a JSON array, or one object; whichever begins the stream.

    `complete` says whether the outer value is closed.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0  # bytes of the buffer that were looked at
        self._start = 0  # where the present element begins
        self._depth = 0
        self._in_text = False
        self._array = False
        self.complete = False
        # What came behind the outer value.
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The elements that end in `data`."""
        if self.complete:
            self.rest += data
            return
        self._buffer += data
        buffer = bytes(self._buffer)
        for match in _MARKS.finditer(buffer, self._seen):
            at, mark = match.start(), match[0]
            if self._skip(buffer, at, mark):
                continue
            if mark in b"{[":
                if self._depth == 0:
                    self._array = mark == b"["
                    self._start = at + 1 if self._array else at
                self._depth += 1
            elif mark in b"}]":
                self._depth -= 1
                if self._depth == 0:
                    yield from self._closed(buffer, at)
                    return
            elif self._array and self._depth == 1:
                yield buffer[self._start : at].strip(SPACE)
                self._start = at + 1
        self._keep(buffer)

    def _skip(self, buffer: bytes, at: int, mark: bytes) -> bool:
        """Whether a mark is part of a text, or begins or ends one."""
        if self._in_text:
            if mark == b'"' and not self._is_escaped(buffer, at):
                self._in_text = False
            return True
        if mark == b'"':
            self._in_text = True
            return True
        return mark == b"\\"

    @staticmethod
    def _is_escaped(buffer: bytes, at: int) -> bool:
        count = 0
        while at - count > 0 and buffer[at - count - 1 : at - count] == b"\\":
            count += 1
        return count % 2 == 1

    def _closed(self, buffer: bytes, at: int) -> Iterator[bytes]:
        self.complete = True
        self.rest = buffer[at + 1 :]
        self._buffer.clear()
        if self._array:
            last = buffer[self._start : at].strip(SPACE)
            if last:
                yield last
        else:
            yield buffer[self._start : at + 1]

    def _keep(self, buffer: bytes) -> None:
        self._seen = len(buffer)
        if self._array:
            del self._buffer[: self._start]
            self._seen -= self._start
            self._start = 0
