"""How much of a stretch of time was watched (design, "Collection" 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.columnar import Row
from cpamp.store.coverage import STATES, Run, between, connections, merge

MINUTE_MS = 60_000
HOLES = 1_000
Minutes = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class Watched:
    """The minutes of a range by state. Of several connections the worst state counts."""

    runs: Sequence[Run]

    @classmethod
    def read(cls, conn: sqlite3.Connection, from_ms: int, to_ms: int) -> Self:
        """The runs that touch a range."""
        first, last = from_ms // MINUTE_MS, (to_ms - 1) // MINUTE_MS
        found = [run for number in connections(conn) for run in between(conn, number, first, last)]
        return cls(
            merge(
                [
                    run._replace(
                        from_minute=max(run.from_minute, first), to_minute=min(run.to_minute, last)
                    )
                    for run in found
                ]
            )
        )

    def of_stretches(self, starts_ms: Minutes, ends_ms: Minutes) -> list[Row]:
        """Of each stretch how many of its minutes had which state; the others are unknown."""
        first, end = starts_ms // MINUTE_MS, -(-ends_ms // MINUTE_MS)
        counts = [
            (self._before(state, end) - self._before(state, first)).tolist() for state in STATES
        ]
        names = [f"{state}_minutes" for state in STATES]
        return [dict(zip(names, row, strict=True)) for row in zip(*counts, strict=True)]

    def _before(self, state: str, minutes: Minutes) -> Minutes:
        """How many minutes of a state lie before each of some minutes."""
        runs = [run for run in self.runs if run.state == state]
        if not runs:
            return np.zeros_like(minutes)
        starts = np.array([run.from_minute for run in runs], dtype=np.int64)
        lengths = np.array([run.to_minute + 1 - run.from_minute for run in runs], dtype=np.int64)
        whole = np.concatenate(([0], np.cumsum(lengths)))
        at = np.searchsorted(starts, minutes, side="right")
        # The run that a minute lies in counts only up to it.
        last = np.maximum(at - 1, 0)
        inside = np.minimum(minutes - starts[last], lengths[last])
        found: Minutes = np.where(at > 0, whole[last] + inside, 0)
        return found

    def holes(self) -> list[Row]:
        """The newest stretches that were not covered, oldest first."""
        return [
            {
                "from_ms": run.from_minute * MINUTE_MS,
                "to_ms": (run.to_minute + 1) * MINUTE_MS,
                "state": run.state,
                "reason": run.reason,
            }
            for run in self.runs
            if run.state != STATES[0]
        ][-HOLES:]
