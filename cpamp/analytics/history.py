"""Lifetime figures of credentials (analytics contract, section 11)."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import orjson

from cpamp.analytics.accounts import TARGET_FIELDS, Accounts, Target, table_of
from cpamp.analytics.answer import Answerer
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import Sums
from cpamp.analytics.request import MAX_INSTANT_MS, AnalyticsRequest, Members
from cpamp.analytics.sections.rows import Row, share
from cpamp.analytics.sections.summary import totals
from cpamp.analytics.selection import Condition, Selection, select
from cpamp.errors import BadRequest

MAX_ACCOUNTS = 200
RECENT = 10
_MEMBERS = ("row_key", "account_key", *TARGET_FIELDS)
# The newest events of some credentials, for a strip of marks.
MARKS = """
SELECT e.id, e.timestamp_ms, n.failed, n.fail_status_code, n.fail_summary, n.header_error_kind,
    n.header_error_code, d.trace_id
FROM events AS e JOIN ending AS n ON n.id = e.ending LEFT JOIN details AS d ON d.event = e.id
WHERE e.id IN (SELECT value FROM json_each(?))
"""


@attrs.frozen
class HistoryRequest:
    """The rows of an accounts page, each with its target."""

    accounts: tuple[tuple[str, Target], ...]

    @classmethod
    def read(cls, body: Any) -> Self:
        """The request that a JSON body makes; raises `BadRequest`."""
        members = Members.of(body, "the body")
        members.refuse_unknown(("accounts", "catch_up"))
        members.flag("catch_up")
        listed = members.values.get("accounts")
        if listed is not None and not isinstance(listed, list):
            raise BadRequest("accounts must be a list")
        if not listed:
            raise BadRequest("accounts are required")
        if len(listed) > MAX_ACCOUNTS:
            raise BadRequest(f"accounts must be less than or equal to {MAX_ACCOUNTS}")
        found: dict[str, Target] = {}
        for one in listed:
            account = Members.of(one, "an account")
            account.refuse_unknown(_MEMBERS)
            row_key = account.text("row_key")
            if not row_key.strip():
                raise BadRequest("row_key is required")
            if row_key in found:
                raise BadRequest("row_key must be unique")
            if not any(account.text(name).strip() for name in _MEMBERS[1:]):
                raise BadRequest("at least one account target field is required")
            found[row_key] = Target.read(account, account.text("account_key"))
        return cls(tuple(found.items()))


def history(answerer: Answerer, request: HistoryRequest) -> Row:
    """All members of the answer."""
    view = answerer.view
    known = Accounts(view.facets)
    people = [known.of(target) for _, target in request.accounts]
    wanted = table_of(people, view.size("who"))
    # Events of all times, those before 1970 too.
    selection = select(view, -MAX_INSTANT_MS, MAX_INSTANT_MS, Condition((("who", wanted),)))
    counting = Counting(AnalyticsRequest.plain(0, 1), selection)
    counting.need("credentials")
    counting.run()
    sums = counting.sums("credentials")
    place = np.full(view.size("who"), -1, dtype=np.int64)
    place[sums.codes[0]] = np.arange(len(sums))
    newest = Newest.of(selection)
    marks = _marks(answerer, selection, newest)
    latest = view.snapshot.id_of(view.snapshot.n - 1) if view.snapshot.n else 0
    return {
        "checkpoint": {
            "last_event_id": latest,
            "latest_id": latest,
            "pending": False,
            "processed": 0,
        },
        "items": [
            {
                "row_key": row_key,
                "account_key": target.key,
                **_figures(counting, sums.taken(place[numbers][place[numbers] >= 0])),
                **_recent([marks[row] for row in newest.rows(numbers).tolist()]),
            }
            for (row_key, target), numbers in zip(request.accounts, people, strict=True)
        ],
    }


def _figures(counting: Counting, sums: Sums) -> Row:
    found = totals(sums)
    calls, failed = found["calls"], found["failed"]
    time = counting.view.snapshot.column("time")
    return {
        "matched": calls > 0,
        "total_requests": calls,
        "success_calls": calls - failed,
        "failure_calls": failed,
        "total_tokens": found["total"],
        "total_cost": found["cost"],
        "unpriced_calls": found["unpriced"],
        "success_rate": share(calls - failed, calls) if calls else None,
        "first_seen_ms": int(time.take(sums["first"]).min()) if calls else None,
        "last_seen_ms": int(time.take(sums["last"]).max()) if calls else None,
        "sync_status": "ready" if calls else "empty",
    }


def _recent(marks: list[Row]) -> Row:
    return {"latest_request": marks[0], "recent_requests": marks} if marks else {}


@attrs.frozen(eq=False)
class Newest:
    """The newest rows of each credential, by time and then by row."""

    _who: IntArray
    _times: IntArray
    _rows: IntArray

    @classmethod
    def of(cls, selection: Selection, most: int = RECENT) -> Self:
        """The newest `most` rows of each credential of the selection."""
        size = selection.view.size("who")
        # The time of a credential's last one that is kept, once it has as many as wanted.
        edge = np.full(size, np.iinfo(np.int64).min)
        who, times, rows = (np.zeros(0, dtype=np.int64) for _ in range(3))
        for piece in reversed(selection.pieces):
            chunk = selection.view.chunk(piece)
            codes = chunk.codes("who")
            at = np.flatnonzero(chunk.time >= edge.take(codes))
            if not len(at):
                continue
            who = np.concatenate((who, codes.take(at)))
            times = np.concatenate((times, chunk.time.take(at)))
            rows = np.concatenate((rows, chunk.numbers.take(at)))
            order = np.lexsort((-rows, -times, who))
            who, times, rows = who[order], times[order], rows[order]
            starts = np.flatnonzero(np.diff(who, prepend=-1))
            counts = np.diff(starts, append=len(who))
            rank = np.arange(len(who)) - np.repeat(starts, counts)
            kept = rank < most
            who, times, rows, rank = who[kept], times[kept], rows[kept], rank[kept]
            full = rank == most - 1
            edge[who[full]] = times[full]
        return cls(who, times, rows)

    @property
    def all_rows(self) -> IntArray:
        """The rows of all credentials."""
        return self._rows

    def one_for_each(self, groups: IntArray) -> IntArray:
        """The newest row of each group of credentials, newest first.

        `groups` has the group of each credential by its number.
        """
        order = np.lexsort((-self._rows, -self._times))
        _, first = np.unique(groups[self._who[order]], return_index=True)
        found: IntArray = self._rows[order[np.sort(first)]]
        return found

    def rows(self, numbers: IntArray, most: int = RECENT) -> IntArray:
        """The newest rows of some credentials together, newest first."""
        at = np.flatnonzero(np.isin(self._who, numbers))
        order = np.lexsort((-self._rows[at], -self._times[at]))[:most]
        return self._rows[at[order]]


def _marks(answerer: Answerer, selection: Selection, newest: Newest) -> dict[int, Row]:
    """What is shown of each of the newest rows."""
    rows = newest.all_rows
    ids: list[int] = selection.view.snapshot.ids_of(rows).tolist()
    found = answerer.reading.conn.execute(MARKS, (orjson.dumps(ids).decode(),))
    by_id = {number: _mark(*rest) for number, *rest in found}
    return {
        row: by_id[number]
        for row, number in zip(rows.tolist(), ids, strict=True)
        if number in by_id
    }


def _mark(
    at_ms: int, failed: int, status: int, summary: str, kind: str, code: str, trace: str | None
) -> Row:
    mark: Row = {"timestamp_ms": at_ms, "failed": bool(failed)}
    details = {
        "fail_status_code": status,
        "fail_summary": summary,
        "header_error_kind": kind,
        "header_error_code": code,
        "header_trace_id": trace,
    }
    return mark | {name: value for name, value in details.items() if value}
