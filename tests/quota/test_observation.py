"""Which observations are valid, and by what accounts are known (inspection contract, 13.1)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from cpamp.quota.keys import AccountNames
from cpamp.quota.observation import (
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
]


@pytest.mark.parametrize("body", INVALID)
def test_invalid_entries(body: Any) -> None:
    with pytest.raises(InvalidObservation):
        read_entries(body, NOW)


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
