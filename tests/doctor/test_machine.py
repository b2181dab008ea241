"""What the doctor sees of files, keys and a daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpamp.doctor import machine
from cpamp.doctor.finding import Level, bad, note, ok, page
from cpamp.security.datakey import create
from cpamp.security.lock import ProcessLock
from cpamp.security.secrets import SecretBox
from cpamp.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir(mode=0o700)
    return load({"USAGE_DATA_DIR": "data", "HTTP_ADDR": "127.0.0.1:1"}, tmp_path)


def test_page() -> None:
    text = page([ok("disk", "fine"), note("a longer one", "slow", "do this"), bad("c", "x", "y")])
    assert text.splitlines() == [
        "  ok  disk          fine",
        "note  a longer one  slow",
        "                    → do this",
        " BAD  c             x",
        "                    → y",
        "",
        "1 to be repaired.",
    ]
    assert page([]).endswith("Nothing to be repaired.")


def test_data_key(settings: Settings) -> None:
    path = settings.data_key_path
    finding, key = machine.data_key(settings, "")
    assert (finding.level, key) == (Level.NOTE, "")
    finding, key = machine.data_key(settings, "enc:v1:a:b")
    assert (finding.level, "is missing" in finding.seen) == (Level.BAD, True)
    sealed = SecretBox(create(path)).encrypt("cpa-key")
    finding, key = machine.data_key(settings, sealed)
    assert (finding.level, key) == (Level.OK, "cpa-key")
    path.write_text("A" * 43)
    finding, key = machine.data_key(settings, sealed)
    assert (finding.level, "does not fit" in finding.seen, key) == (Level.BAD, True, "")
    path.write_text("nonsense")
    finding, key = machine.data_key(settings, sealed)
    assert (finding.level, "32 bytes" in finding.seen) == (Level.BAD, True)


def test_modes(settings: Settings) -> None:
    database = settings.db_path
    database.touch(0o600)
    assert [f.level for f in machine.modes(settings, database)] == [Level.OK]
    database.chmod(0o640)
    (finding,) = machine.modes(settings, database)
    assert (finding.level, finding.advice) == (Level.BAD, f"chmod 600 {database}")


def test_daemon(settings: Settings) -> None:
    database = settings.db_path
    assert "has never run" in machine.daemon(settings, database).seen
    assert not ProcessLock(database).path.exists()
    with ProcessLock(database):
        finding = machine.daemon(settings, database)
    assert (finding.level, "has the lock, but" in finding.seen) == (Level.BAD, True)
    assert "is not running" in machine.daemon(settings, database).seen


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert str(tmp_path) in machine.disk(tmp_path / "a/b").seen


@pytest.mark.parametrize(
    ("written_ms", "level"),
    [(0, Level.OK), (2_000_000, Level.OK), (2_030_000, Level.OK), (2_100_000, Level.BAD)],
)
def test_clock(written_ms: int, level: Level) -> None:
    assert machine.clock(2_000_000, written_ms).level is level


def test_versions() -> None:
    assert "cpamp " in machine.versions().seen
