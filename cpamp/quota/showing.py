"""The windows of an account as answers carry them (inspection contract, 13.2 and 13.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpamp.quota.lifecycle import INACTIVE, Cycle, State, stale
from cpamp.quota.observation import MAIN

# Cycles of a window are numbered within it; ids are of all windows.
CYCLES = 1_000_000


def shown(
    states: Sequence[tuple[int, State]], now_ms: int, *, everything: bool
) -> list[dict[str, Any]]:
    """The windows, short ones first; those that are gone only if everything is wanted."""
    containers = {state.seen.provider_window_id: (n, state) for n, state in states}
    there = [
        (number, state)
        for number, state in states
        if (everything or state.availability != INACTIVE) and not _placeholder(state)
    ]
    there.sort(key=lambda one: (_length(one[1]), one[1].seen.provider_window_id))
    return [_window(number, state, containers, now_ms) for number, state in there]


def _length(state: State) -> float:
    seconds = state.seen.duration_seconds
    return float("inf") if seconds is None or state.seen.window_mode == "non_window" else seconds


def _placeholder(state: State) -> bool:
    """A header that names a window and says nothing of it."""
    seen = state.seen
    return (
        seen.source == "response_header"
        and seen.window_mode == "unknown"
        and seen.provider_window_id in MAIN
        and not seen.used_percent
        and seen.cycle_end_ms is None
        and seen.limit_value is None
    )


def _window(
    number: int, state: State, containers: dict[str, tuple[int, State]], now_ms: int
) -> dict[str, Any]:
    seen, old = state.seen, stale(state.seen, now_ms)
    fields: dict[str, Any] = {
        "provider_window_id": seen.provider_window_id,
        "provider_window_aliases": list(seen.provider_window_aliases),
        "window_kind": seen.window_kind,
        "window_mode": seen.window_mode,
        "model_scope_kind": seen.model_scope_kind,
        "model_scope_key": seen.model_scope_key,
        "model_ids": list(seen.model_ids),
        "source": seen.source,
        "source_observation_id": seen.source_observation_id,
        "observed_at_ms": seen.observed_at_ms,
        "boundary_accuracy": seen.boundary_accuracy,
        "cycle_start_ms": seen.cycle_start_ms,
        "cycle_end_ms": seen.cycle_end_ms,
        "duration_seconds": seen.duration_seconds,
        "used_percent": seen.used_percent,
        "remaining_percent": seen.remaining_percent,
        "used_value": seen.used_value,
        "limit_value": seen.limit_value,
        "quota_unit": seen.quota_unit,
        "plan_type": state.plan_type[0] if state.plan_type else None,
        "missing_since_ms": state.missing_since_ms,
        "deactivated_at_ms": state.deactivated_ms,
        "relationship_kind": seen.relationship_kind,
        "container_provider_window_id": seen.container_provider_window_id,
        **_credits(state, old),
        **_cycles(number, state, containers),
    }
    kept = {name: value for name, value in fields.items() if value not in (None, "", [])}
    return kept | {
        "stale": old,
        "field_sources": _sources(state, old),
        "logical_window_id": number,
        "activation_generation": state.generation,
        "availability": state.availability,
        "first_seen_at_ms": state.first_seen_ms,
        "last_seen_at_ms": state.last_seen_ms,
    }


def _credits(state: State, old: bool) -> dict[str, Any]:
    if state.credits is None or old:
        return {}
    available, listed, _, _ = state.credits
    return {
        "reset_credits_available": available,
        "reset_credits": [{"id": name, "expires_at_ms": at_ms} for name, at_ms in listed or []],
    }


def _sources(state: State, old: bool) -> dict[str, Any]:
    seen = state.seen
    sources: dict[str, Any] = {"quota": _source(seen.source, seen.observed_at_ms)}
    if seen.cycle_end_ms is not None:
        sources["boundary"] = _source(*state.boundary_source)
    if state.plan_type:
        sources["plan_type"] = _source(*state.plan_type[1:])
    if state.credits and not old:
        available, listed, source, at_ms = state.credits
        if available is not None:
            sources["reset_credits_available"] = _source(source, at_ms)
        if listed:
            sources["reset_credits"] = _source(source, at_ms)
    return sources


def _source(source: str, at_ms: int) -> dict[str, Any]:
    return {"source": source, "observed_at_ms": at_ms}


def _cycles(number: int, state: State, containers: dict[str, tuple[int, State]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    parent: int | None = None
    if state.seen.provider_window_id == "five-hour":
        # The short window of a family lies within its long one.
        name = next((long for long in ("weekly", "monthly") if long in containers), "")
        if name:
            above, container = containers[name]
            fields["relationship_kind"] = "concurrent_subwindow"
            fields["container_provider_window_id"] = name
            if container.current is not None:
                parent = above * CYCLES + container.current.number
    for name, cycle in (("current_cycle", state.current), ("previous_cycle", state.previous)):
        if cycle is not None:
            fields[name] = _cycle(number, state, cycle, parent if name[0] == "c" else None)
    return fields


def _cycle(number: int, state: State, cycle: Cycle, parent: int | None) -> dict[str, Any]:
    over = cycle.actual_end_ms is not None
    sure = cycle.accuracy in ("exact", "derived")
    fields = {
        "id": number * CYCLES + cycle.number,
        "activation_id": number * CYCLES + state.generation,
        "state": "closed" if over else "active",
        "scheduled_start_ms": cycle.start_ms,
        "scheduled_end_ms": cycle.end_ms,
        "actual_start_ms": cycle.actual_start_ms,
        "actual_end_ms": cycle.actual_end_ms,
        "duration_seconds": cycle.duration_seconds,
        "boundary_accuracy": cycle.accuracy,
        "end_reason": cycle.end_reason,
        "parent_cycle_id": parent,
    }
    eligible = sure and (not over or cycle.end_reason == "scheduled")
    return {k: v for k, v in fields.items() if v not in (None, "")} | {
        "forecast_eligible": eligible
    }
