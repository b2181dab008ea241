"""An import: read in threads, stored in batches, in the order of the file (usage, 7.4, 7.5)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from cpamp.errors import Problem, StoreUnavailable
from cpamp.importing.forms import Candidate, Found, ImportInvalid
from cpamp.importing.reading import FileReader
from cpamp.importing.twins import WARNING, Twins
from cpamp.store import Store
from cpamp.store.events import stored_ones
from cpamp.usage.event import Event

T = TypeVar("T")
# A batch ends with as many records, or as many bytes of the file.
BATCH = 500
BATCH_BYTES = 4 * 1024 * 1024
# As much is read at once; less is not worth a thread's time.
FEED_BYTES = 256 * 1024


class ImportFailed(Problem):
    """The import ended after some of it was stored; importing the file again is safe.

    `retryable` says whether the same file may go through another time.
    """

    code = "request_failed"

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


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

    def shortcomings(self) -> dict[str, Any]:
        """What is also told with an error."""
        return {
            "format": self.format,
            "failed": self.failed,
            "unsupported": self.unsupported,
            "warnings": self.warnings,
        }

    def body(self) -> dict[str, Any]:
        """The reply."""
        counts = {"added": self.added, "skipped": self.skipped, "total": self.total}
        return {"format": self.format, **counts, **self.shortcomings()}


@attrs.define
class _Batch:
    """Records that are stored together."""

    found: list[Found] = attrs.Factory(list)
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.found) >= BATCH or self.size >= BATCH_BYTES

    def fill(self, source: Iterator[Found]) -> bool:
        """Take from `source` until it ends or the batch is full; whether it is."""
        for one in source:
            self.found.append(one)
            if isinstance(one, Candidate):
                self.size += one.size
            if self.full:
                return True
        return False

    def keys(self) -> list[tuple[int, str] | None]:
        return [one.key if isinstance(one, Candidate) else None for one in self.found]

    def events(self, known: Sequence[bool] | None, now_ms: int) -> list[Event]:
        """The events of the records that are not known to be stored."""
        return [
            one.event(now_ms) if isinstance(one, Candidate) else one
            for i, one in enumerate(self.found)
            if known is None or not known[i]
        ]

    @property
    def is_snapshot(self) -> bool:
        return isinstance(self.found[0], Event)


@attrs.define(eq=False)
class ImportJob:
    """Imports one file. `report` is right at any moment.

    One batch is read and made into events while the one before it is committed; no more than
    these two are in memory. `folder` takes the temporary file of a large snapshot.
    """

    _reactor: Any
    _store: Store
    _now_ms: Callable[[], int]
    _folder: Path
    report: Report = attrs.Factory(Report)
    cancelled: bool = False
    _reader: FileReader = attrs.field(init=False)
    _twins: Twins | None = attrs.field(init=False)
    _storing: Deferred[None] | None = None
    # Whether it is worth looking for a batch's events before they are made.
    _seeks_known: bool = True

    def __attrs_post_init__(self) -> None:
        self._reader = FileReader(self._now_ms(), self._folder)
        self._twins = Twins(self._store.snapshot())

    async def run(self, chunks: AsyncIterable[bytes]) -> Report:
        """Import all of it; raises `ImportInvalid`, `ImportFailed`, or what `chunks` raises."""
        try:
            try:
                async for batch in self._batches(chunks):
                    await self._take(batch)
            finally:
                await self._settled()
                self._note()
        except ImportInvalid as error:
            if self.report.total:
                raise ImportFailed(error.message, retryable=False) from error
            error.extra.update(self.report.shortcomings())
            raise
        except StoreUnavailable as error:
            message = f"persist usage import batch: {error.message}"
            raise ImportFailed(message, retryable=True) from error
        except OSError as error:
            raise ImportFailed(f"read usage import: {error.strerror}", retryable=True) from error
        return self.report

    async def _batches(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[_Batch]:
        """The batches of the file: the same for the same bytes, however they arrive."""
        batch = _Batch()
        async for data in gathered(chunks):
            source = self._reader.feed(data)
            while not self.cancelled and await self._in_thread(batch.fill, source):
                yield batch
                batch = _Batch()
            if self.cancelled:
                return
        source = self._reader.end()
        while await self._in_thread(batch.fill, source):
            yield batch
            if self.cancelled:
                return
            batch = _Batch()
        if batch.found:
            yield batch

    async def _take(self, batch: _Batch) -> None:
        """Make a batch ready, and begin to store it once the one before it is stored."""
        known: list[bool] | None = None
        if self._seeks_known:
            known = await self._store.read(stored_ones, batch.keys())
        events = await self._in_thread(batch.events, known, self._now_ms())
        await self._settled()
        self.report.skipped += len(batch.found) - len(events)
        self._storing = Deferred.fromCoroutine(self._add(batch, events))

    async def _settled(self) -> None:
        """Wait until nothing is being stored."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def _add(self, batch: _Batch, events: list[Event]) -> None:
        if events:
            added = await self._store.add_events(events)
            self.report.added += added.inserted
            self.report.skipped += added.skipped
            # Where one is stored already, the next ones are likely to be.
            self._seeks_known = added.inserted < len(batch.found)
            if batch.is_snapshot and self._twins is not None:
                new = [event for event, is_new in zip(events, added.new, strict=True) if is_new]
                await self._look_for_twins(self._twins, new)
        self._note()

    async def _look_for_twins(self, twins: Twins, events: list[Event]) -> None:
        if await self._in_thread(twins.among, events):
            self._twins = None
            self._reader.tally.warnings = [*(self._reader.tally.warnings or ()), WARNING]

    def _note(self) -> None:
        tally, report = self._reader.tally, self.report
        report.format, report.failed = tally.format, tally.failed
        report.unsupported, report.warnings = tally.unsupported, tally.warnings

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        pool = self._reactor.getThreadPool()
        result: T = await deferToThreadPool(self._reactor, pool, work, *args)
        return result


async def gathered(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces."""
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
