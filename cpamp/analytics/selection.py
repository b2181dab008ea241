"""Which rows a request means (analytics contract, section 8; storage design, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from cpamp.analytics.facets import (
    UNKNOWN_CLIENT,
    Facets,
    IntArray,
    credential_of,
    is_unknown_client,
)
from cpamp.analytics.request import CacheStatus, Filters
from cpamp.analytics.view import CHUNK, BoolArray, Chunk, Rows, View, aligned
from cpamp.columns.layout import HEADERS
from cpamp.usage.event import Who

# Fewer rows than this are worked on together with the next ones.
_SMALL = CHUNK // 4


@attrs.frozen(eq=False)
class Condition:
    """A test of rows besides their time. Each member is None where it does not restrict.

    `tables` has for some axes of the view which codes are meant; `rows` which single rows are.
    """

    tables: tuple[tuple[str, BoolArray], ...] = ()
    failed: bool | None = None
    min_latency_ms: int = 0
    cache: CacheStatus | None = None
    # Whether the response's headers must have told something.
    headers: bool = False
    # One of these must hold: a table of an axis, or to be one of the rows that are marked here.
    any_of: tuple[tuple[str, BoolArray], ...] = ()
    any_rows: BoolArray | None = None
    rows: IntArray | None = None
    nothing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it lets every row pass."""
        return self == _OPEN or not (
            self.tables
            or self.failed is not None
            or self.min_latency_ms > 0
            or self.cache is not None
            or self.headers
            or self.any_of
            or self.any_rows is not None
            or self.rows is not None
            or self.nothing
        )

    def mask(self, chunk: Chunk) -> BoolArray:
        """Which rows of a chunk pass."""
        mask = np.full(len(chunk), not self.nothing)
        for axis, table in self.tables:
            mask &= table.take(chunk.column(axis) if axis in _COLUMNS else chunk.codes(axis))
        if self.failed is not None:
            mask &= chunk.failed if self.failed else ~chunk.failed
        if self.min_latency_ms > 0:
            mask &= chunk.column("latency") >= self.min_latency_ms
        if self.cache is not None:
            mask &= _cached(chunk, self.cache)
        if self.headers:
            mask &= (chunk.column("flags") & HEADERS).astype(bool)
        if self.rows is not None:
            mask &= np.isin(chunk.numbers, self.rows)
        if self.any_of or self.any_rows is not None:
            mask &= self._any(chunk)
        return mask

    def _any(self, chunk: Chunk) -> BoolArray:
        found = np.zeros(len(chunk), dtype=bool)
        for axis, table in self.any_of:
            if table.any():
                found |= table.take(chunk.column(axis) if axis in _COLUMNS else chunk.codes(axis))
        if self.any_rows is not None:
            found |= self.any_rows[chunk.rows]
        return found


_OPEN = Condition()
_COLUMNS = frozenset(("who", "model", "way", "key", "ending", "caller"))


def _cached(chunk: Chunk, status: CacheStatus) -> BoolArray:
    if status is CacheStatus.READ:
        return np.asarray(chunk.column("cache_read") > 0)
    if status is CacheStatus.CREATION:
        return np.asarray(chunk.column("cache_creation") > 0)
    touched = np.zeros(len(chunk), dtype=bool)
    # What is mirrored into other counts is in these three all the same.
    for name in ("cached", "cache_read", "cache_creation"):
        touched |= chunk.column(name) > 0
    return touched if status is CacheStatus.HIT else ~touched


@attrs.frozen(eq=False)
class Selection:
    """Rows in ascending order, in pieces of at most `CHUNK`."""

    view: View
    pieces: Sequence[Rows]

    def chunks(self) -> Iterator[Chunk]:
        """The rows, piece by piece."""
        return (self.view.chunk(rows) for rows in self.pieces)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(
            piece.stop - piece.start if isinstance(piece, slice) else len(piece)
            for piece in self.pieces
        )

    def times(self) -> tuple[int, int]:
        """The least and the greatest time in ms; (0, 0) where there is no row."""
        found = [chunk.times for chunk in self.chunks() if len(chunk)]
        return (min(t[0] for t in found), max(t[1] for t in found)) if found else (0, 0)


def select(view: View, from_ms: int, to_ms: int, condition: Condition) -> Selection:
    """The rows with a time in ``[from_ms, to_ms)`` that pass, of those that may be told of."""
    if view.only is not None:
        condition = attrs.evolve(condition, tables=(*condition.tables, ("client", view.only)))
    pieces: list[Rows] = []
    waiting: list[IntArray] = []
    is_open = condition.is_open
    for start, end, whole in _stretches(view, from_ms, to_ms):
        if whole and is_open:
            _flush(pieces, waiting)
            pieces += aligned(start, end, view.least)
            continue
        chunk = view.chunk(slice(start, end))
        mask = np.full(end - start, True) if is_open else condition.mask(chunk)
        if not whole:
            mask &= (chunk.time >= from_ms) & (chunk.time < to_ms)
        found = np.flatnonzero(mask)
        if len(found):
            if len(found) == int(found[-1]) - int(found[0]) + 1:
                _flush(pieces, waiting)
                pieces += aligned(start + int(found[0]), start + int(found[-1]) + 1, view.least)
                continue
            waiting.append(found + start)
            if sum(map(len, waiting)) >= _SMALL:
                _flush(pieces, waiting)
    _flush(pieces, waiting)
    return Selection(view, pieces)


