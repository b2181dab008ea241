"""The newest calls of credentials, as a strip of marks (analytics contract, 11.2 and 17, 12)."""

from __future__ import annotations

from typing import Self

import attrs
import numpy as np
import orjson

from cpamp.analytics.columnar import Row
from cpamp.analytics.facets import IntArray
from cpamp.analytics.sections.events import Reading
from cpamp.analytics.selection import Selection

# The newest events of some credentials, for a strip of marks.
MARKS = """
SELECT e.id, e.timestamp_ms, n.failed, n.fail_status_code, n.fail_summary, n.header_error_kind,
    n.header_error_code, d.trace_id
FROM events AS e JOIN ending AS n ON n.id = e.ending LEFT JOIN details AS d ON d.event = e.id
WHERE e.id IN (SELECT value FROM json_each(?))
"""


@attrs.frozen(eq=False)
class Newest:
    """The newest rows of each credential, by time and then by row."""

    # Ascending; of one credential the newest row is first.
    _who: IntArray
    _times: IntArray
    _rows: IntArray

    @classmethod
    def of(cls, selection: Selection, most: int) -> Self:
        """The newest `most` rows of each credential of the selection."""
        size = selection.view.size("who")
        # The time of a credential's last one that is kept, once it has as many as wanted.
        edge = np.full(size, np.iinfo(np.int64).min)
        who, times, rows = (np.zeros(0, dtype=np.int64) for _ in range(3))
        for piece in reversed(selection.pieces):
            chunk = selection.view.chunk(piece)
            codes = chunk.codes("who")
            at = np.flatnonzero(chunk.time >= edge.take(codes))
            if not len(at):
                continue
            who = np.concatenate((who, codes.take(at)))
            times = np.concatenate((times, chunk.time.take(at)))
            rows = np.concatenate((rows, chunk.numbers.take(at)))
            order = np.lexsort((-rows, -times, who))
            who, times, rows = who[order], times[order], rows[order]
            starts = np.flatnonzero(np.diff(who, prepend=-1))
            counts = np.diff(starts, append=len(who))
            rank = np.arange(len(who)) - np.repeat(starts, counts)
            kept = rank < most
            who, times, rows, rank = who[kept], times[kept], rows[kept], rank[kept]
            full = rank == most - 1
            edge[who[full]] = times[full]
        return cls(who, times, rows)

    @property
    def all_rows(self) -> IntArray:
        """The rows of all credentials."""
        return self._rows

    def one_for_each(self, groups: IntArray) -> IntArray:
        """The newest row of each group of credentials, newest first.

        `groups` has the group of each credential by its number.
        """
        order = np.lexsort((-self._rows, -self._times))
        _, first = np.unique(groups[self._who[order]], return_index=True)
        found: IntArray = self._rows[order[np.sort(first)]]
        return found

    def rows(self, numbers: IntArray, most: int) -> IntArray:
        """The newest rows of some credentials together, newest first."""
        begins = np.searchsorted(self._who, numbers).tolist()
        ends = np.searchsorted(self._who, numbers, side="right").tolist()
        if len(numbers) == 1:
            return self._rows[begins[0] : min(ends[0], begins[0] + most)]
        ranges = [np.arange(begin, end) for begin, end in zip(begins, ends, strict=True)]
        at = np.concatenate([np.zeros(0, dtype=np.int64), *ranges])
        order = np.lexsort((-self._rows[at], -self._times[at]))[:most]
        found: IntArray = self._rows[at[order]]
        return found


def marks_of(reading: Reading, selection: Selection, newest: Newest) -> dict[int, Row]:
    """What is shown of each of the newest rows, by row."""
    rows = newest.all_rows
    ids: list[int] = selection.view.snapshot.ids_of(rows).tolist()
    found = reading.conn.execute(MARKS, (orjson.dumps(ids).decode(),))
    by_id = {number: _mark(*rest) for number, *rest in found}
    return {
        row: by_id[number]
        for row, number in zip(rows.tolist(), ids, strict=True)
        if number in by_id
    }


def _mark(
    at_ms: int, failed: int, status: int, summary: str, kind: str, code: str, trace: str | None
) -> Row:
    mark: Row = {"timestamp_ms": at_ms, "failed": bool(failed)}
    details = {
        "fail_status_code": status,
        "fail_summary": summary,
        "header_error_kind": kind,
        "header_error_code": code,
        "header_trace_id": trace,
    }
    return mark | {name: value for name, value in details.items() if value}
