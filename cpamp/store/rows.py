"""Rows of the columns from the numbers of events, as they are stored or read again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cpamp.columns.layout import NONE, Batch

IntArray = npt.NDArray[np.int64]


def text_of(request_id: str, trace_id: str, hash_text: str) -> bytes:
    """What is searched of an event that is unique to it, case-folded.

    `hash_text` is its hash where that is stored as a text.
    """
    own = f"{hash_text}\n" if hash_text else ""
    return f"{request_id}\n{trace_id}\n{own}".casefold().encode(errors="replace")


def make_batch(
    first_id: int,
    numbers: IntArray,
    separate: npt.NDArray[np.bool_],
    flags: IntArray,
    texts: Sequence[bytes],
) -> Batch:
    """The rows of events with contiguous ids.

    A row of `numbers` is time, form, who, model, way, key, ending, caller, the eight token counts
    as received, latency, TTFT (negative: not told), and connection. `separate` says of each event
    whether its cache tokens are beside its input tokens.
    """
    given, output, reasoning, cached, cache, read, creation, total = numbers[:, 8:16].T
    # The buckets of the usage contract, section 3.5.
    fine = np.maximum(read, 0) + np.maximum(creation, 0)
    compatible = np.maximum(np.maximum(np.maximum(cached, cache), 0) - fine, 0)
    total_input = np.maximum(given, 0) + np.where(separate, compatible + fine, 0)
    latency, ttft, connection = numbers[:, 16:19].T
    return Batch(
        first_id,
        [
            *numbers[:, :8].T,
            total_input,
            output,
            reasoning,
            compatible,
            read,
            creation,
            total,
            np.maximum(latency, NONE),
            np.maximum(ttft, NONE),
            connection,
            flags,
            np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))),
        ],
        b"".join(texts),
    )
