"""Usage inside the quota windows of credentials (analytics contract, section 12)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

import attrs
import numpy as np

from cpamp.analytics.accounts import Accounts, Target, table_of
from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import IntArray
from cpamp.analytics.request import MAX_VALUES, Members, read_range
from cpamp.analytics.sections.rows import share
from cpamp.analytics.selection import Condition, Selection, select
from cpamp.analytics.view import BoolArray, View
from cpamp.columns.layout import FAILED
from cpamp.errors import BadRequest
from cpamp.usage.identity import TARGET_FIELDS
from cpamp.usage.models import analytics_model

MAX_WINDOWS = 400
PERIODS = ("current", "previous", "previous_equal_range")
_MEMBERS = (
    *("row_key", "provider_window_id", "window_key", "request_key", "period"),
    *("from_ms", "to_ms", "model_scope", *TARGET_FIELDS),
)
SPARK = "gpt-5.3-codex-spark"
CODEX_MAIN = "codex_main"
_CLAUDE_GPT = ("claude", "gpt", "o1", "o3", "o4")


class Kind(StrEnum):
    """What a window's limit is about."""

    ALL = "all"
    FAMILY = "family"
    MODELS = "models"
    PRODUCT = "product"
    FEATURE = "feature"


@attrs.frozen
class Scope:
    """Which models count in a window (section 12.2)."""

    kind: Kind = Kind.ALL
    key: str = ""
    models: frozenset[str] = frozenset()
    complete: bool = True

    @classmethod
    def read(cls, value: Any) -> Self:
        """The scope of a JSON value; raises `BadRequest`."""
        if value is None:
            return cls()
        members = Members.of(value, "model_scope")
        kind, key = members.text("kind").strip().lower(), members.text("key").strip().lower()
        names = members.values.get("models") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BadRequest("models must be a list of strings")
        models = frozenset(filter(None, map(folded_model, names[:MAX_VALUES])))
        if kind not in list(Kind):
            raise BadRequest("model_scope is invalid")
        if (kind == Kind.MODELS and not models) or (
            kind in (Kind.FAMILY, Kind.PRODUCT, Kind.FEATURE) and not (key or models)
        ):
            raise BadRequest("model_scope is invalid")
        certain = kind in (Kind.ALL, Kind.FAMILY, Kind.MODELS)
        return cls(Kind(kind), key, models, members.flag("complete", default=certain))

    def verdict(self, name: str) -> tuple[bool, bool]:
        """Of events with this folded model name: whether they count, whether that is unknown."""
        match self:
            case Scope(complete=False):
                return False, False
            case Scope(kind=Kind.ALL):
                return True, False
            case Scope(kind=Kind.FAMILY, key=key) if key == CODEX_MAIN:
                return bool(name) and name != SPARK, not name
            case Scope(models=models) if models:
                return name in models, not name
            case Scope(kind=Kind.FAMILY, key=key):
                family = family_of(name)
                return family == key, not family
            case _:
                # A product or feature of which no model is named.
                return False, False


def folded_model(name: str) -> str:
    """A model's name as scopes compare it."""
    return analytics_model(name.strip()).strip().lower()


def family_of(name: str) -> str:
    """The family of a folded model name; "" if it tells none."""
    if any(part in name for part in _CLAUDE_GPT):
        return "claude_gpt"
    return "gemini" if "gemini" in name else ""


@attrs.frozen
class Window:
    """One window of one credential."""

    request_key: str
    row_key: str
    window_key: str
    provider_window_id: str
    period: str
    from_ms: int
    to_ms: int
    scope: Scope
    target: Target

    @classmethod
    def read(cls, value: Any) -> Self:
        """The window of a JSON value; raises `BadRequest`."""
        members = Members.of(value, "a window")
        members.refuse_unknown(_MEMBERS)
        row_key, window_key = members.text("row_key"), members.text("window_key")
        if not row_key.strip():
            raise BadRequest("row_key is required")
        window_id = members.text("provider_window_id")
        if not window_id.strip():
            window_id = window_key
        if not window_id.strip():
            raise BadRequest("provider_window_id is required")
        period = members.text("period").strip() or PERIODS[0]
        if period not in PERIODS:
            raise BadRequest("period must be current, previous, or previous_equal_range")
        from_ms, to_ms = read_range(members)
        scope = Scope.read(members.values.get("model_scope"))
        target = Target.read(members)
        identity = target.identity
        parts = (identity.index, identity.project, identity.account, identity.label)
        if not identity.file and not (identity.provider and any(parts)):
            raise BadRequest("account target credential identity is required")
        made_up = "\0".join((row_key, window_id, scope.key, period))
        key = members.text("request_key")
        return cls(
            key if key.strip() else made_up,
            *(row_key, window_key, window_id, period, from_ms, to_ms, scope, target),
        )


