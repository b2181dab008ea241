"""Setup and configuration: what CPA sees, and what is saved (server, 11, 12)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from cpamp.cpa.client import CpaConfig
from cpamp.errors import CpaUnreachable
from cpamp.setup.config import MASK
from cpamp.setup.problems import (
    ConnectionRequired,
    ConnectionRequiredForMonitoring,
)
from cpamp.setup.service import in_container
from tests.setup.bench import NOW_MS, REQUEST, bench, cpa_config, problem


@ensureDeferred
async def test_before_setup(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        assert b.service.connection() is None
        assert b.service.query_limit == 50_000
        info = b.service.info()
        assert info == {
            "service": "cpa-manager-plus",
            "mode": "embedded",
            "startedAt": NOW_MS,
            "configured": False,
            "projectInitialized": False,
            "adminReady": True,
            "setupRequired": True,
            "migrationStatus": "fresh",
            "dataKeyReady": True,
            "inContainer": in_container(),
            "hasHistoricalData": False,
        }
        answer = await b.service.get_config()
        assert answer["source"] == ""
        assert answer["config"]["cpaConnection"] == {"cpaBaseUrl": "", "managementKeySet": False}
        assert "cpaUsage" not in answer
        b.service.start_collecting()
        assert b.collector.configured == [None]
        assert b.cpa.calls == []


@ensureDeferred
async def test_setup_and_the_next_start(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        heard: list[tuple[str, str] | None] = []
        b.service.on_connection(lambda: heard.append(b.service.connection()))
        answer = await b.service.setup(REQUEST)
        assert heard == [("http://cpa:8317", "k1")]
        assert answer == {"ok": True, "upstream": "http://cpa:8317"}
        assert b.cpa.calls == [
            ("GET", "http://cpa:8317", "k1"),
            ("GET", "http://cpa:8317", "k1"),
            ("PUT", "http://cpa:8317", "k1"),
        ]
        assert b.service.connection() == ("http://cpa:8317", "k1")
        (config,) = b.collector.configured
        assert config is not None
        assert (config.url, config.key, config.mode) == ("http://cpa:8317", "k1", "auto")
        assert (config.enabled, config.ensure_publishing) == (True, True)
        record = await b.saved()
        assert record["cpaConnection"]["managementKey"].startswith("enc:v1:")
        state = await b.saved("bootstrap_state_v1")
        assert (state["status"], state["projectInitialized"]) == ("ready", True)
        assert b.service.info()["migrationStatus"] == "ready"
    async with bench(tmp_path) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
        assert b.service.info()["hasHistoricalData"] is True
        b.service.start_collecting()
        assert b.collector.configured == [config]


# the members added to the request, the calls that CPA sees
SEEN = [
    ({"requestMonitoringEnabled": False}, "GET"),
    ({}, "GET GET PUT"),
    ({"ensureUsageStatisticsEnabled": False}, "GET GET"),
    ({"requestMonitoringEnabled": False, "ensureUsageStatisticsEnabled": True}, "GET"),
]


@pytest.mark.parametrize(("members", "calls"), SEEN)
@ensureDeferred
async def test_what_cpa_sees(tmp_path: Path, members: dict[str, Any], calls: str) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup({**REQUEST, **members})
        assert b.verbs() == calls
        (config,) = b.collector.configured
        assert config is not None
        assert config.enabled is members.get("requestMonitoringEnabled", True)
        assert config.ensure_publishing is members.get("ensureUsageStatisticsEnabled", True)


@ensureDeferred
async def test_a_trial_asks_cpa_once_and_saves_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        answer = await b.service.setup({**REQUEST, "dryRun": True})
        assert answer == {"ok": True, "upstream": "http://cpa:8317"}
        assert b.verbs() == "GET"
        assert b.service.connection() is None
        assert b.collector.configured == []


@ensureDeferred
async def test_absent_members_of_setup_mean_the_start_up_values(tmp_path: Path) -> None:
    async with bench(tmp_path, USAGE_COLLECTOR_MODE="http", USAGE_BATCH_SIZE="7") as b:
        await b.service.setup({**REQUEST, "queue": "q", "batchSize": 9, "tlsSkipVerify": True})
        await b.service.setup({**REQUEST, "collectorMode": "RESP", "batchSize": -1})
        first, second = b.collector.configured
        assert first is not None
        assert second is not None
        assert (first.mode, first.queue, first.batch_size) == ("auto", "q", 9)
        assert (second.mode, second.queue, second.batch_size) == ("resp", "usage", 7)
        assert (first.tls_skip_verify, second.tls_skip_verify) == (True, False)


@ensureDeferred
async def test_changing_the_configuration(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        config = (await b.service.get_config())["config"]
        b.cpa.calls.clear()
        config["collector"]["queryLimit"] = 33
        config["codexInspection"] = {"workers": 3}
        answer = await b.service.put_config({"config": config})
        assert answer["source"] == "db"
        assert "cpaUsage" not in answer
        assert answer["config"]["cpaConnection"]["managementKey"] == MASK
        assert answer["config"]["codexInspection"]["workers"] == 3
        assert b.service.query_limit == 33
        assert b.cpa.calls[0] == ("GET", "http://cpa:8317", "k1")
        assert b.verbs() == "GET GET PUT"
        moved = {"cpaConnection": {"cpaBaseUrl": "http://thief", "managementKey": MASK}}
        await problem(b.service.put_config({"config": moved}), ConnectionRequired)
        assert all(url == "http://cpa:8317" for _, url, _ in b.cpa.calls)


@ensureDeferred
async def test_switching_monitoring_off(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        off = {"config": {"collector": {"enabled": False}}}
        answer = await b.service.put_config(off)
        assert answer["config"]["collector"]["enabled"] is False
        assert b.cpa.calls == []
        await problem(
            b.service.put_config({"config": {"collector": {"enabled": True}}}),
            ConnectionRequiredForMonitoring,
        )
        await b.service.setup(REQUEST)
        b.cpa.calls.clear()
        b.cpa.answers = [cpa_config(retention_seconds=0)]
        await b.service.put_config(off)
        assert b.verbs() == "GET"
        last = b.collector.configured[-1]
        assert last is not None
        assert last.enabled is False
        b.service.start_collecting()
        assert b.collector.configured[-1] == last


@ensureDeferred
async def test_an_empty_submission_saves_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        before = await b.service.get_config()
        for body in ({}, {"config": None}, {"config": {}}, {"unknown": 1}):
            answer = await b.service.put_config(body)
            assert answer["config"] == before["config"]


@ensureDeferred
async def test_what_cpa_is_set_to(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        b.cpa.answers = [cpa_config(usage_statistics_enabled=True, retention_seconds=90)]
        assert (await b.service.get_config())["cpaUsage"] == {
            "usageStatisticsEnabled": True,
            "redisUsageQueueRetentionSeconds": 90,
            "retentionSourceDefault": True,
        }
        b.cpa.answers = [CpaUnreachable("down")]
        assert "cpaUsage" not in await b.service.get_config()
        b.cpa.answers = [Deferred()]
        waiting = Deferred.fromCoroutine(b.service.get_config())
        b.clock.advance(4.9)
        assert not waiting.called
        b.clock.advance(0.2)
        assert "cpaUsage" not in await waiting


@ensureDeferred
async def test_one_change_at_a_time(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        slow: Deferred[CpaConfig] = Deferred()
        b.cpa.answers = [slow]
        first = Deferred.fromCoroutine(b.service.setup(REQUEST))
        second = Deferred.fromCoroutine(b.service.setup({**REQUEST, "cpaManagementKey": "k2"}))
        assert b.verbs() == "GET"
        slow.callback(cpa_config())
        await first
        await second
        assert b.service.connection() == ("http://cpa:8317", "k2")


@ensureDeferred
async def test_an_old_cpa_is_warned_of(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.cpa.answers = [cpa_config(), cpa_config(version="v6.10.7")]
        answer = await b.service.setup(REQUEST)
        assert "older than 6.10.8" in answer["warnings"][0]


@ensureDeferred
async def test_retry_needs_a_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(ConnectionRequired):
            b.service.retry()
        assert b.collector.retries == 0
        await b.service.setup(dict(REQUEST))
        assert b.service.retry() == {"ok": True}
        assert b.collector.retries == 1
