"""Answers as JSON, in parts, since those with every detail of many keys are long."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cpamp.analytics.columnar import Table, dumps

# Shorter parts are joined.
PART_BYTES = 64 * 1024
# Fast rather than small.
PACKING_LEVEL = 1


def encoded(answer: Mapping[str, Any]) -> list[bytes]:
    """An answer as one line of JSON. A table that stands in it twice, as in the choices, is made
    once, and its parts are shared.
    """
    return list(_gathered([*_members(answer, {}), b"\n"]))


def _members(answer: Mapping[str, Any], tables: dict[int, list[bytes]]) -> Iterator[bytes]:
    lead = b"{"
    for name, value in answer.items():
        yield lead + dumps(name) + b":"
        lead = b","
        if isinstance(value, Table):
            if id(value) not in tables:
                tables[id(value)] = list(_gathered(value.parts()))
            yield from tables[id(value)]
        elif isinstance(value, dict) and any(isinstance(v, Table) for v in value.values()):
            yield from _members(value, tables)
        else:
            yield dumps(value)
    yield b"}" if answer else b"{}"


def _gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same with short parts joined; long ones are not copied."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        if held and size + len(part) > PART_BYTES:
            yield b"".join(held)
            held, size = [], 0
        held.append(part)
        size += len(part)
    if held:
        yield b"".join(held)


def packed(parts: Sequence[bytes]) -> bytes:
    """Parts as gzip."""
    packer = zlib.compressobj(PACKING_LEVEL, zlib.DEFLATED, 31)
    return b"".join([*map(packer.compress, parts), packer.flush()])
