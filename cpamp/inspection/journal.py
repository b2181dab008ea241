"""Writes down what was done to credentials, for people to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
from twisted.logger import Logger

from cpamp.errors import StoreUnavailable
from cpamp.store import Store
from cpamp.store import account_log as stored
from cpamp.store.account_log import Note


@attrs.frozen
class Journal:
    """What it can't write is told in the log alone: nothing that was done fails for it."""

    _store: Store
    _now_ms: Callable[[], int]
    _log: Logger = attrs.field(factory=Logger, eq=False)

    async def write(self, notes: Sequence[Note]) -> None:
        """These were done just now."""
        try:
            if notes:
                await self._store.write(stored.add, self._now_ms(), notes)
        except StoreUnavailable as problem:
            self._log.warn("{count} notes are lost: {why}", count=len(notes), why=problem.message)
