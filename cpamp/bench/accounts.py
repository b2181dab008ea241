"""Accounts: inspections, cooldowns, what a year of them takes on disk, and the forecast."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cpamp.bench import answers, series, year
from cpamp.bench.ground import Ground
from cpamp.bench.intake import control
from cpamp.bench.measure import median, percentile
from cpamp.bench.questions import FULL_MONTH, OVERVIEW
from cpamp.bench.table import Figure
from cpamp.inspection.probing import USAGE_URL
from cpamp.lab import Cpa, Manager, wait_until
from cpamp.simulator.fixtures import auth_file
from cpamp.store.inspection import KEPT_RUNS

WORKERS, PROBE_MS = 4, 200
FILES = "/v0/management/auth-files"
INSPECTION = "/v0/management/codex-inspection"
QUERY = "/v0/management/quota-snapshots/query"
H5, WEEK = 18_000, 604_800
# One account in so many has used up its week.
SPENT = 10
# A week is made up in the time of so many windows of five hours.
WEEK_SHARE = 5


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of accounts."""
    yield from _inspected(ground)
    yield _cooldown(ground)
    yield from _year(ground)
    yield from _forecast(ground)


# -- live ---------------------------------------------------------------------------------------


def _codex_files(count: int) -> list[dict[str, Any]]:
    return [
        auth_file(f"codex-{i:03}.json", "codex", f"user-{i:03}@example.com") for i in range(count)
    ]


