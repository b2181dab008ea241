"""Letting details go after some days; the figures of every event stay (storage design, section 2).

What goes is the response metadata, the failure body, unknown members and the payload. The ids by
which an event is searched stay, and so does the text of its time, since its hash is made of it.
The number of the metadata's dictionary stays too: it tells that there were headers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from cpamp.errors import StoreUnavailable
from cpamp.store.store import DETAILS, Store

DAY_MS = 86_400_000
PASS_SECONDS = 3600.0
# Between two steps, so that a long pass is hardly felt.
PAUSE_SECONDS = 0.05
# Rows of details that one step looks at.
STEP = 2_000

END_OF_STEP = """
SELECT max(event) FROM (SELECT event FROM details WHERE event > ? ORDER BY event LIMIT ?)
"""
OLD = """
FROM details AS d JOIN events AS e ON e.id = d.event
WHERE d.event > :after AND d.event <= :end AND e.timestamp_ms < :before
"""
OLD_DETAILS = f"""
SELECT d.event {OLD} AND coalesce(
    d.metadata, d.quota_recover_at_ms, d.quota_used_percent, d.fail_body, d.unknown, d.raw
) IS NOT NULL
"""
OLD_PAYLOADS = f"SELECT d.event {OLD} AND d.raw IS NOT NULL"
CLEAR_DETAILS = """
UPDATE details SET metadata = NULL,
    dictionary = iif(coalesce(quota_recover_at_ms, quota_used_percent) IS NULL, dictionary,
        ifnull(dictionary, 0)),
    quota_recover_at_ms = NULL, quota_used_percent = NULL, fail_body = NULL, unknown = NULL,
    raw = NULL
WHERE event = ?
"""
CLEAR_PAYLOAD = "UPDATE details SET raw = NULL WHERE event = ?"

Ids = list[tuple[int]]


def old_rows(
    conn: sqlite3.Connection, query: str, after: int, before_ms: int
) -> tuple[int | None, Ids]:
    """The end of the step behind this event, None where there is none; and what is old in it."""
    (end,) = conn.execute(END_OF_STEP, (after, STEP)).fetchone()
    if end is None:
        return None, []
    return end, conn.execute(query, {"after": after, "end": end, "before": before_ms}).fetchall()


def clear(conn: sqlite3.Connection, statement: str, ids: Ids) -> None:
    """Clear rows, in the caller's transaction."""
    conn.executemany(statement, ids)


@attrs.define(eq=False)
class Retention(Service):
    """Once an hour clears what is older than its days; 0 days: kept for ever."""

    _reactor: Any
    _store: Store
    _now_ms: Callable[[], int]
    details_days: int
    payload_days: int
    _call: LoopingCall = attrs.field(init=False)
    _passing: Deferred[None] | None = attrs.field(default=None, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._call = LoopingCall(self._begin_pass)
        self._call.clock = self._reactor

    def startService(self) -> None:
        """Begin, if anything is ever to go."""
        Service.startService(self)
        if self.details_days or self.payload_days:
            self._call.start(PASS_SECONDS).addErrback(
                lambda f: self._log.failure("old details are no longer cleared", failure=f)
            )

    def stopService(self) -> Deferred[None]:
        """End after the step that is under way."""
        Service.stopService(self)
        if self._call.running:
            self._call.stop()
        return self._passing or succeed(None)

    async def passed(self) -> None:
        """Wait for the end of the pass that is under way, if there is one."""
        if self._passing is not None:
            await self._passing

    def _begin_pass(self) -> Deferred[None]:
        self._passing = Deferred.fromCoroutine(self.run_pass())
        return self._passing

    async def run_pass(self) -> None:
        """Clear all that is old by now."""
        try:
            for days, query, statement in (
                (self.details_days, OLD_DETAILS, CLEAR_DETAILS),
                (self.payload_days, OLD_PAYLOADS, CLEAR_PAYLOAD),
            ):
                if days:
                    await self._clear_older(self._now_ms() - days * DAY_MS, query, statement)
        except StoreUnavailable as e:
            self._log.warn("old details could not be cleared: {problem}", problem=e.message)

    async def _clear_older(self, before_ms: int, query: str, statement: str) -> None:
        cleared, after = 0, 0
        while self.running:
            end, ids = await self._store.read(old_rows, query, after, before_ms)
            if end is None:
                break
            if ids:
                await self._store.alter(DETAILS, clear, statement, ids)
                cleared += len(ids)
                await deferLater(self._reactor, PAUSE_SECONDS)
            after = end
        if cleared:
            self._log.info("cleared the details of {n} events", n=cleared)
