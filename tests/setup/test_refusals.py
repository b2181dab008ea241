"""Setups and changes that are refused: in which order, and nothing is saved (server, 11, 12)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from cpamp.cpa.errors import KeyBanned, KeyRefused, RemoteDisabled
from cpamp.errors import CpaUnreachable, InvalidJson, Problem
from cpamp.setup.config import MASK
from cpamp.setup.problems import (
    ConfigFailed,
    ConnectionEnvManaged,
    ConnectionRequired,
    EnableFailed,
    InvalidExistingKey,
    PollIntervalExceedsRetention,
    RetentionInvalid,
    SetupEnvManaged,
    UnusableUrl,
    ValidationFailed,
)
from tests.setup.bench import ENV, REQUEST, bench, cpa_config, problem

# a first answer of CPA, a second, the refusal to enable; what comes of it; the calls
REFUSALS: list[tuple[Any, Any, Any, type[Problem], str, str]] = [
    (Problem("500 Oh: no"), None, None, ValidationFailed, "failed: 500 Oh: no", "GET"),
    (KeyRefused("wrong"), None, None, ValidationFailed, "401 Unauthorized: wrong", "GET"),
    (KeyBanned("wait", 9), None, None, ValidationFailed, "403 Forbidden: wait", "GET"),
    (RemoteDisabled("x"), None, None, ValidationFailed, "remote management disabled: x", "GET"),
    (CpaUnreachable("refused"), None, None, CpaUnreachable, "refused", "GET"),
    (None, Problem("500 oops"), None, ConfigFailed, "500 oops", "GET GET"),
    (None, CpaUnreachable("reset"), None, CpaUnreachable, "reset", "GET GET"),
    (None, {"retention_seconds": 0}, None, RetentionInvalid, "greater than 0", "GET GET"),
    (None, {"retention_seconds": 4}, None, PollIntervalExceedsRetention, "4 seconds", "GET GET"),
    (None, None, Problem("500 no"), EnableFailed, "500 no", "GET GET PUT"),
]


@pytest.mark.parametrize(("first", "second", "enabling", "kind", "said", "calls"), REFUSALS)
@pytest.mark.parametrize("route", ["setup", "config"])
@ensureDeferred
async def test_nothing_is_saved_when_cpa_refuses(
    tmp_path: Path,
    first: Any,
    second: Any,
    enabling: Any,
    kind: type[Problem],
    said: str,
    calls: str,
    route: str,
) -> None:
    async with bench(tmp_path) as b:
        b.cpa.answers = [
            answer if isinstance(answer, Exception) else cpa_config(**(answer or {}))
            for answer in (first, second)
        ]
        b.cpa.enabling = enabling
        if route == "setup":
            asked = b.service.setup({**REQUEST, "pollIntervalMs": 5000})
        else:
            connection = {"cpaBaseUrl": "cpa:8317", "managementKey": "k1"}
            collector = {"pollIntervalMs": 5000}
            asked = b.service.put_config(
                {"config": {"cpaConnection": connection, "collector": collector}}
            )
        refusal = await problem(asked, kind)
        assert said in refusal.message
        assert b.verbs() == calls
        assert await b.saved() is None
        assert b.collector.configured == []
        assert b.service.connection() is None


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"cpaBaseUrl": "http://a"},
        {"cpaManagementKey": "k"},
        {"cpaBaseUrl": "http://a", "cpaManagementKey": MASK},
    ],
)
@ensureDeferred
async def test_incomplete_setup(tmp_path: Path, request_body: dict[str, Any]) -> None:
    async with bench(tmp_path) as b:
        await problem(b.service.setup(request_body), ConnectionRequired)
        await problem(b.service.setup({**request_body, "batchSize": "x"}), InvalidJson)
        assert b.cpa.calls == []


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://", "http://[::", "http://a:x", "http://a:99999"]
)
@ensureDeferred
async def test_an_impossible_url(tmp_path: Path, url: str) -> None:
    async with bench(tmp_path) as b:
        request = {"cpaBaseUrl": url, "managementKey": "k"}
        refusal = await problem(b.service.setup(request), UnusableUrl)
        assert (refusal.status, refusal.code) == (502, "request_failed")
        await problem(b.service.put_config({"config": {"cpaConnection": request}}), UnusableUrl)
        assert b.cpa.calls == []


# URL and key of a second setup; refused or not
SECOND = [
    ("http://cpa:8317", "k1", None),
    ("http://cpa:8317", "k2", None),
    ("http://other", "k1", None),
    ("http://other", "k2", InvalidExistingKey),
]


@pytest.mark.parametrize(("url", "key", "refusal"), SECOND)
@ensureDeferred
async def test_a_second_setup(
    tmp_path: Path, url: str, key: str, refusal: type[Problem] | None
) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        b.cpa.calls.clear()
        again = b.service.setup({"cpaBaseUrl": url, "managementKey": key})
        if refusal is None:
            await again
            assert b.service.connection() == (url, key)
        else:
            await problem(again, refusal)
            assert b.cpa.calls == []
            assert b.service.connection() == ("http://cpa:8317", "k1")


@pytest.mark.parametrize(
    "member",
    [
        {"cpaConnection": {"cpaBaseUrl": "http://other", "managementKey": "k1"}},
        {"cpaConnection": {"cpaBaseUrl": "http://cpa:8317", "managementKey": "k2"}},
        {"collector": {"enabled": False}},
        {"collector": {"collectorMode": "http"}},
        {"collector": {"queue": "other"}},
        {"collector": {"popSide": "left"}},
        {"collector": {"batchSize": 1}},
        {"collector": {"pollIntervalMs": 1}},
        {"collector": {"tlsSkipVerify": True}},
    ],
)
@ensureDeferred
async def test_env_mode_fixes(tmp_path: Path, member: dict[str, Any]) -> None:
    async with bench(tmp_path, **ENV) as b:
        await problem(b.service.put_config({"config": member}), ConnectionEnvManaged)
        assert b.cpa.calls == []


@pytest.mark.parametrize(
    "member",
    [{"cpaBaseUrl": "http://o"}, {"cpaManagementKey": "k2"}, {"queue": "q"}, {"popSide": "left"}],
)
@ensureDeferred
async def test_env_mode_refuses_another_setup(tmp_path: Path, member: dict[str, Any]) -> None:
    async with bench(tmp_path, **ENV) as b:
        await problem(b.service.setup({**REQUEST, **member}), SetupEnvManaged)
        assert b.cpa.calls == []
