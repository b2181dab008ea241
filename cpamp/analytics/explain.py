"""An answer held against the count event by event (storage design, section 6).

The events of the days that matter are read from the database in pages, whatever the columns say;
what is kept grows with the groups, not with the events.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from cpamp.analytics.answer import Answerer
from cpamp.analytics.recount.answer import ROLLING_MS, UNCOUNTED, Recount
from cpamp.analytics.request import AnalyticsRequest, Page
from cpamp.store.events import FORM_SHIFT, OWN_TEXT
from cpamp.store.reading import Dictionaries, read_some
from cpamp.usage.timestamps import is_made

DAY_MS = 86_400_000
PAGE = 1_000
# Events whose times' texts are looked at in one step.
STEP = 20_000
DAYS = """
WITH RECURSIVE days (day) AS (
    SELECT min(timestamp_ms / 86400000) FROM events WHERE timestamp_ms / 86400000 >= :first
    UNION ALL
    SELECT (SELECT min(timestamp_ms / 86400000) FROM events WHERE timestamp_ms / 86400000 > day)
    FROM days WHERE day <= :last
)
SELECT day FROM days WHERE day <= :last
"""
IDS = """
SELECT id FROM events WHERE timestamp_ms / 86400000 = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?
"""
# Texts of times that are not made of the times of their events.
OWN_TEXTS = f"""
SELECT d.timestamp_text FROM events AS e JOIN details AS d ON d.event = e.id
WHERE e.id > ? AND e.id <= ? AND e.timestamp_form >= {OWN_TEXT << FORM_SHIFT}
    AND d.timestamp_text IS NOT NULL
