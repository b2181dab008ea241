"""Usage as a whole: the compatible payload, the export, the summary (usage contract, 5, 6, 9)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs
from twisted.internet.threads import deferToThread

from cpamp.columns.columns import Snapshot
from cpamp.errors import BadRequest, NotFound, StoreUnavailable
from cpamp.store import Store
from cpamp.store.brief import Brief, Numbers
from cpamp.store.reading import Dictionaries, Known, read_some
from cpamp.usage.event import Event
from cpamp.usage.lines import csv_header, csv_rows, export_line, usage_detail
from cpamp.web.newest import Page, Payload, usage_summary
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Access, Parameter, Reply, route, whole
from cpamp.web.shapes import prices, usage

# Events that are read and written at once.
PAGE = 1_000
# More than so many `GET usage` never holds.
COMPATIBLE_ROWS = 50_000


@attrs.define
class Usage:
    """`/v0/management/usage`, its export, and the summary of models.

    `query_limit` says how many events the payload and the summary hold. Answers are fixed to the
    events that there are when they begin. They are read and written page by page, in threads,
    with no read open while a client is slow; what fails in the middle breaks the connection off.
    """

    _store: Store
    _query_limit: Callable[[], int]

    @route(
        "GET",
        "/v0/management/usage",
        summary="The newest events, by endpoint and model",
        access=Access.READ,
        answer=usage.NewestEvents,
    )
    async def usage(self, request: ApiRequest) -> None:
        """The shape that older panels and other programs read."""
        brief, known = await self._brief()
        limit = min(self._limit, COMPATIBLE_ROWS)
        payload = await deferToThread(Payload.of, brief, limit, known.way, known.model)
        await _stream(request, "application/json", {}, self._details(payload))

    async def _details(self, payload: Payload) -> AsyncIterator[bytes]:
        before = payload.head()
        for page in payload.pages(PAGE):
            yield before + await self._store.read(_filled, self._store.dictionaries, page)
            before = b""
        yield before + payload.tail()

    @route(
        "GET",
        "/v0/management/usage/export",
        summary="All events, oldest first",
        access=Access.READ,
        query={
            "limit": whole("only the newest so many; all"),
            "format": Parameter("jsonl where it is not given", {"enum": ["jsonl", "csv"]}),
        },
        produces=("application/x-ndjson", "text/csv"),
        sends={"Content-Disposition": "the name of the file"},
        problems=(BadRequest,),
    )
    async def export(self, request: ApiRequest) -> None:
        """What the import of another server takes, or a table for people."""
        limit = _stated_limit(request.query("limit"))
        form = request.query("format") or "jsonl"
        if form not in _FORMS:
            raise BadRequest("format must be jsonl or csv")
        kind, head, encode = _FORMS[form]
        brief, _ = await self._brief()
        ids = await deferToThread(_newest_ids, brief, limit)
        # Nothing but the ids is kept while a client reads.
        del brief
        headers = {"Content-Disposition": f'attachment; filename="usage-events.{form}"'}
        await _stream(request, kind, headers, self._texts(ids, head, encode))

    async def _texts(
        self, ids: Numbers, head: bytes, encode: Callable[[Iterable[Event]], bytes]
    ) -> AsyncIterator[bytes]:
        if head:
            yield head
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE].tolist()
            yield await self._store.read(_encoded, self._store.dictionaries, page, encode)

    @route(
        "GET",
        "/v0/management/model-prices/usage-summary",
        summary="How often each model was asked for and given, among the newest events",
        access=Access.READ,
        answer=prices.UsageSummary,
    )
    async def summary(self, request: ApiRequest) -> dict[str, Any]:
        """So that nobody need download events to know their models."""
        brief, known = await self._brief()
        return await deferToThread(usage_summary, brief, self._limit, known.model)

    @route(ANY_METHOD, "/v0/management/usage/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, rest: str) -> Reply:
        """What is below and is none of the other routes."""
        raise NotFound("there is nothing of that path")

    @property
    def _limit(self) -> int:
        limit = self._query_limit()
        return limit if limit > 0 else COMPATIBLE_ROWS

    async def _brief(self) -> tuple[Brief, Known]:
        """All events, and the dictionaries that they refer to."""
        store = self._store
        level = store.status()["derived"]["ready"]
        return await store.read(_read_brief, store.dictionaries, store.snapshot(), level)


def _read_brief(
    conn: sqlite3.Connection, dictionaries: Dictionaries, snapshot: Snapshot, level: bool
) -> tuple[Brief, Known]:
    brief = Brief.of(snapshot)
    if not level:
        # Columns that are being made anew must not make an export smaller.
        brief = brief.with_rest(conn)
    return brief, dictionaries.refresh(conn)


def _newest_ids(brief: Brief, limit: int | None) -> Numbers:
    return brief.ids[brief.newest(limit)]


def _stated_limit(text: str | None) -> int | None:
    if text is None or text.strip().lower() in ("", "all"):
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 18 or int(text) < 1:
        raise BadRequest("limit must be a positive integer or all")
    return int(text)


def _jsonl(events: Iterable[Event]) -> bytes:
    return b"".join(map(export_line, events))


_FORMS: Mapping[str, tuple[str, bytes, Callable[[Iterable[Event]], bytes]]] = {
    "jsonl": ("application/x-ndjson", b"", _jsonl),
    "csv": ("text/csv; charset=utf-8", csv_header(), csv_rows),
}


def _read(conn: sqlite3.Connection, known: Dictionaries, ids: list[int]) -> Iterator[Event]:
    events = read_some(conn, known, ids)
    if len(events) < len(ids):
        raise StoreUnavailable("events went away while they were read")
    return (event for _, event in events)


def _filled(conn: sqlite3.Connection, known: Dictionaries, page: Page) -> bytes:
    return page.filled([usage_detail(event) for event in _read(conn, known, page.ids)])


def _encoded(
    conn: sqlite3.Connection,
    known: Dictionaries,
    ids: list[int],
    encode: Callable[[Iterable[Event]], bytes],
) -> bytes:
    return encode(_read(conn, known, ids))


async def _stream(
    request: ApiRequest, kind: str, headers: Mapping[str, str], pieces: AsyncIterator[bytes]
) -> None:
    # What fails before there is anything to send is still told of properly.
    first = await anext(pieces, b"")
    async with request.stream(kind, headers) as out:
        await out.write(first)
        async for piece in pieces:
            await out.write(piece)
