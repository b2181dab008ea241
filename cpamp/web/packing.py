"""Packed answers: whether a client takes them, and making them."""

from __future__ import annotations

import zlib

# Fast rather than small.
LEVEL = 1


def accepts_gzip(header: str | None) -> bool:
    """Whether an `Accept-Encoding` allows gzip."""
    for part in (header or "").lower().split(","):
        name, _, quality = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(text: bytes) -> bytes:
    """A text as gzip."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    return packer.compress(text) + packer.flush()
