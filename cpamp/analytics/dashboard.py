"""The dashboard: one day, in one answer (analytics contract, section 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self
from zoneinfo import ZoneInfo

import attrs
import numpy as np

from cpamp.analytics.answer import Answerer
from cpamp.analytics.columnar import Row
from cpamp.analytics.counting import LIGHT, Counting
from cpamp.analytics.facets import stated_provider
from cpamp.analytics.grids import Grid, Sums, add_up
from cpamp.analytics.packs import Values
from cpamp.analytics.recount.events import failure_row
from cpamp.analytics.request import MAX_INSTANT_MS, AnalyticsRequest
from cpamp.analytics.sections.events import newest
from cpamp.analytics.sections.models import ModelStats
from cpamp.analytics.sections.people import FailureSources, channel_rows
from cpamp.analytics.sections.rows import FIVE, share
from cpamp.analytics.sections.summary import ROLLING_MS, totals, unpriced_models
from cpamp.analytics.selection import Condition, select
from cpamp.analytics.view import Chunk
from cpamp.analytics.zones import DAY_MS, HOUR_MS, day_start_ms, offset_ms, zone
from cpamp.errors import BadRequest

CELL_MS = 600_000
CELLS_PER_HOUR = HOUR_MS // CELL_MS
SHOWN = 5
MAX_SHOWN = 100
# A row of one of these tones comes before those of the later ones.
TONES = ("bad", "warn", "good")


@attrs.frozen
class DashboardRequest:
    """The day since `today_start_ms` up to `now_ms`.

    With a zone the day ends at the next local midnight; without one it has 24 hours.
    """

    today_start_ms: int
    now_ms: int
    top_models: int
    recent_failures: int
    zone: ZoneInfo | None

    @classmethod
    def read(cls, parameters: Mapping[str, Sequence[str]], now_ms: int) -> Self:
        """The request of a query; raises `BadRequest`."""
        if not parameters.get("today_start_ms", [""])[0].strip():
            raise BadRequest("today_start_ms is required")
        start = _integer(parameters, "today_start_ms", "must be a positive integer")
        if not 0 < start <= MAX_INSTANT_MS - 2 * DAY_MS:
            raise BadRequest("today_start_ms must be a positive integer")
        stated = _integer(parameters, "now_ms")
        now = min(stated, MAX_INSTANT_MS) if stated > 0 else now_ms
        if now < start:
            raise BadRequest("now_ms must be greater than or equal to today_start_ms")
        name = parameters.get("time_zone", [""])[0]
        return cls(
            start,
            now,
            _count(parameters, "top_models"),
            _count(parameters, "recent_failures"),
            zone(name) if name.strip() else None,
        )

    @property
    def cells(self) -> int:
        """How many cells the day has."""
        if self.zone is None:
            return DAY_MS // CELL_MS
        day = (self.today_start_ms + offset_ms(self.zone, self.today_start_ms)) // DAY_MS
        return -(-(day_start_ms(self.zone, day + 1) - self.today_start_ms) // CELL_MS)


def _integer(
    parameters: Mapping[str, Sequence[str]], name: str, text: str = "must be an integer"
) -> int:
    value = parameters.get(name, ["0"])[0].strip() or "0"
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise BadRequest(f"{name} {text}")
    return int(value)


def _count(parameters: Mapping[str, Sequence[str]], name: str) -> int:
    value = _integer(parameters, name)
    return min(value, MAX_SHOWN) if value > 0 else SHOWN


def dashboard(answerer: Answerer, request: DashboardRequest) -> Row:
    """All members of the answer."""
    return _Dashboard(answerer, request).answer()


class _Cells:
    """What is counted of each ten minutes since an instant."""

    def __init__(self, start_ms: int) -> None:
        self._first, self._shift_ms = divmod(start_ms, CELL_MS)
        self._parts: list[Sums] = []

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        what = ("ten minutes", self._shift_ms)
        self._parts.append(chunk.kept(what, lambda: self._counted(chunk)))

    def _counted(self, chunk: Chunk) -> Sums:
        numbers = (chunk.time - self._shift_ms) // CELL_MS
        least, greatest = int(numbers.min()), int(numbers.max())
        size = greatest - least + 1
        grid = Grid(lambda _: numbers - least, size, LIGHT, extremes=False, runs=True, packed=LIGHT)
        grid.add(chunk)
        sums = grid.sums()
        return Sums((sums.codes[0] + least,), sums.figures)

    def sums(self) -> Sums:
        """The sums, by cell; several may be of one."""
        nothing = Grid(lambda chunk: chunk.time, 1, LIGHT, extremes=False).sums()
        found = Sums.joined([nothing, *self._parts])
        return Sums((found.codes[0] - self._first,), found.figures)


class _Dashboard:
    """The parts of one answer, from one pass over the day."""

    def __init__(self, answerer: Answerer, request: DashboardRequest) -> None:
        self._answerer = answerer
        self._request = request
        view, start = answerer.view, request.today_start_ms
        self._selection = select(view, start, request.now_ms, Condition())
        question = AnalyticsRequest.plain(start, request.now_ms)
        self._counting = counting = Counting(question, self._selection)
        self._models = ModelStats(counting)
        self._failures = FailureSources(counting)
        self._count = request.cells
        self._cells = _Cells(start)
        counting.counters.append(self._cells)
        counting.run()

    def answer(self) -> Row:
        request = self._request
        cells, models = self._day(), self._models.rows()
        return {
            "window": {
                "today_start_ms": request.today_start_ms,
                "now_ms": request.now_ms,
                "rolling_30m_start_ms": request.now_ms - ROLLING_MS,
            },
            "today": self._today(),
            "rolling_30m": self._rolling(),
            "top_models_today": _top(models, request.top_models),
            "model_cost_rank": _dearest(models, request.top_models),
            **self._hours(cells),
            "today_request_health_timeline": self._health(cells),
            "token_mix": token_mix(totals(self._counting.sums("models"))),
            "channel_health": self._channels(),
            "failure_sources": self._sources(),
            "recent_failures": self._recent(),
        }

    def _today(self) -> Row:
        sums = totals(self._counting.sums("models"))
        calls, failed = sums["calls"], sums["failed"]
        return {
            "total_calls": calls,
            "success_calls": calls - failed,
            "failure_calls": failed,
            "success_rate": share(calls - failed, calls),
            **{name: sums[figure] for name, figure in FIVE.items()},
            "reasoning_tokens": sums["reasoning"],
            "total_tokens": sums["total"],
            "total_cost": sums["cost"],
            "average_latency_ms": sums["latency"] / sums["timed"] if sums["timed"] else None,
            "zero_token_calls": sums["empty"],
            "unpriced_calls": sums["unpriced"],
            "unpriced_tokens": sums["unpriced_tokens"],
            "unpriced_models": unpriced_models(self._counting),
        }

    def _rolling(self) -> Row:
        calls = tokens = 0
        now = self._request.now_ms
        for chunk in select(self._answerer.view, now - ROLLING_MS, now, Condition()).chunks():
            calls += len(chunk)
            tokens += int(chunk.column("total").sum(dtype=np.int64))
        return {
            "rpm": calls / 30,
            "tpm": tokens / 30,
            "total_calls": calls,
            "total_tokens": tokens,
        }

    def _day(self) -> dict[str, Values]:
        """Calls, failures and tokens of each cell of the day."""
        sums = self._cells.sums()
        # What comes after the day is left out.
        inside = sums.codes[0] < self._count
        return {
            name: add_up(sums.codes[0][inside], sums[name][inside], self._count)
            for name in ("calls", "failed", "total")
        }

    def _hours(self, cells: dict[str, Values]) -> Row:
        # The last hour of a day of 23½ or 24½ hours is half of one.
        begins = np.arange(0, self._count, CELLS_PER_HOUR)
        hours = {name: np.add.reduceat(values, begins).tolist() for name, values in cells.items()}
        most_calls, most_tokens = max(hours["calls"]), max(hours["total"])
        traffic, activity = [], []
        for i, (calls, failed, tokens) in enumerate(zip(*hours.values(), strict=True)):
            bucket = self._request.today_start_ms + i * HOUR_MS
            of_calls, of_tokens = share(calls, most_calls), share(tokens, most_tokens)
            figures = {"bucket_ms": bucket, "calls": calls, "tokens": tokens}
            traffic.append(
                {
                    **figures,
                    "success": calls - failed,
                    "failure": failed,
                    "calls_share": of_calls,
                    "tokens_share": of_tokens,
                    "failure_rate": share(failed, calls),
                }
            )
            activity.append({"hour_index": i, **figures, "intensity": max(of_calls, of_tokens)})
        return {"traffic_timeline": traffic, "hourly_activity": activity}

    def _health(self, cells: dict[str, Values]) -> Row:
        request = self._request
        start, most = request.today_start_ms, int(cells["calls"].max())
        columns = (cells[name].tolist() for name in ("calls", "failed", "total"))
        points = []
        for i, (calls, failed, tokens) in enumerate(zip(*columns, strict=True)):
            bucket = start + i * CELL_MS
            points.append(
                {
                    "bucket_ms": bucket,
                    "calls": calls,
                    "tokens": tokens,
                    "success": calls - failed,
                    "failure": failed,
                    "success_rate": share(calls - failed, calls),
                    "failure_rate": share(failed, calls),
                    "tone": _cell_tone(bucket > request.now_ms, calls, failed),
                    "intensity": share(calls, most),
                    "future": bucket > request.now_ms,
                }
            )
        calls, failed = int(cells["calls"].sum()), int(cells["failed"].sum())
        return {
            "from_ms": start,
            "to_ms": start + self._count * CELL_MS,
            "bucket_ms": CELL_MS,
            "success_calls": calls - failed,
            "failure_calls": failed,
            "total_calls": calls,
            "success_rate": share(calls - failed, calls),
            "points": points,
        }

    def _channels(self) -> list[Row]:
        rows = [_channel(row) for row in channel_rows(self._counting, stated_provider)]
        rows.sort(
            key=lambda row: (
                *(TONES.index(row["tone"]), -row["failures"], -row["calls"]),
                row["auth_index"],
            )
        )
        return rows[:SHOWN]

    def _sources(self) -> list[Row]:
        rows = []
        for row in self._failures.rows_showing(stated_provider)[:SHOWN]:
            failures = row.pop("failure")
            bad = row["failure_rate"] >= 0.5 or failures >= 5
            rows.append({**row, "failures": failures, "tone": "bad" if bad else "warn"})
        return rows

    def _recent(self) -> list[Row]:
        rows = newest(
            self._selection, self._request.recent_failures, lambda chunk: chunk.failed.copy()
        )
        return [
            failure_row(fact, fact.event.who.auth_provider_snapshot)
            for fact in self._answerer.reading.facts(self._selection, rows)
        ]


def _top(models: list[Row], limit: int) -> list[Row]:
    return [_ranked(row) for row in models[:limit]]


def _dearest(models: list[Row], limit: int) -> list[Row]:
    rows = sorted(models, key=lambda row: (-row["cost"], -row["calls"], row["model"]))
    most = rows[0]["cost"] if rows else 0.0
    return [{**_ranked(row), "cost_share": share(row["cost"], most)} for row in rows[:limit]]


def _ranked(row: Row) -> Row:
    names = (
        *("model", "calls", "tokens", "cost", "success_rate"),
        *("unpriced_calls", "unpriced_tokens"),
    )
    return {name: row[name] for name in names}


def _cell_tone(future: bool, calls: int, failed: int) -> str:
    if future:
        return "future"
    if not calls:
        return "empty"
    if failed / calls >= 0.1:
        return "bad"
    return "warn" if failed else "good"


def _channel(row: Row) -> Row:
    success, failures = row.pop("success"), row.pop("failure")
    rate, latency = share(success, row["calls"]), row["average_latency_ms"] or 0
    if rate < 0.85 or failures >= 5 or latency >= 30_000:
        tone = "bad"
    elif rate < 0.95 or failures or latency >= 15_000:
        tone = "warn"
    else:
        tone = "good"
    return {
        **row,
        "failures": failures,
        "failure_rate": share(failures, row["calls"]),
        "success_rate": rate,
        "tone": tone,
    }


def token_mix(sums: Mapping[str, Any]) -> list[Row]:
    """Four shares of the tokens that don't overlap (section 4.4), from sums by figure."""
    cached = sum(max(sums[name], 0) for name in ("cached", "cache_read", "cache_creation"))
    parts = {
        "input": max(sums["input"] - cached, 0),
        "cached": cached,
        "output": max(sums["output"], 0),
        "reasoning": max(sums["reasoning"], 0),
    }
    if sums["total"] > 0:
        excess = max(sum(parts.values()) - sums["total"], 0)
        first = min(parts["output"], parts["reasoning"], excess)
        for name, most in (("output", first), ("output", excess), ("input", excess)):
            taken = min(parts[name], most, excess)
            parts[name] -= taken
            excess -= taken
    whole = sum(parts.values())
    return [
        {"key": name, "tokens": tokens, "share": share(tokens, whole)}
        for name, tokens in parts.items()
    ]
