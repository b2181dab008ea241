"""Usage inside the quota windows of credentials (analytics contract, section 12)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.analytics.accounts import Accounts, Target, table_of
from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import IntArray
from cpamp.analytics.request import MAX_VALUES, Members, read_range
from cpamp.analytics.sections.rows import share
from cpamp.analytics.selection import Condition, Selection, select
from cpamp.analytics.view import BoolArray, Chunk, View
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
    targets = {window.target for window in request.windows}
    numbers = {target: known.of(target) for target in targets}
    # Targets that mean the same credentials share their rows.
    sets = {target: tuple(found.tolist()) for target, found in numbers.items()}
    from_ms = min(window.from_ms for window in request.windows)
    to_ms = max(window.to_ms for window in request.windows)
    wanted = table_of(numbers.values(), view.size("who"))
    selection = select(view, from_ms, to_ms, Condition((("who", wanted),)))
    scopes = {window.scope for window in request.windows}
    judged = {scope: verdicts(view, scope) for scope in scopes}
    of_set: dict[tuple[int, ...], list[int]] = {}
    for place, window in enumerate(request.windows):
        of_set.setdefault(sets[window.target], []).append(place)
    grouped, items = _Grouped.of(selection, list(of_set)), dict[int, Row]()
    # Set by set, so that the events of one alone are there twice.
    for number, places in enumerate(of_set.values()):
        events = grouped.of_set(number)
        for place in places:
            window = request.windows[place]
            items[place] = _item(window, events, *judged[window.scope], view.unpriced)
    return {"items": [items[place] for place in range(len(request.windows))]}


class _Events(NamedTuple):
    """Events of one credential, ascending in time."""

    time: IntArray
    model: IntArray
    failed: BoolArray
    total: IntArray
    cost: FloatArray

    def taken(self, places: slice | BoolArray | IntArray) -> _Events:
        return _Events._make(values[places] for values in self)


_NOTHING = _Events(*(np.zeros(0, dtype=kind) for kind in ("i8", "u2", "?", "i4", "f8")))


@attrs.frozen(eq=False)
class _Grouped:
    """The events of a selection, in each piece those of one group of credentials together.

    Credentials are in one group if they are in the same sets.
    """

    # Of each piece, with where the rows of each group end, behind a 0.
    pieces: Sequence[tuple[_Events, list[int]]]
    # Of each set its groups.
    groups: Sequence[Sequence[int]]

    @classmethod
    def of(cls, selection: Selection, sets: Sequence[Sequence[int]]) -> Self:
        """The events, to be taken by these sets of numbers of credentials."""
        table, members = _groups(sets, selection.view.size("who"))
        pieces = [cls._ordered(chunk, table, len(members)) for chunk in selection.chunks()]
        groups = [
            [g for g, of in enumerate(members) if number in of] for number in range(len(sets))
        ]
        return cls(pieces, groups)

    @staticmethod
    def _ordered(
        chunk: Chunk, table: npt.NDArray[np.uint16], count: int
    ) -> tuple[_Events, list[int]]:
        groups = table.take(chunk.column("who"))
        order = np.argsort(groups, kind="stable")
        columns = (chunk.column("model"), chunk.failed, chunk.column("total"), chunk.cost)
        events = _Events._make(values.take(order) for values in (chunk.time, *columns))
        return events, [0, *np.cumsum(np.bincount(groups, minlength=count)).tolist()]

    def of_set(self, number: int) -> _Events:
        """The events of a set, ascending in time."""
        found = [
            events.taken(slice(ends[group], ends[group + 1]))
            for events, ends in self.pieces
            for group in self.groups[number]
        ]
        if not found:
            return _NOTHING
        events = _Events._make(map(np.concatenate, zip(*found, strict=True)))
        if bool((events.time[1:] < events.time[:-1]).any()):
            return events.taken(np.argsort(events.time, kind="stable"))
        return events


def _groups(
    sets: Sequence[Sequence[int]], size: int
) -> tuple[npt.NDArray[np.uint16], Sequence[frozenset[int]]]:
    """By number of a credential its group, 0 being that of no set; and the sets of each group."""
    of_credential: dict[int, list[int]] = {}
    for number, people in enumerate(sets):
        for one in people:
            of_credential.setdefault(one, []).append(number)
    known: dict[frozenset[int], int] = {frozenset(): 0}
    groups = np.zeros(size, dtype=np.uint16)
    for one, numbers in of_credential.items():
        groups[one] = known.setdefault(frozenset(numbers), len(known))
    return groups, list(known)


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
    calls, failed = len(inside.time), int(np.count_nonzero(inside.failed))
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
        "unpriced_calls": int(np.count_nonzero(without_price)),
        "unpriced_tokens": int(inside.total[without_price].sum(dtype=np.int64)),
        "success_rate": share(calls - failed, calls) if calls else None,
        "last_seen_ms": int(inside.time[-1]) if calls else None,
        "sync_status": "ready" if calls else "empty",
        "scope_match_status": status if window.scope.complete else "unmatched",
        "unmatched_requests": unmatched,
    }
