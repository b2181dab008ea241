"""An import: read in a thread, stored in batches, in the order of the file (usage, 7.4, 7.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import attrs
from twisted.internet.threads import deferToThreadPool

from cpamp.errors import Problem, StoreUnavailable
from cpamp.importing.reading import Candidate, FileReader, ImportInvalid
from cpamp.store import Store
from cpamp.store.events import stored_ones
from cpamp.usage.event import Event

BATCH = 500
FEED_BYTES = 512 * 1024


class ImportFailed(Problem):
    """The import ended after some of it was stored; importing the file again is safe."""

    code = "request_failed"


@attrs.define
class Report:
    """What an import came to (section 7.5)."""

    format: str = ""
    added: int = 0
    skipped: int = 0
    failed: int = 0
    unsupported: int = 0
    warnings: list[str] | None = None

    @property
    def total(self) -> int:
        """Events that were handed to the store."""
        return self.added + self.skipped

    def body(self) -> dict[str, Any]:
        """The reply."""
        return {
            "format": self.format,
            "added": self.added,
            "skipped": self.skipped,
            "total": self.total,
            "failed": self.failed,
            "unsupported": self.unsupported,
            "warnings": self.warnings,
        }


@attrs.define(eq=False)
class ImportJob:
    """Imports one file. `report` is right at any moment."""

    _reactor: Any
    _store: Store
    _now_ms: Callable[[], int]
    report: Report = attrs.Factory(Report)
    cancelled: bool = False
    _reader: FileReader = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = FileReader(self._now_ms())

    async def run(self, chunks: AsyncIterator[bytes]) -> Report:
        """Import all of it; raises `ImportInvalid` or `ImportFailed`."""
        try:
            async for data in _gathered(chunks):
                await self._store_all(self._reader.feed(data))
                if self.cancelled:
                    return self.report
            await self._store_all(self._reader.end())
        except ImportInvalid as error:
            self._note()
            if self.report.total:
                raise ImportFailed(error.message) from error
            error.extra.update(
                {k: v for k, v in self.report.body().items() if k in _TOLD_WITH_ERRORS}
            )
            raise
        except StoreUnavailable as error:
            raise ImportFailed(f"persist usage import batch: {error.message}") from error
        self._note()
        return self.report

    def _note(self) -> None:
        reader, report = self._reader, self.report
        report.format, report.failed = reader.format, reader.failed
        report.unsupported, report.warnings = reader.unsupported, reader.warnings

    async def _store_all(self, found: Iterator[Candidate | Event]) -> None:
        while not self.cancelled:
            pool = self._reactor.getThreadPool()
            batch = await deferToThreadPool(self._reactor, pool, _take, found)
            if not batch:
                break
            await self._store_batch(batch)
            self._note()

    async def _store_batch(self, batch: list[Candidate | Event]) -> None:
        """Store a batch; what is stored already is found out before it is made into events."""
        keys = [c.key if isinstance(c, Candidate) else None for c in batch]
        known = [False] * len(batch)
        if any(keys):
            known = await self._store.read(stored_ones, keys)
        fresh = [c for c, old in zip(batch, known, strict=True) if not old]
        self.report.skipped += len(batch) - len(fresh)
        if not fresh:
            return
        events = await deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), _events, fresh, self._now_ms()
        )
        added = await self._store.add_events(events)
        self.report.added += added.inserted
        self.report.skipped += added.skipped


_TOLD_WITH_ERRORS = ("format", "failed", "unsupported", "warnings")


def _take(found: Iterator[Candidate | Event]) -> list[Candidate | Event]:
    return list(islice(found, BATCH))


def _events(batch: Sequence[Candidate | Event], now_ms: int) -> list[Event]:
    return [c.event(now_ms) if isinstance(c, Candidate) else c for c in batch]


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces that are worth a thread's time."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= FEED_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
