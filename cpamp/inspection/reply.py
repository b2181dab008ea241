"""What Codex's usage endpoint answers (inspection contract, 5.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import attrs
import orjson

from cpamp.inspection.account import plan_name

FIVE_HOURS = 18_000
WEEK = 604_800
DAY = 86_400
MONTH = (28 * DAY, 31 * DAY)
FIVE_HOUR, WEEKLY, MONTHLY, LONG, OTHER = "five-hour", "weekly", "monthly", "long", "other"
# How soon a class is used up makes the order in which its windows are shown.
CLASSES = (FIVE_HOUR, WEEKLY, MONTHLY)


class Window(NamedTuple):
    """A quota window; None where the reply does not say."""

    used: float | None = None  # percent
    seconds: int | None = None
    reset_after: float | None = None  # seconds
    reset_at: float | None = None  # seconds since the epoch

    @property
    def reset_known(self) -> bool:
        """Whether the reply says when it begins anew."""
        return bool((self.reset_at or 0) > 0 or (self.reset_after or 0) > 0)


class Placed(NamedTuple):
    """A window with its place in the reply (0 primary, 1 secondary) and its class."""

    place: int
    window: Window
    kind: str


@attrs.frozen
class Limit:
    """One `rate_limit` object."""

    allowed: bool | None
    reached: bool
    windows: tuple[Window | None, Window | None]

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Limit:
        """The limit of an object. A window without a percentage is full where the limit is."""
        allowed = _member(value, "allowed")
        reached = _member(value, "limit_reached", "limitReached") is True
        full = reached or allowed is False
        windows = (
            _window(_member(value, "primary_window", "primaryWindow"), full),
            _window(_member(value, "secondary_window", "secondaryWindow"), full),
        )
        return cls(allowed if isinstance(allowed, bool) else None, reached, windows)

    def placed(self, plan: str) -> list[Placed]:
        """The windows with their classes: the first of a class has it, the others have none."""
        taken: set[str] = set()
        kinds: dict[int, str] = {}
        present = [(i, window) for i, window in enumerate(self.windows) if window is not None]
        for i, window in present:
            if window.seconds is not None:
                kind = _class(window.seconds)
                kinds[i] = kind if kind not in taken else OTHER
                taken.add(kind)
        for i, window in present:
            if window.seconds is None:
                kind = FIVE_HOUR if i == 0 else MONTHLY if plan == "team" else WEEKLY
                kinds[i] = kind if kind not in taken else OTHER
                taken.add(kind)
        return [Placed(i, window, kinds[i]) for i, window in present]


@attrs.frozen
class Additional:
    """One of the limits beside the main one."""

    name: str
    feature: str
    limit: Limit


@attrs.frozen
class Usage:
    """A parsed reply. `observed`: it has a section of quotas, be it empty."""

    plan_type: str
    main: Limit | None
    code_review: Limit | None
    additional: tuple[Additional, ...]
    observed: bool

    @classmethod
    def read(cls, body: Any, plan: str) -> Usage:
        """The usage of a body, an object or a text; `plan` is what the listing says."""
        value = parsed(body)
        if not isinstance(value, dict):
            return cls(plan, None, None, (), False)
        main = _member(value, "rate_limit", "rateLimit")
        review = _member(value, "code_review_rate_limit", "codeReviewRateLimit")
        additional = _member(value, "additional_rate_limits", "additionalRateLimits")
        stated = _member(value, "plan_type", "planType")
        return cls(
            plan_type=plan_name(stated) if isinstance(stated, str) and stated.strip() else plan,
            main=Limit.read(main) if isinstance(main, dict) else None,
            code_review=Limit.read(review) if isinstance(review, dict) else None,
            additional=tuple(_additional(additional)),
            observed=isinstance(main, dict)
            or isinstance(review, dict)
            or isinstance(additional, list),
        )

    def used(self, *kinds: str) -> float | None:
        """The use of the main limit's window of the first of these classes that there is."""
        if self.main is None:
            return None
        by_kind = {p.kind: p.window.used for p in self.main.placed(self.plan_type)}
        return next((by_kind[kind] for kind in kinds if kind in by_kind), None)

    @property
    def long_kind(self) -> str:
        """The class of the window that decides, "" where there is none."""
        if self.main is None:
            return ""
        there = {p.kind for p in self.main.placed(self.plan_type)}
        return next((kind for kind in (WEEKLY, MONTHLY, LONG) if kind in there), "")

    @property
    def used_most(self) -> float | None:
        """The larger use of the main limit's windows."""
        if self.main is None:
            return None
        known = [w.used for w in self.main.windows if w is not None and w.used is not None]
        return max(known, default=None)


def parsed(body: Any) -> Any:
    """The body as a value: JSON texts are read, others stay."""
    if not isinstance(body, str):
        return body
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body


def number(value: Any) -> float | None:
    """A finite number, which may be a text with a percent sign."""
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _member(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _window(value: Any, full: bool) -> Window | None:
    if not isinstance(value, dict):
        return None
    seconds = number(_member(value, "limit_window_seconds", "limitWindowSeconds"))
    window = Window(
        used=number(_member(value, "used_percent", "usedPercent")),
        seconds=round(seconds) if seconds and seconds > 0 else None,
        reset_after=number(_member(value, "reset_after_seconds", "resetAfterSeconds")),
        reset_at=number(_member(value, "reset_at", "resetAt")),
    )
    if window.used is None and full and window.reset_known:
        return window._replace(used=100.0)
    return window


def _class(seconds: int) -> str:
    if seconds == FIVE_HOURS:
        return FIVE_HOUR
    if seconds == WEEK:
        return WEEKLY
    if MONTH[0] <= seconds <= MONTH[1]:
        return MONTHLY
    return LONG if seconds > FIVE_HOURS else OTHER


def _additional(value: Any) -> Iterator[Additional]:
    for item in value if isinstance(value, list) else ():
        limit = _member(item, "rate_limit", "rateLimit") if isinstance(item, dict) else None
        if isinstance(limit, dict):
            name, feature = (
                str(_member(item, *names) or "").strip()
                for names in (("limit_name", "limitName"), ("metered_feature", "meteredFeature"))
            )
            yield Additional(name, feature, Limit.read(limit))
