"""Every figure on the pages of figures is the one that the server gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager
from tests.panel.driving import HOUR_MS, Panel

Figure = Callable[[Any], Any]
Columns = Mapping[str, Figure]


def member(name: str) -> Figure:
    return lambda row: row[name]


def cached(row: Any) -> int:
    return int(row["cached_tokens"] + row["cache_read_tokens"])


def cost(row: Any) -> float | None:
    return None if row["unpriced_calls"] >= row["calls"] else row["cost"]


SUMMARY: Columns = {
    "requests": member("total_calls"),
    "success-rate": member("success_rate"),
    "failures": member("failure_calls"),
    "latency": member("average_latency_ms"),
    "p95": member("p95_latency_ms"),
    "unpriced": member("unpriced_calls"),
    "cost": member("total_cost"),
    "tokens": member("total_tokens"),
    "reasoning": member("reasoning_tokens"),
    "input": member("input_tokens"),
    "output": member("output_tokens"),
    "cached": cached,
}
GROUP: Columns = {
    "requests": member("calls"),
    "failed": member("failure_calls"),
    "tokens": member("total_tokens"),
    "cost": cost,
}
WIDE: Columns = GROUP | {
    "input": member("input_tokens"),
    "output": member("output_tokens"),
    "cached": cached,
}
SEEN: Columns = {"latest": member("last_seen_ms")}
CALL: Columns = {
    "time": member("timestamp_ms"),
    "input": member("input_tokens"),
    "output": member("output_tokens"),
    "cached": cached,
    "ttft": member("ttft_ms"),
    "latency": member("latency_ms"),
    "cost": member("cost"),
}
# The page, its table, the section with the rows of it, their key, and their figures.
TABLES = {
    "analytics models": ("/usage-analytics?tab=models", "models", "model_stats", "model", WIDE),
    "analytics keys": (
        "/usage-analytics?tab=apiKeys",
        "api-keys",
        "api_key_stats",
        "id",
        WIDE | SEEN,
    ),
    "analytics credentials": (
        *("/usage-analytics?tab=credentials", "credentials", "credential_stats", "id"),
        WIDE | SEEN,
    ),
    "monitor accounts": (
        "/monitoring?tab=accounts",
        "accounts",
        "account_stats",
        "id",
        GROUP | SEEN,
    ),
    "monitor keys": ("/monitoring?tab=apiKeys", "api-keys", "api_key_stats", "id", GROUP | SEEN),
    "monitor requests": ("/monitoring?tab=realtime", "events", "events", "event_hash", CALL),
}


def answered(panel: Panel, manager: Manager, path: str) -> Any:
    """What the server answers to the first question that the page asked of this path."""
    asked = next(one for one in panel.requests if path in one)
    method, path, *body = asked.split(" ", 2)
    return manager.http.json(method, path, json.loads(body[0]) if body else None)


def metrics(panel: Panel, block: str) -> dict[str, float | None]:
    found = panel.page.locator(f"[data-block={block}] [data-metric]").all()
    names = [one.get_attribute("data-metric") or "" for one in found]
    return {name: panel.metric(name) for name in names}


def shown(text: str | None) -> float | None:
    return None if text in (None, "null") else float(text or 0)


def agree(value: float | None, told: Any) -> bool:
    return value == (told if told is None else pytest.approx(told))


@pytest.mark.parametrize("name", TABLES)
def test_a_table(inside: Panel, filled: Manager, name: str) -> None:
    route, table, section, key, columns = TABLES[name]
    inside.visit(f"{route}&time_range=7d")
    inside.ready(table)
    answer = answered(inside, filled, "monitoring/analytics")
    headline = metrics(inside, "summary")
    assert set(headline) == set(SUMMARY)
    for metric, figure in SUMMARY.items():
        assert agree(headline[metric], figure(answer["summary"])), metric
    rows = answer[section]["items"] if section == "events" else answer[section]
    told = {row[key]: row for row in rows}
    found = inside.page.locator(f"[data-table={table}] [data-row]")
    # Of long tables a few rows are drawn at a time.
    expect(found.nth(min(len(told), 10) - 1)).to_be_attached()
    for row in found.all():
        of = told[row.get_attribute("data-row")]
        for column, figure in columns.items():
            value = row.locator(f"[data-col={column}]").first.get_attribute("data-value")
            assert agree(shown(value), figure(of)), (of[key], column)


def test_the_heat_map(inside: Panel, filled: Manager) -> None:
    inside.visit("/usage-analytics?tab=heatmap&time_range=7d")
    inside.ready("heatmap")
    answer = answered(inside, filled, "monitoring/analytics")
    cells = inside.page.locator("[data-cell]:not(:disabled)").all()
    calls = [shown(cell.get_attribute("data-value")) for cell in cells]
    assert sorted(filter(None, calls)) == sorted(cell["calls"] for cell in answer["heatmap"])
    # The highest of each kind; what has no price is in none, nor is a rate of few calls.
    judged = [cell for cell in answer["heatmap"] if cell["calls"] >= 5]
    kinds = {
        "busiest": [cell["calls"] for cell in answer["heatmap"]],
        "dearest": [cost(cell) or 0 for cell in answer["heatmap"]],
        "riskiest": [cell["failure_rate"] for cell in judged],
    }
    told = {24 * cell["weekday"] + cell["hour"]: cell for cell in answer["heatmap"]}
    figures = {"busiest": "calls", "dearest": "cost", "riskiest": "failure_rate"}
    for kind, values in kinds.items():
        found = inside.page.locator(f"[data-chart={kind}] [data-row]").all()
        best = [told[int(one.get_attribute("data-row") or "")][figures[kind]] for one in found]
        assert best == sorted(filter(None, values), reverse=True)[:3], kind


def test_the_extremes_of_the_range(inside: Panel, filled: Manager) -> None:
    inside.visit("/usage-analytics?tab=trends&time_range=7d&metric=calls")
    inside.ready("model-trend")
    answer = answered(inside, filled, "monitoring/analytics")
    buckets = answer["timeline"]
    enough = [bucket for bucket in buckets if bucket["calls"] >= 10]
    first, last = buckets[0]["bucket_ms"], answer["generated_at_ms"]
    found = metrics(inside, "peaks")
    assert found.pop("mean-bucket") == pytest.approx(
        answer["summary"]["total_calls"] / ((last - first) // HOUR_MS + 1)
    )
    assert found == {
        "peak-bucket": max(bucket["calls"] for bucket in buckets),
        "worst-failure-rate": max((bucket["failure_rate"] for bucket in enough), default=None),
        "worst-p95": max((bucket["p95_latency_ms"] for bucket in enough), default=None),
    }
    lines = inside.page.locator("[data-block=model-trend] [data-line]").all()
    names = {line.get_attribute("data-line") for line in lines}
    assert names == {bucket["model"] or "other" for bucket in answer["model_timeline"]}


def test_how_the_cost_lies_on_the_models(inside: Panel, filled: Manager) -> None:
    inside.visit("/usage-analytics?tab=models&time_range=7d")
    inside.ready("models")
    answer = answered(inside, filled, "monitoring/analytics")
    rows, total = answer["model_stats"], answer["summary"]["total_cost"]
    costs = [row["cost"] for row in rows if row["cost"] > 0]
    failing = [row for row in rows if row["calls"] >= 20 and row["success_rate"] < 0.97]
    assert metrics(inside, "model-cards") == {
        "active-models": len(rows),
        "top-share": pytest.approx(max(costs) / total),
        "poor-models": len(failing),
        "long-tail": pytest.approx(sum(c for c in costs if c / total < 0.08) / total),
    }
    rates = {row["model"]: row["cache_hit_rate"] if row["input_tokens"] else None for row in rows}
    for one in inside.page.locator("[data-table=models] [data-row]").all():
        rate = one.locator("[data-col=cache-rate]").get_attribute("data-value")
        assert agree(shown(rate), rates[one.get_attribute("data-row") or ""])


def test_the_dashboard(inside: Panel, filled: Manager) -> None:
    inside.nothing_ages()
    inside.visit("/")
    inside.ready("today")
    answer = answered(inside, filled, "dashboard/summary")
    today, half = answer["today"], answer["rolling_30m"]
    assert metrics(inside, "today") == {
        "requests": today["total_calls"],
        "failures": today["failure_calls"],
        "cost": pytest.approx(today["total_cost"]),
        "tokens": today["total_tokens"],
        "success-rate": pytest.approx(today["success_rate"]),
        "rpm": pytest.approx(half["rpm"]),
        "tpm": pytest.approx(half["tpm"]),
        "latency": pytest.approx(today["average_latency_ms"]),
        "unpriced": today["unpriced_calls"],
    }
    failures = inside.page.locator("[data-table=recent-failures] [data-col=time]").all()
    times = [shown(one.get_attribute("data-value")) for one in failures]
    assert times == [one["timestamp_ms"] for one in answer["recent_failures"]][: len(times)]
    channels = inside.page.locator("[data-table=channel-health] [data-row]").all()
    names = [one.get_attribute("data-row") for one in channels]
    assert names == [one["auth_index"] for one in answer["channel_health"]]
    costs = inside.page.locator("[data-chart=model-costs]")
    expect(costs).to_have_attribute("data-points", str(len(answer["model_cost_rank"])))


@pytest.mark.parametrize(
    "route", ["/", "/monitoring?time_range=7d&model=gpt-5.4", "/usage-analytics?time_range=30d"]
)
def test_the_headline_is_verified(inside: Panel, route: str) -> None:
    inside.visit(route)
    inside.page.locator("[data-action=verify]").click()
    drawer = inside.page.locator("[data-dialog=verify]")
    expect(drawer.locator("[data-metric=different]")).to_have_attribute("data-value", "0")
    row = drawer.locator("[data-row='summary.total_calls']")
    counts = [row.locator(f"[data-col={name}]") for name in ("answer", "recount")]
    first, second = (count.get_attribute("data-value") for count in counts)
    assert first == second == f"{inside.metric('requests'):.0f}"
