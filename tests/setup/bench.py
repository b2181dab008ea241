"""A setup service on a real store, with a CPA and a collector that only take notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.config import CollectorConfig
from cpamp.cpa.client import CpaConfig
from cpamp.errors import Problem
from cpamp.security.vault import Vault
from cpamp.settings import Settings, load
from cpamp.setup.bootstrap import bootstrap
from cpamp.setup.service import SetupService
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


ENV = {"CPA_UPSTREAM_URL": "cpa:8317/", "CPA_MANAGEMENT_KEY": "k1"}
