"""An observation of quota windows: its shape, and what makes it valid (contract, 13.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from cpamp.errors import BadRequest
from cpamp.inspection.account import plan_name
from cpamp.quota.keys import PROVIDERS, AccountNames
from cpamp.usage.identity import provider_name

# The weaker ones first, of both.
SOURCES = ("response_header", "response_body", "api_query", "inspection")
INVENTORIES = ("partial", "delta", "complete")
MODES = ("fixed", "calendar", "rolling", "non_window", "unknown")
SCOPES = ("all", "family", "models", "product", "feature")
ACCURACIES = ("exact", "derived", "estimated", "unknown")
MOST_ENTRIES, MOST_WINDOWS, MOST_ACCOUNTS = 400, 400, 200
AHEAD_MS = 300_000
_BIG = 2**63 - 1
_SPARK = ("spark", "codex-spark", "gpt-5-3-codex-spark", "fast-coding")
MAIN = ("five-hour", "weekly", "monthly")


class InvalidObservation(BadRequest):
    """The observation can't be understood, so nothing of the request is stored."""

    code = "invalid_quota_snapshot"


@attrs.frozen
class Window:
    """A window as it was observed; None for what the observation does not say."""

    provider_window_id: str
    window_mode: str
    model_scope_kind: str
    source: str
    observed_at_ms: int
    boundary_accuracy: str
    provider_window_aliases: tuple[str, ...] = ()
    window_kind: str = ""
    model_scope_key: str = ""
    model_ids: tuple[str, ...] = ()
    source_observation_id: str = ""
    cycle_start_ms: int | None = None
    cycle_end_ms: int | None = None
    duration_seconds: int | None = None
    used_percent: float | None = None
    remaining_percent: float | None = None
    used_value: float | None = None
    limit_value: float | None = None
    quota_unit: str = ""
    reset_credits_available: int | None = None
    reset_credits: tuple[tuple[str, int], ...] | None = None
    plan_type: str = ""
    relationship_kind: str = ""
    container_provider_window_id: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Which window it is, among those of an account."""
        return (self.provider_window_id, self.model_scope_kind, self.model_scope_key)


@attrs.frozen
class Observation:
    """What one look at an account has shown."""

    source: str
    observed_at_ms: int
    scope: str
    inventory: str
    windows: tuple[Window, ...]
    removed: tuple[tuple[str, str, str], ...] = ()
    observation_id: str = ""

    @property
    def authority(self) -> int:
        """How much it weighs against another of the same time."""
        return INVENTORIES.index(self.inventory) * len(SOURCES) + SOURCES.index(self.source)


@attrs.frozen
class Asked:
    """An account of a question, by what the caller knows of it."""

    row_key: str
    provider: str
    names: AccountNames

    @property
    def account_key(self) -> str:
        """By what it is known."""
        return self.names.key(self.provider)


@attrs.frozen
class Entry:
    """The observation of one account."""

    row_key: str
    provider: str
    account_key: str
    observation: Observation


# -- reading ------------------------------------------------------------------------------------


class Fields:
    """The members of an object, each read once; what is left over is refused."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InvalidObservation(f"{where} must be an object")
        self._left = dict(value)
        self._where = where

    def take(self, name: str) -> Any:
        return self._left.pop(name, None)

    def text(self, name: str, most: int = 512) -> str:
        value = self.take(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value.encode(errors="replace")) > most:
            raise self.wrong(name, f"must be a text of at most {most} bytes")
        return value.strip()

    def choice(self, name: str, choices: Sequence[str]) -> str:
        value = self.text(name)
        if value not in choices:
            raise self.wrong(name, f"must be one of {', '.join(choices)}")
        return value

    def integer(self, name: str, least: int = 0) -> int | None:
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _BIG:
            raise self.wrong(name, f"must be a whole number from {least}")
        return value

    def number(self, name: str, most: float = float("inf")) -> float | None:
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise self.wrong(name, "is out of range")
        return float(value)

    def items(self, name: str, most: int) -> list[Any]:
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"must be a list of at most {most}")
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        items = self.items(name, most)
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise self.wrong(name, "must be a list of texts")
        return tuple(item.strip() for item in items)

    def end(self) -> None:
        """Refuse what was not asked for."""
        if self._left:
            raise InvalidObservation(f"unknown field {sorted(self._left)[0]} in {self._where}")

    def wrong(self, name: str, what: str) -> InvalidObservation:
        return InvalidObservation(f"{name} in {self._where} {what}")


def read_entries(body: Any, now_ms: int) -> list[Entry]:
    """The entries of a request to store; raises `InvalidObservation`."""
    fields = Fields(body, "the body")
    items = fields.items("entries", MOST_ENTRIES)
    fields.end()
    if not items:
        raise InvalidObservation("entries must not be empty")
    entries = [_entry(item, now_ms) for item in items]
    count = sum(len(e.observation.windows) + len(e.observation.removed) for e in entries)
    if count > MOST_WINDOWS:
        raise InvalidObservation(f"more than {MOST_WINDOWS} windows")
    return entries


