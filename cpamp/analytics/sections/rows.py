"""What the rows of several sections have in common (analytics contract, 4.3 and 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from cpamp.analytics.facets import IntArray, provider_shown
from cpamp.analytics.grids import Sums
from cpamp.analytics.packs import Values
from cpamp.analytics.view import View
from cpamp.usage.event import Who

Row = dict[str, Any]
SNAPSHOTS = ("account_snapshot", "auth_label_snapshot", "auth_provider_snapshot")
# Name in the answer -> figure.
FIVE = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_tokens": "cached",
    "cache_read_tokens": "cache_read",
    "cache_creation_tokens": "cache_creation",
}


def share(part: float, whole: float) -> float:
    """`part / whole`, 0 where there is no whole."""
    return part / whole if whole > 0 else 0.0


def shares(part: Values, whole: Values) -> list[float]:
    """The same of many."""
    found = np.divide(
        part.astype(np.float64),
        whole.astype(np.float64),
        out=np.zeros(len(part)),
        where=whole > 0,
    )
    return found.tolist()  # type: ignore[no-any-return]


def means(sums: Sums) -> list[float | None]:
    """The average latency of each group, in ms."""
    timed = sums["timed"]
    found = shares(sums["latency"], timed)
    return [mean if count else None for mean, count in zip(found, timed.tolist(), strict=True)]


def times(view: View, rows: IntArray) -> list[int]:
    """The times of some rows in ms."""
    return view.snapshot.column("time").take(rows).tolist()  # type: ignore[no-any-return]


def calls(sums: Sums) -> dict[str, list[Any]]:
    """Calls by outcome, as tables name them."""
    return {
        "calls": sums["calls"].tolist(),
        "success_calls": (sums["calls"] - sums["failed"]).tolist(),
        "failure_calls": sums["failed"].tolist(),
        "success_rate": shares(sums["calls"] - sums["failed"], sums["calls"]),
    }


def outcome(sums: Sums) -> dict[str, list[Any]]:
    """Calls by outcome, as series name them."""
    return {
        "calls": sums["calls"].tolist(),
        "tokens": sums["total"].tolist(),
        "success": (sums["calls"] - sums["failed"]).tolist(),
        "failure": sums["failed"].tolist(),
    }


def rates(sums: Sums) -> dict[str, list[float]]:
    """The shares of success and of failure."""
    return {
        "success_rate": shares(sums["calls"] - sums["failed"], sums["calls"]),
        "failure_rate": shares(sums["failed"], sums["calls"]),
    }


def five(sums: Sums) -> dict[str, list[int]]:
    """The five token fields."""
    return {name: sums[figure].tolist() for name, figure in FIVE.items()}


def hit_rates(sums: Sums) -> list[float]:
    """The share of the input that came from a cache, at most 1."""
    found = shares(sums["cached"] + sums["cache_read"], sums["input"])
    return [min(rate, 1.0) for rate in found]


def hits(sums: Sums) -> dict[str, list[Any]]:
    """What came from a cache, of what, and the rate."""
    return {
        "cache_hit_tokens": (sums["cached"] + sums["cache_read"]).tolist(),
        "cache_hit_input_tokens": sums["input"].tolist(),
        "cache_hit_rate": hit_rates(sums),
    }


def money(sums: Sums) -> dict[str, list[Any]]:
    """The cost in USD, and what has none for want of a price."""
    return {
        "cost": sums["cost"].tolist(),
        "unpriced_calls": sums["unpriced"].tolist(),
        "unpriced_tokens": sums["unpriced_tokens"].tolist(),
    }


def table(*parts: dict[str, Any]) -> list[Row]:
    """Rows from columns of one length, in the order of the columns."""
    columns: dict[str, Sequence[Any]] = {}
    for part in parts:
        columns |= part
    names = tuple(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


class People:
    """The rows of the dictionary of credentials behind each group of a table.

    `groups`, `who` and `last` are of one length: a group, a credential that it has, and the row
    of the event in which it was seen last.
    """

    def __init__(self, view: View, groups: IntArray, who: IntArray, last: IntArray) -> None:
        self._view = view
        time = view.snapshot.column("time").take(last)
        # Newest first.
        order = np.lexsort((last, time))[::-1]
        self._of: dict[int, list[Who]] = {}
        for group, number in zip(groups[order].tolist(), who[order].tolist(), strict=True):
            self._of.setdefault(group, []).append(view.facets.who(number))

    def names(self, group: int, *fields: str) -> Row:
        """For some fields the first filled value, from the newest credential on."""
        return {field: self.first(group, _FIELDS[field]) for field in fields}

    def first(self, group: int, text: Callable[[Who], str]) -> str:
        """The first filled text, from the newest credential on."""
        return next(filter(None, map(text, self._of[group])), "")

    def greatest(self, group: int, *fields: str) -> Row:
        """For some fields the greatest value."""
        return {field: max(map(_FIELDS[field], self._of[group])) for field in fields}

    def sets(self, group: int) -> Row:
        """All indices, sources and hashes, ascending."""
        people = self._of[group]
        return {
            "auth_indices": _filled(who.auth_index for who in people),
            "sources": _filled(who.source for who in people),
            "source_hashes": _filled(who.source_hash for who in people),
        }

    def of(self, group: int) -> list[Who]:
        """The credentials of a group, the newest first."""
        return self._of[group]


_FIELDS: dict[str, Callable[[Who], str]] = {
    **{field: attrgetter(field) for field in Who._fields},
    "auth_provider_snapshot": provider_shown,
}


def _filled(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text.strip()})


def dearest(row: Row) -> tuple[float, int, int]:
    """The order by cost, then calls, then time, greatest first."""
    return -row["cost"], -row["calls"], -row["last_seen_ms"]


def latest(row: Row) -> tuple[int, int, float, str]:
    """The order by time, then calls, then cost, greatest first; then by id."""
    return -row["last_seen_ms"], -row["calls"], -row["cost"], row["id"]
