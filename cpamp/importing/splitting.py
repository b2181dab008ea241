"""A stream of bytes cut into JSON values, without parsing them (usage contract, 7.1).

Everything here takes its bytes in pieces of any size and gives the same for any cut of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# The longest record; a longer one is told of by an empty value.
LINE_BYTES = 10 * 1024 * 1024
# The longest text that is given whole in a mark.
TEXT_BYTES = 64 * 1024
SPACE = b" \t\r\n"

# The inside of a text, up to its closing quotation mark or the end of what there is. Nothing
# here tries again what it has matched, so that hostile input costs no more than any other.
_INSIDE = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TO_MARK = re.compile(rb'[^"{}\[\],:]*+')
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)


class Mark(NamedTuple):
    """A bracket, comma, colon or text; `depth` is the nesting behind it."""

    sign: str  # one of {}[],: or a quotation mark for a text
    at: int  # of its first byte, since the beginning of the stream
    end: int
    depth: int
    text: bytes = b""  # with its quotation marks; empty where it is too long


class Scanner:
    """Gives the marks of one JSON value that are nested at most `shallow` deep.

    Of what lies deeper only the brackets are given; `shallow` may be changed at any mark. The
    marks of malformed JSON are as meaningless as the text itself: whoever needs to know parses
    it.
    """

    def __init__(self, shallow: int) -> None:
        self.shallow = shallow
        self._depth = 0
        self._at = 0  # of the first byte that is not consumed
        self._rest = b""
        self._in_text = False

    def feed(self, data: bytes) -> Iterator[Mark]:
        """The marks that end in `data`; to be stopped at the mark that closes the value."""
        buffer = self._rest + data
        base, place = self._at, 0
        while place < len(buffer):
            if self._in_text:
                place = _end(_INSIDE, buffer, place)
                if buffer[place : place + 1] != b'"':
                    break
                self._in_text, place = False, place + 1
            deep = self._depth > self.shallow
            place = _end(_TO_BRACKET if deep else _TO_MARK, buffer, place)
            if place == len(buffer):
                break
            sign = chr(buffer[place])
            if sign == '"':
                match = None if deep else _TEXT.match(buffer, place)
                if match is not None:
                    yield self._text(match, base)
                    place = match.end()
                elif deep or len(buffer) - place > TEXT_BYTES:
                    self._in_text, place = True, place + 1
                else:
                    break
                continue
            place += 1
            if sign in "{[":
                self._depth += 1
            elif sign in "}]":
                self._depth -= 1
            yield Mark(sign, base + place - 1, base + place, self._depth)
        self._at, self._rest = base + place, buffer[place:]

    def _text(self, match: re.Match[bytes], base: int) -> Mark:
        text = match[0] if len(match[0]) <= TEXT_BYTES else b""
        return Mark('"', base + match.start(), base + match.end(), self._depth, text)


def _end(pattern: re.Pattern[bytes], buffer: bytes, place: int) -> int:
    match = pattern.match(buffer, place)
    assert match is not None
    return match.end()


class LineSplitter:
    """Lines of JSON without the blank ones; b"" stands for one that is too long."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that end in `data`."""
        lines = data.split(b"\n")
        if self._skipping:
            if len(lines) == 1:
                return
            self._skipping = False
            del lines[0]
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
    """Elements of the JSON array that begins the stream; b"" stands for one that is too long.

    Once the array is closed, by the bracket `closed_by`, no more may be fed.
    """

    def __init__(self) -> None:
        self._scanner = Scanner(1)
        self._held = bytearray()
        self._held_at = 0  # of the first byte held
        self._begin = 0  # of the present element
        self._too_long = False
        self.closed_by = ""
        # What the last piece had behind the array.
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The elements that end in `data`."""
        self._held += data
        for mark in self._scanner.feed(data):
            if mark.depth == 1 and mark.sign == ",":
                yield self._element(mark.at)
                self._begin = mark.end
            elif mark.depth == 1 and mark.end == 1:
                self._begin = 1
            elif mark.depth == 0:
                self.closed_by = mark.sign
                last = self._element(mark.at)
                if last or mark.at - self._begin > LINE_BYTES:
                    yield last
                self.rest = bytes(self._held[mark.end - self._held_at :])
                return
        self._drop()

    def _element(self, end: int) -> bytes:
        too_long = self._too_long or end - self._begin > LINE_BYTES
        self._too_long = False
        if too_long:
            return b""
        begin = self._begin - self._held_at
        return bytes(self._held[begin : end - self._held_at]).strip(SPACE)

    def _drop(self) -> None:
        """Hold no more than the beginning of the present element."""
        end = self._held_at + len(self._held)
        if end - self._begin > LINE_BYTES:
            self._too_long = True
        kept = end if self._too_long else self._begin
        del self._held[: kept - self._held_at]
        self._held_at = kept
