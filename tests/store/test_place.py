"""The file goes away, comes back, is replaced, is locked, has no room: nothing is pretended."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.errors import StoreUnavailable
from cpamp.store.backup import backup
from cpamp.store.checking import check_columns, quick_check
from cpamp.store.database import open_database, open_reader
from cpamp.store.writing import WriterConnection
from tests.store.samples import event, events, writing

SUFFIXES = ("", "-wal", "-shm")


def move(path: Path, target: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Move a database with what lies beside it."""
    for suffix in suffixes:
        path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))


def copy(path: Path, target: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Copy it."""
    for suffix in suffixes:
        shutil.copyfile(path.with_name(path.name + suffix), target.with_name(target.name + suffix))


def numbers(path: Path) -> list[int]:
    """The numbers of all stored events, as a second program reads them; all must be in order."""
    with closing(open_reader(path)) as conn:
        assert quick_check(conn) == []
        assert check_columns(conn, path).differing == ""
        found = conn.execute("SELECT input_tokens FROM events ORDER BY id").fetchall()
    return [row[0] for row in found]


def refused(writer: WriterConnection, reason: str) -> None:
    """Nothing can be written, and the error says why."""
    with pytest.raises(StoreUnavailable, match=reason):
        writer.add([event(99)], 1)
    with pytest.raises(StoreUnavailable, match=reason):
        writer.probe()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data/usage.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[WriterConnection]:
    """The writer of a database with the events 0 to 9."""
    path.parent.mkdir()
    with writing(path) as writer:
        writer.add(events(0, 10), 1)
        yield writer


@pytest.mark.parametrize("suffixes", [SUFFIXES, ("",)])
def test_moved_away_and_back(
    writer: WriterConnection, path: Path, tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    aside = tmp_path / "aside.sqlite"
    move(path, aside, suffixes)
    refused(writer, "is gone; put it back")
    assert not path.exists()
    move(aside, path, suffixes)
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


@pytest.mark.parametrize("while_away", [True, False])
def test_deleted_and_a_whole_copy_put_back(
    writer: WriterConnection, path: Path, tmp_path: Path, while_away: bool
) -> None:
    """A copy with its journal, of which nothing was in the database's own file yet."""
    aside = tmp_path / "aside.sqlite"
    copy(path, aside)
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink()
    if while_away:
        refused(writer, "is gone; put it back")
    copy(aside, path)
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


def test_only_the_file_itself_is_replaced_by_its_copy(
    writer: WriterConnection, path: Path, tmp_path: Path
) -> None:
    """The newest commits are in the journal alone: it is kept, since it fits."""
    aside = tmp_path / "aside.sqlite"
    copy(path, aside, ("",))
    path.unlink()
    refused(writer, "is gone")
    copy(aside, path, ("",))
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


def test_replaced_by_an_older_backup(writer: WriterConnection, path: Path, tmp_path: Path) -> None:
    """The journal of the former file would destroy it."""
    aside = tmp_path / "aside.sqlite"
    with closing(open_reader(path)) as conn:
        backup(conn, aside)
    writer.add(events(10, 3000), 1)
    os.replace(aside, path)
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))
    assert path.with_name("usage.sqlite-wal.former").stat().st_size > 0
    writer.add(events(15, 20), 1)
    assert numbers(path) == list(range(20))


def test_replaced_by_a_copy_that_went_another_way(
    writer: WriterConnection, path: Path, tmp_path: Path
) -> None:
    """As many events, of the same store, but not the same: the columns are made anew."""
    other = tmp_path / "other/usage.sqlite"
    other.parent.mkdir()
    with closing(open_reader(path)) as conn:
        backup(conn, other)
    writer.add(events(10, 20), 1)
    with writing(other) as another:
        another.add(events(100, 110), 1)
    os.replace(other, path)
    writer.probe()
    writer.finish_columns()
    assert numbers(path) == [*range(10), *range(100, 110)]