def read_question(body: Any) -> tuple[list[Asked], int | None, bool]:
    """The accounts, the time, and whether all windows are wanted."""
    fields = Fields(body, "the body")
    items = fields.items("accounts", MOST_ACCOUNTS)
    now_ms = fields.integer("now_ms", 1)
    everything = fields.take("include_inactive")
    fields.end()
    if not items:
        raise InvalidObservation("accounts must not be empty")
    if everything is not None and not isinstance(everything, bool):
        raise InvalidObservation("include_inactive must be true or false")
    accounts = []
    for item in items:
        entry = Fields(item, "an account")
        row_key = entry.text("row_key")
        if not row_key:
            raise InvalidObservation("an account needs a row_key")
        provider, names = _account(entry)
        entry.end()
        accounts.append(Asked(row_key, provider, names))
    return accounts, now_ms, bool(everything)


def _account(fields: Fields) -> tuple[str, AccountNames]:
    provider = provider_name(fields.text("provider"))
    if provider not in PROVIDERS:
        raise InvalidObservation(f"provider must be one of {', '.join(PROVIDERS)}")
    names = Fields(fields.take("account"), "account")
    known = AccountNames(**{f.name: names.text(f.name) for f in attrs.fields(AccountNames)})
    names.end()
    if not known.key(provider):
        raise InvalidObservation("nothing tells this account from others")
    return provider, known


def _entry(value: Any, now_ms: int) -> Entry:
    fields = Fields(value, "an entry")
    row_key = fields.text("row_key")
    provider, names = _account(fields)
    windows = tuple(
        canonical(_window(item, now_ms), provider) for item in fields.items("windows", MOST_WINDOWS)
    )
    removed_items = fields.items("removed_windows", MOST_WINDOWS)
    observation = _observation(fields.take("observation"), provider, windows, now_ms)
    fields.end()
    removed = tuple(_removed(item, provider) for item in removed_items)
    if removed and observation.inventory != "delta":
        raise InvalidObservation("removed_windows need a delta observation")
    _check_distinct(windows, removed)
    if observation.inventory != "complete" and not windows and not removed:
        raise InvalidObservation("an observation that is not complete needs a window")
    key = names.key(provider)
    return Entry(row_key, provider, key, attrs.evolve(observation, removed=removed))


def _check_distinct(windows: Sequence[Window], removed: Sequence[tuple[str, str, str]]) -> None:
    keys = [window.key for window in windows]
    if len({*keys}) < len(keys) or len({*removed}) < len(removed) or {*keys} & {*removed}:
        raise InvalidObservation("a window is named twice")


def _observation(
    value: Any, provider: str, windows: tuple[Window, ...], now_ms: int
) -> Observation:
    scope = "codex:rate-limits" if provider == "codex" else f"{provider}:quota-windows"
    if value is None:
        if not windows:
            raise InvalidObservation("an entry needs an observation or a window")
        first = windows[0]
        made = Observation(
            first.source,
            first.observed_at_ms,
            scope,
            "partial",
            windows,
            observation_id=first.source_observation_id,
        )
    else:
        fields = Fields(value, "observation")
        at_ms = fields.integer("observed_at_ms", 1) or now_ms
        made = Observation(
            source=fields.choice("source", SOURCES),
            observed_at_ms=at_ms,
            scope=fields.text("inventory_scope_key"),
            inventory=fields.choice("inventory_mode", INVENTORIES),
            windows=windows,
            observation_id=fields.text("source_observation_id", 256),
        )
        fields.end()
        if not made.scope:
            raise InvalidObservation("an observation needs an inventory_scope_key")
    if made.observed_at_ms > now_ms + AHEAD_MS:
        raise InvalidObservation("an observation can't be of the future")
    about = (made.source, made.observed_at_ms, made.observation_id)
    if any((w.source, w.observed_at_ms, w.source_observation_id) != about for w in windows):
        raise InvalidObservation("a window does not agree with its observation")
    return made


def _window(value: Any, now_ms: int) -> Window:
    fields = Fields(value, "a window")
    window = Window(
        provider_window_id=fields.text("provider_window_id"),
        provider_window_aliases=fields.texts("provider_window_aliases", 32),
        window_kind=fields.text("window_kind"),
        window_mode=fields.choice("window_mode", MODES),
        model_scope_kind=fields.choice("model_scope_kind", SCOPES),
        model_scope_key=fields.text("model_scope_key"),
        model_ids=fields.texts("model_ids", 200),
        source=fields.choice("source", SOURCES),
        source_observation_id=fields.text("source_observation_id", 256),
        observed_at_ms=fields.integer("observed_at_ms", 1) or now_ms,
        boundary_accuracy=fields.choice("boundary_accuracy", ACCURACIES),
        cycle_start_ms=fields.integer("cycle_start_ms", 1),
        cycle_end_ms=fields.integer("cycle_end_ms", 1),
        duration_seconds=fields.integer("duration_seconds", 1),
        used_percent=fields.number("used_percent", 100),
        remaining_percent=fields.number("remaining_percent", 100),
        used_value=fields.number("used_value"),
        limit_value=fields.number("limit_value"),
        quota_unit=fields.text("quota_unit"),
        reset_credits_available=fields.integer("reset_credits_available"),
        reset_credits=_credits(fields),
        plan_type=plan_name(fields.text("plan_type")),
        relationship_kind=fields.text("relationship_kind"),
        container_provider_window_id=fields.text("container_provider_window_id"),
    )
    fields.end()
    _check(window)
    return _bounded(window)


