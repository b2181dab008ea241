"""Commands on a database with real records: check, show, forget, compact, backup, restore."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from cpamp.pricing.price import read_book
from cpamp.security import datakey
from cpamp.security.lock import FolderLock, ProcessLock
from cpamp.security.secrets import SecretBox
from cpamp.setup.bootstrap import CONFIG_SETTING
from cpamp.store import aliases, prices
from cpamp.store import settings as stored
from cpamp.store.aliases import Alias
from cpamp.store.database import open_database, open_existing, open_reader
from cpamp.store.derived import Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.transaction import transaction
from cpamp.store.writing import WriterConnection
from cpamp.usage.event import Event
from cpamp.usage.record import decode
from tests.console import Console

RECORDS = Path(__file__).parent.parent / "data/cpa/records.jsonl"
SUMS = "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(total_tokens) FROM events"


def events() -> list[Event]:
    """All recorded events, the raw payloads kept."""
    found = [
        decode(line, now_ms=1_790_000_000_000, keep_raw=True)
        for line in RECORDS.read_bytes().splitlines()
    ]
    return [event for event in found if isinstance(event, Event)]


def write(database: Path, some: list[Event]) -> int:
    """Store events as the daemon does, and stop cleanly; how many were new."""
    writer = WriterConnection(database, Derived.beside(database, Dictionaries()), lambda: None)
    writer.open()
    try:
        return writer.add(some, 1).inserted
    finally:
        writer.close()


def sums(database: Path) -> tuple[int, ...]:
    with closing(sqlite3.connect(database)) as conn:
        found: tuple[int, ...] = conn.execute(SUMS).fetchone()
    return found


def content(folder: Path) -> bytes:
    """All bytes below a folder."""
    return b"\0".join(f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    path = tmp_path / "data/usage.sqlite"
    sealed = SecretBox(datakey.create(path.with_name("data.key"))).encrypt("cpa-key")
    with closing(open_database(path)) as conn:
        record = {"cpaConnection": {"cpaBaseUrl": "http://cpa", "managementKey": sealed}}
        stored.put(conn, CONFIG_SETTING, record, 1)
    write(path, events())
    return path


def test_check(call: Console, database: Path) -> None:
    said = call("check")
    count = sums(database)[0]
    assert (said.status, said.err) == (0, "")
    assert f"{count:,} rows equal to the database" in said.out
    with ProcessLock(database):
        assert call("check") == said


def test_verify_leaves_nothing_out(call: Console, database: Path) -> None:
    newest = [attrs.evolve(event, event_hash=f"new {i}") for i, event in enumerate(events()[:3])]
    writer = WriterConnection(database, Derived.beside(database, Dictionaries()), lambda: None)
    writer.open()
    try:
        writer.add(newest, 1)
        said = call("verify")
    finally:
        writer.close()
    assert (said.status, said.err) == (0, "")
    assert said.out.count("all figures agree") == 4
    assert f"{len(events()) + 3:,} events" in said.out.splitlines()[-1]


def test_verify_without_events(call: Console, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    open_database(tmp_path / "data/usage.sqlite").close()
    said = call("verify")
    assert (said.status, said.out) == (0, "there are no events yet, and so no figures\n")


def test_check_finds_a_damaged_column(call: Console, database: Path) -> None:
    column = next((database.parent / "columns").rglob("total.*.col"))
    raw = bytearray(column.read_bytes())
    raw[40] ^= 1
    column.write_bytes(raw)
    said = call("check")
    assert said.status == 1
    assert "differ from the database: column total" in said.out


def test_check_finds_damaged_texts(call: Console, database: Path) -> None:
    texts = next((database.parent / "columns").rglob("texts"))
    raw = bytearray(texts.read_bytes())
    raw[10] ^= 1
    texts.write_bytes(raw)
    said = call("check")
    assert (said.status, "differ from the database: column texts" in said.out) == (1, True)


def test_check_finds_a_lost_row(call: Console, database: Path) -> None:
    with closing(open_existing(database)) as conn:
        conn.execute("DELETE FROM model WHERE id = 1")
    said = call("check")
    assert (said.status, "refers to no row of model" in said.out) == (1, True)


def test_check_finds_a_wrong_data_key(call: Console, database: Path) -> None:
    said = call("check", CPA_MANAGER_DATA_KEY="another")
    assert (said.status, "does not fit the saved CPA key" in said.out) == (1, True)


def test_show(call: Console, database: Path) -> None:
    by_number = json.loads(call("show", "7").out)
    assert by_number["id"] == 7
    assert by_number == json.loads(call("show", by_number["event_hash"]).out)
    with closing(sqlite3.connect(database)) as conn:
        (total,) = conn.execute("SELECT total_tokens FROM events WHERE id = 7").fetchone()
    assert by_number["total_tokens"] == total
    shown = [json.loads(call("show", str(number)).out) for number in (1, 50, 100)]
    assert all("raw" in event and "timestamp" in event for event in shown)
    with_metadata = next(
        number for number, event in enumerate(events(), 1) if b"quota" in event.metadata
    )
    assert isinstance(json.loads(call("show", str(with_metadata)).out)["response_metadata"], dict)


@pytest.mark.parametrize("event", ["0", "999999", "abc", "f" * 64, "9" * 40])
def test_show_nothing(call: Console, database: Path, event: str) -> None:
    said = call("show", event)
    assert (said.status, said.out) == (1, "")
    assert said.err == f"show: there is no event {event}\n"


def test_forget_an_account(call: Console, database: Path) -> None:
    before = sums(database)
    victim = next(e for e in events() if "@" in e.who.source or "*" in e.who.source)
    text = victim.who.source
    assert text.encode() in content(database.parent)
    said = call("forget", "account", text.upper())
    assert (said.status, said.err) == (0, "")
    assert text.encode() not in content(database.parent)
    assert sums(database) == before
    assert call("check").status == 0
    # What is known is still known as a duplicate.
    assert write(database, [victim]) == 0
    assert call("forget", "account", text).status == 1


def test_forget_a_key(call: Console, database: Path) -> None:
    before = sums(database)
    victim = next(e.api_key_hash for e in events() if e.api_key_hash)
    assert call("forget", "key", victim).status == 0
    assert victim.encode() not in content(database.parent)
    assert sums(database) == before


def test_forget_a_caller(call: Console, database: Path) -> None:
    with closing(sqlite3.connect(database)) as conn:
        (agent,) = conn.execute(
            "SELECT user_agent FROM caller WHERE user_agent <> '' LIMIT 1"
        ).fetchone()
        (others,) = conn.execute(
            "SELECT count(*) FROM caller WHERE user_agent <> ? AND user_agent <> ''", (agent,)
        ).fetchone()
    assert call("forget", "caller", agent).status == 0
    with closing(sqlite3.connect(database)) as conn:
        (left,) = conn.execute("SELECT count(*) FROM caller WHERE user_agent <> ''").fetchone()
    assert left == others
    assert agent.encode() not in content(database.parent)


@pytest.mark.parametrize(
    "command", [("forget", "account", "x"), ("compact",), ("cleanup-derived",)]
)
def test_not_while_the_daemon_runs(call: Console, database: Path, command: tuple[str, ...]) -> None:
    with ProcessLock(database):
        said = call(*command)
    assert (said.status, said.out) == (1, "")
    assert "stop Manager Server and retry" in said.err
    assert len(said.err.splitlines()) == 1


def test_compact(call: Console, database: Path) -> None:
    before = sums(database)
    with closing(open_existing(database)) as conn:
        conn.execute("DELETE FROM details")
    said = call("compact")
    sizes = [int(word.replace(",", "")) for word in said.out.split() if word[0].isdigit()]
    assert said.status == 0
    assert sizes[1] < sizes[0] // 2
    assert database.stat().st_size == sizes[1]
    assert sums(database) == before


def test_cleanup_derived(call: Console, database: Path) -> None:
    count = sums(database)[0]
    assert call("cleanup-derived").out == "No pending derived cleanup jobs.\n"
    for file in (database.parent / "columns").rglob("*.col"):
        file.unlink()
    said = call("cleanup-derived")
    assert said.out == (
        f"Derived cleanup completed: jobs=1 processed_rows={count} prepared_indexes=0\n"
    )
    assert call("cleanup-derived").out == "No pending derived cleanup jobs.\n"
    assert call("check").status == 0


@pytest.mark.parametrize(
    ("name", "reason"), [("none", "not found"), ("empty", "is empty"), (".", "is a directory")]
)
def test_cleanup_derived_refuses(call: Console, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "empty").touch()
    said = call("cleanup-derived", "--db-path", name)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("cleanup derived data: ")
    assert "is not a non-empty file" in said.err
    assert reason in said.err


def test_backup_and_restore(call: Console, database: Path, tmp_path: Path) -> None:
    before = sums(database)
    with ProcessLock(database), closing(open_existing(database)) as writer:
        # The daemon runs, and is in the middle of something.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM details")
        said = call("backup", "--out", "copy")
        writer.execute("ROLLBACK")
    assert (said.status, said.err) == (0, "")
    assert {p.name for p in (tmp_path / "copy").iterdir()} == {"usage.sqlite", "data.key"}
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "copy").iterdir()} == {0o600}
    with closing(open_existing(database)) as conn:
        conn.execute("DELETE FROM events")
    database.with_name("data.key").write_text("A" * 43)
    said = call("restore", "--from", "copy")
    assert (said.status, said.err) == (0, "")
    assert sums(database) == before
    assert call("check").status == 0
    assert write(database, events()) == 0
    kept = sorted(p.name for p in database.parent.iterdir() if ".before-restore-" in p.name)
    assert [name.partition(".before")[0] for name in kept] == ["data.key", "usage.sqlite"]
    assert sums(database.with_name(kept[1]))[0] == 0


def test_prices_and_names_are_backed_up(call: Console, database: Path) -> None:
    def kept() -> tuple[Any, Any]:
        with closing(open_reader(database)) as conn:
            return prices.read(conn, raw=True), aliases.read(conn)

    tier = {"thresholdTokens": 9, "prompt": 2, "promptConfigured": True}
    book = read_book({"m": {"prompt": 1, "rawJson": "{}", "contextTiers": [tier]}})
    with closing(open_existing(database)) as conn, transaction(conn):
        prices.replace(conn, book, 5)
        aliases.put(conn, [], [Alias("a" * 64, "Build", 6)], 6)
    before = kept()
    call("backup", "--out", "copy")
    with closing(open_existing(database)) as conn, transaction(conn):
        prices.replace(conn, {}, 7)
        aliases.delete(conn, "a" * 64, 7)
    assert kept() != before
    assert call("restore", "--from", "copy").status == 0
    assert kept() == before
    assert call("check").status == 0


def test_restore_to_another_machine(call: Console, database: Path, tmp_path: Path) -> None:
    call("backup", "--out", "copy")
    elsewhere = {"USAGE_DATA_DIR": "elsewhere"}
    said = call("restore", "--from", "copy", **elsewhere)
    assert (said.status, said.err) == (0, "")
    assert sums(tmp_path / "elsewhere/usage.sqlite") == sums(database)
    assert call("check", **elsewhere).status == 0
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o700


def test_a_copy_by_hand_is_restored_with_its_journal(
    call: Console, database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "by-hand"
    copy.mkdir()
    with closing(open_existing(database)) as conn:
        conn.execute("PRAGMA wal_autocheckpoint=0")
        with transaction(conn):
            prices.replace(conn, read_book({"m": {"prompt": 1}}), 5)
        for suffix in ("", "-wal"):
            shutil.copy(database.with_name(database.name + suffix), copy)
        with transaction(conn):
            prices.replace(conn, {}, 6)
    assert (copy / "usage.sqlite-wal").stat().st_size
    assert call("restore", "--from", "by-hand").status == 0
    with closing(open_reader(database)) as conn:
        assert list(prices.read(conn).prices) == ["m"]


def test_a_restore_without_room_changes_nothing(
    call: Console, database: Path, tmp_path: Path
) -> None:
    call("backup", "--out", "copy")
    before = {p.name: p.read_bytes() for p in database.parent.iterdir() if p.is_file()}
    # Where the copy is to be written there is something that can't be replaced.
    (database.parent / "usage.sqlite.partial").mkdir()
    assert call("restore", "--from", "copy").status == 1
    assert {name: (database.parent / name).read_bytes() for name in before} == before


def test_backup_refuses_a_folder_with_something_in_it(call: Console, database: Path) -> None:
    said = call("backup", "--out", "data")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("backup: ")
    assert "is not empty" in said.err


def test_restore_refuses(call: Console, database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    (tmp_path / "bad").mkdir()
    for spoil, reason in (
        (lambda p: None, "not found"),
        (lambda p: p.write_bytes(b"no database at all"), "is not an SQLite database"),
        (lambda p: p.write_bytes(before[:8192] + bytes(len(before) - 8192)), "damaged"),
    ):
        spoil(tmp_path / "bad/usage.sqlite")
        said = call("restore", "--from", "bad")
        assert (said.status, said.out) == (1, "")
        assert reason in said.err
    with ProcessLock(database):
        call("backup", "--out", "good")
        said = call("restore", "--from", "good")
    assert (said.status, "stop Manager Server and retry" in said.err) == (1, True)
    # Another database beside it is in use, and so are the columns.
    beside = FolderLock(database.parent)
    beside.acquire()
    said = call("restore", "--from", "good")
    beside.release()
    assert (said.status, "another daemon keeps its files in" in said.err) == (1, True)
    assert database.read_bytes() == before
