"""Sections as tables of text, for spreadsheets; and all event rows of a question."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs
import orjson

from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.recount.events import event_row
from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.request import AnalyticsRequest
from cpamp.errors import BadRequest
from cpamp.pricing.cost import PriceBook
from cpamp.store.reading import Dictionaries, read_some
from cpamp.usage.csvtext import csv_lines
from cpamp.usage.event import Caller, End, Event, ModelNames, Tokens, Way, Who

PAGE = 1_000
EVENTS = "events"
_NO_TABLES = frozenset(("summary", "filter_options", "filter_selectors"))


def table_of(request: AnalyticsRequest) -> str:
    """The one table that a request asks for; raises `BadRequest`."""
    include = request.include
    asked = sorted(include.sections - _NO_TABLES)
    asked += ["recent_failures"] if include.recent_failures else []
    asked += ["model_timeline"] if include.model_timeline else []
    asked += [EVENTS] if include.page else []
    if len(asked) != 1:
        raise BadRequest("the CSV form needs exactly one section that is a table")
    return asked[0]


def csv_table(rows: Sequence[Row]) -> bytes:
    """Rows with their names above them; lists of rows inside a row are left out."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    return csv_lines([names, *([row.get(name) for name in names] for row in flat)])


def _flat(row: Mapping[str, Any]) -> Row:
    found: Row = {}
    for name, value in row.items():
        match value:
            case [{}, *_]:
                continue
            case list():
                found[name] = "; ".join(map(str, value))
            case dict():
                found[name] = orjson.dumps(value).decode()
            case _:
                found[name] = value
    return found


@attrs.frozen
class EventTable:
    """All event rows that a question means, newest first, as they were when it was asked."""

    ids: Sequence[int]
    book: PriceBook
    aliases: Mapping[str, str]

    @classmethod
    def of(cls, answerer: Answerer, request: AnalyticsRequest) -> Self:
        """The rows of the question's `events_page`, whatever its limit."""
        return cls(answerer.event_ids(request), answerer.reading.book, answerer.reading.aliases)

    def head(self) -> bytes:
        """The names of the columns."""
        nothing = Event(
            *("", 0, "", Who(), ModelNames(), Way(), "", Caller(), End(), Tokens(), None, None, 0)
        )
        return csv_lines([list(self._row(0, nothing))])

    def page(self, conn: sqlite3.Connection, dictionaries: Dictionaries, start: int) -> bytes:
        """The next rows from this place on."""
        ids = self.ids[start : start + PAGE]
        events = read_some(conn, dictionaries, ids, callers=True)
        return csv_lines([list(self._row(*event).values()) for event in events])

    def _row(self, number: int, event: Event) -> Row:
        row = event_row(Fact.of(number, event, self.book, self.aliases))
        metadata = row["response_metadata"]
        return {
            "id": number,
            **row,
            "response_metadata": orjson.dumps(metadata).decode() if metadata else "",
        }
