"""`monitoring/explain`: an answer held against the count event by event, while it is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import orjson
from twisted.internet.threads import deferToThread

from cpamp.analytics.engine import Engine
from cpamp.analytics.explain import PAGE, Explanation
from cpamp.analytics.request import AnalyticsRequest, body_of_query
from cpamp.errors import TooMuchWork
from cpamp.store import Store
from cpamp.web.monitoring import ANALYTICS_QUERY, ASKING, MONITORING
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, route

# Each count is a thread's work for minutes where there are millions of events.
AT_ONCE = 2
# Events after which the progress is told.
STEP = 10 * PAGE


@attrs.define
class Explain:
    """Answers in lines of JSON: what is counted, the progress, every figure, and the sum of it."""

    _engine: Engine
    _store: Store
    _now_ms: Callable[[], int]
    _running: int = 0

    @route(
        "GET",
        f"{MONITORING}/explain",
        summary="The figures of an answer beside the count event by event, as lines of JSON",
        access=Access.READ,
        query=ANALYTICS_QUERY,
        produces=("application/x-ndjson",),
        problems=ASKING,
    )
    async def explain(self, request: ApiRequest) -> None:
        """The parameters are those of `monitoring/analytics`."""
        question = AnalyticsRequest.read(body_of_query(request.parameters), self._now_ms())
        if self._running >= AT_ONCE:
            raise TooMuchWork("figures are being recounted already; try again when that is done")
        self._running += 1
        try:
            explanation = await self._engine.ask(
                lambda answerer: Explanation.begin(answerer, question)
            )
            async with request.stream("application/x-ndjson") as out:
                async for line in self._lines(explanation):
                    await out.write(line)
        finally:
            self._running -= 1

    async def _lines(self, explanation: Explanation) -> AsyncIterator[bytes]:
        store, recount = self._store, explanation.recount
        total = await store.read(explanation.total)
        yield _line({"events": total, "not_counted": explanation.uncounted})
        seen: int | None = 0
        while seen is not None:
            seen = await store.read(explanation.look_ahead, seen)
        told = 0
        for day in await store.read(explanation.days):
            after: int | None = 0
            while after is not None:
                after = await store.read(explanation.feed, store.dictionaries, day, after)
                if recount.events - told >= STEP:
                    told = recount.events
                    yield _line({"progress": {"events": told, "of": total}})
        text, figures, different = await deferToThread(_told, explanation)
        yield text
        yield _line(
            {
                "done": True,
                "events": recount.events,
                "figures": figures,
                "different": different,
            }
        )


def _told(explanation: Explanation) -> tuple[bytes, int, int]:
    found = list(explanation.figures())
    text = b"".join(_line(figure.as_json()) for figure in found)
    return text, len(found), sum(not figure.agrees for figure in found)


def _line(value: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_APPEND_NEWLINE)
