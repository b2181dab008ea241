"""Stores observations, and answers what the windows of accounts are (inspection contract, 13)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from cpamp.quota.lifecycle import Cycle, Head, Key, State, apply
from cpamp.quota.observation import (
    Asked,
    Entry,
    Observation,
    Window,
    read_entries,
    read_question,
)
from cpamp.quota.showing import shown
from cpamp.store import Store
from cpamp.store import quota as stored
from cpamp.store.quota import Point
from cpamp.store.store import QUOTA

# What nobody asked for is noted again after so long, be it the same.
AGAIN_MS = 3_600_000
QUIET = ("response_header", "response_body", "inspection")


@attrs.frozen
class Snapshots:
    """All that is known of quota windows."""

    _store: Store
    _now_ms: Callable[[], int]

    async def add(self, body: Any) -> dict[str, Any]:
        """Store what a request tells, all or nothing; raises `InvalidObservation`."""
        now_ms = self._now_ms()
        entries = read_entries(body, now_ms)
        counts = await self._store.alter(QUOTA, store_all, entries)
        items = []
        for entry, count in zip(entries, counts, strict=True):
            item: dict[str, Any] = {"row_key": entry.row_key} if entry.row_key else {}
            item |= {
                "account_key": entry.account_key,
                "provider": entry.provider,
                "inserted_count": count,
            }
            items.append(item)
        return {"observed_at_ms": now_ms, "items": items}

    async def ask(self, body: Any) -> dict[str, Any]:
        """The windows of some accounts; raises `InvalidObservation`."""
        accounts, now_ms, everything = read_question(body)
        return await self.known(accounts, now_ms, everything=everything)

    async def known(
        self, accounts: Sequence[Asked], now_ms: int | None = None, *, everything: bool = False
    ) -> dict[str, Any]:
        """The windows of these accounts, at this moment or now."""
        now_ms = now_ms or self._now_ms()
        known = await self._store.read(_read_all, accounts)
        items = [
            {
                "row_key": asked.row_key,
                "account_key": asked.account_key,
                "provider": asked.provider,
                "windows": shown(states, now_ms, everything=everything),
            }
            for asked, states in zip(accounts, known, strict=True)
        ]
        return {"generated_at_ms": now_ms, "items": items}

    async def keep(self, entries: Sequence[Entry]) -> None:
        """Store what somebody asked for, be it the same as before."""
        await self._store.alter(QUOTA, store_all, entries)

    async def observe(self, entries: Sequence[Entry]) -> None:
        """Store what was seen along the way; what has not changed is not written."""
        fresh = await self._store.read(_news, entries)
        if fresh:
            await self._store.alter(QUOTA, store_all, fresh)


def store_all(conn: sqlite3.Connection, entries: Iterable[Entry]) -> list[int]:
    """Apply observations in their order; how many points each has added."""
    return [_store_one(conn, entry) for entry in entries]


def _store_one(conn: sqlite3.Connection, entry: Entry) -> int:
    seen, about = entry.observation, (entry.account_key, entry.provider)
    rows = stored.windows(conn, *about)
    known = {key: _state(fields) for key, (_, fields) in rows.items()}
    head = stored.head(conn, *about, seen.scope)
    change = apply(known, None if head is None else Head(*head), seen)
    if change.head is not None:
        row = (*about, seen.scope, change.head.observed_at_ms, change.head.authority)
        stored.put_head(conn, row)
    numbers = {key: number for key, (number, _) in rows.items()}
    for key, state in change.windows.items():
        fields = attrs.asdict(state)
        numbers[key] = stored.put_window(conn, *about, key, state.last_seen_ms, fields)
    by_key = {window.key: window for window in seen.windows}
    return sum(
        stored.add_point(conn, _point(numbers[key], by_key[key], seen)) for key in change.evidence
    )


def _point(number: int, window: Window, seen: Observation) -> Point:
    return Point(number, seen.observed_at_ms, seen.source, window.used_percent, window.cycle_end_ms)


def _news(conn: sqlite3.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that say anything new."""
    return [entry for entry in entries if _is_news(conn, entry)]


def _is_news(conn: sqlite3.Connection, entry: Entry) -> bool:
    seen = entry.observation
    rows = stored.windows(conn, entry.account_key, entry.provider)
    known = {key: _state(fields) for key, (_, fields) in rows.items()}
    if seen.inventory == "complete" and any(
        state.scope == seen.scope and state.availability == "active" and key not in _keys(seen)
        for key, state in known.items()
    ):
        return True
    return any(
        window.key not in known or _differs(known[window.key], window) for window in seen.windows
    )


def _keys(seen: Observation) -> set[Key]:
    return {window.key for window in seen.windows}


def _differs(state: State, window: Window) -> bool:
    before, end = state.seen, window.cycle_end_ms
    if window.observed_at_ms - state.last_seen_ms >= AGAIN_MS:
        return True
    moved = end is not None and abs(end - (before.cycle_end_ms or 0)) > 60_000
    plan = state.plan_type[0] if state.plan_type else ""
    return (
        moved
        or window.used_percent != before.used_percent
        or state.availability != "active"
        or bool(window.plan_type and window.plan_type != plan)
    )


def _read_all(conn: sqlite3.Connection, accounts: Sequence[Asked]) -> list[list[tuple[int, State]]]:
    return [states_of(conn, asked.account_key, asked.provider) for asked in accounts]


def states_of(conn: sqlite3.Connection, key: str, provider: str) -> list[tuple[int, State]]:
    """The windows of an account, each with its number."""
    rows = stored.windows(conn, key, provider).values()
    return [(number, _state(fields)) for number, fields in rows]


def _state(fields: dict[str, Any]) -> State:
    """A state as `attrs.asdict` made it, through JSON."""
    fields = dict(fields)
    seen = dict(fields["seen"])
    for name in ("provider_window_aliases", "model_ids"):
        seen[name] = tuple(seen[name])
    if seen["reset_credits"] is not None:
        seen["reset_credits"] = tuple(tuple(one) for one in seen["reset_credits"])
    fields["seen"] = Window(**seen)
    for name in ("plan_type", "credits", "boundary_source"):
        fields[name] = tuple(fields[name]) if fields[name] is not None else None
    for name in ("current", "previous"):
        fields[name] = Cycle(**fields[name]) if fields[name] is not None else None
    return State(**fields)
