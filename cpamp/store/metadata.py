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


@cache
def dictionary(version: int) -> bytes:
    """The preset dictionary of this version."""
    files = importlib.resources.files("cpamp.store")
    return files.joinpath("data", f"metadata-v{version}.dict").read_bytes()


@cache
def _template() -> Any:
    return zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zdict=dictionary(VERSION))


def pack(metadata: bytes) -> bytes:
    """The packed form, with the dictionary `VERSION`."""
    # Copying a primed state is cheaper than priming a new one.
    packer = _template().copy()
    packed: bytes = packer.compress(metadata) + packer.flush()
    return packed


def unpack(packed: bytes, version: int) -> bytes:
    """The metadata of a packed form."""
    unpacker = zlib.decompressobj(WINDOW, zdict=dictionary(version))
    return unpacker.decompress(packed)
