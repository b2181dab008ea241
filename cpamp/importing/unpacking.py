"""Gzip, unpacked piece by piece (usage contract, 13 B24)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

GZIP = b"\x1f\x8b"
PIECE_BYTES = 256 * 1024
# Beyond this a file is taken for a bomb.
MOST_BYTES = 16 * 1024 * 1024 * 1024


class Damaged(Exception):
    """The stream can't be unpacked; the message says why."""


class Unpacker:
    """Unpacks a gzip file of one or more members, never more than a piece at once."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._unpacked = 0
        # None between two members.
        self._member: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` unpacks to; raises `Damaged`."""
        while data:
            if self._member is None:
                # Tape blocks are filled up with zeros.
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._member = zlib.decompressobj(31)
            try:
                piece = self._member.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise Damaged(f"the gzip stream is damaged: {error}") from error
            self._unpacked += len(piece)
            if self._unpacked > self._most:
                raise Damaged("the unpacked file is too large")
            if piece:
                yield piece
            if self._member.eof:
                data, self._member = self._member.unused_data, None
            else:
                data = self._member.unconsumed_tail

    def end(self) -> Iterator[bytes]:
        """The rest; raises `Damaged` where there should be more."""
        if self._member is None:
            return
        piece = self._member.flush()
        if piece:
            yield piece
        if not self._member.eof:
            raise Damaged("the gzip stream ends too early")
