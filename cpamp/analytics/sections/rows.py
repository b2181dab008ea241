"""What the rows of several sections have in common (analytics contract, 4.3 and 10.2)."""

from __future__ import annotations

import numpy as np

from cpamp.analytics.columnar import Shared, Table, Texts
from cpamp.analytics.facets import IntArray
from cpamp.analytics.grids import Sums, numbered, standing_for
from cpamp.analytics.packs import Values
from cpamp.analytics.view import View

Figures = dict[str, Values]
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


def shares(part: Values, whole: Values) -> Values:
    """The same of many."""
    return np.divide(
        part.astype(np.float64),
        whole.astype(np.float64),
        out=np.zeros(len(part)),
        where=(whole > 0).astype(bool),
    )


def means(sums: Sums) -> Values:
    """The average latency of each group, in ms; NaN where there is none."""
    found = shares(sums["latency"], sums["timed"])
    found[sums["timed"] == 0] = np.nan
    return found


def times(view: View, rows: IntArray) -> IntArray:
    """The times of some rows in ms."""
    return view.snapshot.column("time").take(rows)


def calls(sums: Sums) -> Figures:
    """Calls by outcome, as tables name them."""
    return {
        "calls": sums["calls"],
        "success_calls": sums["calls"] - sums["failed"],
        "failure_calls": sums["failed"],
        "success_rate": shares(sums["calls"] - sums["failed"], sums["calls"]),
    }


def outcomes(sums: Sums) -> Shared:
    """Calls by outcome and the shares of success and failure, for many rows with few calls."""
    most = int(sums["failed"].max(initial=0))
    _, codes = numbered(sums["calls"] * (most + 1) + sums["failed"])
    some = sums.taken(standing_for(codes))
    return Shared(Table(calls(some) | rates(some)), codes)


def outcome(sums: Sums) -> Figures:
    """Calls by outcome, as series name them."""
    return {
        "calls": sums["calls"],
        "tokens": sums["total"],
        "success": sums["calls"] - sums["failed"],
        "failure": sums["failed"],
    }


def rates(sums: Sums) -> Figures:
    """The shares of success and of failure."""
    return {
        "success_rate": shares(sums["calls"] - sums["failed"], sums["calls"]),
        "failure_rate": shares(sums["failed"], sums["calls"]),
    }


def five(sums: Sums) -> Figures:
    """The five token fields."""
    return {name: sums[figure] for name, figure in FIVE.items()}


def hit_rates(sums: Sums) -> Values:
    """The share of the input that came from a cache, at most 1."""
    return np.minimum(shares(sums["cached"] + sums["cache_read"], sums["input"]), 1.0)


def hits(sums: Sums) -> Figures:
    """What came from a cache, of what, and the rate."""
    return {
        "cache_hit_tokens": sums["cached"] + sums["cache_read"],
        "cache_hit_input_tokens": sums["input"],
        "cache_hit_rate": hit_rates(sums),
    }


def money(sums: Sums) -> Figures:
    """The cost in USD, and what has none for want of a price."""
    return {
        "cost": sums["cost"],
        "unpriced_calls": sums["unpriced"],
        "unpriced_tokens": sums["unpriced_tokens"],
    }


def dearest(view: View, sums: Sums, names: Texts, owners: IntArray | None = None) -> IntArray:
    """The order by cost, then calls, then time, greatest first; then by name.

    With `owners`, which are 0 or greater, by those before all else.
    """
    groups = np.zeros(len(sums), dtype=np.int64) if owners is None else owners
    cost = -sums["cost"]
    order = np.lexsort((cost, _narrow(groups)))
    # The other keys are looked at only where these are equal, which is seldom.
    in_order, of_group = cost[order], groups[order]
    equal = (in_order[1:] == in_order[:-1]) & (of_group[1:] == of_group[:-1])
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
    if len(tied):
        some = order[tied]
        seen = -times(view, sums["last"][some])
        keys = (names.taken(some).ranks(), seen, -sums["calls"][some], cost[some], groups[some])
        order[tied] = some[np.lexsort(keys)]
    return order


def _narrow(numbers: IntArray) -> Values:
    """The same in two bytes, if they are enough: those are sorted much faster."""
    return numbers.astype(np.uint16) if numbers.max(initial=0) < 1 << 16 else numbers


def latest(view: View, sums: Sums, names: Texts) -> IntArray:
    """The order by time, then calls, then cost, greatest first; then by name."""
    seen = -times(view, sums["last"])
    return np.lexsort((names.ranks(), -sums["cost"], -sums["calls"], seen))
