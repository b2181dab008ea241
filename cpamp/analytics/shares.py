"""Who used up the quota windows of an account: by client key and model.

Calls are those that `account-window-usage` counts in the same window (analytics contract, 12);
percentages are those that the provider told (inspection contract, 13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import attrs
import numpy as np

from cpamp.analytics.accounts import Accounts, Target, table_of
from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import IntArray
from cpamp.analytics.request import Members
from cpamp.analytics.sections.rows import share
from cpamp.analytics.selection import Condition, select
from cpamp.analytics.splitting import split
from cpamp.analytics.view import BoolArray, View
from cpamp.analytics.windows import Scope, verdicts
from cpamp.columns.layout import FAILED
from cpamp.errors import BadRequest
from cpamp.quota.lifecycle import INACTIVE, State
from cpamp.quota.snapshots import states_of
from cpamp.store import quota
from cpamp.usage.identity import TARGET_FIELDS

# Pairs of key and model that are listed of a window; the others are added up.
MOST_ROWS = 100
NO_BEGIN = "its beginning is not known"
NOT_TOLD = "the provider has not told what is used"


@attrs.frozen
class SharesRequest:
    """An account, at a moment."""

    target: Target
    now_ms: int

    @classmethod
    def read(cls, query: Mapping[str, Sequence[str]], now_ms: int) -> Self:
        """The account that a query names; raises `BadRequest`."""
        texts = {name: query[name][0] for name in TARGET_FIELDS if query.get(name)}
        target = Target.read(Members.of(texts, "the query"))
        if not target.key:
            raise BadRequest("account target credential identity is required")
        return cls(target, now_ms)


def window_shares(answerer: Answerer, request: SharesRequest) -> Row:
    """All members of the answer."""
    conn, target = answerer.reading.conn, request.target
    calls = _Calls.of(answerer.view, target)
    states = states_of(conn, target.key, target.identity.provider)
    there = [one for one in states if one[1].availability != INACTIVE]
    there.sort(key=lambda one: (one[1].seen.duration_seconds or 0, one[1].seen.provider_window_id))
    return {
        "generated_at_ms": request.now_ms,
        "account_key": target.key,
        "windows": [
            _window(calls, state, quota.points(conn, number, _begin(state) or 0), request.now_ms)
            for number, state in there
        ],
    }


@attrs.frozen(eq=False)
class _Calls:
    """All calls of an account, in the order of their rows."""

    view: View
    rows: IntArray
    time: IntArray
    model: IntArray

    @classmethod
    def of(cls, view: View, target: Target) -> Self:
        wanted = table_of([Accounts(view.facets).of(target)], view.size("who"))
        selection = select(view, 0, view.newest_ms + 1, Condition((("who", wanted),)))
        return cls._taken(
            view, np.concatenate([np.zeros(0, np.int64), *(c.numbers for c in selection.chunks())])
        )

    @classmethod
    def _taken(cls, view: View, rows: IntArray) -> Self:
        column = view.snapshot.column
        return cls(view, rows, column("time").take(rows), column("model").take(rows))

    def where(self, mask: BoolArray) -> Self:
        """Those that are meant."""
        return attrs.evolve(
            self, rows=self.rows[mask], time=self.time[mask], model=self.model[mask]
        )

    def column(self, name: str) -> IntArray:
        """A column of these."""
        return self.view.snapshot.column(name).take(self.rows).astype(np.int64)

    @property
    def cost(self) -> FloatArray:
        """In USD; 0 where there is no price."""
        return self.view.costs.take(self.rows)

    @property
    def unpriced(self) -> BoolArray:
        """Which have no price."""
        return self.view.unpriced.take(self.model)

    @property
    def ends(self) -> IntArray:
        """When they ended."""
        return self.time + np.maximum(self.column("latency"), 0)

    def figures(self) -> Row:
        """What they come to."""
        return {
            "total_requests": len(self.rows),
            "failure_calls": int((self.column("flags") & FAILED).astype(bool).sum()),
            "total_tokens": int(self.column("total").sum()),
            "total_cost": float(self.cost.sum()),
            "unpriced_calls": int(self.unpriced.sum()),
        }


def _begin(state: State) -> int | None:
    """When the window began; None if that is not known."""
    seen, cycle, before = state.seen, state.current, state.previous
    if cycle is None:
        if seen.cycle_start_ms is None and seen.window_mode == "rolling" and seen.duration_seconds:
            return seen.observed_at_ms - seen.duration_seconds * 1000
        return seen.cycle_start_ms
    went_back = before is not None and before.end_reason != "scheduled"
    reset_ms = (before.actual_end_ms or 0) if before is not None and went_back else 0
    # The counter may have gone back before its time.
    return reset_ms if cycle.start_ms < reset_ms < cycle.end_ms else cycle.start_ms


def _end(state: State) -> int:
    """When the window ends, or is known up to."""
    seen = state.seen
    if state.current is not None:
        return state.current.end_ms
    return seen.cycle_end_ms if seen.cycle_end_ms is not None else seen.observed_at_ms + 1


def _window(calls: _Calls, state: State, points: Sequence[quota.Point], now_ms: int) -> Row:
    seen, start, end = state.seen, _begin(state), _end(state)
    scope = _scope(state)
    shown: Row = {
        "provider_window_id": seen.provider_window_id,
        "window_kind": seen.window_kind,
        "model_scope": {"kind": scope.kind.value, "key": scope.key, "models": sorted(scope.models)},
        "from_ms": start,
        "to_ms": end,
        "over": end <= now_ms and state.current is not None,
        "used_percent": seen.used_percent,
        "observed_at_ms": seen.observed_at_ms,
    }
    if start is None or seen.used_percent is None:
        return {**shown, "unknown": NO_BEGIN if start is None else NOT_TOLD}
    inside = calls.where((calls.time >= start) & (calls.time < end))
    counts, unclear = verdicts(calls.view, scope)
    unmatched = int(unclear.take(inside.model).sum())
    status = "partial" if unmatched else "complete"
    told = [(p.observed_at_ms, p.used_percent) for p in points if p.observed_at_ms < end]
    told.append((seen.observed_at_ms, seen.used_percent))
    return {
        **shown,
        "unknown": "",
        "scope_match_status": status if scope.complete else "unmatched",
        "unmatched_requests": unmatched,
        **_shared(inside.where(counts.take(inside.model)), told),
    }


def _scope(state: State) -> Scope:
    seen = state.seen
    kind, certain = seen.model_scope_kind, seen.model_scope_kind in ("all", "family", "models")
    models = list(seen.model_ids)
    if kind != "all" and not (seen.model_scope_key or models):
        certain = False
        kind = "all"
    return Scope.read(
        {"kind": kind, "key": seen.model_scope_key, "models": models, "complete": certain}
    )


def _shared(calls: _Calls, told: Sequence[tuple[int, float | None]]) -> Row:
    """The rows of a window and what they leave unexplained."""
    moments = [(at_ms, used) for at_ms, used in told if used is not None]
    times = np.array([at_ms for at_ms, _ in moments], dtype=np.int64)
    used = np.array([percent for _, percent in moments])
    tokens, cost = calls.column("total"), calls.cost
    by_cost = bool(cost.any()) and not bool((calls.unpriced & (tokens > 0)).any())
    weights = cost if by_cost else np.maximum(tokens, 0).astype(np.float64)
    found = split(times, used, calls.ends, weights)
    return {
        "basis": "cost" if by_cost else "tokens",
        "observations": len(times),
        "explained_percent": float(found.percents.sum()),
        "unexplained_percent": found.unexplained,
        "total": calls.figures(),
        "later": calls.where(~found.told).figures(),
        **_rows(calls, found.percents, float(used[-1])),
    }


def _rows(calls: _Calls, percents: FloatArray, used: float) -> Row:
    """By client key and model, those that used most first; the last ones in one."""
    facets = calls.view.facets
    clients = facets.client.codes.take(calls.column("key"))
    models = facets.model.codes.take(calls.model)
    pairs = clients * len(facets.model.names) + models
    found, group = np.unique(pairs, return_inverse=True)
    sums = np.bincount(group, weights=percents, minlength=len(found))
    costs = np.bincount(group, weights=calls.cost, minlength=len(found))
    counts = np.bincount(group, minlength=len(found))
    order = np.lexsort((found, -counts, -costs, -sums))
    rows = []
    for place in order[:MOST_ROWS].tolist():
        client, model = divmod(int(found[place]), len(facets.model.names))
        key = facets.client.names[client]
        rows.append(
            {
                "api_key_hash": key,
                "api_key_alias": calls.view.aliases.get(key, ""),
                "model": facets.model.names[model],
                **calls.where(group == place).figures(),
                "percent": float(sums[place]),
                "share": share(float(sums[place]), used),
            }
        )
    left = np.isin(group, order[MOST_ROWS:])
    rest = {
        "groups": max(len(found) - MOST_ROWS, 0),
        **calls.where(left).figures(),
        "percent": float(percents[left].sum()),
    }
    return {"rows": rows, "rest": rest}
