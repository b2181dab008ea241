"""Columns: what was appended is what is read, whatever happens to the files under a reader."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpamp.columns.columns import STATE, Columns, Identity
from cpamp.columns.layout import BILLED, BLOCK, FAILED, NAMES, TYPES, Batch

IDENTITY = Identity("a-store", 1)
HOUR = 3_600_000


def batch(first_id: int, count: int, **values: Any) -> Batch:
    """Rows that can be told apart; `values` replace those of a column."""
    ids = np.arange(first_id, first_id + count)
    texts = [b"req-%d\ntrace-%d\n" % (number, number) for number in ids]
    made = dict.fromkeys(NAMES, ids % 100)
    made["time"] = ids * 1000
    made["flags"] = np.where(ids % 5 == 0, FAILED, 0) | np.where(ids % 7 == 0, BILLED, 0)
    made["text_end"] = np.cumsum([len(text) for text in texts])
    for name, value in values.items():
        made[name] = np.broadcast_to(np.asarray(value, dtype=np.int64), count)
    return Batch(first_id, [made[name].astype(np.int64) for name in NAMES], b"".join(texts))


def content(columns: Columns) -> tuple[dict[str, list[int]], bytes]:
    """Everything that a reader sees."""
    snapshot = columns.snapshot()
    return {name: snapshot.column(name).tolist() for name in NAMES}, bytes(snapshot.texts())


def recovered(columns: Columns, last_id: int = 2**40) -> Columns | None:
    return Columns.recover(columns.folder, columns.identity, last_id)


@pytest.fixture
def columns(tmp_path: Path) -> Columns:
    return Columns.create(tmp_path / "1", IDENTITY)


# -- append and read ----------------------------------------------------------------------------


def test_none(columns: Columns) -> None:
    snapshot = columns.snapshot()
    assert (snapshot.n, snapshot.generation, columns.last_id) == (0, 1, 0)
    assert {name: snapshot.column(name).dtype.str for name in NAMES} == {
        name: np.dtype(kind).str for name, kind in TYPES.items()
    }
    assert bytes(snapshot.texts()) == b""
    assert snapshot.rows_in(-(2**60), 2**60).tolist() == []
    assert snapshot.row_of(1) is None
    assert snapshot.totals(0, 2**60)["calls"] == 0
    columns.sync()
    assert recovered(columns) is None


def test_a_snapshot_is_whole_batches(columns: Columns) -> None:
    columns.append(batch(1, 10))
    early = columns.snapshot()
    columns.append(batch(11, BLOCK))
    late = columns.snapshot()
    assert (early.n, late.n) == (10, BLOCK + 10)
    assert early.column("time").tolist() == [n * 1000 for n in range(1, 11)]
    assert len(late.column("time")) == BLOCK + 10
    assert late.column("text_end")[-1] == len(late.texts())
    assert bytes(late.texts()[late.text_start(10) : late.text_start(11)]) == b"req-11\ntrace-11\n"
    assert late.text_start(0) == 0


def test_columns_cannot_be_written_through(columns: Columns) -> None:
    columns.append(batch(1, 10))
    with pytest.raises(ValueError, match="read-only"):
        columns.snapshot().column("who")[0] = 1


def test_ids_with_holes(columns: Columns) -> None:
    for first, count in ((5, 3), (8, 2), (20, 4), (100, 1)):
        columns.append(batch(first, count))
    snapshot = columns.snapshot()
    ids = [5, 6, 7, 8, 9, 20, 21, 22, 23, 100]
    assert [snapshot.id_of(row) for row in range(10)] == ids
    assert snapshot.ids_of(np.array([9, 0, 4, 5])).tolist() == [100, 5, 9, 20]
    assert [snapshot.row_of(number) for number in (*ids, 4, 10, 19, 24, 101)] == [
        *range(10),
        *[None] * 5,
    ]
    assert [snapshot.rows_up_to_id(n) for n in (4, 5, 9, 15, 20, 50, 100, 999)] == [
        *(0, 1, 5, 5, 6, 9, 10, 10)
    ]


BATCHES = st.lists(
    st.lists(st.integers(-5 * HOUR, 5 * HOUR), min_size=1, max_size=30), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=60)
@given(BATCHES, st.integers(-6 * HOUR, 6 * HOUR), st.integers(-6 * HOUR, 6 * HOUR), st.booleans())
def test_ranges(times: list[list[int]], start: int, end: int, synced: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        columns = Columns.create(Path(folder) / "1", IDENTITY)
        for some in times:
            columns.append(batch(columns.last_id + 1, len(some), time=some))
        if synced:
            columns.sync()
            columns = recovered(columns) or columns
        snapshot = columns.snapshot()
        flat = [time for some in times for time in some]
        rows = [row for row, time in enumerate(flat) if start <= time < end]
        assert snapshot.rows_in(start, end).tolist() == rows
        totals = snapshot.totals(start, end)
        assert totals["calls"] == len(rows)
        assert totals["failed"] == sum((row + 1) % 5 == 0 for row in rows)
        assert totals["input"] == sum((row + 1) % 100 for row in rows)


def test_ranges_over_blocks(columns: Columns) -> None:
    """Blocks that lie inside are taken whole, those outside are not looked at."""
    for _ in range(3):
        columns.append(batch(columns.last_id + 1, BLOCK))
    snapshot = columns.snapshot()
    inner = (BLOCK // 2 * 1000, (2 * BLOCK + 10) * 1000)
    assert snapshot.block_ranges(*inner) == [
        (0, BLOCK, False),
        (BLOCK, 2 * BLOCK, True),
        (2 * BLOCK, 3 * BLOCK, False),
    ]
    assert snapshot.block_ranges(0, 10_000) == [(0, BLOCK, False)]
    assert snapshot.rows_in(*inner).tolist() == list(range(BLOCK // 2 - 1, 2 * BLOCK + 9))


def test_sums_are_exact(columns: Columns) -> None:
    columns.append(batch(1, 1000, input=2**52 + 1, total=[2**31 - 1] * 1000))
    totals = columns.snapshot().totals(0, 2**60)
    assert (totals["input"], totals["total"]) == (1000 * (2**52 + 1), 1000 * (2**31 - 1))


# -- widening -----------------------------------------------------------------------------------

WIDENINGS = [
    ("who", 65_535, "<u2"),
    ("who", 65_536, "<u4"),
    ("who", 2**32, "<i8"),
    ("caller", 2**32 - 1, "<u4"),
    ("caller", 2**32, "<i8"),
    ("input", 2**31 - 1, "<i4"),
    ("input", 2**31, "<i8"),
    ("latency", -1, "<i4"),
    ("latency", -(2**31) - 1, "<i8"),
    ("connection", 255, "|u1"),
    ("connection", 256, "<u2"),
    ("connection", 65_536, "<u4"),
]


@pytest.mark.parametrize(("name", "value", "kind"), WIDENINGS)
@pytest.mark.parametrize("mapped", [True, False])
def test_widening(columns: Columns, name: str, value: int, kind: str, mapped: bool) -> None:
    columns.append(batch(1, 10))
    before = columns.snapshot()
    if mapped:
        before.column(name)
    columns.append(batch(11, 3, **{name: value}))
    after = columns.snapshot()
    assert after.column(name).dtype.str == kind
    assert after.column(name).tolist() == [*range(1, 11), value, value, value]
    # Also for a reader that looks at it only now.
    assert before.column(name).tolist() == list(range(1, 11))
    columns.sync()
    again = recovered(columns)
    assert again is not None
    assert content(again) == content(columns)
    assert len(list(columns.folder.glob(f"{name}.*"))) == 1


def test_a_crash_after_widening(columns: Columns) -> None:
    """The last state names the narrow file, which is still there."""
    columns.append(batch(1, 10))
    columns.sync()
    synced = content(columns)
    columns.append(batch(11, 3, who=70_000))
    again = recovered(columns)
    assert again is not None
    assert content(again) == synced
    again.append(batch(11, 3, who=80_000))
    assert again.snapshot().column("who").tolist() == [*range(1, 11), *[80_000] * 3]


def test_rows_after_the_last_sync_are_written_again(columns: Columns) -> None:
    columns.append(batch(1, 10))
    columns.sync()
    columns.append(batch(11, 500, who=99))
    again = recovered(columns)
    assert again is not None
    assert (again.n, again.last_id, again.synced_rows) == (10, 10, 10)
    again.append(batch(11, 3))
    assert content(again)[0]["who"] == list(range(1, 14))


def test_a_snapshot_outlives_its_folder(columns: Columns) -> None:
    columns.append(batch(1, 10))
    snapshot = columns.snapshot()
    shutil.rmtree(columns.folder)
    del columns
    assert snapshot.column("time").tolist() == [n * 1000 for n in range(1, 11)]
    assert bytes(snapshot.texts()).startswith(b"req-1\ntrace-1\nreq-2")


# -- what can't be used -------------------------------------------------------------------------


def changed(**members: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        state = orjson.loads(folder.joinpath(STATE).read_bytes())
        folder.joinpath(STATE).write_bytes(orjson.dumps({**state, **members}))

    return change


def cut(name: str, size: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with folder.joinpath(name).open("r+b") as file:
            file.truncate(size)

    return change


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: folder.joinpath(name).unlink()


def garbled(folder: Path) -> None:
    folder.joinpath(STATE).write_bytes(b'{"version":')


UNUSABLE = [
    shutil.rmtree,
    garbled,
    without(STATE),
    without("who.u2.col"),
    without("texts"),
    cut("who.u2.col", 198),
    cut("texts", 100),
    cut(STATE, 20),
    cut(STATE, 0),
    changed(version=0),
    changed(version=99),
    changed(store="another"),
    changed(generation=2),
    changed(rows=10**6),
    changed(rows=0, runs=[]),
    changed(rows=99),
    changed(runs=[[0, 2]]),
    changed(rows="many"),
    changed(blocks=[]),
    changed(types={}),
    changed(text_bytes=10**9),
]


@pytest.mark.parametrize("spoil", UNUSABLE)
def test_unusable(columns: Columns, spoil: Callable[[Path], None]) -> None:
    columns.append(batch(1, 100))
    columns.sync()
    assert recovered(columns) is not None
    spoil(columns.folder)
    assert recovered(columns) is None


def test_more_rows_than_the_database_has(columns: Columns) -> None:
    columns.append(batch(1, 100))
    columns.sync()
    assert recovered(columns, 99) is None
    assert recovered(columns, 100) is not None
