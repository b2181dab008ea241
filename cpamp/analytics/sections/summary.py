"""`summary` and `summary_comparison` (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cpamp.analytics.columnar import Row
from cpamp.analytics.counting import Counting
from cpamp.analytics.grids import Sums
from cpamp.analytics.own_texts import OwnTexts
from cpamp.analytics.packs import Values
from cpamp.analytics.samples import Samples
from cpamp.analytics.sections.rows import FIVE, share
from cpamp.analytics.sections.tasks import TaskCount
from cpamp.analytics.selection import Selection
from cpamp.analytics.view import View

ROLLING_MS = 1_800_000


def totals(sums: Sums) -> dict[str, Any]:
    """The figures of all groups together; integers are exact."""
    return {
        name: _total(values)
        for name, values in sums.figures.items()
        if name not in ("first", "last")
    }


def rounded(cost: float) -> float:
    """A cost without the last digits, which the order of adding up decides."""
    return float(f"{cost:.13g}")


def _total(values: Values) -> int | float:
    if values.dtype.kind == "f":
        return rounded(values.sum())
    if values.dtype == object:
        return int(sum(values.tolist()))
    return int(values.sum())


def unpriced_models(counting: Counting) -> list[str]:
    """The names by which prices were looked for and not found."""
    by_model = counting.sums("models")
    return _pricing_names(counting.view, by_model.codes[0][by_model["unpriced"] > 0].tolist())


def _pricing_names(view: View, models: Iterable[int]) -> list[str]:
    billing = view.facets.billing
    return sorted({billing.names[billing.codes[number]][0] for number in models})


class Summary:
    """All figures of the range, and of the last half hour."""

    def __init__(self, counting: Counting, rolling: Selection | None, texts: OwnTexts) -> None:
        self._counting = counting
        self._rolling = rolling
        include = counting.request.include
        self._percentiles = include.percentiles or not include.compact
        self._latency, self._ttft = Samples("latency"), Samples("ttft")
        self._tasks = TaskCount(counting, texts)
        counting.need("models")
        if self._percentiles:
            counting.counters += [self._latency, self._ttft]
        if not include.compact:
            counting.need("slots")
            counting.counters.append(self._tasks)

    def rows(self) -> Row:
        """The section."""
        counting = self._counting
        by_model = counting.sums("models")
        sums = totals(by_model)
        calls, failed = sums["calls"], sums["failed"]
        body: Row = {
            "total_calls": calls,
            "success_calls": calls - failed,
            "failure_calls": failed,
            "success_rate": share(calls - failed, calls),
            **{name: sums[figure] for name, figure in FIVE.items()},
            "cache_hit_rate": min(share(sums["cached"] + sums["cache_read"], sums["input"]), 1.0),
            "reasoning_tokens": sums["reasoning"],
            "total_tokens": sums["total"],
            "total_cost": sums["cost"],
            "average_cost_per_call": share(sums["cost"], calls),
            "average_latency_ms": sums["latency"] / sums["timed"] if sums["timed"] else None,
            "zero_token_calls": sums["empty"],
            "p95_latency_ms": self._latency.p95() if self._percentiles else None,
            "p95_ttft_ms": self._ttft.p95() if self._percentiles else None,
            "unpriced_calls": sums["unpriced"],
            "unpriced_tokens": sums["unpriced_tokens"],
            "unpriced_models": unpriced_models(counting),
        }
        return body | (self._full(sums) if not counting.request.include.compact else _COMPACT)

    def _full(self, sums: dict[str, Any]) -> Row:
        counting, facets = self._counting, self._counting.view.facets
        slots = counting.sums("slots").codes[0]
        days = max(len(np.unique(counting.calendar.slots.day_ms[slots])), 1)
        rolling_calls = rolling_tokens = 0
        if self._rolling is not None:
            for chunk in self._rolling.chunks():
                rolling_calls += len(chunk)
                rolling_tokens += int(chunk.column("total").sum(dtype=np.int64))
        by_model = counting.sums("models")
        empty = facets.model.codes[by_model.codes[0][by_model["empty"] > 0]].tolist()
        models = {facets.model.names[code] for code in empty}
        return {
            "rpm_30m": rolling_calls / 30,
            "tpm_30m": rolling_tokens / 30,
            "avg_daily_requests": sums["calls"] / days,
            "avg_daily_tokens": sums["total"] / days,
            **self._tasks.rows(),
            "zero_token_models": sorted(name for name in models if name.strip()),
        }


_COMPACT: Row = {
    "rpm_30m": 0,
    "tpm_30m": 0,
    "avg_daily_requests": 0,
    "avg_daily_tokens": 0,
    "approx_tasks": 0,
    "approx_task_failures": 0,
    "approx_task_success_rate": 0,
    "zero_token_models": None,
}


def comparison(selection: Selection, from_ms: int, to_ms: int) -> Row:
    """`summary_comparison` of the rows of the range before."""
    calls = failed = tokens = unpriced_calls = unpriced_tokens = 0
    cost = 0.0
    models: set[int] = set()
    for chunk in selection.chunks():
        calls += len(chunk)
        failed += int(chunk.failed.sum())
        tokens += int(chunk.column("total").sum(dtype=np.int64))
        cost += float(chunk.cost.sum())
        unpriced = np.flatnonzero(chunk.unpriced)
        unpriced_calls += len(unpriced)
        unpriced_tokens += int(chunk.column("total").take(unpriced).sum(dtype=np.int64))
        models.update(np.unique(chunk.codes("model").take(unpriced)).tolist())
    return {
        "from_ms": from_ms,
        "to_ms": to_ms,
        "total_calls": calls,
        "success_calls": calls - failed,
        "failure_calls": failed,
        "success_rate": share(calls - failed, calls),
        "total_tokens": tokens,
        "total_cost": cost,
        "unpriced_calls": unpriced_calls,
        "unpriced_tokens": unpriced_tokens,
        "unpriced_models": _pricing_names(selection.view, models),
    }
