"""The columns follow the database, whatever becomes of their files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from cpamp.columns.layout import NAMES
from cpamp.store.checking import ColumnsCheck, check_columns
from cpamp.store.database import open_database, open_existing, open_reader
from cpamp.store.derived import COMPARED_ROWS, Derived
from cpamp.store.reading import Dictionaries
from cpamp.store.writing import WriterConnection
from tests.store.samples import event, events, recorded, writing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with the events 0 to 1999, and its synced columns."""
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add(events(0, 2000), 1)
    return path


def files(path: Path) -> dict[str, bytes]:
    """The columns' files as they are on disk."""
    (folder,) = path.with_name("columns").iterdir()
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def rebuilt(path: Path) -> dict[str, bytes]:
    """The files of columns that are made of the database alone."""
    shutil.rmtree(path.with_name("columns"))
    with writing(path):
        pass
    return files(path)


def state(path: Path) -> Path:
    (found,) = path.with_name("columns").rglob("state.json")
    return found


def in_state(**members: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = orjson.loads(state(path).read_bytes())
        state(path).write_bytes(orjson.dumps({**content, **members}))

    return change


def truncated(path: Path) -> None:
    with state(path).with_name("total.i4.col").open("r+b") as file:
        file.truncate(1000)


def deleted(path: Path) -> None:
    shutil.rmtree(path.with_name("columns"))


def emptied(path: Path) -> None:
    for file in state(path).parent.iterdir():
        file.unlink()


def last_rows_differ(path: Path) -> None:
    with state(path).with_name("total.i4.col").open("r+b") as file:
        file.seek(4 * (2000 - COMPARED_ROWS))
        file.write(b"\xff\x00")


def other_generation(path: Path) -> None:
    folder = state(path).parent
    folder.rename(folder.with_name("7"))


SPOILT = [
    deleted,
    emptied,
    truncated,
    last_rows_differ,
    other_generation,
    in_state(version=99),
    in_state(store="another"),
    in_state(generation=5),
    in_state(last_id=2001),
    in_state(rows=1999),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_made_anew(path: Path, spoil: Callable[[Path], None]) -> None:
    before = files(path)
    spoil(path)
    derived = Derived.beside(path, Dictionaries())
    writer = WriterConnection(path, derived, lambda: None)
    writer.open()
    assert derived.status(2000) == {"ready": False, "rows": 0, "of": 2000}
    # What is stored meanwhile is neither lost nor doubled.
    with closing(open_reader(path)) as conn:
        assert derived.columns is not None
        writer.add(events(2000, 2100), 1)
        while derived.catch_up(conn, derived.columns):
            writer.add(events(2100, 2200), 1)
        writer.add(events(2200, 2300), 1)
    writer.finish_columns()
    assert derived.status(2300) == {"ready": True, "rows": 2300, "of": 2300}
    writer.add(events(2300, 2301), 1)
    writer.close()
    with closing(open_reader(path)) as conn:
        assert check_columns(conn, path) == ColumnsCheck(2301, 2301)
    assert before.keys() == files(path).keys()
    assert files(path) == rebuilt(path)


def test_rows_after_the_last_sync_are_read_again(path: Path) -> None:
    kept = files(path)
    with writing(path) as writer:
        writer.add(events(2000, 2500), 1)
    whole = files(path)
    # As if the process had been killed: the files of then, the database of now.
    for name, content in kept.items():
        state(path).with_name(name).write_bytes(content)
    derived = Derived.beside(path, Dictionaries())
    writer = WriterConnection(path, derived, lambda: None)
    writer.open()
    assert derived.status(2500) == {"ready": False, "rows": 2000, "of": 2500}
    writer.finish_columns()
    writer.close()
    assert files(path) == whole


def test_append_writes_what_a_rebuild_writes(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    some = recorded()
    with writing(path) as writer:
        for start in range(0, len(some), 40):
            writer.add(some[start : start + 40], 1)
        writer.add([event(1)], 300)
    assert files(path) == rebuilt(path)


def test_holes_in_the_ids(path: Path) -> None:
    with closing(open_existing(path)) as conn:
        conn.execute("DELETE FROM events WHERE id IN (1, 700, 701, 1500)")
    deleted(path)
    with writing(path) as writer:
        assert writer.derived.columns is not None
        snapshot = writer.derived.columns.snapshot()
        assert (snapshot.n, snapshot.row_of(700), snapshot.row_of(702)) == (1996, None, 698)
    with closing(open_reader(path)) as conn:
        assert check_columns(conn, path).differing == ""


def next_generation(path: Path, change: str = "") -> None:
    """Change in the database what is no event added, and say so."""
    bump = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"
    with closing(open_existing(path)) as conn:
        conn.executescript(f"BEGIN; {change}; {bump}; COMMIT")


def test_another_generation_is_made_anew(path: Path) -> None:
    with writing(path) as writer:
        assert writer.derived.columns is not None
        before = writer.derived.columns.snapshot()
        assert (before.n, before.generation) == (2000, 1)
    next_generation(path, "UPDATE events SET who = 1 WHERE id <= 10")
    with writing(path) as writer:
        assert writer.derived.columns is not None
        after = writer.derived.columns.snapshot()
        assert (after.n, after.generation) == (2000, 2)
        assert set(after.column("who")[:10].tolist()) == {1}
        # A question that is under way goes on with the former rows.
        assert set(before.column("who")[:10].tolist()) == set(range(1, 8))
    assert [f.name for f in path.with_name("columns").iterdir()] == ["2"]


def test_a_generation_without_events(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    open_database(path).close()
    next_generation(path)
    with writing(path) as writer:
        assert writer.derived.status(0) == {"ready": True, "rows": 0, "of": 0}
        writer.add([event(1)], 1)
        assert writer.derived.status(1) == {"ready": True, "rows": 1, "of": 1}


def test_rows_are_not_added_to_what_has_been_replaced(path: Path) -> None:
    """The database may have been replaced, too, while its rows were being read again."""
    with writing(path) as writer, closing(open_reader(path)) as conn:
        stale = writer.derived.columns
        assert stale is not None
        copy = path.with_name("copy.sqlite")
        with closing(sqlite3.connect(copy)) as other:
            conn.backup(other)
        copy.rename(path)
        next_generation(path)
        writer.transaction(lambda _: None)
        assert writer.derived.columns is not stale
        assert not writer.derived.catch_up(conn, stale)
        assert writer.derived.status(2000)["rows"] == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "text_end"])
def test_check_names_the_column_that_differs(path: Path, name: str) -> None:
    (file,) = path.with_name("columns").rglob(f"{name}.*.col")
    content = bytearray(file.read_bytes())
    content[len(content) // 65_536 * 700] ^= 0x55
    file.write_bytes(content)
    with closing(open_reader(path)) as conn:
        found = check_columns(conn, path)
    assert found.differing.startswith(f"column {name}, rows 0 to ")


def test_check_of_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    open_database(path).close()
    with closing(open_reader(path)) as conn:
        assert (check_columns(conn, path).rows, check_columns(conn, path).of) == (0, 0)
