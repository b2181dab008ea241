"""The manager's configuration: a value, and the rules by which a submission changes it.

Source: server contract, sections 6.1 to 6.4 and points B-6 and B-13 of section 22.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from cpamp import members
from cpamp.cpa.urls import normalise
from cpamp.errors import InvalidJson
from cpamp.inspection.settings import InspectionSettings
from cpamp.settings import COLLECTOR_MODES, POP_SIDES, Settings
from cpamp.setup.problems import ConnectionRequired

# What stands in for a key that is set, whatever its length.
MASK = "*" * 12


@attrs.frozen
class Connection:
    """Where CPA is and the management key for it; the URL is normalised."""

    url: str = ""
    key: str = attrs.field(default="", repr=False)

    @property
    def complete(self) -> bool:
        """Whether both parts are there."""
        return bool(self.url and self.key)


@attrs.frozen
class CollectorSettings:
    """How records are taken from CPA. `enabled` is the request monitoring switch."""

    enabled: bool
    mode: str
    queue: str
    pop_side: str
    batch_size: int
    poll_interval_ms: int
    query_limit: int
    tls_skip_verify: bool
    # Switch CPA's publishing on when it is off; ours, the contract has it only in /setup.
    ensure_publishing: bool = True

    @classmethod
    def by(cls, settings: Settings) -> CollectorSettings:
        """The start-up values."""
        return cls(
            enabled=True,
            mode=settings.collector_mode,
            queue=settings.queue,
            pop_side=settings.pop_side,
            batch_size=settings.batch_size,
            poll_interval_ms=settings.poll_interval_ms,
            query_limit=settings.query_limit,
            tls_skip_verify=settings.tls_skip_verify,
        )

    def merged(self, submitted: dict[str, Any]) -> CollectorSettings:
        """These settings after a submission: blank texts and numbers up to 0 keep the old value.

        `tlsSkipVerify` is always replaced: absent means false.
        """
        mode = members.text(submitted, "collectorMode")
        side = members.text(submitted, "popSide").lower()
        return CollectorSettings(
            enabled=members.flag(submitted, "enabled", self.enabled),
            mode=known_mode(mode) if mode else self.mode,
            queue=members.text(submitted, "queue") or self.queue,
            pop_side=side if side in POP_SIDES else self.pop_side,
            batch_size=members.positive(submitted, "batchSize", self.batch_size),
            poll_interval_ms=members.positive(submitted, "pollIntervalMs", self.poll_interval_ms),
            query_limit=members.positive(submitted, "queryLimit", self.query_limit),
            tls_skip_verify=members.flag(submitted, "tlsSkipVerify", False),
            ensure_publishing=members.flag(
                submitted, "ensureUsageStatisticsEnabled", self.ensure_publishing
            ),
        )

    def json(self) -> dict[str, Any]:
        """The members of section 6.1."""
        fields: dict[str, Any] = {
            "enabled": self.enabled,
            "collectorMode": self.mode,
            "queue": self.queue,
            "popSide": self.pop_side,
            "batchSize": self.batch_size,
            "pollIntervalMs": self.poll_interval_ms,
            "queryLimit": self.query_limit,
        }
        if self.tls_skip_verify:
            fields["tlsSkipVerify"] = True
        if not self.ensure_publishing:
            fields["ensureUsageStatisticsEnabled"] = False
        return fields


@attrs.frozen
class ManagerConfig:
    """The whole configuration."""

    connection: Connection
    collector: CollectorSettings
    inspection: InspectionSettings = attrs.field(factory=InspectionSettings)

    @classmethod
    def by(cls, settings: Settings) -> ManagerConfig:
        """What holds while nothing is saved."""
        return cls(Connection(), CollectorSettings.by(settings))

    def merged(self, submitted: dict[str, Any]) -> ManagerConfig:
        """This configuration after a submission (section 6.1); raises a `BadRequest`."""
        collector = submitted.get("collector")
        return ManagerConfig(
            connection=merge_connection(self.connection, members.child(submitted, "cpaConnection")),
            collector=self.collector
            if collector is None
            else self.collector.merged(members.child(submitted, "collector")),
            inspection=self.inspection
            if submitted.get("codexInspection") is None
            else self.inspection.merged(members.child(submitted, "codexInspection")),
        )

    def overlaid(self, settings: Settings) -> ManagerConfig:
        """What holds under the start-up settings: they win in env mode (section 6.4)."""
        if not settings.env_mode:
            return self
        return attrs.evolve(
            self,
            connection=Connection(normalise(settings.cpa_url), settings.cpa_key),
            collector=attrs.evolve(
                CollectorSettings.by(settings),
                enabled=self.collector.enabled,
                query_limit=self.collector.query_limit,
                ensure_publishing=self.collector.ensure_publishing,
            ),
        )

    def json(self) -> dict[str, Any]:
        """The configuration as answers carry it: without the key (B-6)."""
        connection: dict[str, Any] = {
            "cpaBaseUrl": self.connection.url,
            "managementKeySet": bool(self.connection.key),
        }
        if self.connection.key:
            connection["managementKey"] = MASK
        return self._json(connection)

    def record(self, encrypt: Callable[[str], str], now_ms: int) -> dict[str, Any]:
        """The configuration as it is stored."""
        connection = {"cpaBaseUrl": self.connection.url}
        if self.connection.key:
            connection["managementKey"] = encrypt(self.connection.key)
        return {**self._json(connection), "updatedAtMs": now_ms}

    def _json(self, connection: dict[str, Any]) -> dict[str, Any]:
        return {
            "cpaConnection": connection,
            "collector": self.collector.json(),
            "codexInspection": self.inspection.json(),
            "externalUsageService": {"enabled": False},
        }


def read_record(
    record: dict[str, Any], defaults: ManagerConfig, decrypt: Callable[[str], str]
) -> ManagerConfig:
    """A stored configuration; raises whatever `decrypt` raises for its key.

    A collector that can't be read holds the defaults: what was once saved must not keep the
    daemon from starting.
    """
    stored_connection = _object(record, "cpaConnection")
    try:
        collector = defaults.collector.merged(_object(record, "collector"))
    except InvalidJson:
        collector = defaults.collector
    return ManagerConfig(
        connection=Connection(
            normalise(str(stored_connection.get("cpaBaseUrl") or "")),
            decrypt(str(stored_connection.get("managementKey") or "")),
        ),
        collector=collector,
        inspection=InspectionSettings.read(_object(record, "codexInspection")),
    )


def encrypted_key(record: Any) -> str:
    """The stored form of the key, "" where there is none."""
    if not isinstance(record, dict):
        return ""
    return str(_object(record, "cpaConnection").get("managementKey") or "")


def merge_connection(current: Connection, submitted: dict[str, Any]) -> Connection:
    """The connection after a submission (section 6.1 and B-6).

    Without either part it stays. A key that is masked or absent stands for the current one, but
    only with the URL that it belongs to: else it would be sent to whoever the sender names.
    """
    url = normalise(members.text(submitted, "cpaBaseUrl"))
    key = members.text(submitted, "managementKey")
    if not url and not key:
        return current
    if key and key != MASK:
        return Connection(url, key)
    if url != current.url:
        raise ConnectionRequired
    return current


def known_mode(text: str) -> str:
    """A collector mode in its canonical form; whatever is unknown means auto."""
    mode = text.strip().lower()
    return mode if mode in COLLECTOR_MODES else "auto"


def _object(source: dict[str, Any], key: str) -> dict[str, Any]:
    value = source.get(key)
    return value if isinstance(value, dict) else {}
