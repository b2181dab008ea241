"""The few figures of all events that tell which of them an answer holds (usage, 5, 6 and 9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.columns.columns import Snapshot

Numbers = npt.NDArray[np.int64]
ROWS = 20_000
COLUMNS = ("time", "way", "model", "flags", "total")
# The flag FAILED is 1.
BRIEF = """
SELECT e.id, e.timestamp_ms, e.way, e.model, n.failed, e.total_tokens
FROM events AS e JOIN ending AS n ON n.id = e.ending WHERE e.id > ? ORDER BY e.id
"""


@attrs.frozen(eq=False)
class Brief:
    """Events by id: their time in ms, references, flags as in the columns, and total tokens."""

    ids: Numbers
    time: npt.NDArray[np.integer]
    way: npt.NDArray[np.integer]
    model: npt.NDArray[np.integer]
    flags: npt.NDArray[np.integer]
    total: npt.NDArray[np.integer]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Brief:
        """The events that the columns hold; of most columns little is ever touched."""
        ids = snapshot.ids_of(np.arange(snapshot.n))
        return cls(ids, *(snapshot.column(name) for name in COLUMNS))

    def with_rest(self, conn: sqlite3.Connection) -> Brief:
        """These and what the database has behind them; for columns that are behind."""
        last = int(self.ids[-1]) if len(self.ids) else 0
        columns = [self.ids, self.time, self.way, self.model, self.flags, self.total]
        parts = [columns, *_read_behind(conn, last)]
        return Brief(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def newest(self, limit: int | None) -> Numbers:
        """The places of the newest `limit` events (None: of all), by time and then by id."""
        time = self.time
        places: Numbers = np.arange(len(time))
        if limit is None or limit >= len(time):
            # Events that came in order need no sorting, and no memory for it.
            in_order = bool((time[1:] >= time[:-1]).all())
            return places if in_order else places[np.argsort(time, kind="stable")]
        edge = np.partition(time, len(time) - limit)[len(time) - limit]
        places = np.flatnonzero(time >= edge)
        places = places[np.argsort(time[places], kind="stable")]
        return places[len(places) - limit :]


def _read_behind(conn: sqlite3.Connection, last: int) -> Iterator[list[Numbers]]:
    cursor = conn.execute(BRIEF, (last,))
    while rows := cursor.fetchmany(ROWS):
        yield list(np.array(rows, dtype=np.int64).T)