"""
COUNT = """
SELECT count(*) FROM events WHERE timestamp_ms / 86400000 BETWEEN ? AND ? AND id <= ?
"""
# Members that are times, lists of single events, or words: what is read and not counted.
_READ = frozenset(("items", "recent_failures", "next_before_ms", "next_before_id"))
# What tells the rows of a list apart.
_NAMES = ("id", "model", "bucket_ms", "bucket_key", "auth_index", "hour", "weekday", "key")


@attrs.frozen
class Figure:
    """One figure of an answer, and what the count says."""

    name: str
    answer: Any
    recount: Any

    @property
    def difference(self) -> float | None:
        """By how much the answer is greater; None where one of them is missing."""
        if isinstance(self.answer, int | float) and isinstance(self.recount, int | float):
            return self.answer - self.recount
        return None

    @property
    def agrees(self) -> bool:
        """Whether both are the same: integers exactly, others to nine digits."""
        if isinstance(self.answer, float) or isinstance(self.recount, float):
            if self.difference is None:
                return False
            return math.isclose(self.answer, self.recount, rel_tol=1e-9, abs_tol=1e-12)
        return bool(self.answer == self.recount)

    def as_json(self) -> dict[str, Any]:
        """The figure as it is told."""
        return {
            "figure": self.name,
            "answer": self.answer,
            "recount": self.recount,
            "difference": self.difference,
            "agrees": self.agrees,
        }


@attrs.define(eq=False)
class Explanation:
    """An answer that was given, and the count of the events that there were then."""

    request: AnalyticsRequest
    answer: dict[str, Any]
    recount: Recount
    # Texts of times that events of other times have.
    moved: set[str]
    last_id: int

    @classmethod
    def begin(cls, answerer: Answerer, request: AnalyticsRequest) -> Explanation:
        """Answer a request, to be counted."""
        reading, snapshot = answerer.reading, answerer.view.snapshot
        if request.include.page is not None:
            # Single events are read and not counted: one of them will do.
            include = attrs.evolve(request.include, page=Page(1))
            request = attrs.evolve(request, include=include)
        moved: set[str] = set()
        return cls(
            request,
            answerer.answer(request),
            Recount(request, reading.book, reading.aliases, moved),
            moved,
            snapshot.id_of(snapshot.n - 1) if snapshot.n else 0,
        )

    @property
    def uncounted(self) -> list[str]:
        """The sections asked for that are not counted again."""
        return [name for name in UNCOUNTED if name in self.request.include]

    def _days(self) -> tuple[int, int]:
        """The first and the last day whose events matter."""
        request, include = self.request, self.request.include
        first, last = request.from_ms, request.to_ms
        if include.comparison:
            first = min(first, 2 * request.from_ms - request.to_ms)
        if "summary" in include and not include.compact:
            first, last = min(first, request.now_ms - ROLLING_MS), max(last, request.now_ms)
        if include.preview:
            first, last = min(first, include.preview.from_ms), max(last, include.preview.to_ms)
        return first // DAY_MS, last // DAY_MS

    def total(self, conn: sqlite3.Connection) -> int:
        """How many events will be read."""
        return int(conn.execute(COUNT, (*self._days(), self.last_id)).fetchone()[0])

    def days(self, conn: sqlite3.Connection) -> list[int]:
        """The days that have such events."""
        first, last = self._days()
        # Events of negative times are rounded towards 1970 by SQLite, as the index has them.
        found = conn.execute(DAYS, {"first": first, "last": last})
        return [row[0] for row in found if row[0] is not None]

    def look_ahead(self, conn: sqlite3.Connection, after: int) -> int | None:
        """Look at the texts of the next events' times; the last of these ids, None at the end.

        All must be looked at before the first day is fed.
        """
        end = after + STEP
        texts = (row[0] for row in conn.execute(OWN_TEXTS, (after, end)))
        self.moved.update(text for text in texts if is_made(text))
        return end if end < self.last_id else None

    def feed(
        self, conn: sqlite3.Connection, dictionaries: Dictionaries, day: int, after: int
    ) -> int | None:
        """Count the next events of a day behind this id; the last of them, None at its end."""
        ids: list[int] = [row[0] for row in conn.execute(IDS, (day, after, self.last_id, PAGE))]
        self.recount.feed(read_some(conn, dictionaries, ids, callers=True))
        if len(ids) < PAGE:
            self.recount.end_of_day()
            return None
        return ids[-1]

    def count(self, conn: sqlite3.Connection, dictionaries: Dictionaries) -> None:
        """All of it at once: every look ahead, and then every day."""
        seen: int | None = 0
        while seen is not None:
            seen = self.look_ahead(conn, seen)
        for day in self.days(conn):
            after: int | None = 0
            while after is not None:
                after = self.feed(conn, dictionaries, day, after)

    def figures(self) -> Iterator[Figure]:
        """Every figure that was counted."""
        yield from _figures("", self.answer, self.recount.answer())


def _figures(name: str, answer: Any, recount: Any) -> Iterator[Figure]:
    if isinstance(recount, dict):
        found = answer if isinstance(answer, dict) else {}
        for member, value in recount.items():
            if member not in _READ:
                yield from _figures(
                    f"{name}.{member}" if name else member, found.get(member), value
                )
    elif isinstance(recount, list) and any(isinstance(row, dict) for row in recount):
        rows = answer if isinstance(answer, Sequence) else ()
        yield Figure(f"{name}.rows", len(rows), len(recount))
        # By their names: rows of equal cost may stand in another order, as its last digit goes.
        found = dict(_named(rows))
        for label, row in _named(recount):
            yield from _figures(f"{name}[{label}]", found.get(label), row)
    elif _is_number(recount) or _is_number(answer) or (answer or None) != (recount or None):
        yield Figure(name, answer, recount)


def _named(rows: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Rows with what tells them apart; of equal names each has its number too."""
    seen: Counter[str] = Counter()
    for row in rows:
        names = row if isinstance(row, dict) else {}
        label = "/".join(str(names[key]) for key in _NAMES if names.get(key) not in (None, ""))
        seen[label] += 1
        yield (label if seen[label] == 1 else f"{label}#{seen[label]}"), row


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