@attrs.frozen
class WindowsRequest:
    """Some windows, in the order in which they are answered."""

    windows: tuple[Window, ...]

    @classmethod
    def read(cls, body: Any) -> Self:
        """The request that a JSON body makes; raises `BadRequest`."""
        members = Members.of(body, "the body")
        members.refuse_unknown(("windows",))
        listed = members.values.get("windows")
        if listed is not None and not isinstance(listed, list):
            raise BadRequest("windows must be a list")
        if not listed:
            raise BadRequest("windows are required")
        if len(listed) > MAX_WINDOWS:
            raise BadRequest(f"windows must be less than or equal to {MAX_WINDOWS}")
        return cls(tuple(map(Window.read, listed)))


def window_usage(answerer: Answerer, request: WindowsRequest) -> Row:
    """All members of the answer."""
    view = answerer.view
    known = Accounts(view.facets)
    numbers = {window.target: known.of(window.target) for window in request.windows}
    # Targets that mean the same credentials share their rows.
    sets = {target: tuple(found.tolist()) for target, found in numbers.items()}
    from_ms = min(window.from_ms for window in request.windows)
    to_ms = max(window.to_ms for window in request.windows)
    wanted = table_of(numbers.values(), view.size("who"))
    selection = select(view, from_ms, to_ms, Condition((("who", wanted),)))
    events = _BySet.of(selection)
    by_set = {people: events.of_set(people) for people in set(sets.values())}
    scopes = {window.scope for window in request.windows}
    judged = {scope: verdicts(view, scope) for scope in scopes}
    return {
        "items": [
            _item(window, by_set[sets[window.target]], *judged[window.scope], view.unpriced)
            for window in request.windows
        ]
    }


class _Events(NamedTuple):
    """Events of one credential, ascending in time."""

    time: IntArray
    model: IntArray
    failed: BoolArray
    total: IntArray
    cost: FloatArray

    def taken(self, places: slice | BoolArray) -> _Events:
        return _Events._make(values[places] for values in self)


@attrs.frozen(eq=False)
class _BySet:
    """The rows of a selection, those of each number of a credential together."""

    view: View
    rows: IntArray
    # By number of a credential: where its rows end.
    ends: IntArray

    @classmethod
    def of(cls, selection: Selection) -> Self:
        view = selection.view
        rows = np.concatenate([np.zeros(0, np.int64), *(c.numbers for c in selection.chunks())])
        who = view.snapshot.column("who").take(rows)
        ends = np.cumsum(np.bincount(who, minlength=view.size("who")))
        return cls(view, rows.take(np.argsort(who, kind="stable")), ends)

    def of_set(self, people: Sequence[int]) -> _Events:
        ends = [0, *self.ends.tolist()]
        stretches = [self.rows[ends[number] : ends[number + 1]] for number in people]
        rows = np.concatenate([np.zeros(0, np.int64), *stretches])
        column = self.view.snapshot.column
        time = column("time").take(rows)
        if bool((time[1:] < time[:-1]).any()):
            order = np.argsort(time, kind="stable")
            rows, time = rows.take(order), time.take(order)
        return _Events(
            time,
            column("model").take(rows),
            (column("flags").take(rows) & FAILED).astype(bool),
            column("total").take(rows),
            self.view.costs.take(rows),
        )


def verdicts(view: View, scope: Scope) -> tuple[BoolArray, BoolArray]:
    """By number of a model: whether its events count, and whether that is unknown."""
    known = view.facets.known
    assert known is not None
    names = [
        folded_model((model.resolved_model.strip() or model.analytics_model) if model else "")
        for model in known.model
    ]
    found = [scope.verdict(name) for name in names]
    table = np.array(found, dtype=bool).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _item(
    window: Window, events: _Events, counts: BoolArray, unknown: BoolArray, unpriced: BoolArray
) -> Row:
    start, end = np.searchsorted(events.time, (window.from_ms, window.to_ms)).tolist()
    inside = events.taken(slice(start, end))
    unmatched = 0
    if not bool(counts.all()):
        unmatched = int(unknown.take(inside.model).sum())
        inside = inside.taken(counts.take(inside.model))
    calls, failed = len(inside.time), int(inside.failed.sum())
    without_price = unpriced.take(inside.model)
    status = "partial" if unmatched else "complete"
    return {
        "request_key": window.request_key,
        "row_key": window.row_key,
        "window_key": window.window_key,
        "provider_window_id": window.provider_window_id,
        "period": window.period,
        "from_ms": window.from_ms,
        "to_ms": window.to_ms,
        "matched": calls > 0,
        "total_requests": calls,
        "success_calls": calls - failed,
        "failure_calls": failed,
        "total_tokens": int(inside.total.sum(dtype=np.int64)),
        "total_cost": float(inside.cost.sum()),
        "unpriced_calls": int(without_price.sum()),
        "unpriced_tokens": int(inside.total[without_price].sum(dtype=np.int64)),
        "success_rate": share(calls - failed, calls) if calls else None,
        "last_seen_ms": int(inside.time[-1]) if calls else None,
        "sync_status": "ready" if calls else "empty",
        "scope_match_status": status if window.scope.complete else "unmatched",
        "unmatched_requests": unmatched,
    }
