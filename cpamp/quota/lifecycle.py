"""What observations make of the windows of an account (inspection contract, 13.3 and 13.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from cpamp.quota.observation import ACCURACIES, Observation, Window

ACTIVE, PENDING, INACTIVE = "active", "pending_absent", "inactive"
# Ends that are nearer to each other are of one cycle.
SAME_END_MS = 60_000
Key = tuple[str, str, str]


@attrs.frozen
class Cycle:
    """The time from one beginning of a quota to the next; `number` counts them per window."""

    number: int
    start_ms: int
    end_ms: int
    duration_seconds: int
    accuracy: str
    actual_start_ms: int
    actual_end_ms: int | None = None
    end_reason: str = ""


@attrs.frozen
class State:
    """A window of an account as it is now: what was observed of it last, and its cycles."""

    scope: str
    seen: Window
    # Where plan and credits come from, if not from `seen`: (value source, time).
    plan_type: tuple[str, str, int] | None
    credits: tuple[int | None, list[list[Any]] | None, str, int] | None
    boundary_source: tuple[str, int]
    availability: str
    generation: int
    first_seen_ms: int
    last_seen_ms: int
    missing_since_ms: int | None = None
    deactivated_ms: int | None = None
    current: Cycle | None = None
    previous: Cycle | None = None
    cycles: int = 0


@attrs.frozen
class Head:
    """The newest observation that was applied to a scope."""

    observed_at_ms: int
    authority: int


@attrs.define
class Change:
    """What an observation changes; `evidence` are the windows that are worth a point."""

    head: Head | None
    windows: dict[Key, State] = attrs.field(factory=dict)
    evidence: list[Key] = attrs.field(factory=list)


def apply(known: Mapping[Key, State], head: Head | None, seen: Observation) -> Change:
    """What becomes of an account's windows by an observation of one of its scopes."""
    this = Head(seen.observed_at_ms, seen.authority)
    newer = head is None or (this.observed_at_ms, this.authority) > (
        head.observed_at_ms,
        head.authority,
    )
    change = Change(this if newer else None)
    resets = sum(_early(known[w.key], w) for w in seen.windows if w.key in known and newer)
    for window in seen.windows:
        before = known.get(window.key)
        after = _observed(before, window, seen, newer, several=resets > 1)
        if after != before:
            change.windows[window.key] = after
        change.evidence.append(window.key)
    if newer:
        _absent(known, seen, change)
    return change


def _observed(
    before: State | None, window: Window, seen: Observation, newer: bool, *, several: bool
) -> State:
    at_ms = seen.observed_at_ms
    boundary = (window.source, at_ms)
    if before is None:
        fresh = State(seen.scope, window, None, None, boundary, ACTIVE, 1, at_ms, at_ms)
        return _with_cycle(_with_extras(fresh, window, at_ms), window, at_ms, "")
    if at_ms < before.last_seen_ms or (not newer and before.scope == seen.scope):
        return attrs.evolve(before, first_seen_ms=min(before.first_seen_ms, at_ms))
    if at_ms == before.last_seen_ms and _rank(window, at_ms) < _rank(before.seen, at_ms):
        # Another scope has told more of that moment.
        return before
    after = attrs.evolve(before, last_seen_ms=at_ms, seen=_merged(before, window, at_ms))
    if window.cycle_end_ms is not None:
        after = attrs.evolve(after, boundary_source=boundary)
    after = _with_extras(after, window, at_ms)
    if before.scope == seen.scope:
        if before.availability == INACTIVE:
            after = attrs.evolve(after, generation=before.generation + 1, current=None)
        after = attrs.evolve(after, availability=ACTIVE, missing_since_ms=None, deactivated_ms=None)
    used = before.seen.used_percent
    reset = ""
    if {before.seen.window_mode, window.window_mode} == {"fixed", "calendar"}:
        reset = "mode_changed"
    elif _fell(used, window.used_percent):
        reset = "provider_reset" if several else "early_reset"
    return _with_cycle(after, window, at_ms, reset, _little(used))


def stale(window: Window, now_ms: int) -> bool:
    """Whether what was seen is of a time that is over."""
    if window.window_mode in ("fixed", "calendar"):
        return window.cycle_end_ms is not None and window.cycle_end_ms <= now_ms
    if window.window_mode == "rolling" and window.duration_seconds is not None:
        return window.observed_at_ms + window.duration_seconds * 1000 < now_ms
    return False


def _rank(window: Window, at_ms: int) -> tuple[bool, bool, bool]:
    """How much what was seen of a window is worth beside what was seen at the same moment."""
    whole = None not in (window.cycle_end_ms, window.duration_seconds)
    return (not stale(window, at_ms), whole, window.boundary_accuracy in ("exact", "derived"))


