"""Questions to stored events, answered by the engine's parts and event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson

from cpamp.analytics.answer import Answerer
from cpamp.analytics.encoding import encoded
from cpamp.analytics.engine import Memory
from cpamp.analytics.explain import Explanation, Figure
from cpamp.analytics.recount.answer import Recount
from cpamp.analytics.request import AnalyticsRequest
from cpamp.pricing.cost import PriceBook
from cpamp.store.database import open_reader
from cpamp.store.reading import Dictionaries, read_range
from cpamp.store.writing import WriterConnection
from cpamp.usage.event import Event
from tests.store.samples import writing

NOW = 1_800_000_000_000
# By key hash; one is a text that samples have.
ALIASES = {"a": "Ünïque name", "b": "ab"}
Ask = Callable[[Any], dict[str, Any]]


@contextmanager
def _engine(
    folder: Path, book: PriceBook, only_key: str = ""
) -> Iterator[tuple[WriterConnection, Callable[[], Answerer]]]:
    """What stores events, and what answers questions to those that are stored."""
    path = folder / "usage.sqlite"
    with writing(path) as writer, closing(open_reader(path)) as conn:
        # As few rows as tests have are to be kept as well.
        memory, dictionaries = Memory(lambda: folder, least=2), Dictionaries()

        def answerer() -> Answerer:
            columns = writer.derived.columns
            assert columns is not None
            snapshot = columns.snapshot()
            return memory.answerer(conn, dictionaries, snapshot, book, ALIASES, None, only_key)

        yield writer, answerer


@contextmanager
def stored(
    folder: Path, batches: Sequence[Sequence[Event]], book: PriceBook, only_key: str = ""
) -> Iterator[Answerer]:
    """What answers questions to some events, stored batch by batch."""
    with _engine(folder, book, only_key) as (writer, answerer):
        for batch in batches:
            writer.add(batch, 1)
        yield answerer()


@contextmanager
def growing(
    folder: Path, batches: Sequence[Sequence[Event]], book: PriceBook
) -> Iterator[Iterator[Answerer]]:
    """What answers questions after each batch."""
    with _engine(folder, book) as (writer, answerer):

        def after_each() -> Iterator[Answerer]:
            for batch in batches:
                writer.add(batch, 1)
                yield answerer()

        yield after_each()


def answered(answerer: Answerer, body: Any) -> dict[str, Any]:
    """The engine's answer to a body, as a client reads it."""
    request = AnalyticsRequest.read(body, NOW)
    found: dict[str, Any] = orjson.loads(b"".join(encoded(answerer.answer(request))))
    return found


def recounted(answerer: Answerer, body: Any) -> dict[str, Any]:
    """The answer that is counted event by event."""
    reading = answerer.reading
    last = reading.conn.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
    recount = Recount(AnalyticsRequest.read(body, NOW), reading.book, reading.aliases)
    recount.feed(read_range(reading.conn, reading.dictionaries, 1, last, callers=True))
    found: dict[str, Any] = orjson.loads(b"".join(encoded(recount.answer())))
    return found


def explained(answerer: Answerer, body: Any) -> list[Figure]:
    """The figures of the engine's answer, each beside what is counted day by day."""
    explanation = Explanation.begin(answerer, AnalyticsRequest.read(body, NOW))
    explanation.count(answerer.reading.conn, answerer.reading.dictionaries)
    return list(explanation.figures())
