"""A file of events, fed in pieces of any size (usage contract, 7.1 to 7.3, 13 B7, B8, B21, B24).

Bytes in, records out, with counts of what could not be read. The same bytes give the same
result however they are cut. Memory is bounded by the longest record, whatever the form: the
bytes of a large snapshot wait in a temporary file for its second pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from cpamp.importing.forms import JSONL, Array, Form, Found, ImportInvalid, Lines, Object, Tally
from cpamp.importing.splitting import SPACE
from cpamp.importing.unpacking import GZIP, Damaged, Unpacker

EMPTY = "empty usage import payload"
BOM = b"\xef\xbb\xbf"


@attrs.define
class FileReader:
    """Feed it a file; it gives candidates, or the events of a snapshot.

    `folder` is where the temporary file of a large snapshot goes. What `feed` and `end` give must
    be taken to its end before the next call; both raise `ImportInvalid`.
    """

    _now_ms: int
    _folder: Path | None = None
    tally: Tally = attrs.Factory(Tally)
    # The first bytes, until there are enough to tell what begins.
    _head: bytes | None = b""
    _unpacker: Unpacker | None = None
    _text: _Text = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._text = _Text(self.tally, self._now_ms, self._folder)

    def feed(self, data: bytes) -> Iterator[Found]:
        """What ends in `data`."""
        if self._head is not None:
            self._head += data
            if len(self._head) < len(GZIP):
                return
            data = self._begin()
        yield from self._unpacked(data)

    def end(self) -> Iterator[Found]:
        """What ends with the file."""
        if self._head is not None:
            yield from self._unpacked(self._begin())
        if self._unpacker is not None:
            try:
                last = list(self._unpacker.end())
            except Damaged as error:
                raise ImportInvalid(str(error)) from error
            for piece in last:
                yield from self._text.feed(piece)
        yield from self._text.end()

    def _begin(self) -> bytes:
        assert self._head is not None
        data, self._head = self._head, None
        if data.startswith(GZIP):
            self._unpacker = Unpacker()
        return data

    def _unpacked(self, data: bytes) -> Iterator[Found]:
        if self._unpacker is None:
            yield from self._text.feed(data)
            return
        try:
            for piece in self._unpacker.feed(data):
                yield from self._text.feed(piece)
        except Damaged as error:
            raise ImportInvalid(str(error)) from error


@attrs.define
class _Text:
    """The file as plain text, whose first sign tells its form."""

    _tally: Tally
    _now_ms: int
    _folder: Path | None
    _head: bytes | None = b""
    _form: Form | None = None

    def feed(self, data: bytes) -> Iterator[Found]:
        if self._form is None:
            data = self._to_begin(data, last=False)
            if not data:
                return
            self._form = self._form_of(data)
        yield from self._form.feed(data)

    def end(self) -> Iterator[Found]:
        if self._form is None:
            data = self._to_begin(b"", last=True)
            if not data:
                raise ImportInvalid(EMPTY)
            self._form = self._form_of(data)
            yield from self._form.feed(data)
        yield from self._form.end()

    def _to_begin(self, data: bytes, *, last: bool) -> bytes:
        """`data` from the value on that it begins; b"" while there is none."""
        if self._head is not None:
            data = self._head + data
            if len(data) < len(BOM) and not last:
                self._head = data
                return b""
            self._head = None
            data = data.removeprefix(BOM)
        return data.lstrip(SPACE)

    def _form_of(self, data: bytes) -> Form:
        self._tally.format = JSONL
        if data.startswith(b"["):
            return Array(self._tally)
        if data.startswith(b"{"):
            return Object(self._tally, self._now_ms, self._folder)
        return Lines(self._tally)