def _merged(before: State, window: Window, at_ms: int) -> Window:
    """The new values; a boundary that is not told stays while it has not passed."""
    old = before.seen
    if (
        window.cycle_end_ms is None
        and window.window_mode in ("unknown", old.window_mode)
        and (old.cycle_end_ms or 0) > at_ms
    ):
        return attrs.evolve(
            window,
            window_mode=old.window_mode,
            cycle_start_ms=old.cycle_start_ms,
            cycle_end_ms=old.cycle_end_ms,
            duration_seconds=old.duration_seconds,
            boundary_accuracy=old.boundary_accuracy,
        )
    end, old_end = window.cycle_end_ms, old.cycle_end_ms
    near = end is not None and old_end is not None and abs(end - old_end) <= SAME_END_MS
    if near and _better(old, window.boundary_accuracy):
        # What is worked out from a duration is snapped to what was told.
        return attrs.evolve(
            window,
            cycle_start_ms=old.cycle_start_ms,
            cycle_end_ms=old_end,
            boundary_accuracy=old.boundary_accuracy,
        )
    return window


def _better(window: Window, accuracy: str) -> bool:
    """Whether a window's boundaries are surer than that."""
    return ACCURACIES.index(window.boundary_accuracy) < ACCURACIES.index(accuracy)


def _with_extras(state: State, window: Window, at_ms: int) -> State:
    if window.plan_type:
        state = attrs.evolve(state, plan_type=(window.plan_type, window.source, at_ms))
    if window.reset_credits_available is not None or window.reset_credits is not None:
        listed = window.reset_credits
        credits = None if listed is None else [list(one) for one in listed]
        if window.reset_credits_available == 0:
            credits = []
        state = attrs.evolve(
            state, credits=(window.reset_credits_available, credits, window.source, at_ms)
        )
    return state


# -- cycles -------------------------------------------------------------------------------------


def _with_cycle(
    state: State, window: Window, at_ms: int, reset: str, little: bool = False
) -> State:
    """The state with the cycle that the window is in, and the one before it.

    `reset` says why another began before its time, "" if none did; `little`: there was hardly any
    use.
    """
    seen = state.seen
    if window.window_mode not in ("fixed", "calendar"):
        if state.current is not None and window.window_mode in ("rolling", "non_window"):
            return _closed(state, at_ms, "mode_changed")
        return state
    start, end, seconds = seen.cycle_start_ms, seen.cycle_end_ms, seen.duration_seconds
    if start is None or end is None or seconds is None or _provisional(window, start, at_ms):
        return state
    current = state.current
    if current is None:
        return _opened(state, start, end, seconds, seen.boundary_accuracy, max(start, 0))
    same = current.duration_seconds == seconds and abs(current.end_ms - end) <= SAME_END_MS
    if same and not reset:
        if _better(seen, current.accuracy):
            accuracy = seen.boundary_accuracy
            current = attrs.evolve(current, start_ms=start, end_ms=end, accuracy=accuracy)
        return attrs.evolve(state, current=current)
    if start >= current.end_ms - SAME_END_MS:
        state = _closed(state, current.end_ms, "scheduled")
    elif reset or (little and (window.used_percent or 0) <= 1):
        state = _closed(state, at_ms, reset or "early_reset")
    else:
        moved = attrs.evolve(current, start_ms=start, end_ms=end, duration_seconds=seconds)
        return attrs.evolve(state, current=moved)
    return _opened(state, start, end, seconds, seen.boundary_accuracy, max(start, at_ms))


def _provisional(window: Window, start_ms: int, at_ms: int) -> bool:
    """A Codex window that nobody has used yet begins anew with every look at it."""
    fresh = window.used_percent == 0 and window.source == "api_query"
    return fresh and abs(at_ms - start_ms) <= SAME_END_MS


def _early(state: State, window: Window) -> bool:
    current, start = state.current, window.cycle_start_ms
    if current is None or (start is not None and start >= current.end_ms - SAME_END_MS):
        return False
    return _fell(state.seen.used_percent, window.used_percent)


def _fell(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return False
    return (before >= 5 and now <= 1) or (before - now >= 20 and now <= before / 2)


def _little(before: float | None) -> bool:
    return before is not None and 1 < before < 5


def _closed(state: State, at_ms: int, reason: str) -> State:
    if state.current is None:
        return state
    over = attrs.evolve(state.current, actual_end_ms=at_ms, end_reason=reason)
    return attrs.evolve(state, current=None, previous=over)


def _opened(
    state: State, start: int, end: int, seconds: int, accuracy: str, actual_ms: int
) -> State:
    number = state.cycles + 1
    cycle = Cycle(number, start, end, seconds, accuracy, actual_ms)
    return attrs.evolve(state, current=cycle, cycles=number)


# -- absence ------------------------------------------------------------------------------------


def _absent(known: Mapping[Key, State], seen: Observation, change: Change) -> None:
    """Windows that this observation of their own scope does not have any more."""
    reported = {window.key for window in seen.windows}
    at_ms = seen.observed_at_ms
    for key, state in known.items():
        if state.scope != seen.scope or key in reported or state.availability == INACTIVE:
            continue
        if key in seen.removed:
            change.windows[key] = _gone(state, at_ms)
        elif seen.inventory == "complete" and state.availability == PENDING:
            change.windows[key] = _gone(state, state.missing_since_ms or at_ms)
        elif seen.inventory == "complete":
            change.windows[key] = attrs.evolve(state, availability=PENDING, missing_since_ms=at_ms)


def _gone(state: State, at_ms: int) -> State:
    state = _closed(state, at_ms, "window_removed")
    return attrs.evolve(state, availability=INACTIVE, deactivated_ms=at_ms)