@pytest.mark.parametrize("suffixes", [("-wal",), ("-wal", "-shm")])
def test_the_journal_alone_is_deleted(
    writer: WriterConnection, path: Path, suffixes: tuple[str, ...]
) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink()
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


def other_store(path: Path) -> None:
    open_database(path).close()


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE mine (id)")


def no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def empty(path: Path) -> None:
    path.touch()


REPLACEMENTS = [
    (other_store, "replaced by another database"),
    (other_program, "not a database of cpamp"),
    (no_database, "not an SQLite database"),
    (empty, "not a database of cpamp"),
]


@pytest.mark.parametrize(("make", "reason"), REPLACEMENTS)
def test_replaced_by_something_else(
    writer: WriterConnection,
    path: Path,
    tmp_path: Path,
    make: Callable[[Path], None],
    reason: str,
) -> None:
    aside = tmp_path / "aside.sqlite"
    move(path, aside)
    make(path)
    before = path.read_bytes()
    refused(writer, reason)
    refused(writer, reason)
    assert path.read_bytes() == before
    path.unlink()
    move(aside, path)
    assert writer.add(events(5, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


def test_the_last_moment_before_a_commit(
    writer: WriterConnection, path: Path, tmp_path: Path
) -> None:
    aside = tmp_path / "aside.sqlite"

    def work(conn: sqlite3.Connection) -> None:
        conn.execute("INSERT INTO settings VALUES ('a', '1', 0)")
        move(path, aside)

    with pytest.raises(StoreUnavailable, match="no longer the file"):
        writer.transaction(work)
    move(aside, path)
    found = writer.transaction(lambda c: c.execute("SELECT count(*) FROM settings").fetchone())
    assert found == (0,)


def test_locked_by_another_program(writer: WriterConnection, path: Path) -> None:
    assert writer._conn is not None
    # The usual 5 s are long for a test.
    writer._conn.execute("PRAGMA busy_timeout=50")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(writer, "locked")
        other.execute("ROLLBACK")
        assert writer.add(events(10, 15), 1).inserted == 5
    assert numbers(path) == list(range(15))


# -- no room ------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    """Take all the room that there is."""
    file = place / "filler"
    with file.open("wb", buffering=0) as f:
        try:
            while f.write(b"\0" * 4096):
                pass
        except OSError:
            return file


def added_until_full(writer: WriterConnection, first: int) -> tuple[int, str]:
    """The number of the first event that was not taken any more, and why."""
    for start in range(first, first + 50_000, 500):
        try:
            writer.add(events(start, start + 500), 1)
        except StoreUnavailable as error:
            return start, error.message
    raise AssertionError("there is room without end")


def test_no_room(small: Path) -> None:
    path = small / "usage.sqlite"
    with writing(path) as writer:
        writer.add(events(0, 500), 1)
        filler = fill(small)
        taken, reason = added_until_full(writer, 500)
        assert "full" in reason or "disk I/O" in reason
        # Whatever was accepted is there, and no more.
        with closing(open_reader(path)) as conn:
            assert conn.execute("SELECT count(*) FROM events").fetchone() == (taken,)
        filler.unlink()
        assert writer.add(events(taken - 100, taken + 100), 1).inserted == 100
        writer.finish_columns()
        assert writer.derived.level
    assert numbers(path) == list(range(taken + 100))


def test_no_room_for_columns_alone(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    (tmp_path / "columns").symlink_to(small)
    with writing(path) as writer:
        writer.add(events(0, 500), 1)
        derived = writer.derived
        filler = fill(small)
        for start in range(500, 40_000, 500):
            writer.add(events(start, start + 500), 1)
        assert derived.columns is not None
        behind = derived.columns.n
        status = derived.status(40_000)
        assert (status["ready"], status["rows"], status["of"]) == (False, behind, 40_000)
        assert "no room for the columns" in status["problem"]
        assert behind < 40_000
        writer.finish_columns()
        assert not derived.level
        filler.unlink()
        writer.finish_columns()
        assert derived.status(40_000) == {"ready": True, "rows": 40_000, "of": 40_000}
    assert numbers(path) == list(range(40_000))