def _stretches(view: View, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, bool]]:
    for start, end, whole in view.snapshot.block_ranges(from_ms, to_ms):
        for at in range(start, end, CHUNK):
            yield at, min(at + CHUNK, end), whole


def _flush(pieces: list[Rows], waiting: list[IntArray]) -> None:
    if waiting:
        pieces.append(np.concatenate(waiting))
        waiting.clear()


# -- filters ------------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class Texts:
    """What filters and searches need of the dictionaries that are not held whole.

    `endings` gives the numbers of the endings whose column has one of some values; `traces` the
    ids of the events with one of some trace ids.
    """

    endings: Callable[[str, Sequence[str]], IntArray]
    ending_count: int
    traces: Callable[[Sequence[str]], IntArray]


_WHO_FIELDS = {
    "auth_files": "auth_file_snapshot",
    "auth_indices": "auth_index",
    "source_hashes": "source_hash",
    "project_ids": "auth_project_id_snapshot",
    "request_types": "executor_type",
}
_ENDING_FIELDS = {
    "header_error_kinds": "header_error_kind",
    "header_error_codes": "header_error_code",
    "header_quota_plans": "plan_type",
}


def condition_of(view: View, filters: Filters, texts: Texts) -> Condition:
    """The test that the filters of a request make."""
    known = view.facets.known
    assert known is not None
    tables: list[tuple[str, BoolArray]] = []
    tests = _people_tests(filters)
    if tests:
        people = [who is not None and all(test(who) for test in tests) for who in known.who]
        tables.append(("who", np.array(people)))
    if filters.models:
        wanted = set(filters.models)
        names = [m is not None and m.analytics_model in wanted for m in known.model]
        tables.append(("model", np.array(names)))
    if filters.api_key_hashes:
        tables.append(("client", clients(view.facets, filters.api_key_hashes)))
    for name, column in _ENDING_FIELDS.items():
        values = getattr(filters, name)
        if values:
            table = np.zeros(texts.ending_count, dtype=bool)
            found = texts.endings(column, values)
            # What was added since they were counted ends no event of the view.
            table[found[found < len(table)]] = True
            tables.append(("ending", table))
    failed = True if filters.failed_only else None if filters.include_failed else False
    rows = None
    if filters.header_trace_ids:
        ids = texts.traces(filters.header_trace_ids)
        rows = np.array([view.snapshot.row_of(i) for i in ids.tolist()], dtype=np.int64)
    return Condition(
        tables=tuple(tables),
        failed=failed,
        min_latency_ms=filters.min_latency_ms,
        cache=filters.cache_status,
        rows=rows,
        nothing=filters.failed_only and not filters.include_failed,
    )


def _has(field: str, values: frozenset[str], who: Who) -> bool:
    return getattr(who, field) in values


def _people_tests(filters: Filters) -> list[Callable[[Any], bool]]:
    tests: list[Callable[[Any], bool]] = []
    for name, field in _WHO_FIELDS.items():
        values = frozenset(getattr(filters, name))
        if values:
            tests.append(partial(_has, field, values))
    if filters.providers:
        providers = frozenset(filters.providers)
        tests.append(
            lambda w: (
                w.provider.lower() in providers or w.auth_provider_snapshot.lower() in providers
            )
        )
    if filters.accounts:
        accounts = frozenset(filters.accounts)
        tests.append(
            lambda w: (
                not accounts.isdisjoint(
                    name.lower()
                    for name in (w.account_snapshot, w.auth_label_snapshot, w.source, w.auth_index)
                )
            )
        )
    if filters.credential_ids:
        ids = frozenset(filters.credential_ids)
        tests.append(lambda w: credential_of(w) in ids)
    return tests


def clients(facets: Facets, wanted: Sequence[str]) -> BoolArray:
    """By code of a client: whether it has one of these key hashes, or one of the made-up ids."""
    values = frozenset(wanted)
    keyed = [bool(name) and name in values for name in facets.client.names]
    unknown = np.zeros(len(facets.unknown_client), dtype=bool)
    made_up = [value for value in values if value.startswith(UNKNOWN_CLIENT)]
    if made_up:
        assert facets.known is not None
        for number, who in enumerate(facets.known.who):
            if who is not None and any(is_unknown_client(value, who) for value in made_up):
                unknown[facets.unknown_client.codes[number]] = True
    return np.concatenate((np.array(keyed, dtype=bool), unknown))
