"""The whole answer to a request of `monitoring/analytics` (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import orjson

from cpamp.analytics import search
from cpamp.analytics.columnar import Row, Table
from cpamp.analytics.counting import Counting, Section
from cpamp.analytics.grids import distinct
from cpamp.analytics.own_texts import OwnTexts
from cpamp.analytics.request import AnalyticsRequest, Filters
from cpamp.analytics.search import Searcher
from cpamp.analytics.sections import events
from cpamp.analytics.sections.coverage import Watched
from cpamp.analytics.sections.heatmap import Heatmap
from cpamp.analytics.sections.keys import ApiKeyStats
from cpamp.analytics.sections.models import ModelStats
from cpamp.analytics.sections.people import (
    AccountStats,
    ChannelShare,
    CredentialStats,
    FailureSources,
    account_names,
)
from cpamp.analytics.sections.recent import Newest, marks_of
from cpamp.analytics.sections.selectors import MOST, Options, Selectors
from cpamp.analytics.sections.series import (
    Anomalies,
    ApiKeyTimeline,
    CredentialTimeline,
    HourlyDistribution,
    ModelTimeline,
    Timeline,
)
from cpamp.analytics.sections.strips import AccountStrips
from cpamp.analytics.sections.summary import ROLLING_MS, Summary, comparison
from cpamp.analytics.selection import Condition, Selection, Texts, condition_of, select
from cpamp.analytics.view import BoolArray, View

_PLAIN: dict[str, Callable[[Counting], Section]] = {
    "hourly_distribution": HourlyDistribution,
    "model_share": ModelStats,
    "channel_share": ChannelShare,
    "model_stats": ModelStats,
    "failure_sources": FailureSources,
    "account_stats": AccountStats,
    "credential_stats": CredentialStats,
    "credential_timeline": CredentialTimeline,
    "api_key_stats": ApiKeyStats,
    "heatmap": Heatmap,
    "account_strips": AccountStrips,
}
LAST_ENDING = "SELECT coalesce(max(id), 0) FROM ending"
ENDING_VALUES = "SELECT DISTINCT {column} FROM ending WHERE id IN (SELECT value FROM json_each(?))"
ENDINGS_WITH = "SELECT id FROM ending WHERE {column} IN (SELECT value FROM json_each(?))"
_ENDING_COLUMNS = {
    "header_error_kinds": "header_error_kind",
    "header_error_codes": "header_error_code",
    "header_quota_plans": "plan_type",
}


@attrs.frozen(eq=False)
class Answerer:
    """Answers requests from one view of the data."""

    view: View
    reading: events.Reading
    searcher: Searcher

    def answer(self, request: AnalyticsRequest) -> Row:
        """All sections that are asked for."""
        condition = self._condition(request, request.filters)
        selection = select(self.view, request.from_ms, request.to_ms, condition)
        counting = Counting(request, selection)
        sections = self._sections(request, counting, condition)
        options, options_counting = self._options(request, counting, condition)
        counting.run()
        answer: Row = {"granularity": request.granularity}
        answer |= {name: counting.rows(section) for name, section in sections.items()}
        if options is not None:
            if options_counting is not counting:
                options_counting.run()
            answer["filter_options"] = self._option_rows(options, options_counting.selection)
        self._add_comparison(answer, request, condition)
        if "timeline" in answer:
            self._add_coverage(answer, sections["timeline"], request)
        self._add_events(answer, request, selection, condition)
        if request.include.recent_requests and "account_stats" in answer:
            self._add_recent(answer["account_stats"], counting)
        # Sections and counters know each other.
        counting.release()
        options_counting.release()
        return answer

    def events(self, request: AnalyticsRequest) -> tuple[list[int], list[int]]:
        """The ids of all events that are meant, newest first, and what they are called."""
        condition = self._condition(request, request.filters)
        selection = select(self.view, request.from_ms, request.to_ms, condition)
        rows = events.newest(selection, selection.count)
        return self.view.snapshot.ids_of(rows).tolist(), self.view.numbers_of(rows).tolist()

    def _sections(
        self, request: AnalyticsRequest, counting: Counting, condition: Condition
    ) -> dict[str, Section]:
        include = request.include
        sections: dict[str, Section] = {}
        if "summary" in include:
            rolling = None
            if not include.compact:
                rolling = select(self.view, request.now_ms - ROLLING_MS, request.now_ms, condition)
            sections["summary"] = Summary(counting, rolling, OwnTexts(self.reading.conn))
        for name, make in _PLAIN.items():
            if name in include:
                sections[name] = counting.section(make)
        if "timeline" in include or "anomaly_points" in include:
            timeline = Timeline(counting)
            if "timeline" in include:
                sections["timeline"] = timeline
            if "anomaly_points" in include:
                sections["anomaly_points"] = Anomalies(timeline)
        if "api_key_timeline" in include and (request.filters.api_key_hashes or request.search_key):
            sections["api_key_timeline"] = ApiKeyTimeline(counting)
        if include.model_timeline:
            sections["model_timeline"] = ModelTimeline(counting)
        return sections

    def _options(
        self, request: AnalyticsRequest, counting: Counting, condition: Condition
    ) -> tuple[Selectors | Options | None, Counting]:
        include = request.include
        if "filter_selectors" in include:
            make: type[Selectors | Options] = Selectors
        elif "filter_options" in include:
            make = Options
        else:
            return None, counting
        if request.filters != Filters():
            # Choices are those of the range, whatever is chosen already.
            unfiltered = self._condition(request, Filters())
            selection = select(self.view, request.from_ms, request.to_ms, unfiltered)
            counting = Counting(request, selection)
        return make(counting), counting

    def _option_rows(self, options: Selectors | Options, selection: Selection) -> Row:
        rows = options.rows()
        if isinstance(options, Options):
            used = orjson.dumps(options.endings).decode()
            for name, column in _ENDING_COLUMNS.items():
                statement = ENDING_VALUES.format(column=column)
                values = (row[0] for row in self.reading.conn.execute(statement, (used,)))
                rows[name] = sorted(filter(None, values))[:MOST]
            rows["header_trace_ids"] = self._traces(selection)
        return rows

    def _traces(self, selection: Selection) -> list[str]:
        """The newest trace ids."""
        rows = events.newest(selection, MOST)
        ids = orjson.dumps(self.view.snapshot.ids_of(rows).tolist()).decode()
        found = self.reading.conn.execute(
            "SELECT DISTINCT trace_id FROM details WHERE event IN (SELECT value FROM json_each(?))"
            " AND trace_id IS NOT NULL",
            (ids,),
        )
        return sorted(row[0] for row in found)

    def _add_comparison(self, answer: Row, request: AnalyticsRequest, condition: Condition) -> None:
        start = 2 * request.from_ms - request.to_ms
        if "summary" in request.include and request.include.comparison and start > 0:
            before = select(self.view, start, request.from_ms, condition)
            answer["summary_comparison"] = comparison(before, start, request.from_ms)

    def _add_coverage(self, answer: Row, timeline: Any, request: AnalyticsRequest) -> None:
        """Tell of each bucket how much of it was watched, and where nothing was."""
        watched = Watched.read(self.reading.conn, request.from_ms, request.to_ms)
        rows = answer["timeline"]
        starts = np.array([row["bucket_ms"] for row in rows], dtype=np.int64)
        ends = np.array([timeline.end_ms(row["bucket_ms"]) for row in rows], dtype=np.int64)
        stretches = watched.of_stretches(
            np.maximum(starts, request.from_ms), np.minimum(ends, request.to_ms)
        )
        for row, minutes in zip(rows, stretches, strict=True):
            row["coverage"] = minutes
        answer["coverage_holes"] = watched.holes()

    def _add_events(
        self, answer: Row, request: AnalyticsRequest, selection: Selection, condition: Condition
    ) -> None:
        include, reading = request.include, self.reading
        if "task_buckets" in include:
            answer["task_buckets"] = events.tasks_of(reading, selection)
        if include.recent_failures:
            failures = selection
            if not request.filters.include_failed:
                with_failures = attrs.evolve(
                    condition, failed=True if request.filters.failed_only else None, nothing=False
                )
                failures = select(self.view, request.from_ms, request.to_ms, with_failures)
            limit = include.recent_failures
            answer["recent_failures"] = events.failures_of(reading, failures, limit)
        if include.page is not None:
            answer["events"] = events.page_of(reading, selection, include.page)
        if include.preview is not None:
            preview = include.preview
            inside = select(self.view, preview.from_ms, preview.to_ms, condition)
            answer["drilldown_preview"] = events.preview_of(reading, inside, preview.limit)

    def _add_recent(self, accounts: Table, counting: Counting) -> None:
        """Give each account its newest calls."""
        limit = counting.request.include.recent_requests
        newest = Newest.of(counting.selection, limit)
        marks = marks_of(self.reading, counting.selection, newest)
        who = distinct(counting.sums("people").codes[0])
        names, codes = account_names(counting, who)
        found = [
            newest.rows(who[codes[who] == names.index(row["id"])], limit).tolist()
            for row in accounts
        ]
        accounts.add("recent_requests", [[marks[number] for number in rows] for rows in found])

    # -- conditions ---------------------------------------------------------------------------

    def _condition(self, request: AnalyticsRequest, filters: Filters) -> Condition:
        conn = self.reading.conn

        def endings(column: str, values: Sequence[str]) -> Any:
            statement = ENDINGS_WITH.format(column=column)
            found = conn.execute(statement, (orjson.dumps(list(values)).decode(),))
            return np.array([row[0] for row in found], dtype=np.int64)

        texts = Texts(
            endings,
            conn.execute(LAST_ENDING).fetchone()[0] + 1,
            lambda traces: search.ids_with_trace(conn, self.view, traces),
        )
        condition = condition_of(self.view, filters, texts)
        return self._searching(request, condition)

    def _searching(self, request: AnalyticsRequest, condition: Condition) -> Condition:
        facets = self.view.facets
        key = np.array([name == request.search_key for name in facets.client.names])
        client = np.concatenate((key, np.zeros(len(facets.unknown_client), dtype=bool)))
        if not request.search:
            if not request.search_key:
                return condition
            return attrs.evolve(condition, tables=(*condition.tables, ("client", client)))
        keyed = (("client", client),) if request.search_key else ()
        return attrs.evolve(
            condition,
            any_of=(*keyed, *self._named(request.search)),
            any_rows=self.searcher.rows(self.reading.conn, self.view, request.search),
        )

    def _named(self, text: str) -> Sequence[tuple[str, BoolArray]]:
        """The clients whose key is called something with this text in it."""
        facets, folded = self.view.facets, text.casefold()
        found = {key for key, name in self.view.aliases.items() if folded in name.casefold()}
        if not found:
            return ()
        named = [bool(name) and name in found for name in facets.client.names]
        return (("client", np.array(named + [False] * len(facets.unknown_client))),)
