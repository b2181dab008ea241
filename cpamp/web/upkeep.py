"""What a person does for the installation itself: look for what is wrong, and make a backup."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.threads import deferToThread

from cpamp.backing_up import back_up
from cpamp.cpa.client import CpaClient
from cpamp.doctor import cpa, machine
from cpamp.doctor.finding import Finding, Level, note
from cpamp.errors import TooMuchWork
from cpamp.settings import Settings
from cpamp.setup.bootstrap import CONFIG_SETTING
from cpamp.setup.config import CollectorSettings, encrypted_key
from cpamp.store import Store
from cpamp.store import settings as stored
from cpamp.web.request import ApiRequest
from cpamp.web.route import Reply, route
from cpamp.web.shapes import manager

BASE = "/v0/management"
FOLDER = "backups"
_LEVELS = {Level.OK: "ok", Level.NOTE: "note", Level.BAD: "bad"}


@attrs.define
class Upkeep:
    """`/v0/management/doctor` and `/v0/management/backups`."""

    _reactor: Any
    _settings: Settings
    _database: Path
    _store: Store
    _client_of: Callable[[], CpaClient | None]
    _collector: Callable[[], CollectorSettings]
    _now_ms: Callable[[], int]
    _copying: bool = False

    @route(
        "GET",
        f"{BASE}/doctor",
        summary="What works, what does not, and what to do about it",
        answer=manager.Diagnosis,
    )
    async def doctor(self, request: ApiRequest) -> Any:
        """What `cpamp doctor` tells; the daemon runs, that much is known."""
        store = self._store
        record = await store.read(stored.get, CONFIG_SETTING)
        written_ms = await store.read(stored.last_written_ms)
        findings = await deferToThread(self._machine, encrypted_key(record))
        findings.append(machine.clock(self._now_ms(), written_ms))
        client = self._client_of()
        if client is None:
            findings.append(note("CPA", "no connection is set up", "POST /setup, or the panel"))
        else:
            findings += await cpa.look(self._reactor, client, self._collector())
        return {"atMs": self._now_ms(), "findings": [_json(one) for one in findings]}

    def _machine(self, sealed: str) -> list[Finding]:
        settings, database = self._settings, self._database
        return [
            machine.versions(),
            machine.disk(settings.data_dir),
            machine.descriptors(),
            *machine.modes(settings, database),
            machine.data_key(settings, sealed)[0],
        ]

    @route(
        "POST",
        f"{BASE}/backups",
        summary="Copy database and data key to a new folder beside them",
        answer=manager.Backup,
        problems=(TooMuchWork,),
    )
    async def backup(self, request: ApiRequest) -> Reply:
        """Answers when the copy is on the disk; records come in meanwhile."""
        if self._copying:
            raise TooMuchWork("a backup is being made already; wait for it")
        self._copying = True
        try:
            name = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime(self._now_ms() / 1000))
            folder = self._settings.data_dir / FOLDER / name
            done = await deferToThread(back_up, self._settings, self._database, folder)
        finally:
            self._copying = False
        told = {
            "folder": str(folder),
            "databaseBytes": done.size_bytes,
            "dataKey": done.data_key is not None,
        }
        return Reply(201, told)


def _json(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject,
        "level": _LEVELS[finding.level],
        "seen": finding.seen,
        "advice": finding.advice,
    }
