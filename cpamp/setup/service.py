"""Changing the connection to CPA: checked against CPA, saved, and handed to the collector.

Source: server contract, sections 10.2, 11 and 12, with points B-4, B-6, B-8, B-12 to B-15 and
B-23 of section 22.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred, DeferredLock, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cpamp import members
from cpamp.collect.config import CollectorConfig
from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.cpa.urls import normalise
from cpamp.errors import Problem
from cpamp.security.vault import Vault
from cpamp.settings import Settings
from cpamp.setup.bootstrap import CONFIG_SETTING, STATE_SETTING, Bootstrapped, BootstrapState
from cpamp.setup.checks import check_cpa, warnings
from cpamp.setup.config import (
    MASK,
    CollectorSettings,
    Connection,
    ManagerConfig,
    known_mode,
)
from cpamp.setup.problems import (
    ConnectionEnvManaged,
    ConnectionRequired,
    ConnectionRequiredForMonitoring,
    InvalidExistingKey,
    SetupEnvManaged,
)
from cpamp.store import Store
from cpamp.store import settings as stored

SERVICE = "cpa-manager-plus"
# How long reading the configuration may wait for CPA's own, in seconds (B-12).
PROBE_SECONDS = 5.0
# What container engines leave in the file system.
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


def in_container(marks: Iterable[str] = CONTAINER_MARKS) -> bool:
    """Whether this process runs in a container, where the host has another name."""
    return any(os.path.exists(mark) for mark in marks)


class Collecting(Protocol):
    """The part of the collector that setup drives."""

    def configure(self, config: CollectorConfig | None) -> None:
        """Collect by this configuration from now on; None stops."""

    def retry(self) -> None:
        """Try again now, with a refused key too."""


@attrs.define
class SetupService:
    """The configuration that holds, and the only way to change it while the daemon runs.

    `connect` makes a CPA client of a URL and a key. `begin` must be called with what the
    bootstrap found before anything else.
    """

    _reactor: IReactorTime
    _settings: Settings
    _vault: Vault
    _store: Store
    _collector: Collecting
    _connect: Callable[[str, str], CpaClient]
    _now_ms: Callable[[], int]
    _saved: ManagerConfig | None = attrs.field(default=None, init=False)
    _state: BootstrapState = attrs.field(init=False)
    _started_at_ms: int = attrs.field(default=0, init=False)
    _client: CpaClient | None = attrs.field(default=None, init=False)
    _listeners: list[Callable[[], None]] = attrs.field(factory=list, init=False)
    # One change at a time: each reads what holds, asks CPA, and writes.
    _changing: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def begin(self, found: Bootstrapped) -> None:
        """Take over what the bootstrap found."""
        self._saved = found.saved
        self._state = found.state
        self._started_at_ms = self._now_ms()

    def on_connection(self, hear: Callable[[], None]) -> None:
        """Have it told whenever the connection is set."""
        self._listeners.append(hear)

    # What holds.

    @property
    def effective(self) -> ManagerConfig:
        """Start-up defaults, the saved configuration, and in env mode the environment on top."""
        saved = self._saved or ManagerConfig.by(self._settings)
        return saved.overlaid(self._settings)

    @property
    def query_limit(self) -> int:
        """How many rows the read endpoints give at most (B-14)."""
        return self.effective.collector.query_limit

    def connection(self) -> tuple[str, str] | None:
        """CPA's URL and key, None while there is none."""
        connection = self.effective.connection
        return (connection.url, connection.key) if connection.complete else None

    def client(self) -> CpaClient | None:
        """A client of the present connection, None while there is none."""
        place = self.connection()
        if place is None:
            return None
        if self._client is None or (self._client.url, self._client.key) != place:
            self._client = self._connect(*place)
        return self._client

    def info(self) -> dict[str, Any]:
        """The body of ``GET /usage-service/info``."""
        initialized = self.effective.connection.complete
        return {
            "service": SERVICE,
            "mode": "embedded",
            "startedAt": self._started_at_ms,
            "configured": initialized,
            "projectInitialized": initialized,
            "adminReady": self._state.admin_ready,
            "setupRequired": self._state.admin_ready and not initialized,
            "migrationStatus": self._state.status,
            "dataKeyReady": self._state.data_key_ready,
            "hasHistoricalData": self._state.has_history,
            "inContainer": in_container(),
        }

    def start_collecting(self) -> None:
        """What the process start does (section 6.5): env mode collects even if switched off."""
        effective = self.effective
        enabled = self._settings.env_mode or effective.collector.enabled
        self._configure(effective, enabled)

    # Reading and changing.

    def shown(self) -> dict[str, Any]:
        """The configuration that holds, without the key, and where it comes from."""
        source = "env" if self._settings.env_mode else "db" if self._saved else ""
        return {"config": self.effective.json(), "source": source}

    async def get_config(self) -> dict[str, Any]:
        """The body of ``GET /usage-service/config``; CPA's own view only if it answers soon."""
        answer = self.shown()
        connection = self.effective.connection
        if connection.complete:
            usage = await self._cpa_usage(connection)
            if usage is not None:
                answer["cpaUsage"] = usage
        elif self._settings.cpa_url:
            # Without a key it is no connection, but whoever sets one up need not type it again.
            answer["startedWith"] = {"cpaBaseUrl": normalise(self._settings.cpa_url)}
        return answer

    async def put_config(self, body: dict[str, Any]) -> dict[str, Any]:
        """Merge, check, save and apply a submission ``{"config": …}`` (section 11.2)."""
        return await self._changing.run(self._put_config, members.child(body, "config"))

    async def setup(self, request: dict[str, Any]) -> dict[str, Any]:
        """Connect to a CPA, as ``POST /setup`` asks (section 12).

        With ``dryRun`` it is only seen whether CPA is there and takes the key.
        """
        return await self._changing.run(self._setup, request)

    def retry(self) -> dict[str, Any]:
        """Ask CPA again although it has refused the key, as ``POST /usage-service/retry`` does.

        How it goes is shown in ``/status``; a ban is waited out all the same.
        """
        if self.connection() is None:
            raise ConnectionRequired
        self._collector.retry()
        return {"ok": True}

    def _put_config(self, submitted: dict[str, Any]) -> Deferred[dict[str, Any]]:
        return Deferred.fromCoroutine(self._changed(submitted))

    def _setup(self, request: dict[str, Any]) -> Deferred[dict[str, Any]]:
        return Deferred.fromCoroutine(self._connected(request))

    async def _changed(self, submitted: dict[str, Any]) -> dict[str, Any]:
        before = self.effective
        merged = before.merged(submitted)
        if self._settings.env_mode and _env_managed(before) != _env_managed(merged):
            raise ConnectionEnvManaged
        connection, collector = merged.connection, merged.collector
        notes: list[str] = []
        if connection.url or connection.key:
            if not connection.complete:
                raise ConnectionRequired
            checked = await check_cpa(
                self._connect(connection.url, connection.key),
                poll_interval_ms=collector.poll_interval_ms if collector.enabled else None,
                ensure_publishing=collector.ensure_publishing,
            )
            notes = warnings(checked)
        elif collector.enabled:
            raise ConnectionRequiredForMonitoring
        await self._save(merged)
        self._configure(self.effective, collector.enabled)
        return self.shown() | ({"warnings": notes} if notes else {})

    async def _connected(self, request: dict[str, Any]) -> dict[str, Any]:
        before = self.effective
        connection, collector = self._requested(request, before)
        if not connection.complete:
            raise ConnectionRequired
        self._check_existing(before, connection, collector)
        client = self._connect(connection.url, connection.key)
        if members.flag(request, "dryRun", False):
            await check_cpa(client, poll_interval_ms=None, ensure_publishing=False)
            return {"ok": True, "upstream": connection.url}
        checked = await check_cpa(
            client,
            poll_interval_ms=collector.poll_interval_ms if collector.enabled else None,
            ensure_publishing=collector.ensure_publishing,
        )
        if self._settings.env_mode:
            await self._save_state()
        else:
            await self._save(attrs.evolve(before, connection=connection, collector=collector))
            self._configure(self.effective, collector.enabled)
        notes = warnings(checked)
        return {"ok": True, "upstream": connection.url} | ({"warnings": notes} if notes else {})

    def _requested(
        self, request: dict[str, Any], before: ManagerConfig
    ) -> tuple[Connection, CollectorSettings]:
        """What a setup request asks for: absent members mean the start-up values."""
        url = normalise(members.text(request, "cpaBaseUrl"))
        key = members.text(request, "cpaManagementKey") or members.text(request, "managementKey")
        if key == MASK:
            key = before.connection.key if url == before.connection.url else ""
        merged = CollectorSettings.by(self._settings).merged(request)
        collector = attrs.evolve(
            merged,
            enabled=members.flag(request, "requestMonitoringEnabled", True),
            mode=known_mode(members.text(request, "collectorMode")),
        )
        return Connection(url, key), collector

    def _check_existing(
        self, before: ManagerConfig, connection: Connection, collector: CollectorSettings
    ) -> None:
        """Section 12, step 3: a stranger with the admin key alone can't exchange everything."""
        current = before.connection
        if self._settings.env_mode:
            wanted = (connection, collector.queue, collector.pop_side)
            if wanted != (current, before.collector.queue, before.collector.pop_side):
                raise SetupEnvManaged
        elif current.complete and current.key != connection.key and current.url != connection.url:
            raise InvalidExistingKey

    # Effects.

    async def _save(self, config: ManagerConfig) -> None:
        """Store the configuration and the state that follows from it."""
        state = self._state_of(config)
        await self._store.write(self._write, config, state)
        if self._settings.env_mode:
            saved = self._saved or ManagerConfig.by(self._settings)
            self._saved = _with_free_members(saved, config)
        else:
            self._saved = config
            self._vault.saved()
        self._state = state

    def _write(
        self, conn: sqlite3.Connection, config: ManagerConfig, state: BootstrapState
    ) -> None:
        """In the writer thread. In env mode the key stays out of the database (B-13)."""
        now_ms = self._now_ms()
        if self._settings.env_mode:
            record = _free_members_record(stored.get(conn, CONFIG_SETTING), config, now_ms)
        else:
            self._vault.ensure()
            record = config.record(self._vault.encrypt, now_ms)
        stored.put(conn, CONFIG_SETTING, record, now_ms)
        stored.put(conn, STATE_SETTING, state.record(now_ms), now_ms)

    async def _save_state(self) -> None:
        state = self._state_of(self.effective)
        now_ms = self._now_ms()
        await self._store.write(stored.put, STATE_SETTING, state.record(now_ms), now_ms)
        self._state = state

    def _state_of(self, config: ManagerConfig) -> BootstrapState:
        return BootstrapState.of(
            config.overlaid(self._settings),
            data_key_ready=self._state.data_key_ready or not self._settings.env_mode,
            has_history=self._state.has_history,
            migrated_legacy=self._state.migrated_legacy,
        )

    def _configure(self, config: ManagerConfig, enabled: bool) -> None:
        """Start or stop the collector; its trouble is its own and shown in ``/status``."""
        connection, collector = config.connection, config.collector
        wanted = CollectorConfig(
            url=connection.url,
            key=connection.key,
            mode=collector.mode,
            queue=collector.queue,
            pop_side=collector.pop_side,
            batch_size=collector.batch_size,
            poll_interval_ms=collector.poll_interval_ms,
            tls_skip_verify=collector.tls_skip_verify,
            enabled=enabled,
            ensure_publishing=collector.ensure_publishing,
        )
        try:
            self._collector.configure(wanted if connection.complete else None)
        except Exception:
            self._log.failure("the collector can't be configured")
        for hear in self._listeners:
            hear()

    async def _cpa_usage(self, connection: Connection) -> dict[str, Any] | None:
        asked: Deferred[CpaConfig] = Deferred.fromCoroutine(
            self._connect(connection.url, connection.key).config()
        )
        try:
            cpa = await asked.addTimeout(PROBE_SECONDS, self._reactor)
        except (Problem, TimeoutError):
            return None
        return cpa.usage_json()


def _env_managed(config: ManagerConfig) -> tuple[Connection, CollectorSettings]:
    """What the environment fixes in env mode: everything but the query limit and inspection."""
    return config.connection, attrs.evolve(config.collector, query_limit=0, ensure_publishing=True)


def _with_free_members(saved: ManagerConfig, config: ManagerConfig) -> ManagerConfig:
    """The saved configuration with the members that may change in env mode."""
    collector = attrs.evolve(
        saved.collector,
        query_limit=config.collector.query_limit,
        ensure_publishing=config.collector.ensure_publishing,
    )
    return attrs.evolve(saved, collector=collector, inspection=config.inspection)


def _free_members_record(record: Any, config: ManagerConfig, now_ms: int) -> dict[str, Any]:
    """The stored record with those members; a connection sealed in it stays as it is."""
    kept = record if isinstance(record, dict) else {}
    collector = kept.get("collector")
    new = config.collector.json()
    free = {k: new[k] for k in ("queryLimit", "ensureUsageStatisticsEnabled") if k in new}
    return {
        **kept,
        "collector": {**(collector if isinstance(collector, dict) else {}), **free},
        "codexInspection": config.inspection.json(),
        "updatedAtMs": now_ms,
    }
