"""The sections made of single events, which are read from the database by their ids.

Source: analytics contract, 9.6 and 10.2.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from cpamp.analytics.columnar import Row
from cpamp.analytics.facets import IntArray
from cpamp.analytics.own_texts import OwnTexts, of_the_same_text
from cpamp.analytics.recount.events import TaskTable, event_row, failure_row
from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.request import Page
from cpamp.analytics.sections.tasks import NEWEST
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import Chunk
from cpamp.pricing.cost import PriceBook
from cpamp.store.reading import Dictionaries, read_some

# Events that are read at a time, so that reading can stop between them.
PIECE = 1_000


@attrs.frozen
class Reading:
    """What it takes to read events by their ids."""

    conn: sqlite3.Connection
    dictionaries: Dictionaries
    book: PriceBook
    # The names of the clients' keys, by hash.
    aliases: Mapping[str, str]
    # What was read already: several sections show the newest events.
    _facts: dict[int, Fact] = attrs.field(factory=dict, init=False)

    def facts(self, selection: Selection, rows: IntArray) -> Iterator[Fact]:
        """The events of some rows, in their order, read as they are taken."""
        for start in range(0, len(rows), PIECE):
            selection.view.go_on()
            yield from self._piece(selection, rows[start : start + PIECE])

    def _piece(self, selection: Selection, rows: IntArray) -> list[Fact]:
        ids: list[int] = selection.view.snapshot.ids_of(rows).tolist()
        missing = [number for number in ids if number not in self._facts]
        for number, event in read_some(self.conn, self.dictionaries, missing, callers=True):
            self._facts[number] = Fact.of(number, event, self.book, self.aliases)
        return [self._facts[number] for number in ids if number in self._facts]


def newest(
    selection: Selection, limit: int, passes: Callable[[Chunk], Any] | None = None
) -> IntArray:
    """The newest rows, by time and then by row, newest first, of those that `passes` marks."""
    times, rows = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if limit <= 0:
        return rows
    for piece in reversed(selection.pieces):
        chunk = selection.view.chunk(piece)
        if len(times) >= limit and chunk.times[1] < times[0]:
            # All of it is older than what was found.
            continue
        mask = np.full(len(chunk), True) if passes is None else passes(chunk)
        if len(times) >= limit:
            mask &= chunk.time >= times[0]
        found = np.flatnonzero(mask)
        if not len(found):
            continue
        times = np.concatenate((chunk.time.take(found), times))
        rows = np.concatenate((chunk.numbers.take(found), rows))
        if len(times) >= limit:
            # Rows ascend, so that those of one time keep their order.
            order = np.argsort(times, kind="stable")[-limit:]
            times, rows = times.take(order), rows.take(order)
    if len(times) < limit:
        rows = rows.take(np.argsort(times, kind="stable"))
    return rows[::-1]


def before(page: Page, selection: Selection) -> Callable[[Chunk], Any] | None:
    """Which rows come before the page's cursor."""
    if page.before_ms is None:
        return None
    at_ms = page.before_ms
    limit = selection.view.rows_before(page.before_id or 0)
    return lambda chunk: (chunk.time < at_ms) | ((chunk.time == at_ms) & (chunk.numbers < limit))


def page_of(reading: Reading, selection: Selection, page: Page) -> Row:
    """`events`: one page, newest first, and the count of all."""
    found = newest(selection, page.skip + page.limit + 1, before(page, selection))
    rows = found[page.skip :]
    has_more = len(rows) > page.limit
    rows = rows[: page.limit]
    view, last = selection.view, rows[-1:] if has_more else rows[:0]
    return {
        "items": [event_row(fact) for fact in reading.facts(selection, rows)],
        "next_before_ms": int(view.snapshot.column("time").take(last).sum()),
        "next_before_id": int(view.numbers_of(last).sum()),
        "has_more": has_more,
        "total_count": selection.count,
    }


def preview_of(reading: Reading, selection: Selection, limit: int) -> Row:
    """`drilldown_preview`: the newest events of a range of its own."""
    return page_of(reading, selection, Page(limit))


def failures_of(reading: Reading, selection: Selection, limit: int) -> Sequence[Row]:
    """`recent_failures`: the newest failed events."""
    rows = newest(selection, limit, lambda chunk: chunk.failed.copy())
    return [failure_row(fact, fact.provider) for fact in reading.facts(selection, rows)]


def tasks_of(reading: Reading, selection: Selection) -> Sequence[Row]:
    """`task_buckets`: the newest tasks, each with its events."""
    # The oldest task may have more events than were read.
    limit = NEWEST + NEWEST // 10
    while True:
        rows = newest(selection, limit)
        times = selection.view.snapshot.column("time").take(rows)
        whole = len(rows) < limit
        # Events of one time belong together, and the oldest may not all be there.
        kept = rows if whole else rows[times > times[-1]]
        table = TaskTable()
        for fact in reading.facts(selection, kept):
            table.add(fact)
        if whole or len(table.tasks) >= NEWEST:
            further = of_the_same_text(OwnTexts(reading.conn), selection, kept)
            for fact in reading.facts(selection, further):
                table.add(fact)
            return table.rows()
        limit *= 2
