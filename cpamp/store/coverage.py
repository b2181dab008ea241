"""The table `coverage`: runs of minutes of one state (usage contract; design, "Collection" 6)."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import NamedTuple

OVERLAPPING = """
SELECT from_minute, to_minute, state, reason FROM coverage
WHERE connection = ? AND to_minute >= ? AND from_minute <= ? ORDER BY from_minute
"""
DELETE = "DELETE FROM coverage WHERE connection = ? AND to_minute >= ? AND from_minute <= ?"
INSERT = "INSERT INTO coverage VALUES (?, ?, ?, ?, ?)"
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


def put(conn: sqlite3.Connection, connection: int, runs: list[Run]) -> None:
    """Add runs; where a minute has a state already, the worse one stays."""
    for run in runs:
        near = (connection, run.from_minute - 1, run.to_minute + 1)
        merged = merge([*(Run(*row) for row in conn.execute(OVERLAPPING, near)), run])
        conn.execute(DELETE, near)
        conn.executemany(INSERT, [(connection, *one) for one in merged])


def merge(runs: list[Run]) -> list[Run]:
    """Runs that do not overlap, ascending; of two states of a minute the worse one holds."""
    edges = sorted({e for run in runs for e in (run.from_minute, run.to_minute + 1)})
    merged: list[Run] = []
    for start, end in pairwise(edges):
        here = [run for run in runs if run.from_minute <= start <= run.to_minute]
        if not here:
            continue
        worst = max(here, key=lambda run: STATES.index(run.state))
        last = merged[-1] if merged else None
        same = last and (last.state, last.reason) == (worst.state, worst.reason)
        if last and same and last.to_minute == start - 1:
            merged[-1] = last._replace(to_minute=end - 1)
        else:
            merged.append(Run(start, end - 1, worst.state, worst.reason))
    return merged
