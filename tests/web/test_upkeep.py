"""Findings and backups over HTTP."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.lab import Manager
from tests.daemon import Lab
from tests.described import Described
from tests.web.examples import prepared

DOCTOR = "/v0/management/doctor"
BACKUPS = "/v0/management/backups"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    lab = Lab(tmp_path_factory.mktemp("upkeep"))
    yield prepared(lab)
    lab.close()


def database(manager: Manager) -> Path:
    return Path(manager.status()["dbPath"])


def levels(manager: Manager) -> dict[str, str]:
    answer = manager.http.json("GET", DOCTOR)
    assert Described.by(manager.http).wrong("GET", DOCTOR, answer) == []
    return {finding["subject"]: finding["level"] for finding in answer["findings"]}


def test_the_doctor_tells_what_is_wrong(manager: Manager) -> None:
    before = levels(manager)
    assert {"versions", "disk", "CPA", "CPA key", "publishing"} <= before.keys()
    assert "bad" not in before.values()
    os.chmod(database(manager), 0o644)
    after = levels(manager)
    assert {name for name in after if after[name] != before.get(name)} != set()
    os.chmod(database(manager), 0o600)


def test_looking_takes_no_records_from_cpa(manager: Manager) -> None:
    events = manager.events()
    levels(manager)
    assert manager.status()["collector"]["collector"] == "running"
    assert manager.events() == events


def test_a_backup_is_whole_and_private(manager: Manager) -> None:
    told = manager.http.json("POST", BACKUPS)
    assert Described.by(manager.http).wrong("POST", BACKUPS, told) == []
    folder = Path(told["folder"])
    assert folder.parent == database(manager).parent / "backups"
    assert told["dataKey"] is (folder / "data.key").exists()
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    with closing(sqlite3.connect(folder / "usage.sqlite")) as copy:
        assert copy.execute("SELECT count(*) FROM events").fetchone() == (manager.events(),)
    known, manager.http.key = manager.http.key, "wrong"
    assert manager.http.request("POST", BACKUPS)[0] == 401
    assert manager.http.request("GET", DOCTOR)[0] == 401
    manager.http.key = known
