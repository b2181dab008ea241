"""Lifetime figures of credentials (analytics contract, section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import attrs

from cpamp.analytics.accounts import Accounts, Target, table_of
from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.counting import Counting
from cpamp.analytics.grids import Sums
from cpamp.analytics.request import MAX_INSTANT_MS, AnalyticsRequest, Members
from cpamp.analytics.sections.recent import Newest, marks_of
from cpamp.analytics.sections.rows import share, times
from cpamp.analytics.sections.summary import rounded
from cpamp.analytics.selection import Condition, select
from cpamp.analytics.view import View
from cpamp.errors import BadRequest
from cpamp.usage.identity import TARGET_FIELDS

MAX_ACCOUNTS = 200
RECENT = 10
_ADDED = ("calls", "failed", "total", "cost", "unpriced", "unpriced_tokens")
_MEMBERS = ("row_key", "account_key", *TARGET_FIELDS)


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
    # Events of all times, those before 1970 too, and of all credentials: those have been counted.
    every = select(view, -MAX_INSTANT_MS, MAX_INSTANT_MS, Condition())
    counting = Counting(AnalyticsRequest.plain(0, 1), every)
    counting.need("credentials")
    counting.run()
    figures = _Figures(view, counting.sums("credentials"))
    wanted = table_of(people, view.size("who"))
    selection = select(view, -MAX_INSTANT_MS, MAX_INSTANT_MS, Condition((("who", wanted),)))
    newest = Newest.of(selection, RECENT)
    marks = marks_of(answerer.reading, selection, newest)
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
                **figures.of(numbers.tolist()),
                **_recent([marks[row] for row in newest.rows(numbers, RECENT).tolist()]),
            }
            for (row_key, target), numbers in zip(request.accounts, people, strict=True)
        ],
    }


class _Figures:
    """The figures of credentials, and of some of them together."""

    def __init__(self, view: View, sums: Sums) -> None:
        figures = dict(sums.figures)
        for name in ("first", "last"):
            figures[name] = times(view, sums[name])
        rows = zip(*(values.tolist() for values in figures.values()), strict=True)
        self._rows = {
            number: dict(zip(figures, row, strict=True))
            for number, row in zip(sums.codes[0].tolist(), rows, strict=True)
        }

    def of(self, numbers: Sequence[int]) -> Row:
        """The figures of the credentials with these numbers."""
        rows = [self._rows[number] for number in numbers if number in self._rows]
        found = {name: sum(row[name] for row in rows) for name in _ADDED}
        calls, failed = found["calls"], found["failed"]
        return {
            "matched": calls > 0,
            "total_requests": calls,
            "success_calls": calls - failed,
            "failure_calls": failed,
            "total_tokens": found["total"],
            "total_cost": rounded(found["cost"]),
            "unpriced_calls": found["unpriced"],
            "unpriced_tokens": found["unpriced_tokens"],
            "success_rate": share(calls - failed, calls) if calls else None,
            "first_seen_ms": min(row["first"] for row in rows) if calls else None,
            "last_seen_ms": max(row["last"] for row in rows) if calls else None,
            "sync_status": "ready" if calls else "empty",
        }


def _recent(marks: list[Row]) -> Row:
    return {"latest_request": marks[0], "recent_requests": marks} if marks else {}
