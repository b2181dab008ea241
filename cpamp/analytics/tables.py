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
PREVIEW = "drilldown_preview"
OPTIONS = "filter_options"
# What stands of the choices: which list, and what may be chosen.
OPTION_COLUMNS = ("option", "value")
_NO_TABLES = frozenset(("summary", "filter_options", "filter_selectors"))


def table_of(request: AnalyticsRequest) -> str:
    """The one table that a request asks for; raises `BadRequest`."""
    include = request.include
    asked = sorted(include.sections - _NO_TABLES)
    asked += ["recent_failures"] if include.recent_failures else []
    asked += ["model_timeline"] if include.model_timeline else []
    asked += [EVENTS] if include.page else []
    asked += [PREVIEW] if include.preview else []
    asked += [OPTIONS] if include.sections & {"filter_options", "filter_selectors"} else []
    if len(asked) != 1:
        raise BadRequest("the CSV form needs exactly one section that is a table")
    return asked[0]


def rows_of(answer: Mapping[str, Any], name: str) -> Sequence[Row]:
    """The rows of the table of an answer; none where the section is absent."""
    found: Any = answer.get(name) or {}
    rows: Sequence[Row] = found or ()
    if name == PREVIEW:
        rows = found.get("items", ())
    elif name == OPTIONS:
        rows = [
            dict(zip(OPTION_COLUMNS, (option, value), strict=True))
            for option, values in found.items()
            if isinstance(values, list)
            for value in values
            if isinstance(value, str)
        ]
    return rows


def csv_table(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """The members of rows that have these names, with the names above them."""
    return csv_lines([list(names), *([_cell(row.get(name)) for name in names] for row in rows)])


def _cell(value: Any) -> Any:
    match value:
        case list():
            return "; ".join(map(str, value))
        case dict():
            return orjson.dumps(value).decode()
        case _:
            return value


@attrs.frozen
class EventTable:
    """All event rows that a question means, newest first, as they were when it was asked."""

    ids: Sequence[int]
    # What the events are called by who asks.
    numbers: Sequence[int]
    book: PriceBook
    aliases: Mapping[str, str]

    @classmethod
    def of(cls, answerer: Answerer, request: AnalyticsRequest) -> Self:
        """The rows of the question's `events_page`, whatever its limit."""
        return cls(*answerer.events(request), answerer.reading.book, answerer.reading.aliases)

    def head(self) -> bytes:
        """The names of the columns."""
        nothing = Event(
            *("", 0, "", Who(), ModelNames(), Way(), "", Caller(), End(), Tokens(), None, None, 0)
        )
        return csv_lines([list(self._row(0, nothing))])

    def page(self, conn: sqlite3.Connection, dictionaries: Dictionaries, start: int) -> bytes:
        """The next rows from this place on."""
        ids = self.ids[start : start + PAGE]
        called = dict(zip(ids, self.numbers[start : start + PAGE], strict=True))
        events = read_some(conn, dictionaries, ids, callers=True)
        return csv_lines([list(self._row(called[n], event).values()) for n, event in events])

    def _row(self, number: int, event: Event) -> Row:
        row = event_row(Fact.of(number, event, self.book, self.aliases))
        metadata = row["response_metadata"]
        return {
            "id": number,
            **row,
            "response_metadata": orjson.dumps(metadata).decode() if metadata else "",
        }
