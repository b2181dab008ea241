"""What tests of runs ask of the made-up CPA, and read in the detail of a run."""

from __future__ import annotations

from typing import Any

import pytest

from cpamp.errors import Problem
from tests.inspection import fixture
from tests.inspection.fixture import BY_KEY
from tests.inspection.world import World

P = "monitoring.server_codex_inspection_log_message_"
STATUS = "PATCH /v0/management/auth-files/status"
DELETE = "DELETE /v0/management/auth-files"
CALL = "POST /v0/management/api-call"


def prepare(w: World) -> None:
    w.cpa.auth_files = fixture.entries()
    w.cpa.api_rules.rules = fixture.rules()


def by_account(detail: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {r["displayAccount"].removesuffix("@example.test"): r for r in detail["results"]}


def messages(detail: dict[str, Any]) -> list[str]:
    return [line["message"].removeprefix(P) for line in detail["logs"]]


def ids(detail: dict[str, Any], *accounts: str) -> list[int]:
    return [by_account(detail)[account]["id"] for account in accounts]


def answers(w: World, index: str, **reply: Any) -> None:
    """From now on the provider answers so for one account."""
    w.cpa.api_rules.rules.insert(0, {"match": {"auth_index": index}, "reply": reply})


async def refusal(awaited: Any, kind: type[Problem]) -> None:
    with pytest.raises(kind):
        await awaited


def slow(w: World, *cases: str) -> None:
    prepare(w)
    w.cpa.api_rules.rules = [
        {"match": {"auth_index": BY_KEY[key].index}, "reply": {"delay_ms": 60_000}} for key in cases
    ] + fixture.rules()
