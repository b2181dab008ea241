"""Which observations are valid, and by what accounts are known (inspection contract, 13.1)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from cpamp.quota.keys import AccountNames
from cpamp.quota.observation import (
    AHEAD_MS,
    InvalidObservation,
    Window,
    canonical,
    read_entries,
    read_question,
)
from cpamp.usage.event import Who
from cpamp.usage.identity import account_key_of

NOW = 1_795_500_000_000
HOUR = 3_600_000


def window(**changes: Any) -> dict[str, Any]:
    fields = {
        "provider_window_id": "five-hour",
        "window_mode": "fixed",
        "model_scope_kind": "all",
        "source": "api_query",
        "observed_at_ms": NOW,
        "boundary_accuracy": "exact",
        "cycle_end_ms": NOW + HOUR,
        "duration_seconds": 18_000,
        "used_percent": 12.5,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def entry(*windows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    account = {"auth_file_snapshot": "a.json", "auth_index": "i1"}
    return {"provider": "codex", "account": account, "windows": list(windows), **changes}


def about(**changes: Any) -> dict[str, Any]:
    return {
        "source": "api_query",
        "observed_at_ms": NOW,
        "inventory_scope_key": "s",
        "inventory_mode": "complete",
        **changes,
    }


DELTA = about(inventory_mode="delta")


def test_a_valid_entry() -> None:
    (read,) = read_entries({"entries": [entry(window(), row_key="r")]}, NOW)
    assert (read.row_key, read.provider) == ("r", "codex")
    assert read.account_key == "usage-account-history:2:file-index:612E6A736F6E:6931"
    seen = read.observation
    assert (seen.scope, seen.inventory, seen.source) == (
        "codex:rate-limits",
        "partial",
        "api_query",
    )
    (one,) = seen.windows
    assert one.cycle_start_ms == NOW + HOUR - 18_000_000
    assert one.key == ("five-hour", "family", "codex_main")


INVALID: list[Any] = [
    [],
    {},
    {"entries": []},
    {"entries": [entry(window())], "other": 1},
    {"entries": [entry(window(), unknown=1)]},
    {"entries": [entry(window(unknown=1))]},
    {"entries": [entry(window(), provider="gemini")]},
    {"entries": [entry(window(), account={})]},
    {"entries": [entry(window(), account={"auth_index": 1})]},
    {"entries": [entry()]},
    {"entries": [entry(observation=about(inventory_mode="partial"))]},
    {"entries": [entry(window(), observation=about(inventory_scope_key=" "))]},
    {"entries": [entry(window(), observation=about(source="inspection"))]},
    {"entries": [entry(window(), observation=about(observed_at_ms=NOW - 1))]},
    {"entries": [entry(window(observed_at_ms=NOW + HOUR))]},
    {"entries": [entry(window(), window())]},
    {"entries": [entry(window(provider_window_id=""))]},
    {"entries": [entry(window(window_mode="often"))]},
    {"entries": [entry(window(model_scope_kind="models"))]},
    {"entries": [entry(window(used_percent=101))]},
    {"entries": [entry(window(used_percent=True))]},
    {"entries": [entry(window(used_value=-1))]},
    {"entries": [entry(window(cycle_start_ms=NOW + 2 * HOUR))]},
    {"entries": [entry(window(cycle_start_ms=NOW))]},
    {"entries": [entry(window(cycle_start_ms=NOW + 1, duration_seconds=None))]},
    {"entries": [entry(window(duration_seconds=None))]},
    {"entries": [entry(window(duration_seconds=2**62))]},
    {"entries": [entry(window(window_mode="rolling", duration_seconds=None))]},
    {"entries": [entry(window(relationship_kind="concurrent_subwindow"))]},
    {"entries": [entry(window(reset_credits=[{"id": "a"}]))]},
    {
        "entries": [
            entry(
                window(
                    reset_credits=[
                        {"id": "a", "expires_at_ms": 1},
                        {"id": "A", "expires_at_ms": 2},
                    ]
                )
            )
        ]
    },
    {
        "entries": [
            entry(
                window(), removed_windows=[{"provider_window_id": "x", "model_scope_kind": "all"}]
            )
        ]
    },
    {"entries": [entry(window())] * 401},
    # The sum of all entries counts.
    {"entries": [entry(*(window(provider_window_id=f"w{i}") for i in range(201)))] * 2},
    {"entries": [entry(window(provider_window_aliases=["a"] * 33))]},
    {"entries": [entry(window(provider_window_aliases=[" "]))]},
    {"entries": [entry(window(model_scope_kind="models", model_ids=["m"] * 201))]},
    {"entries": [entry(window(model_scope_kind="some"))]},
    {"entries": [entry(window(boundary_accuracy="sure"))]},
    {"entries": [entry(window(source="rumour"))]},
    {"entries": [entry(window(used_percent=-1))]},
    {"entries": [entry(window(remaining_percent=100.5))]},
    {"entries": [entry(window(limit_value=-1))]},
    {"entries": [entry(window(used_value=float("nan")))]},
    {"entries": [entry(window(reset_credits_available=-1))]},
    {
        "entries": [
            entry(window(reset_credits=[{"id": str(i), "expires_at_ms": 1} for i in range(101)]))
        ]
    },
    {"entries": [entry(window(cycle_end_ms=0))]},
    {"entries": [entry(window(cycle_end_ms=None, duration_seconds=None))]},
    {"entries": [entry(window(relationship_kind="other", container_provider_window_id="weekly"))]},
    {
        "entries": [
            entry(
                window(
                    relationship_kind="concurrent_subwindow",
                    container_provider_window_id="five-hour",
                )
            )
        ]
    },
    {"entries": [entry(window(), observation=about(inventory_mode="whole"))]},
    {"entries": [entry(window(), observation=about(source_observation_id="x" * 257))]},
    # A window must agree with what its observation is called, too.
    {"entries": [entry(window(), observation=about(source_observation_id="x"))]},
    {"entries": [entry(observation=about(observed_at_ms=NOW + AHEAD_MS + 1))]},
    *(
        {"entries": [entry(window(), observation=DELTA, removed_windows=removed)]}
        for removed in (
            [{"provider_window_id": "five-hour", "model_scope_kind": "all"}],
            [{"provider_window_id": "x", "model_scope_kind": "all"}] * 2,
            [{"provider_window_id": "", "model_scope_kind": "all"}],
            # It was weekly or monthly.
            [{"provider_window_id": "secondary", "model_scope_kind": "all"}],
            [{"provider_window_id": "x", "model_scope_kind": "all", "used_percent": 1}],
        )
    ),
]


@pytest.mark.parametrize(
    "body",
    [
        {"entries": [entry(observation=about())]},
        {"entries": [entry(observation=about(observed_at_ms=NOW + AHEAD_MS))]},
        {"entries": [entry(window(source_observation_id="x" * 256))]},
        {"entries": [entry(window(used_percent=100), provider="x-ai")]},
        {"entries": [entry(window(used_percent=0), provider="Grok")]},
        {"entries": [entry(window(window_mode="rolling", cycle_end_ms=None))]},
        {
            "entries": [
                entry(
                    observation=DELTA,
                    removed_windows=[
                        {
                            "provider_window_id": "secondary",
                            "window_kind": "monthly",
                            "model_scope_kind": "all",
                        }
                    ],
                )
            ]
        },
    ],
)
def test_valid_entries(body: Any) -> None:
    assert len(read_entries(body, NOW)) == 1


# start, end and seconds that are given -> all three
BOUNDARIES: list[tuple[int | None, int | None, int | None]] = [
    (None, NOW + 5_000, 5),
    (NOW, None, 5),
    (NOW, NOW + 5_000, None),
    (NOW, NOW + 5_000, 5),
]


@pytest.mark.parametrize(("start", "end", "seconds"), BOUNDARIES)
def test_two_boundaries_make_the_third(
    start: int | None, end: int | None, seconds: int | None
) -> None:
    told = window(cycle_start_ms=start, cycle_end_ms=end, duration_seconds=seconds)
    ((one,),) = (e.observation.windows for e in read_entries({"entries": [entry(told)]}, NOW))
    assert (one.cycle_start_ms, one.cycle_end_ms, one.duration_seconds) == (NOW, NOW + 5_000, 5)


def test_credits_that_are_named_twice_are_one() -> None:
    twice = [{"id": "a", "expires_at_ms": 1}, {"id": "A", "expires_at_ms": 1}]
    told = window(reset_credits=twice, reset_credits_available=2)
    ((one,),) = (e.observation.windows for e in read_entries({"entries": [entry(told)]}, NOW))
    assert one.reset_credits == (("a", 1),)


@pytest.mark.parametrize("body", INVALID)
def test_invalid_entries(body: Any) -> None:
    with pytest.raises(InvalidObservation):
        read_entries(body, NOW)


ASKED = {"row_key": "r", "provider": "codex", "account": {"auth_index": "1"}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"accounts": []},
        {"accounts": [{"provider": "codex", "account": {"auth_index": "1"}}]},
        {"accounts": [{"row_key": "r", "provider": "codex", "account": {}}]},
        {"accounts": [{"row_key": "r", "provider": "x", "account": {"auth_index": "1"}}]},
        {
            "accounts": [{"row_key": "r", "provider": "codex", "account": {"auth_index": "1"}}],
            "include_inactive": 1,
        },
        {"accounts": [ASKED], "now_ms": 0},
        {"accounts": [ASKED], "other": 1},
        {"accounts": [{**ASKED, "other": 1}]},
        {"accounts": [ASKED] * 201},
    ],
)
def test_invalid_questions(body: Any) -> None:
    with pytest.raises(InvalidObservation):
        read_question(body)


KEYS = [
    (AccountNames(auth_file_snapshot="f", auth_index="i"), "file-index:66:69"),
    (AccountNames(source="f", auth_index="i"), "file-index:66:69"),
    (AccountNames(source="a", account_snapshot="a"), "account:636F646578:61"),
    (
        AccountNames(auth_file_snapshot="f", auth_project_id_snapshot="p"),
        "file-project:66:636F646578:70",
    ),
    (AccountNames(auth_file_snapshot="f", account_snapshot="a"), "file-account:66:636F646578:61"),
    (AccountNames(auth_file_snapshot="f", auth_label_snapshot="l"), "file-label:66:636F646578:6C"),
    (AccountNames(" ", auth_file_snapshot=" f ", auth_provider_snapshot=" "), "file:66:636F646578"),
    (AccountNames(auth_index="i", auth_provider_snapshot="Grok"), "auth-index:786169:69"),
    (AccountNames(auth_file_snapshot="f"), "file:66:636F646578"),
    (AccountNames(auth_index="i"), "auth-index:636F646578:69"),
    (AccountNames(auth_label_snapshot="l"), "label:636F646578:6C"),
]


@pytest.mark.parametrize(("names", "key"), KEYS)
def test_keys(names: AccountNames, key: str) -> None:
    assert names.key("codex") == f"usage-account-history:2:{key}"
    # The events of the account have the same.
    assert account_key_of(Who(**attrs.asdict(names), provider="codex")) == names.key("codex")


NAMES = [
    ("primary", "", "all", ("five-hour", "family", "codex_main")),
    ("secondary", "", "all", ("weekly", "family", "codex_main")),
    ("secondary", "monthly", "all", ("monthly", "family", "codex_main")),
    ("gpt-5-3-codex-spark-weekly-0", "", "all", ("spark-weekly-0", "models", "")),
    ("code-review-weekly", "", "all", ("code-review-weekly", "feature", "code_review")),
    ("sparkling-weekly", "", "feature", ("sparkling-weekly", "feature", "")),
]


@pytest.mark.parametrize(("name", "kind", "scope", "key"), NAMES)
def test_names_of_codex(name: str, kind: str, scope: str, key: tuple[str, str, str]) -> None:
    made = Window(name, "unknown", scope, "api_query", NOW, "unknown", window_kind=kind)
    assert canonical(made, "codex").key == key
    assert canonical(made, "claude") == made
