"""Response metadata, packed: raw deflate with a preset dictionary of the texts that recur.

The dictionary is a versioned file of the package; an event refers to it by its version, so a
later one may be added but none is ever changed.
"""

from __future__ import annotations

import importlib.resources
import zlib
from functools import cache
from typing import Any

VERSION = 1
# A window of 4 KiB holds the dictionary and the longest metadata; a small state copies fast.
WINDOW = -12
LEVEL = 3
MEMORY = 5
# What stands in for values that the details hold.
TRACE_ID = b"\x01"
RECOVER_AT = b"\x02"


@cache
def dictionary(version: int) -> bytes:
    """The preset dictionary of this version."""
    files = importlib.resources.files("cpamp.store")
    return files.joinpath("data", f"metadata-v{version}.dict").read_bytes()


@cache
def _template() -> Any:
    return zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zdict=dictionary(VERSION))


def with_marks(metadata: bytes, trace_id: str, recover_at_ms: int) -> bytes:
    """The metadata with marks for two values that the event's details hold anyway.

    Metadata is JSON, which has no control characters of its own.
    """
    if trace_id:
        metadata = metadata.replace(trace_id.encode(), TRACE_ID)
    return metadata.replace(b"%d" % recover_at_ms, RECOVER_AT) if recover_at_ms else metadata


def without_marks(marked: bytes, trace_id: str, recover_at_ms: int) -> bytes:
    """The metadata again."""
    if recover_at_ms:
        marked = marked.replace(RECOVER_AT, b"%d" % recover_at_ms)
    return marked.replace(TRACE_ID, trace_id.encode()) if trace_id else marked


def pack(metadata: bytes, trace_id: str, recover_at_ms: int) -> bytes:
    """The packed form, with the dictionary `VERSION`; the two values need not be in it."""
    # Copying a primed state is cheaper than priming a new one.
    packer = _template().copy()
    packed: bytes = packer.compress(with_marks(metadata, trace_id, recover_at_ms)) + packer.flush()
    return packed


def unpack(packed: bytes, version: int, trace_id: str, recover_at_ms: int) -> bytes:
    """The metadata of a packed form, and of what the details hold beside it."""
    unpacker = zlib.decompressobj(WINDOW, zdict=dictionary(version))
    return without_marks(unpacker.decompress(packed), trace_id, recover_at_ms)
