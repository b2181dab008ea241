"""The check sums of the contract's workloads (analytics contract, 16.2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cpamp.analytics.answer import Answerer
from cpamp.analytics.dashboard import DashboardRequest, dashboard
from cpamp.analytics.history import HistoryRequest, history
from cpamp.analytics.windows import WindowsRequest, window_usage
from cpamp.bench import workloads
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from cpamp.usage.exported import read_exported
from tests.analytics.asking import answered, stored

BEGIN = workloads.MONITORING_BEGIN_MS
DAY = workloads.DAY_MS
END = BEGIN + 30 * DAY
TIERED = {
    "prompt": 1,
    "completion": 2,
    "contextTiers": [
        {"thresholdTokens": 128, "prompt": 2, "promptConfigured": True},
        {
            "thresholdTokens": 256,
            "prompt": 3,
            "completion": 4,
            "promptConfigured": True,
            "completionConfigured": True,
        },
    ],
}
MONITORING_BOOK = PriceBook(read_book({f"gpt-{i:02d}": TIERED for i in range(12)}))


def batches(lines: Iterator[bytes]) -> list[list[Any]]:
    events = [read_exported(orjson.loads(line), now_ms=0) for line in lines]
    return [events[start : start + 5_000] for start in range(0, len(events), 5_000)]


@pytest.fixture(scope="module", params=[1_000, 10_000, 100_000])
def monitoring(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, Answerer]]:
    """W-MON, and how many events it has."""
    count = request.param
    folder = tmp_path_factory.mktemp("monitoring")
    with stored(folder, batches(workloads.monitoring(count)), MONITORING_BOOK) as answerer:
        yield count, answerer


def ask(answerer: Answerer, **include: Any) -> Any:
    return answered(answerer, {"from_ms": BEGIN, "to_ms": END, "include": include})


TOTALS = {
    100_000: (5000, 26_256_667, 12_447_500, 1_950_000, 3_950_000, 39_950_000, 97.804108),
    10_000: (500, 2_616_667, 1_242_500, 195_000, 395_000, 3_995_000, 9.732358),
    1_000: (50, 252_387, 122_000, 19_500, 38_700, 399_500, 0.924889),
}
# The contract prints another rate for 1,000 than its own sums give.
RATES = {100_000: 0.1504379821, 10_000: 0.1509553948, 1_000: 38_700 / 252_387}


def test_totals(monitoring: tuple[int, Answerer]) -> None:
    count, answerer = monitoring
    found = ask(answerer, summary=True)["summary"]
    failed, *tokens, cost = TOTALS[count]
    names = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "total_tokens")
    assert (found["total_calls"], found["failure_calls"]) == (count, failed)
    assert [found[name] for name in names] == tokens
    assert found["total_cost"] == pytest.approx(cost, abs=5e-7)
    assert found["cache_hit_rate"] == pytest.approx(RATES[count], abs=5e-11)
    assert (found["p95_latency_ms"], found["p95_ttft_ms"]) == (250, 50)


ROWS = {
    100_000: (
        (8334, 1667, 3_316_932, 7.388152),
        (2000, 1000, 1.59711),
        (1000, 1000, 0.73428, 1_802_589_408_000),
    ),
    10_000: ((834, 167, 331_932, 0.735352), None, None),
    1_000: ((84, 17, 33_432, 0.070272), (20, 10, 0.01513), (10, 10, 0.007, 1_802_332_800_000)),
}


def test_rows(monitoring: tuple[int, Answerer]) -> None:
    count, answerer = monitoring
    found = ask(answerer, model_stats=True, api_key_stats=True, credential_stats=True)

    def row(section: str, name: str, value: str, *figures: str) -> tuple[Any, ...]:
        (one,) = (row for row in found[section] if row[name] == value)
        return tuple(one[figure] for figure in figures)

    expected = (
        row("model_stats", "model", "gpt-00", "calls", "failure_calls", "total_tokens", "cost"),
        row("api_key_stats", "id", "key-000", "calls", "failure_calls", "cost"),
        row(
            "credential_stats",
            *("id", "account-000.json", "calls", "failure_calls", "cost", "last_seen_ms"),
        ),
    )
    for figures, sums in zip(expected, ROWS[count], strict=True):
        if sums is not None:
            assert figures == pytest.approx(sums, abs=5e-7)


def test_days(monitoring: tuple[int, Answerer]) -> None:
    count, answerer = monitoring
    days = ask(answerer, timeline=True)["timeline"]
    assert len(days) == 31
    figures = [(day["calls"], day["tokens"], day["cost"]) for day in days]
    if count == 100_000:
        assert days[0]["bucket_ms"] == 1_799_971_200_000
        assert figures[0] == pytest.approx((2223, 857_203, 2.117478), abs=5e-7)
        assert figures[1] == pytest.approx((3333, 1_349_987, 3.258694), abs=5e-7)
        assert figures[-1] == pytest.approx((1111, 465_434, 1.094942), abs=5e-7)
    if count == 1_000:
        assert figures[0][0] == 23


def test_windows(monitoring: tuple[int, Answerer]) -> None:
    count, answerer = monitoring
    windows = [
        {
            "row_key": f"account-{a:03d}.json\0auth-{a:03d}",
            "window_key": f"overlap-{k}",
            "from_ms": BEGIN + 5 * k * DAY,
            "to_ms": BEGIN + (5 * k + 15) * DAY,
            "auth_file_snapshot": f"account-{a:03d}.json",
            "source": f"account-{a:03d}.json",
            "account_snapshot": f"account-{a:03d}@example.com",
            "auth_provider_snapshot": "codex",
            "auth_project_id_snapshot": f"project-{a % 10:02d}",
            "auth_index": f"auth-{a:03d}",
        }
        for a in range(100)
        for k in range(4)
    ]
    items = window_usage(answerer, WindowsRequest.read({"windows": windows}))["items"]
    assert {item["total_requests"] for item in items} == {count // 200}
    if count == 100_000:
        for start, failed, tokens, costs in (
            (0, 500, 175_000, (0.36714, 0.36706, 0.3676, 0.36714)),
            (4, 0, 175_500, (0.351143, 0.351685, 0.352003, 0.351564)),
        ):
            four = items[start : start + 4]
            assert {item["failure_calls"] for item in four} == {failed}
            assert {item["total_tokens"] for item in four} == {tokens}
            assert [item["total_cost"] for item in four] == pytest.approx(costs, abs=5e-7)


def test_dashboard(tmp_path: Path) -> None:
    with stored(tmp_path, batches(workloads.dashboard(100_000)), PriceBook({})) as answerer:
        query = {
            "today_start_ms": [str(BEGIN)],
            "now_ms": [str(BEGIN + DAY)],
            "top_models": ["5"],
        }
        found = dashboard(answerer, DashboardRequest.read(query, 0))
    today, rolling = found["today"], found["rolling_30m"]
    names = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "total_tokens")
    assert [today[name] for name in names] == [
        *(63_266_667, 29_950_000, 4_950_000, 9_950_000, 119_950_000),
    ]
    assert (today["failure_calls"], today["average_latency_ms"]) == (5000, 1049.5)
    assert (rolling["total_calls"], rolling["total_tokens"]) == (2083, 2_578_114)
    assert (rolling["rpm"], rolling["tpm"]) == pytest.approx((69.4333, 85_937.1333), abs=5e-5)
    hours = found["traffic_timeline"]
    figures = [(hour["calls"], hour["tokens"], hour["failure"]) for hour in hours]
    assert (figures[0], figures[23]) == ((4167, 4_845_261, 209), (4166, 5_149_339, 208))
    points = found["today_request_health_timeline"]["points"]
    assert (points[0]["calls"], points[0]["failure"]) == (695, 35)
    assert (points[143]["calls"], points[143]["failure"]) == (694, 34)
    models = [(row["model"][-2:], row["calls"]) for row in found["top_models_today"]]
    assert models == [("00", 8334), ("01", 8334), ("02", 8334), ("03", 8334), ("04", 8333)]
    channels = [row["auth_index"] for row in found["channel_health"]]
    assert channels == ["auth-000", "auth-020", "auth-040", "auth-060", "auth-080"]
    assert [part["tokens"] for part in found["token_mix"]] == [
        *(53_316_667, 9_950_000, 29_950_000, 4_950_000),
    ]


def test_histories(tmp_path: Path) -> None:
    price = {
        **{"prompt": 1, "completion": 2, "cache": 0.5, "cacheRead": 0.25, "cacheCreation": 1.5},
        "contextTiers": [
            {"thresholdTokens": 128, "prompt": 2, "promptConfigured": True},
            {
                "thresholdTokens": 176,
                "prompt": 3,
                "completion": 4,
                "promptConfigured": True,
                "completionConfigured": True,
            },
        ],
    }
    book = PriceBook(read_book({f"resolved-{i:02d}": price for i in range(8)}))
    targets = [
        {
            "row_key": f"row-{a:04d}",
            "auth_index": f"auth-{a:04d}",
            "auth_provider_snapshot": "openai",
            "account_snapshot": f"account-{a:04d}@example.com",
        }
        for a in range(200)
    ]
    with stored(tmp_path, batches(workloads.history(20_000)), book) as answerer:
        items = history(answerer, HistoryRequest.read({"accounts": targets}))["items"]
    assert {item["total_requests"] for item in items} == {100}
    for place, failed, tokens, cost in (
        (0, 6, 21_594, 0.0450275),
        (1, 6, 21_694, 0.0449255),
        (199, 6, 21_562, 0.044531),
    ):
        item = items[place]
        assert (item["failure_calls"], item["total_tokens"]) == (failed, tokens)
        assert item["total_cost"] == pytest.approx(cost, abs=5e-8)
    assert items[0]["last_seen_ms"] == 1_700_000_019_800
    assert sum(item["failure_calls"] for item in items) == 1177
    assert sum(item["total_tokens"] for item in items) == 4_297_178
    assert sum(item["total_cost"] for item in items) == pytest.approx(9.083178, abs=5e-7)
    assert all(len(item["recent_requests"]) == 10 for item in items)
    times = [mark["timestamp_ms"] for mark in items[0]["recent_requests"]]
    assert times == [1_700_000_019_800 - 200 * i for i in range(10)]
