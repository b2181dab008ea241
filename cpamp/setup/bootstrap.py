"""What the database holds at the start, and what it must hold before the port opens.

Source: server contract, sections 3.1, 5.1, 5.3 and 6.3, with points B-4 and B-15 of section 22.
Runs once, synchronously, before the reactor serves anything.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import attrs

from cpamp.errors import Problem
from cpamp.security import admin
from cpamp.security.admin import Credential
from cpamp.security.vault import Vault
from cpamp.settings import Settings
from cpamp.setup.config import Connection, ManagerConfig, encrypted_key, read_record
from cpamp.store import settings as stored
from cpamp.store.transaction import transaction

CONFIG_SETTING = "manager_config_v1"
STATE_SETTING = "bootstrap_state_v1"


@attrs.frozen
class BootstrapState:
    """How far the installation has come, as ``/usage-service/info`` tells it."""

    status: str  # fresh, needs_setup, ready or migrated
    project_initialized: bool
    data_key_ready: bool
    has_history: bool
    # Settings and history are those of another server.
    migrated_legacy: bool
    admin_ready: bool = True

    @classmethod
    def of(
        cls,
        config: ManagerConfig,
        *,
        data_key_ready: bool,
        has_history: bool,
        migrated_legacy: bool,
    ) -> BootstrapState:
        """The state that follows from what holds now."""
        initialized = config.connection.complete
        ready = "migrated" if migrated_legacy else "ready"
        return cls(
            status=ready if initialized else "needs_setup" if has_history else "fresh",
            project_initialized=initialized,
            data_key_ready=data_key_ready,
            has_history=has_history,
            migrated_legacy=migrated_legacy,
        )

    def record(self, now_ms: int) -> dict[str, Any]:
        """The JSON record of section 6.3."""
        return {
            "version": 1,
            "status": self.status,
            "adminReady": self.admin_ready,
            "projectInitialized": self.project_initialized,
            "dataKeyReady": self.data_key_ready,
            "migratedLegacy": self.migrated_legacy,
            "hasHistoricalData": self.has_history,
            "updatedAtMs": now_ms,
        }


@attrs.frozen
class Bootstrapped:
    """What the start found or made. `generated_key` is "" unless the admin key was made now."""

    credential: Credential
    generated_key: str = attrs.field(repr=False)
    data_key_created: bool
    saved: ManagerConfig | None
    state: BootstrapState


def bootstrap(
    conn: sqlite3.Connection, settings: Settings, vault: Vault, now_ms: int
) -> Bootstrapped:
    """Read and complete the settings of an open database, all or nothing.

    Raises `DataKeyError` where a new data key can't be written, and `Problem` where the stored
    credential is damaged.
    """
    with transaction(conn):
        credential, generated = _credential(conn, settings, now_ms)
        record = stored.get(conn, CONFIG_SETTING)
        created = vault.open(encrypted_key(record))
        saved = read_saved(record, settings, vault)
        effective = (saved or ManagerConfig.by(settings)).overlaid(settings)
        migrated = (stored.get(conn, STATE_SETTING) or {}).get("migratedLegacy") is True
        state = BootstrapState.of(
            effective,
            data_key_ready=not vault.problem,
            has_history=migrated or saved is not None or stored.has_history(conn),
            migrated_legacy=migrated,
        )
        stored.put(conn, STATE_SETTING, state.record(now_ms), now_ms)
    return Bootstrapped(credential, generated, created, saved, state)


def read_saved(record: Any, settings: Settings, vault: Vault) -> ManagerConfig | None:
    """The saved configuration; without its connection where its key can't be decrypted."""
    if not isinstance(record, dict):
        return None
    defaults = ManagerConfig.by(settings)
    if not vault.problem:
        return read_record(record, defaults, vault.decrypt)
    unsealed = read_record(record, defaults, lambda _sealed: "")
    return attrs.evolve(unsealed, connection=Connection())


def _credential(
    conn: sqlite3.Connection, settings: Settings, now_ms: int
) -> tuple[Credential, str]:
    """The stored credential, or a new one and the key that was generated for it ("" if given)."""
    record = stored.get(conn, admin.SETTING)
    if record is not None:
        credential = Credential.read(record)
        if credential is None:
            raise Problem("the stored admin credential is damaged; run cpamp reset-admin-key")
        return credential, ""
    generated = "" if settings.admin_key else admin.generate()
    source = "generated" if generated else "env"
    credential = Credential.of(generated or settings.admin_key, source, now_ms)
    stored.put(conn, admin.SETTING, credential.record(), now_ms)
    return credential, generated
