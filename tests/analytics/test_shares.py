"""Who used up a quota window: the same as call by call, and nothing of it hidden."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.answer import Answerer
from cpamp.analytics.shares import SharesRequest, window_shares
from cpamp.analytics.splitting import split
from cpamp.analytics.windows import WindowsRequest, window_usage
from cpamp.errors import BadRequest
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from cpamp.quota.observation import read_entries
from cpamp.quota.snapshots import store_all
from cpamp.store.database import open_existing
from cpamp.usage.event import Event, ModelNames, Tokens, Who
from tests.analytics.asking import NOW, stored
from tests.store.samples import event

HOUR = 3_600_000
BEGIN, END = NOW - 3 * HOUR, NOW + 2 * HOUR
WHO = Who(auth_index="i1", auth_file_snapshot="a.json", provider="codex")
TARGET = {
    "auth_file_snapshot": "a.json",
    "auth_index": "i1",
    "auth_provider_snapshot": "codex",
}
PRICES = {name: {"prompt": 2, "completion": 4} for name in ("gpt-0", "gpt-1", "gpt-2")}
SPARK = "gpt-5.3-codex-spark"


def plainly(
    moments: list[tuple[int, float]], calls: list[tuple[int, float]]
) -> tuple[list[float], float]:
    """The percent of each call (its end, its weight), and what none explains."""
    reached = [min(used for _, used in moments[i:]) for i in range(len(moments))]
    percents, unexplained, before, start = [0.0] * len(calls), 0.0, 0.0, -(10**18)
    for (at, _), now in zip(moments, reached, strict=True):
        mine = [i for i, (end, _) in enumerate(calls) if start <= end < at]
        whole = sum(calls[i][1] for i in mine)
        for i in mine if whole else ():
            percents[i] = (now - before) * calls[i][1] / whole
        unexplained += 0 if whole else now - before
        before, start = now, at
    return percents, unexplained


PERCENTS = st.dictionaries(st.integers(0, 20), st.integers(0, 100), min_size=1)


@given(
    PERCENTS.map(lambda used: sorted(used.items())),
    st.lists(st.tuples(st.integers(0, 22), st.integers(0, 3))),
)
def test_splitting(moments: list[tuple[int, float]], calls: list[tuple[int, float]]) -> None:
    times, used = (np.array(values) for values in zip(*moments, strict=True))
    ends = np.array([end for end, _ in calls], dtype=np.int64)
    found = split(times, used.astype(float), ends, np.array([w for _, w in calls], dtype=float))
    percents, unexplained = plainly(moments, calls)
    assert found.percents.tolist() == pytest.approx(percents)
    assert found.unexplained == pytest.approx(unexplained)
    assert found.percents.sum() + found.unexplained == pytest.approx(moments[-1][1])
    assert found.told.tolist() == [end < moments[-1][0] for end, _ in calls]


def some_calls() -> list[Event]:
    """Calls of two accounts, in and beside the window."""
    chance = random.Random(1)
    made = []
    for number in range(200):
        at_ms = BEGIN - HOUR + chance.randrange(5 * HOUR)
        model = f"gpt-{number % 3}" if number % 11 else SPARK
        made.append(
            event(
                number,
                timestamp_ms=at_ms,
                who=WHO if number % 4 else WHO._replace(auth_index="other"),
                model=ModelNames(model=model, analytics_model=model),
                api_key_hash=["a", "b", ""][number % 5 % 3],
                tokens=Tokens(input_tokens=number * 1000, total_tokens=number * 1000),
                latency_ms=chance.randrange(400_000),
            )
        )
    return made


MOMENTS = [(NOW - 150 * 60_000, 3.0), (NOW - 2 * HOUR, 9.0), (NOW - HOUR, 21.0), (NOW, 40.0)]


@contextmanager
def told(
    folder: Path, calls: list[Event], prices: Any, moments: list[tuple[int, float]], **window: Any
) -> Iterator[Answerer]:
    """The calls, and what the provider told of a window at some moments."""
    with stored(folder, [calls], PriceBook(read_book(prices))) as answerer:
        with closing(open_existing(folder / "usage.sqlite")) as conn:
            for at_ms, used in moments:
                shown = {
                    "provider_window_id": "five-hour",
                    "window_mode": "fixed",
                    "model_scope_kind": "family",
                    "model_scope_key": "codex_main",
                    "source": "api_query",
                    "observed_at_ms": at_ms,
                    "boundary_accuracy": "exact",
                    "cycle_start_ms": BEGIN,
                    "cycle_end_ms": END,
                    "used_percent": used,
                    **window,
                }
                account = {"auth_file_snapshot": "a.json", "auth_index": "i1"}
                told_now = {"provider": "codex", "account": account, "windows": [shown]}
                store_all(conn, read_entries({"entries": [told_now]}, NOW + HOUR))
        yield answerer


def shares(answerer: Answerer, **target: str) -> dict[str, Any]:
    query = {name: [value] for name, value in (TARGET | target).items()}
    return window_shares(answerer, SharesRequest.read(query, NOW + 1))


@pytest.mark.parametrize("basis", ["cost", "tokens"])
def test_shares(tmp_path: Path, basis: str) -> None:
    calls = some_calls()
    prices = PRICES if basis == "cost" else {"gpt-0": PRICES["gpt-0"]}
    with told(tmp_path, calls, prices, MOMENTS) as answerer:
        (window,) = shares(answerer)["windows"]
        asked = {
            **TARGET,
            **{"row_key": "r", "window_key": "w", "from_ms": BEGIN, "to_ms": END},
            "model_scope": window["model_scope"],
        }
        usage = window_usage(answerer, WindowsRequest.read({"windows": [asked]}))["items"][0]
    assert (window["from_ms"], window["to_ms"], window["over"]) == (BEGIN, END, False)
    assert (window["basis"], window["used_percent"], window["unknown"]) == (basis, 40.0, "")
    # The calls are those of the other question, and each is in one row.
    for name in ("total_requests", "failure_calls", "total_tokens", "total_cost"):
        assert window["total"][name] == pytest.approx(usage[name])
        assert sum(row[name] for row in window["rows"]) == pytest.approx(usage[name])
    mine = [
        one
        for one in calls
        if one.who == WHO and BEGIN <= one.timestamp_ms < END and one.model.model != SPARK
    ]
    weights = [one.tokens.total_tokens for one in mine]
    ends = [one.timestamp_ms + (one.latency_ms or 0) for one in mine]
    percents, unexplained = plainly(MOMENTS, list(zip(ends, weights, strict=True)))
    groups: dict[tuple[str, str], float] = defaultdict(float)
    for one, percent in zip(mine, percents, strict=True):
        groups[one.api_key_hash, one.model.model] += percent
    found = {(row["api_key_hash"], row["model"]): row["percent"] for row in window["rows"]}
    assert found == pytest.approx(dict(groups))
    assert [row["percent"] for row in window["rows"]] == sorted(found.values(), reverse=True)
    assert sum(row["share"] for row in window["rows"]) == pytest.approx(
        window["explained_percent"] / 40
    )
    assert window["unexplained_percent"] == pytest.approx(unexplained)
    assert window["explained_percent"] + window["unexplained_percent"] == pytest.approx(40)
    later = [end for end in ends if bisect_right([at for at, _ in MOMENTS], end) == len(MOMENTS)]
    assert window["later"]["total_requests"] == len(later)
    assert {row["api_key_alias"] for row in window["rows"]} == {"Ünïque name", "ab", ""}


def test_use_that_nobody_here_has_made(tmp_path: Path) -> None:
    with told(tmp_path, [], PRICES, MOMENTS) as answerer:
        (window,) = shares(answerer)["windows"]
    assert (window["explained_percent"], window["unexplained_percent"]) == (0, 40)
    assert (window["rows"], window["total"]["total_requests"]) == ([], 0)


def test_many_keys(tmp_path: Path) -> None:
    calls = [
        event(
            number,
            timestamp_ms=NOW - HOUR,
            who=WHO,
            model=ModelNames(model="gpt-0", analytics_model="gpt-0"),
            api_key_hash=f"key-{number}",
            end=event(1).end,
        )
        for number in range(130)
    ]
    with told(tmp_path, calls, PRICES, MOMENTS) as answerer:
        (window,) = shares(answerer)["windows"]
    assert (len(window["rows"]), window["rest"]["groups"]) == (100, 30)
    assert window["rest"]["total_requests"] == 30
    percents = sum(row["percent"] for row in window["rows"]) + window["rest"]["percent"]
    assert percents == pytest.approx(window["explained_percent"])


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    (
        {"window_mode": "unknown", "cycle_start_ms": None, "cycle_end_ms": None}
        | {"boundary_accuracy": "unknown"},
        "its beginning is not known",
    ),
    ({"used_percent": None}, "the provider has not told what is used"),
]


@pytest.mark.parametrize(("changes", "why"), UNKNOWN)
def test_what_is_not_known_says_so(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with told(tmp_path, some_calls(), PRICES, MOMENTS[-1:], **changes) as answerer:
        (window,) = shares(answerer)["windows"]
    assert window["unknown"] == why
    assert "rows" not in window


def test_a_feature_whose_models_nobody_knows(tmp_path: Path) -> None:
    changes = {
        "provider_window_id": "code-review-weekly",
        "model_scope_kind": "feature",
        "model_scope_key": "code_review",
    }
    with told(tmp_path, some_calls(), PRICES, MOMENTS, **changes) as answerer:
        (window,) = shares(answerer)["windows"]
    assert window["scope_match_status"] == "unmatched"
    assert (window["rows"], window["unexplained_percent"]) == ([], 40)


def test_an_early_reset(tmp_path: Path) -> None:
    moments = [(NOW - 2 * HOUR, 80.0), (NOW - HOUR, 0.0), (NOW, 10.0)]
    with told(tmp_path, some_calls(), PRICES, moments) as answerer:
        (window,) = shares(answerer)["windows"]
    assert window["from_ms"] == NOW - HOUR
    assert window["explained_percent"] == pytest.approx(10)


@pytest.mark.parametrize(
    "query", [{}, {"auth_file_snapshot": ["a.json"]}, {"auth_index": ["i1"]}, {"source": [" "]}]
)
def test_no_account(query: dict[str, list[str]]) -> None:
    with pytest.raises(BadRequest):
        SharesRequest.read(query, NOW)


def test_an_account_of_which_nothing_is_known(tmp_path: Path) -> None:
    with stored(tmp_path, [some_calls()], PriceBook({})) as answerer:
        assert shares(answerer, auth_index="nobody")["windows"] == []
