"""Setup and configuration: order of the checks, what CPA sees, what is saved (server, 11, 12)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.config import CollectorConfig
from cpamp.cpa.client import CpaConfig
from cpamp.cpa.errors import KeyBanned, KeyRefused, RemoteDisabled
from cpamp.errors import CpaUnreachable, InvalidJson, Problem
from cpamp.security.vault import Vault
from cpamp.settings import Settings, load
from cpamp.setup.bootstrap import bootstrap
from cpamp.setup.config import MASK
from cpamp.setup.problems import (
    ConfigFailed,
    ConnectionEnvManaged,
    ConnectionRequired,
    ConnectionRequiredForMonitoring,
    EnableFailed,
    InvalidExistingKey,
    PollIntervalExceedsRetention,
    RetentionInvalid,
    SetupEnvManaged,
    UnusableUrl,
    ValidationFailed,
)
from cpamp.setup.service import SetupService, in_container
from cpamp.store import Store
from cpamp.store import settings as stored
from cpamp.store.database import open_database

NOW_MS = 1_700_000_000_000
REQUEST = {"cpaBaseUrl": "cpa:8317/", "cpaManagementKey": " k1 "}


def cpa_config(**changes: Any) -> CpaConfig:
    return CpaConfig(
        **{
            "usage_statistics_enabled": False,
            "retention_seconds": 60,
            "retention_is_default": True,
            "proxy_url": "",
            "version": "7.2.140",
            **changes,
        }
    )


@attrs.define
class FakeCpa:
    """Answers by a script, and notes every call with the connection that it came over."""

    answers: list[CpaConfig | Exception | Deferred[CpaConfig]] = attrs.field(factory=list)
    enabling: Exception | None = None
    calls: list[tuple[str, str, str]] = attrs.field(factory=list)

    def connect(self, url: str, key: str) -> FakeClient:
        return FakeClient(self, url, key)


@attrs.define
class FakeClient:
    _cpa: FakeCpa
    url: str
    key: str

    async def config(self) -> CpaConfig:
        self._cpa.calls.append(("GET", self.url, self.key))
        answer = self._cpa.answers.pop(0) if self._cpa.answers else cpa_config()
        if isinstance(answer, Exception):
            raise answer
        return await answer if isinstance(answer, Deferred) else answer

    async def enable_usage_statistics(self) -> None:
        self._cpa.calls.append(("PUT", self.url, self.key))
        if self._cpa.enabling is not None:
            raise self._cpa.enabling


@attrs.define
class FakeCollector:
    """Notes what it is told."""

    configured: list[CollectorConfig | None] = attrs.field(factory=list)
    retries: int = 0

    def configure(self, config: CollectorConfig | None) -> None:
        self.configured.append(config)

    def retry(self) -> None:
        self.retries += 1


@attrs.define
class Bench:
    """A setup service on a real store, with a CPA and a collector that only take notes."""

    service: SetupService
    store: Store
    cpa: FakeCpa
    collector: FakeCollector
    clock: Clock

    async def saved(self, key: str = "manager_config_v1") -> Any:
        return await self.store.read(stored.get, key)

    def verbs(self) -> str:
        return " ".join(verb for verb, _, _ in self.cpa.calls)


@asynccontextmanager
async def bench(folder: Path, **environ: str) -> AsyncIterator[Bench]:
    """Bootstrap and start on the folder's database."""
    settings: Settings = load({"USAGE_DATA_DIR": ".", **environ}, folder)
    vault = Vault(settings.data_key, settings.data_key_path)
    vault.load()
    store = Store(reactor, settings.db_path, lambda: NOW_MS)
    cpa, collector, clock = FakeCpa(), FakeCollector(), Clock()
    service = SetupService(
        reactor=clock,
        settings=settings,
        vault=vault,
        store=store,
        collector=collector,
        connect=cpa.connect,  # type: ignore[arg-type]
        now_ms=lambda: NOW_MS,
    )
    with closing(open_database(settings.db_path)) as conn:
        service.begin(bootstrap(conn, settings, vault, NOW_MS))
    store.startService()
    try:
        yield Bench(service, store, cpa, collector, clock)
    finally:
        await store.stopService()


async def problem(awaited: Awaitable[Any], kind: type[Problem]) -> Problem:
    with pytest.raises(kind) as caught:
        await awaited
    return caught.value


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


def test_a_container_is_known_by_its_marks(tmp_path: Path) -> None:
    mark = tmp_path / ".dockerenv"
    assert not in_container([str(mark)])
    mark.touch()
    assert in_container([str(tmp_path / "other"), str(mark)])


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


ENV = {"CPA_UPSTREAM_URL": "cpa:8317/", "CPA_MANAGEMENT_KEY": "k1"}


@ensureDeferred
async def test_env_mode(tmp_path: Path) -> None:
    async with bench(tmp_path, **ENV) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
        answer = await b.service.get_config()
        assert answer["source"] == "env"
        assert b.service.info()["setupRequired"] is False
        assert await b.service.setup(REQUEST) == {"ok": True, "upstream": "http://cpa:8317"}
        assert b.collector.configured == []
        assert await b.saved() is None
        assert (await b.saved("bootstrap_state_v1"))["projectInitialized"] is True
        free = {"collector": {"queryLimit": 5}, "codexInspection": {"workers": 9}}
        changed = await b.service.put_config({"config": free})
        assert (changed["source"], b.service.query_limit) == ("env", 5)
        assert "k1" not in str(await b.saved())
        assert "enc:v1:" not in str(await b.saved())


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


@ensureDeferred
async def test_env_mode_collects_although_it_was_switched_off(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup({**REQUEST, "requestMonitoringEnabled": False})
    async with bench(tmp_path, **ENV) as b:
        b.service.start_collecting()
        (config,) = b.collector.configured
        assert config is not None
        assert config.enabled
    async with bench(tmp_path) as b:
        b.service.start_collecting()
        (config,) = b.collector.configured
        assert config is not None
        assert not config.enabled


def lose_key(folder: Path) -> None:
    (folder / "data.key").unlink()


def exchange_key(folder: Path) -> None:
    (folder / "data.key").write_text("A" * 43)


@pytest.mark.parametrize("spoil", [lose_key, exchange_key])
@ensureDeferred
async def test_without_the_right_data_key(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup({**REQUEST, "queryLimit": 44})
        sealed = (await b.saved())["cpaConnection"]["managementKey"]
    spoil(tmp_path)
    async with bench(tmp_path) as b:
        info = b.service.info()
        assert (info["dataKeyReady"], info["setupRequired"]) == (False, True)
        assert b.service.connection() is None
        assert b.service.query_limit == 44
        b.service.start_collecting()
        assert b.collector.configured == [None]
    async with bench(tmp_path, **ENV) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
        assert b.service.info()["dataKeyReady"] is False
        await b.service.put_config({"config": {"collector": {"queryLimit": 45}}})
        assert (await b.saved())["cpaConnection"]["managementKey"] == sealed
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        assert b.service.info()["dataKeyReady"] is True
        assert (await b.saved())["cpaConnection"]["managementKey"] != sealed
    async with bench(tmp_path) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")


@ensureDeferred
async def test_retry_needs_a_connection(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(ConnectionRequired):
            b.service.retry()
        assert b.collector.retries == 0
        await b.service.setup(dict(REQUEST))
        assert b.service.retry() == {"ok": True}
        assert b.collector.retries == 1