def _scripted(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the provider answers for each account, after its time."""
    now_s = int(time.time())
    rules = []
    for i, file in enumerate(files):
        windows = [
            {
                "used_percent": used,
                "limit_window_seconds": seconds,
                "reset_at": now_s + seconds // 2,
            }
            for used, seconds in ((i % 90, H5), (100 if i % SPENT == 0 else i % 80, WEEK))
        ]
        limit = {"allowed": True, "primary_window": windows[0], "secondary_window": windows[1]}
        reply = {"delay_ms": PROBE_MS, "body": {"plan_type": "plus", "rate_limit": limit}}
        match = {"auth_index": file["auth_index"], "url": USAGE_URL}
        rules.append({"match": match, "reply": reply})
    return rules


def _inspected(ground: Ground) -> Iterator[Figure]:
    """How long an inspection takes, what it asks of CPA, and how fast answers are meanwhile."""
    count, times = ground.plan.accounts, ground.plan.times
    questions = (FULL_MONTH, OVERVIEW)
    with (
        ground.cpa("--bcrypt-ms", "0") as cpa,
        ground.collecting(cpa, ground.copy("monitoring", ground.plan.events)) as manager,
    ):
        files = _codex_files(count)
        control(cpa, "auth_files", files=files)
        control(cpa, "api_call", rules=_scripted(files))
        settings = {"workers": WORKERS, "autoActionMode": "disable"}
        manager.http.json("PUT", "/usage-service/config", {"config": {"codexInspection": settings}})
        idle = answers.medians(manager, questions, times)
        control(cpa, "requests", clear=True)
        run_id = manager.http.json("POST", f"{INSPECTION}/run")["run"]["id"]
        busy = answers.medians(manager, questions, times)
        under_way = _run(manager, run_id)["active"]
        wait_until(lambda: not _run(manager, run_id)["active"], seconds=600, what="the run")
        run = _run(manager, run_id)
        notes = control(cpa, "requests")
    taken = (run["finishedAtMs"] - run["startedAtMs"]) / 1000
    ideal = count * PROBE_MS / 1000 / WORKERS
    yield Figure(
        f"inspection of {count:,} accounts, probes of {PROBE_MS} ms, {WORKERS} workers",
        taken,
        "s",
        target=1.1 * ideal,
    )
    calls = sum(FILES in note["what"] or "api-call" in note["what"] for note in notes)
    name = (
        f"calls to CPA per inspected account, beside one listing ({run['disableCount']} disabled)"
    )
    yield Figure(name, (calls - 1) / count, "calls", target=2)
    if under_way:
        for question, alone, loaded in zip(questions, idle, busy, strict=True):
            name = f"{question.name}, during an inspection against idle"
            yield Figure(name, loaded / alone, "×", target=2)


def _run(manager: Manager, run_id: int) -> dict[str, Any]:
    runs: list[dict[str, Any]] = manager.http.json("GET", f"{INSPECTION}/runs?limit=5")["items"]
    return next(run for run in runs if run["id"] == run_id)


def _cooldown(ground: Ground) -> Figure:
    """From a request that is refused to the credential that rests, worst of all."""
    files = _codex_files(ground.plan.times)
    with ground.cpa() as cpa, ground.collecting(cpa, ground.empty()) as manager:
        control(cpa, "auth_files", files=files)
        wanted = {"codexQuotaCooldownEnabled": True}
        manager.http.json("PATCH", "/usage-service/account-processing-policy", wanted)
        taken = [_until_it_rests(cpa, file) for file in files]
    return Figure("credential used up in live traffic to its cooldown", max(taken), "s", target=2)


def _until_it_rests(cpa: Cpa, file: dict[str, Any]) -> float:
    def rests() -> bool:
        notes = control(cpa, "requests")
        return any(n["what"].startswith("PATCH") and file["name"] in n["body"] for n in notes)

    began = time.perf_counter()
    control(cpa, "publish", records=[_limited(file)])
    wait_until(rests, seconds=30, what="the cooldown")
    return time.perf_counter() - began


def _limited(file: dict[str, Any]) -> dict[str, Any]:
    said = {"error": {"type": "usage_limit_reached", "resets_in_seconds": 3600}}
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "request_id": file["auth_index"],
        "provider": "codex",
        "model": "gpt-5.5",
        "auth_index": file["auth_index"],
        "failed": True,
        "fail": {"status_code": 429, "body": json.dumps(said)},
        "tokens": {"input_tokens": 1},
    }


# -- a year -------------------------------------------------------------------------------------


def _year(ground: Ground) -> Iterator[Figure]:
    """What stays of a year of inspections, and how fast the pages are that show it."""
    plan, count = ground.plan, ground.plan.accounts
    few = plan.year_accounts
    runs = plan.year_days * year.RUNS_A_DAY
    # From some accounts to many: what one more of them takes once the old goes as the new comes.
    small, large = (
        year.inspect(ground.empty() / "data", n, min(runs, 35 * year.RUNS_A_DAY))
        for n in (few, 2 * few)
    )
    long = year.inspect(ground.empty() / "data", few, runs)
    yield Figure(
        f"on disk after {plan.year_days} days of inspecting {count:,} accounts every 10 minutes",
        long + (count - few) * (large - small) / few,
        "MB",
        target=200,
    )
    place = ground.empty()
    year.inspect(place / "data", count, min(runs, KEPT_RUNS), time.time_ns() // 1_000_000)
    with ground.manager(place) as manager:
        manager.start()
        for name, taken in _pages(manager, count, plan.times).items():
            yield Figure(f"{name}, {count:,} accounts", taken, "ms", target=150)


def _pages(manager: Manager, count: int, times: int) -> dict[str, float]:
    """What the pages of accounts ask, and how long each takes in ms."""
    http = manager.http
    newest = http.json("GET", f"{INSPECTION}/runs?limit=1")["items"][0]["id"]
    accounts = [
        {
            "row_key": file["name"],
            "provider": "codex",
            "account": {"auth_file_snapshot": file["name"], "auth_index": file["auth_index"]},
        }
        for file in _codex_files(min(count, 200))
    ]
    asked: dict[str, tuple[str, str, Any]] = {
        "list of inspections": ("GET", f"{INSPECTION}/runs?limit=30", None),
        "an inspection with results and log": ("GET", f"{INSPECTION}/runs/{newest}", None),
        f"windows of {len(accounts)} accounts": ("POST", QUERY, {"accounts": accounts}),
        "forecast": ("GET", "/v0/management/monitoring/forecast", None),
    }
    return {
        name: median([_timed(manager, *question) for _ in range(times)])
        for name, question in asked.items()
    }


def _timed(manager: Manager, method: str, path: str, value: Any) -> float:
    began = time.perf_counter()
    manager.http.json(method, path, value)
    return (time.perf_counter() - began) * 1000


# -- the forecast -------------------------------------------------------------------------------


def _forecast(ground: Ground) -> Iterator[Figure]:
    """How far it is off, by the habits of those who use an account."""
    unit = "% of what remains"
    weeks = ground.plan.windows // WEEK_SHARE
    # An account has a window of each kind: both count alike.
    alike: list[float] = []
    for minutes, label, count in (
        (series.FIVE_HOURS, "five hours", weeks * WEEK_SHARE),
        (series.WEEK, "week", weeks),
    ):
        every: list[series.Miss] = []
        for habit in series.HABITS:
            found = list(series.misses(habit, minutes, count, seed=1))
            every += found
            low, middle, high = statistics.quantiles([100 * miss.error for miss in found], n=4)
            name = f"error of the forecast, {label}, {habit.name} (half: {low:.0f} to {high:.0f})"
            yield Figure(name, middle, unit)
        errors = [100 * miss.error for miss in every]
        alike += errors[:: count // weeks]
        name = f"error of the forecast, {label} (a tenth: above {percentile(errors, 0.9):.0f})"
        yield Figure(name, median(errors), unit)
        least = median([100 * miss.least for miss in every])
        yield Figure(f"the same of who knows every habit and its pace, {label}", least, unit)
        within = sum(miss.within for miss in every) / len(every)
        yield Figure(f"within the bounds of the forecast, {label}", 100 * within, "% of the ends")
    name = f"error of the forecast, both kinds (a tenth: above {percentile(alike, 0.9):.0f})"
    yield Figure(name, median(alike), unit, target=10)
