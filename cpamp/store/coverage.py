"""The table `coverage`: runs of minutes of one state (design, "Collection" 6)."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

OVERLAPPING = """
SELECT from_minute, to_minute, state, reason FROM coverage
WHERE connection = ? AND to_minute >= ? AND from_minute <= ? ORDER BY from_minute
"""
DELETE = "DELETE FROM coverage WHERE connection = ? AND to_minute >= ? AND from_minute <= ?"
INSERT = "INSERT INTO coverage VALUES (?, ?, ?, ?, ?)"
CONNECTIONS = "SELECT DISTINCT connection FROM coverage"
LAST = "SELECT max(to_minute) FROM coverage WHERE connection = ?"
# From the best state to the worst.
STATES = ("covered", "at_risk", "lost")


class Run(NamedTuple):
    """Minutes since 1970, from the first to the last, that share a state and its reason."""

    from_minute: int
    to_minute: int
    state: str
    reason: str = ""


def between(conn: sqlite3.Connection, connection: int, first: int, last: int) -> list[Run]:
    """The runs that touch the minutes from `first` to `last`, oldest first."""
    return [Run(*row) for row in conn.execute(OVERLAPPING, (connection, first, last))]


def connections(conn: sqlite3.Connection) -> list[int]:
    """The CPA connections that were watched."""
    return [row[0] for row in conn.execute(CONNECTIONS)]


def last_minute(conn: sqlite3.Connection, connection: int) -> int | None:
    """The newest minute that has a state; None where there is none."""
    found: int | None = conn.execute(LAST, (connection,)).fetchone()[0]
    return found


def put(conn: sqlite3.Connection, connection: int, runs: Iterable[Run]) -> None:
    """Add runs; where a minute has a state already, the worse one stays."""
    for run in runs:
        # With the neighbours, which a run of the same state extends.
        near = (connection, run.from_minute - 1, run.to_minute + 1)
        merged = merge([*(Run(*row) for row in conn.execute(OVERLAPPING, near)), run])
        conn.execute(DELETE, near)
        conn.executemany(INSERT, [(connection, *one) for one in merged])


def merge(runs: list[Run]) -> list[Run]:
    """Runs that do not overlap, ascending; of several states of a minute the worst holds.

    Of equally bad ones the first in `runs` gives the reason.
    """
    starts = sorted(range(len(runs)), key=lambda i: runs[i].from_minute)
    edges = sorted({e for run in runs for e in (run.from_minute, run.to_minute + 1)})
    # The runs that have begun, the worst first; those that are over go when they come up.
    begun: list[tuple[int, int]] = []
    merged: list[Run] = []
    at = 0
    for edge, start in enumerate(edges[:-1]):
        while at < len(starts) and runs[starts[at]].from_minute == start:
            number = starts[at]
            heapq.heappush(begun, (-STATES.index(runs[number].state), number))
            at += 1
        while begun and runs[begun[0][1]].to_minute < start:
            heapq.heappop(begun)
        if begun:
            worst = runs[begun[0][1]]
            _extend(merged, Run(start, edges[edge + 1] - 1, worst.state, worst.reason))
    return merged


def _extend(merged: list[Run], run: Run) -> None:
    last = merged[-1] if merged else None
    if last is not None and last[1:] == (run.from_minute - 1, run.state, run.reason):
        merged[-1] = last._replace(to_minute=run.to_minute)
    else:
        merged.append(run)
