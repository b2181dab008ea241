"""The real daemon and the made-up CPA as child processes, for tests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from cpamp.lab import Cpa, Manager

NO_KEY = {"CPA_MANAGER_ADMIN_KEY": ""}
# No test asks the internet.
NO_SOURCES = {f"MODEL_PRICE_{name}_URL": "off" for name in ("MODELS_DEV", "LITELLM", "OPENROUTER")}


@attrs.define
class Lab:
    """Starts processes below one folder, and ends all of them with the test."""

    folder: Path
    _cpas: list[Cpa] = attrs.field(factory=list)
    _managers: list[Manager] = attrs.field(factory=list)

    def cpa(self, *options: str) -> Cpa:
        """A running simulator of CPA; `options` go to its command line."""
        cpa = Cpa.start(self.folder, *options)
        self._cpas.append(cpa)
        return cpa

    def manager(self, name: str = "manager", **environ: str) -> Manager:
        """A daemon with its own folder, not yet started; `environ` wins over the lab's."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        manager = Manager.prepare(folder)
        manager.process.env = {**manager.process.env, **NO_SOURCES, **environ}
        self._managers.append(manager)
        return manager

    def close(self) -> None:
        """End whatever still runs."""
        for manager in self._managers:
            if manager.process.alive:
                manager.stop()
        for cpa in self._cpas:
            cpa.process.stop()


def data(manager: Manager) -> Path:
    """The data folder of a daemon."""
    return Path(manager.process.env["USAGE_DATA_DIR"])


def refused(manager: Manager) -> tuple[int, str]:
    """Start a daemon that must not come up: its exit status and what it printed."""
    manager.process.start()
    status = manager.process.wait(180)
    return status, manager.process.output()


def setting(manager: Manager, key: str) -> Any:
    """A stored setting, read beside the daemon; None where there is none."""
    uri = f"file:{data(manager) / 'usage.sqlite'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as conn:
        row = conn.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return json.loads(row[0]) if row else None


def body(answer: tuple[int, bytes]) -> tuple[int, Any]:
    """The status and the parsed JSON of an answer."""
    return answer[0], json.loads(answer[1])


def encoded(value: Any) -> bytes:
    """A request body."""
    return json.dumps(value).encode()


def connection(cpa: Cpa) -> Mapping[str, str]:
    """What `/setup` is sent to connect to a simulator."""
    return {"cpaBaseUrl": cpa.url, "cpaManagementKey": cpa.control.key}