def _credits(fields: Fields) -> tuple[tuple[str, int], ...] | None:
    items = fields.take("reset_credits")
    if items is None:
        return None
    if not isinstance(items, list) or len(items) > 100:
        raise fields.wrong("reset_credits", "must be a list of at most 100")
    known: dict[str, tuple[str, int]] = {}
    for item in items:
        one = Fields(item, "a reset credit")
        name, at_ms = one.text("id"), one.integer("expires_at_ms", 1)
        one.end()
        if not name or at_ms is None:
            raise InvalidObservation("a reset credit needs an id and expires_at_ms")
        if known.setdefault(name.lower(), (name, at_ms))[1] != at_ms:
            raise InvalidObservation("a reset credit has two ends")
    return tuple(known.values())


_CHECKS: tuple[tuple[Callable[[Window], bool], str], ...] = (
    (lambda w: bool(w.provider_window_id), "a window needs a provider_window_id"),
    (lambda w: w.model_scope_kind != "models" or bool(w.model_ids), "scope models needs model_ids"),
    (
        lambda w: (
            w.relationship_kind in ("", "concurrent_subwindow")
            and bool(w.relationship_kind) == bool(w.container_provider_window_id)
            and w.container_provider_window_id != w.provider_window_id
        ),
        "a relationship needs its kind and another window",
    ),
    (
        lambda w: w.window_mode != "rolling" or w.duration_seconds is not None,
        "rolling needs duration_seconds",
    ),
)


def _check(window: Window) -> None:
    for holds, what in _CHECKS:
        if not holds(window):
            raise InvalidObservation(what)


def _bounded(window: Window) -> Window:
    """The window with the third of start, end and duration worked out from the other two."""
    start, end, seconds = window.cycle_start_ms, window.cycle_end_ms, window.duration_seconds
    if start is not None and end is not None:
        if end <= start or (end - start) % 1000:
            raise InvalidObservation("a window must end whole seconds after it starts")
        if seconds is not None and end - start != seconds * 1000:
            raise InvalidObservation("start, end and duration do not agree")
        seconds = (end - start) // 1000
    elif seconds is not None and end is not None:
        start = end - seconds * 1000
    elif seconds is not None and start is not None:
        end = start + seconds * 1000
    if any(value is not None and not 0 < value <= _BIG for value in (start, end)):
        raise InvalidObservation("a boundary is out of range")
    sure = window.boundary_accuracy in ("exact", "derived")
    if window.window_mode in ("fixed", "calendar") and sure and (end is None or start is None):
        raise InvalidObservation("a window that is sure of its boundaries needs them")
    return attrs.evolve(window, cycle_start_ms=start, cycle_end_ms=end, duration_seconds=seconds)


def _removed(value: Any, provider: str) -> tuple[str, str, str]:
    fields = Fields(value, "a removed window")
    window = Window(
        provider_window_id=fields.text("provider_window_id"),
        window_kind=fields.text("window_kind"),
        window_mode="unknown",
        model_scope_kind=fields.choice("model_scope_kind", SCOPES),
        model_scope_key=fields.text("model_scope_key"),
        source="api_query",
        observed_at_ms=1,
        boundary_accuracy="unknown",
    )
    fields.texts("model_ids", 200)
    fields.end()
    if not window.provider_window_id:
        raise InvalidObservation("a removed window needs a provider_window_id")
    if provider == "codex" and window.provider_window_id == "secondary" and not window.window_kind:
        raise InvalidObservation("secondary was weekly or monthly: a window_kind is needed")
    return canonical(window, provider).key


def canonical(window: Window, provider: str) -> Window:
    """The window by the name that we give it, whatever its provider once called it."""
    if provider != "codex":
        return window
    name = window.provider_window_id
    if name == "primary":
        name = "five-hour"
    elif name == "secondary":
        name = "monthly" if window.window_kind == "monthly" else "weekly"
    for alias in _SPARK:
        if re.match(rf"{alias}(?=-|$)", name):
            name = f"spark{name.removeprefix(alias)}"
            break
    kind, key = window.model_scope_kind, window.model_scope_key
    if name in MAIN and kind in ("all", "family"):
        kind, key = "family", "codex_main"
    elif kind == "all":
        kind, key = _scope_of(name)
    return attrs.evolve(window, provider_window_id=name, model_scope_kind=kind, model_scope_key=key)


def _scope_of(name: str) -> tuple[str, str]:
    if name.startswith("spark"):
        return "models", ""
    if name.startswith("code-review"):
        return "feature", "code_review"
    return "feature", name
