"""The file: ours or none, made whole or not at all, upgraded with a copy kept."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.store.database import (
    APPLICATION_ID,
    VERSION,
    ForeignDatabase,
    NewerDatabase,
    open_database,
    open_existing,
    open_reader,
    store_id,
)
from cpamp.store.upgrading import upgrade
from tests.store.samples import events, writing


def test_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(open_database(path)) as conn:
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "page_size": 4096,
            "auto_vacuum": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "application_id": APPLICATION_ID,
            "user_version": VERSION,
        }
        assert {name: conn.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
        name = store_id(conn)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["usage.sqlite"]
    with closing(open_database(path)) as conn:
        assert store_id(conn) == name
    with closing(open_database(tmp_path / "other.sqlite")) as conn:
        assert store_id(conn) != name


def test_what_a_crash_left_of_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    path.with_name("usage.sqlite.new").write_bytes(b"half of it")
    path.with_name("usage.sqlite-wal").write_bytes(b"another's journal")
    path.touch()
    with closing(open_database(path)) as conn:
        assert conn.execute("SELECT count(*) FROM usage_events").fetchone() == (0,)
    assert {p.name for p in tmp_path.iterdir()} == {"usage.sqlite", "usage.sqlite.left-over-wal"}


def test_journals_whose_database_is_gone_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    for journal in (b"commits", b"more commits", b""):
        path.with_name("usage.sqlite-wal").write_bytes(journal)
        open_database(path).close()
        path.unlink()
    kept = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert kept == {
        "usage.sqlite.left-over-wal": b"commits",
        "usage.sqlite.left-over-2-wal": b"more commits",
    }


def text_file(path: Path) -> None:
    path.write_text("this is no database\n" * 100)


def short_file(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE usage_events (id INTEGER PRIMARY KEY, event_hash TEXT)")
        conn.execute("INSERT INTO usage_events VALUES (1, 'a')")
        conn.commit()


def other_program_in_use(path: Path) -> None:
    """A database in WAL mode, whose journal was not played back at its end."""
    with closing(sqlite3.connect(path.with_name("source"))) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE usage_events (id INTEGER PRIMARY KEY)")
        conn.commit()
        for suffix in ("", "-wal"):
            path.with_name(path.name + suffix).write_bytes(
                path.with_name(f"source{suffix}").read_bytes()
            )
    path.with_name("source").unlink()


def other_program_crashed(path: Path) -> None:
    """A database with a journal that SQLite would roll back."""
    other_program(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA cache_size=1")
        conn.execute("BEGIN")
        conn.execute("CREATE TABLE filler (text)")
        conn.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
            "INSERT INTO filler SELECT hex(randomblob(200)) FROM n"
        )
        kept = path.with_name(f"{path.name}-journal").read_bytes()
        content = path.read_bytes()
        conn.execute("ROLLBACK")
    path.write_bytes(content)
    path.with_name(f"{path.name}-journal").write_bytes(kept)


FOREIGN = [text_file, short_file, other_program, other_program_in_use, other_program_crashed]


@pytest.mark.parametrize("make", FOREIGN)
@pytest.mark.parametrize("opened", [open_database, open_existing])
def test_a_foreign_file_is_left_alone(
    tmp_path: Path, make: Callable[[Path], None], opened: Callable[[Path], sqlite3.Connection]
) -> None:
    path = tmp_path / "usage.sqlite"
    make(path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ForeignDatabase, match=r"usage\.sqlite is not a"):
        opened(path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("opened", [open_database, open_existing, open_reader])
def test_a_newer_database_is_left_alone(
    tmp_path: Path, opened: Callable[[Path], sqlite3.Connection]
) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(open_database(path)) as conn:
        conn.execute(f"PRAGMA user_version={VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerDatabase, match=f"schema {VERSION + 1}"):
        opened(path)
    assert path.read_bytes() == before


def test_only_the_bootstrap_creates(tmp_path: Path) -> None:
    for opened in (open_existing, open_reader):
        with pytest.raises(sqlite3.OperationalError):
            opened(tmp_path / "usage.sqlite")
    assert os.listdir(tmp_path) == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    open_database(path).close()
    with closing(open_reader(path)) as conn, pytest.raises(sqlite3.OperationalError):
        conn.execute("DELETE FROM events")


# -- upgrades -----------------------------------------------------------------------------------

NEXT, LAST = VERSION + 1, VERSION + 2
STEPS = {
    NEXT: """
CREATE TABLE added (
    text TEXT  -- a ; in a comment
);
INSERT INTO added VALUES ('a;b');
""",
    LAST: "ALTER TABLE added ADD COLUMN number INTEGER;\nUPDATE added SET number = 3",
}


def test_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add(events(0, 20), 1)
    with closing(open_existing(path)) as conn:
        upgrade(conn, path, LAST, STEPS.__getitem__)
        assert conn.execute("PRAGMA user_version").fetchone() == (LAST,)
        assert conn.execute("SELECT * FROM added").fetchall() == [("a;b", 3)]
        # Nothing is left to do.
        upgrade(conn, path, LAST, {}.__getitem__)
    copy = path.with_name(f"usage.sqlite.v{VERSION}")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(open_reader(copy)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert conn.execute("SELECT count(*) FROM events").fetchone() == (20,)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(open_database(path)) as conn:
        steps = {**STEPS, LAST: "UPDATE added SET text = 'lost';\nSELECT nonsense FROM nowhere;"}
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            upgrade(conn, path, LAST, steps.__getitem__)
        assert conn.execute("PRAGMA user_version").fetchone() == (NEXT,)
        assert conn.execute("SELECT * FROM added").fetchall() == [("a;b",)]


SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
KEY = "usage-account-history:2"
OLD_KEYS = [
    (f"{KEY}:file-account:66:61", f"{KEY}:file-account:66:636F646578:61"),
    (f"{KEY}:file-label:66:6C", f"{KEY}:file-label:66:636F646578:6C"),
    (f"{KEY}:file-index:66:69", f"{KEY}:file-index:66:69"),
    (f"{KEY}:account:636F646578:61", f"{KEY}:account:636F646578:61"),
]


def test_version_1(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(open_database(path)) as conn:
        for old, _ in OLD_KEYS:
            conn.execute(
                "INSERT INTO quota_windows VALUES (NULL, ?, 'codex', 'weekly', 'all', '', 1, '{}')",
                (old,),
            )
            conn.execute("INSERT INTO quota_heads VALUES (?, 'codex', 's', 1, 1)", (old,))
        # What came with version 2.
        conn.execute("DROP TABLE account_log")
        conn.execute("DROP INDEX inspection_results_file")
        conn.execute("PRAGMA user_version=1")
    with closing(open_database(path)) as conn:
        for table in ("quota_windows", "quota_heads"):
            found = conn.execute(f"SELECT account_key FROM {table}").fetchall()
            assert sorted(found) == sorted((new,) for _, new in OLD_KEYS)
        upgraded = conn.execute(SCHEMA).fetchall()
    with closing(open_database(tmp_path / "new.sqlite")) as conn:
        assert upgraded == conn.execute(SCHEMA).fetchall()
