"""``cpamp reset-admin-key`` (server contract, section 7.1)."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cpamp.security import admin
from cpamp.security.admin import Credential
from cpamp.security.lock import ProcessLock
from cpamp.store import settings as stored
from cpamp.store.database import open_database, open_reader
from tests.console import Console, Said


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data/usage.sqlite"
    with closing(open_database(path)) as conn:
        old = Credential.of("old-key", "generated", 1_000)
        stored.put(conn, admin.SETTING, old.record(), 1_000)
    return path


def record(path: Path) -> Any:
    with closing(open_reader(path)) as conn:
        return stored.get(conn, admin.SETTING)


@pytest.mark.parametrize("name", ["reset-admin-key", "reset-admin-password"])
def test_generated(call: Console, database: Path, name: str) -> None:
    said = call(name)
    assert (said.status, said.err) == (0, "")
    first, second, third = said.out.splitlines()
    assert first == "CPA Manager Plus admin key reset."
    assert third == "Save this value now. It will not be shown again."
    found = re.fullmatch(r"New admin key: (cmp_admin_[0-9A-Za-z]{32})", second)
    assert found
    new = record(database)
    assert (new["source"], new["createdAtMs"]) == ("cli-generated", 1_000)
    assert new["rotatedAtMs"] > 1_000
    credential = Credential.read(new)
    assert credential is not None
    assert credential.verify(found[1])
    assert not credential.verify("old-key")


@pytest.mark.parametrize(
    "flags",
    [
        ["--admin-key", "my-new-key"],
        ["--admin-key=my-new-key"],
        ["-admin-key", "my-new-key"],
        ["-admin-key=my-new-key"],
        ["--admin-key-file", "key.txt"],
        ["--db-path", "data/usage.sqlite", "--admin-key", " my-new-key "],
        ["-db-path=data/usage.sqlite", "-admin-key-file=key.txt"],
    ],
)
def test_given(call: Console, database: Path, tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "key.txt").write_text("my-new-key\n")
    said = call("reset-admin-key", *flags)
    assert said == Said(
        0,
        "CPA Manager Plus admin key reset.\n"
        "Use the provided admin key to log in after restarting Manager Server.\n",
        "",
    )
    credential = Credential.read(record(database))
    assert credential is not None
    assert credential.source == "cli"
    assert credential.verify("my-new-key")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--colour"], "flag provided but not defined: --colour"),
        (["-colour=blue"], "flag provided but not defined: --colour"),
        (["extra"], 'unexpected argument "extra"'),
        (["--admin-key", "a", "--admin-key-file", "b"], "cannot be used together"),
        (["--admin-key-file", "missing"], "read admin key file"),
        (["--admin-key-file", "blank"], "admin key file is empty"),
        (["--db-path", "none.sqlite"], "SQLite database not found at "),
        (["--db-path", "data"], "SQLite database path is a directory"),
        (["--db-path", "empty"], "is empty"),
        (["--db-path", "foreign"], "does not look like a CPA Manager Plus Manager Server database"),
        (["--db-path", "text"], "does not look like a CPA Manager Plus Manager Server database"),
    ],
)
def test_refused(
    call: Console, database: Path, tmp_path: Path, flags: list[str], reason: str
) -> None:
    (tmp_path / "blank").write_text(" \n")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no database")
    with closing(sqlite3.connect(tmp_path / "foreign")) as conn:
        conn.execute("CREATE TABLE settings (key)")
        conn.commit()
    foreign = (tmp_path / "foreign").read_bytes()
    before = record(database)
    said = call("reset-admin-key", *flags)
    assert (said.status, said.out) == (1, "")
    (line,) = said.err.splitlines()
    assert line.startswith("reset admin key: ")
    assert reason in line
    assert record(database) == before
    assert (tmp_path / "foreign").read_bytes() == foreign
    assert not (tmp_path / "none.sqlite").exists()


def test_refused_while_the_daemon_runs(call: Console, database: Path) -> None:
    with ProcessLock(database):
        said = call("reset-admin-key")
    assert said.status == 1
    assert "reset admin key: acquire admin reset lock; stop Manager Server and retry" in said.err


@pytest.mark.parametrize("flag", ["--help", "-h", "-help"])
def test_help(call: Console, flag: str) -> None:
    said = call("reset-admin-key", flag)
    assert (said.status, said.out) == (0, "")
    assert "--admin-key-file" in said.err


def test_top_level(call: Console) -> None:
    assert call("--version").out.startswith("cpamp 0.")
    assert "reset-admin-key" in call("--help").out
    for argv in ((), ("serve",), ("--config",)):
        said = call(*argv)
        assert (said.status, said.out) == (2, "")
        assert "usage: cpamp COMMAND" in said.err
