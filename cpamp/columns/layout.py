"""Which columns there are, and a batch of rows for them (storage design, section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

# Changes with every change of meaning: columns of another version are made anew.
VERSION = 2
BLOCK = 65_536
NONE = -1
FAILED = 1
BILLED = 2
HEADERS = 4

# Name -> the narrowest type; a value that does not fit widens its column to the next one.
TYPES: Mapping[str, str] = {
    "time": "<i8",  # ms since the epoch
    "form": "<u4",  # digits below the ms and form of the timestamp's text
    "who": "<u2",
    "model": "<u2",
    "way": "<u2",
    "key": "<u2",
    "ending": "<u2",
    "caller": "<u4",
    "input": "<i4",  # the normalised total input
    "output": "<i4",
    "reasoning": "<i4",
    "cached": "<i4",  # compatible cached tokens
    "cache_read": "<i4",
    "cache_creation": "<i4",
    "total": "<i4",
    "latency": "<i4",  # ms, NONE where not told
    "ttft": "<i4",
    "connection": "<u1",  # the CPA connection that it came from
    "flags": "<u1",  # FAILED, BILLED, HEADERS: response headers told something
    "text_end": "<u4",  # where the row's texts end in the file of texts
}
WIDER: Mapping[str, str] = {"<u1": "<u2", "<u2": "<u4", "<u4": "<i8", "<i4": "<i8"}
NAMES = tuple(TYPES)
# The texts that are unique to an event, for searching: request id, trace id, and a hash that is no
# hexadecimal number.
TEXTS = "texts"

Columns = dict[str, npt.NDArray[Any]]


@attrs.frozen
class Batch:
    """Rows to be appended: `values[i]` belongs to column ``NAMES[i]``; ids are contiguous."""

    first_id: int
    values: Sequence[npt.NDArray[np.int64]]
    texts: bytes

    def __len__(self) -> int:
        return len(self.values[0])
