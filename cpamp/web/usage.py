"""Usage as a whole: the compatible payload and the export (usage contract, 5 and 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator

import attrs
import numpy as np
import numpy.typing as npt
import orjson
from twisted.internet.threads import deferToThread

from cpamp.columns.columns import Snapshot
from cpamp.errors import BadRequest
from cpamp.store import Store
from cpamp.store.reading import Dictionaries, read_some
from cpamp.usage.event import Event
from cpamp.usage.lines import csv_header, csv_rows, export_line, usage_detail
from cpamp.web.request import ApiRequest
from cpamp.web.route import Reply, route

PAGE = 2_000
COMPATIBLE_ROWS = 50_000
Rows = npt.NDArray[np.int64]


def newest(snapshot: Snapshot, limit: int | None) -> Rows:
    """The ids of the newest `limit` events (None: all), oldest first: by time, then by id."""
    time = snapshot.column("time")
    rows: Rows = np.arange(len(time))
    if limit is not None and limit < len(time):
        edge = np.partition(time, len(time) - limit)[len(time) - limit]
        rows = np.flatnonzero(time >= edge)
    order = np.argsort(time[rows], kind="stable")
    rows = rows[order]
    return snapshot.ids_of(rows[len(rows) - limit :] if limit is not None else rows)


@attrs.define
class Usage:
    """`/v0/management/usage` and its export. `query_limit` holds for the former."""

    store: Store
    query_limit: Callable[[], int]

    @route("GET", "/v0/management/usage", summary="The newest events, by endpoint and model")
    async def usage(self, request: ApiRequest) -> None:
        """Streamed; fixed to the events that there were at its begin."""
        limit = min(self.query_limit(), COMPATIBLE_ROWS)
        ids = await self._ids(limit)
        tree = await self._tree(ids)
        async with request.stream("application/json") as out:
            for piece in _tree_pieces(tree):
                await out.write(piece)

    async def _tree(self, ids: Rows) -> _Tree:
        tree = _Tree()
        for page in _pages(ids):
            await self.store.read(_add_details, self.store.dictionaries, page, tree)
        return tree

    @route(
        "GET",
        "/v0/management/usage/export",
        summary="All events, oldest first",
        query={"limit": "only the newest so many; all", "format": "jsonl or csv"},
    )
    async def export(self, request: ApiRequest) -> None:
        """Streamed; no read stays open while the client is slow."""
        limit = _limit(request.query("limit"))
        form = request.query("format") or "jsonl"
        if form not in ("jsonl", "csv"):
            raise BadRequest("format must be jsonl or csv")
        ids = await self._ids(limit)
        name = f"usage-events.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        kind = "application/x-ndjson" if form == "jsonl" else "text/csv; charset=utf-8"
        async with request.stream(kind, headers) as out:
            if form == "csv":
                await out.write(csv_header())
            async for text in self._texts(ids, _jsonl if form == "jsonl" else csv_rows):
                await out.write(text)

    async def _ids(self, limit: int | None) -> Rows:
        return await deferToThread(newest, self.store.snapshot(), limit)

    async def _texts(
        self, ids: Rows, encode: Callable[[Iterator[Event]], bytes]
    ) -> AsyncIterator[bytes]:
        for page in _pages(ids):
            yield await self.store.read(_encoded, self.store.dictionaries, page, encode)

    @route("GET", "/v0/management/usage/<path:rest>", summary="Nothing")
    async def nothing(self, request: ApiRequest, rest: str) -> Reply:
        """What is below and is none of the above."""
        return Reply(404, {"code": "not_found", "error": "there is nothing of that path"})


def _limit(text: str | None) -> int | None:
    if text is None or text.strip().lower() in ("", "all"):
        return None
    if not text.strip().isdecimal() or len(text) > 18 or int(text) < 1:
        raise BadRequest("limit must be a positive integer or all")
    return int(text)


def _pages(ids: Rows) -> Iterator[list[int]]:
    for start in range(0, len(ids), PAGE):
        yield ids[start : start + PAGE].tolist()


def _jsonl(events: Iterator[Event]) -> bytes:
    return b"".join(map(export_line, events))


def _encoded(
    conn: sqlite3.Connection,
    known: Dictionaries,
    ids: list[int],
    encode: Callable[[Iterator[Event]], bytes],
) -> bytes:
    return encode(event for _, event in read_some(conn, known, ids))


@attrs.define
class _Tree:
    """The details of all events, by endpoint and model, oldest first."""

    requests: int = 0
    failures: int = 0
    tokens: int = 0
    apis: dict[str, dict[str, list[bytes]]] = attrs.Factory(dict)


def _add_details(
    conn: sqlite3.Connection, known: Dictionaries, ids: list[int], tree: _Tree
) -> None:
    for _, event in read_some(conn, known, ids):
        tree.requests += 1
        tree.failures += event.end.failed
        tree.tokens += event.tokens.total_tokens
        models = tree.apis.setdefault(event.way.endpoint or "-", {})
        models.setdefault(event.model.analytics_model or "-", []).append(usage_detail(event))


def _tree_pieces(tree: _Tree) -> Iterator[bytes]:
    yield b'{"total_requests":%d,"success_count":%d,"failure_count":%d,"total_tokens":%d,' % (
        tree.requests,
        tree.requests - tree.failures,
        tree.failures,
        tree.tokens,
    )
    yield b'"apis":{'
    for i, endpoint in enumerate(sorted(tree.apis, key=lambda text: text.encode())):
        yield b'%b%b:{"models":{' % (b"," if i else b"", orjson.dumps(endpoint))
        models = tree.apis[endpoint]
        for j, model in enumerate(sorted(models, key=lambda text: text.encode())):
            yield b'%b%b:{"details":[' % (b"," if j else b"", orjson.dumps(model))
            details = models[model][::-1]
            for start in range(0, len(details), 500):
                yield (b"," if start else b"") + b",".join(details[start : start + 500])
            yield b"]}"
        yield b"}}"
    yield b"}}\n"
