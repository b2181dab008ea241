"""The sets of events have the sums that were published of them (analytics contract, 16.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from cpamp.bench.ground import QUICK, Ground
from cpamp.bench.questions import FULL_MONTH, HISTORY, QUESTIONS
from cpamp.bench.workloads import MONITORING_BEGIN_MS
from cpamp.lab import Manager


def ask(manager: Manager, path: str, body: Any) -> Any:
    return manager.http.json("POST", path, body)


def test_monitoring(tmp_path: Path) -> None:
    ground = Ground(tmp_path, QUICK)
    with ground.manager(ground.events("monitoring", 1000)) as manager:
        manager.start()
        whole = {**(FULL_MONTH.body(0) or {}), "from_ms": MONITORING_BEGIN_MS}
        answer = ask(manager, FULL_MONTH.path, whole)
    summary = answer["summary"]
    assert {name: summary[name] for name in ("total_calls", "failure_calls", "total_tokens")} == {
        "total_calls": 1000,
        "failure_calls": 50,
        "total_tokens": 399_500,
    }
    assert summary["total_cost"] == pytest.approx(0.924889)
    assert summary["cache_hit_rate"] == pytest.approx(0.1533359537)
    assert len(answer["timeline"]) == 31


def test_history(tmp_path: Path) -> None:
    ground = Ground(tmp_path, QUICK)
    with ground.manager(ground.events("history", 20_000)) as manager:
        manager.start()
        items = ask(manager, HISTORY, QUESTIONS["history"][-1].body(0))["items"]
    assert [item["total_requests"] for item in items] == [100] * 200
    assert sum(item["failure_calls"] for item in items) == 1177
    assert sum(item["total_tokens"] for item in items) == 4_297_178
    assert sum(item["total_cost"] for item in items) == pytest.approx(9.083178)


@pytest.mark.parametrize("kind", ["monitoring", "skewed", "wide", "dashboard"])
def test_each_asking_is_another_question(kind: str) -> None:
    for question in QUESTIONS[kind]:
        asked = {(question.path_of(i), orjson.dumps(question.body(i))) for i in range(20)}
        assert len(asked) == 20
