"""The questions to the figures: dashboard and monitoring (analytics contract, sections 9 to 13)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import attrs

from cpamp.analytics.answer import Answerer
from cpamp.analytics.dashboard import DashboardRequest, dashboard
from cpamp.analytics.engine import Engine
from cpamp.analytics.forecast import ForecastRequest, forecast
from cpamp.analytics.headers import SnapshotsRequest, snapshots
from cpamp.analytics.history import HistoryRequest, history
from cpamp.analytics.request import AnalyticsRequest, body_of_query, members_in_query
from cpamp.analytics.shares import SharesRequest, window_shares
from cpamp.analytics.tables import EVENTS, PAGE, EventTable, csv_table, rows_of, table_of
from cpamp.analytics.windows import WindowsRequest, window_usage
from cpamp.analytics.zones import InvalidTimeZone
from cpamp.errors import BadRequest, NotFound, Problems, TooMuchWork
from cpamp.store.store import QUOTA
from cpamp.usage.identity import TARGET_FIELDS
from cpamp.web.columns import columns_of
from cpamp.web.etags import ETAG, IF_NONE_MATCH, beginning, matches
from cpamp.web.packing import accepts_gzip
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, JSON, Access, Body, Parameter, Reply, route, whole
from cpamp.web.shapes import accounts, bodies, figures, quotas
from cpamp.web.shapes.dashboard import Dashboard

DASHBOARD = "/v0/management/dashboard"
MONITORING = "/v0/management/monitoring"
MINUTE_MS = 60_000
_CSV = "text/csv"
CSV = f"{_CSV}; charset=utf-8"
ANALYTICS_QUERY: Mapping[str, str | Parameter] = {
    "from_ms": whole("begin of the range", required=True),
    "to_ms": whole("end of the range, not in it", required=True),
    "now_ms": whole("the present; the server's time"),
    "time_zone": "IANA name; UTC",
    "search_query": "a text to be found",
    "search_api_key_hash": "a key hash to be found",
    "include": "names of sections, with commas between them",
    **{
        name: Parameter(f"as {name.replace('.', ', then ')} in the body of a POST", schema)
        for name, schema in members_in_query()
    },
}
ATTACHMENT = {"Content-Disposition": "the name of the file, where the answer is a table"}
_FORMAT = Parameter(
    "csv for one section that is a table, of events for all of them; json",
    {"enum": ["json", "csv"]},
)
# What may go wrong with any question.
ASKING: Problems = (BadRequest, InvalidTimeZone, TooMuchWork)


@attrs.frozen
class Monitoring:
    """`/v0/management/dashboard/*` and `/v0/management/monitoring/*`."""

    _engine: Engine
    _now_ms: Callable[[], int]

    @route(
        "POST",
        f"{MONITORING}/analytics",
        summary="Any sections of figures for a range, a search and filters",
        access=Access.READ_OWN,
        body=Body.json(AnalyticsRequest),
        query={"format": _FORMAT},
        ends_with_client=True,
        answer=figures.Analytics,
        headers={**IF_NONE_MATCH, "Accept": "text/csv for the form of a table"},
        sends={**ETAG, **ATTACHMENT},
        produces=(JSON, _CSV),
        problems=ASKING,
    )
    async def analytics(self, request: ApiRequest) -> Reply | None:
        """All sections of one answer are of one moment."""
        return await self._analytics(request, await request.json())

    @route(
        "GET",
        f"{MONITORING}/analytics",
        summary="The same, where the question fits a query",
        access=Access.READ_OWN,
        query={**ANALYTICS_QUERY, "format": _FORMAT},
        answer=figures.Analytics,
        headers={**IF_NONE_MATCH, "Accept": "text/csv for the form of a table"},
        sends={**ETAG, **ATTACHMENT},
        produces=(JSON, _CSV),
        problems=ASKING,
    )
    async def analytics_by_query(self, request: ApiRequest) -> Reply | None:
        """The question in the query, so that a link can hold it."""
        return await self._analytics(request, body_of_query(request.parameters))

    @route(
        "POST",
        f"{MONITORING}/account-history",
        summary="Lifetime figures and the newest calls of up to 200 credentials",
        access=Access.READ,
        body=Body.json(bodies.HistoryBody),
        ends_with_client=True,
        answer=accounts.AccountHistories,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        problems=ASKING,
    )
    async def account_history(self, request: ApiRequest) -> Reply | None:
        """For the rows of the accounts page."""
        question = HistoryRequest.read(await request.json())
        return await self._answered(request, question, lambda answerer: history(answerer, question))

    @route(
        "POST",
        f"{MONITORING}/account-window-usage",
        summary="Usage inside up to 400 quota windows of credentials",
        access=Access.READ,
        body=Body.json(bodies.WindowsBody),
        ends_with_client=True,
        answer=accounts.WindowUsages,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        problems=ASKING,
    )
    async def account_window_usage(self, request: ApiRequest) -> Reply | None:
        """To stand beside what the provider says."""
        question = WindowsRequest.read(await request.json())
        return await self._answered(
            request, question, lambda answerer: window_usage(answerer, question)
        )

    @route(
        "GET",
        f"{MONITORING}/account-window-shares",
        summary="Who used up the quota windows of a credential, by client key and model",
        access=Access.READ,
        query=dict.fromkeys(TARGET_FIELDS, "of the credential, as in account-history"),
        answer=quotas.AccountShares,
        problems=ASKING,
    )
    async def account_window_shares(self, request: ApiRequest) -> dict[str, Any]:
        """Also what of the percentage no call explains."""
        question = SharesRequest.read(request.parameters, self._now_ms())
        # Percentages come without calls too: an answer is kept for nobody.
        return await self._engine.ask(lambda answerer: window_shares(answerer, question))

    @route(
        "GET",
        f"{MONITORING}/header-snapshots",
        summary="What the newest response headers told of each credential",
        access=Access.READ,
        query={
            "days": whole("how far back, at most 365; 30"),
            "limit": whole("at most 5000; 1000"),
        },
        answer=accounts.HeaderSnapshots,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        problems=ASKING,
    )
    async def header_snapshots(self, request: ApiRequest) -> Reply | None:
        """Quota, plan, last error and trace of each credential."""
        question = SnapshotsRequest.read(request.parameters, self._minute_end_ms())
        return await self._answered(
            request, question, lambda answerer: snapshots(answerer, question)
        )

    @route(
        "GET",
        f"{DASHBOARD}/summary",
        summary="One day: totals, trends, health, rankings, failures",
        access=Access.READ,
        query={
            "today_start_ms": whole("begin of the day", required=True),
            "now_ms": whole("end of the figures; the server's clock"),
            "top_models": whole("how many models; 5"),
            "recent_failures": whole("how many failures; 5"),
            "time_zone": "IANA name, for days of 23 or 25 hours; 24 hours",
        },
        answer=Dashboard,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        problems=ASKING,
    )
    async def dashboard(self, request: ApiRequest) -> Reply | None:
        """All that the first page shows."""
        question = DashboardRequest.read(request.parameters, self._now_ms())
        return await self._answered(
            request, question, lambda answerer: dashboard(answerer, question)
        )

    @route(
        "GET",
        f"{MONITORING}/forecast",
        summary="When the quota windows of the accounts will be used up, at the present rates",
        access=Access.READ,
        answer=quotas.Forecast,
        headers=IF_NONE_MATCH,
        sends=ETAG,
        problems=ASKING,
    )
    async def forecast(self, request: ApiRequest) -> Reply | None:
        """What is not known says so."""
        question = ForecastRequest(self._minute_end_ms())
        # Percentages come without calls too.
        return await self._answered(
            request,
            (question, self._engine.told(QUOTA)),
            lambda answerer: forecast(answerer, question),
        )

    @route(ANY_METHOD, MONITORING, summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{MONITORING}/<path:rest>", summary="Nothing", fallback=True)
    @route(ANY_METHOD, DASHBOARD, summary="Nothing", fallback=True)
    @route(ANY_METHOD, f"{DASHBOARD}/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, rest: str = "") -> Any:
        """What else lies below is not CPA's either."""
        raise NotFound("there is nothing of that path")

    def _minute_end_ms(self) -> int:
        """The present for who states none: to the minute, so that an answer holds for that long."""
        return (self._now_ms() // MINUTE_MS + 1) * MINUTE_MS

    async def _answered(
        self, request: ApiRequest, question: Hashable, work: Callable[[Answerer], dict[str, Any]]
    ) -> Reply | None:
        """The engine's answer, packed where the client takes that; 304 where it has it already.

        A validator has two parts: the question and the state that answers it, and when the answer
        was made. What a client has of the same question and state is good, whenever it was made.
        """
        gzip, only_key = accepts_gzip(request.header("Accept-Encoding")), request.only_key
        known = request.header("If-None-Match")
        headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        # Whether other keys have had events meanwhile is not told either.
        tag = "" if only_key else self._engine.tag(question, gzip=gzip)
        had = beginning(known, f"{tag}-") if tag else None
        if had is not None:
            return Reply(304, headers={**headers, "ETag": had})
        answer = await self._engine.answer(question, work, gzip=gzip, only_key=only_key)
        if tag:
            headers["ETag"] = f'"{tag}-{answer.made_ms:x}"'
            if matches(known, headers["ETag"]):
                return Reply(304, headers=headers)
        if gzip:
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(sum(map(len, answer.parts)))
        async with request.stream("application/json", headers) as out:
            for part in answer.parts:
                await out.write(part)
        return None

    async def _analytics(self, request: ApiRequest, body: Any) -> Reply | None:
        now_ms = self._now_ms()
        question = AnalyticsRequest.read(body, now_ms)
        if _wants_csv(request):
            await self._table(request, question)
            return None
        # How much of the time was watched is told anew each minute.
        minute = now_ms // MINUTE_MS if "timeline" in question.include else None
        return await self._answered(
            request, (question.as_key(), minute), lambda answerer: answerer.answer(question)
        )

    async def _table(self, request: ApiRequest, question: AnalyticsRequest) -> None:
        """The one section that is asked for as CSV; of events all pages."""
        name = table_of(question)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        if name == EVENTS:
            events = await self._engine.ask(
                lambda answerer: EventTable.of(answerer, question), only_key=request.only_key
            )
            async with request.stream(CSV, headers) as out:
                await out.write(events.head())
                for start in range(0, len(events.ids), PAGE):
                    await out.write(await self._engine.read(events.page, start))
            return
        text = await self._engine.ask(
            lambda answerer: csv_table(rows_of(answerer.answer(question), name), columns_of(name)),
            only_key=request.only_key,
        )
        async with request.stream(CSV, headers) as out:
            await out.write(text)


def _wants_csv(request: ApiRequest) -> bool:
    form = request.query("format") or ("csv" if _CSV in (request.header("Accept") or "") else "")
    if form not in ("", "json", "csv"):
        raise BadRequest("format must be json or csv")
    return form == "csv"
