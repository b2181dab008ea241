"""One generation of columns: append, snapshot, state (storage design, section 3).

One thread writes; any thread takes snapshots. The number of rows is published last, so that a
snapshot holds whole batches alone.
"""

from __future__ import annotations

import shutil
from bisect import bisect_right
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import orjson

from cpamp.columns.files import ColumnFile, TextFile, kind_of, narrower, needing_room, remove
from cpamp.columns.layout import BLOCK, FAILED, NAMES, TEXTS, TYPES, VERSION, Batch
from cpamp.security import files

STATE = "state.json"


@attrs.frozen
class Identity:
    """Of which database, and of which of its generations, the columns are."""

    store: str
    generation: int


@attrs.frozen(eq=False)
class Snapshot:
    """The rows that there were at one moment. Arrays are read-only maps.

    Row numbers mean the same in all snapshots of a generation.
    """

    n: int
    generation: int
    text_bytes: int
    _files: dict[str, ColumnFile]
    _texts: TextFile | None
    _blocks: list[tuple[int, int]]
    _runs: list[tuple[int, int]]

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column's rows."""
        if not self.n:
            return np.zeros(0, dtype=TYPES[name])
        return self._files[name].read(self.n)

    def texts(self) -> Any:
        """The texts of all rows, as a buffer."""
        return self._texts.read(self.text_bytes) if self._texts is not None else b""

    def text_start(self, row: int) -> int:
        """Where the texts of a row begin."""
        return int(self.column("text_end")[row - 1]) if row else 0

    def id_of(self, row: int) -> int:
        """The id of the event of a row."""
        first_row, first_id = self._runs[bisect_right(self._runs, (row, 1 << 62)) - 1]
        return first_id + row - first_row

    def ids_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The ids of the events of some rows."""
        if len(self._runs) == 1:
            first_row, first_id = self._runs[0]
            return rows + (first_id - first_row)
        starts = np.array([run[0] for run in self._runs])
        ids = np.array([run[1] for run in self._runs])
        at = np.searchsorted(starts, rows, side="right") - 1
        found: npt.NDArray[np.int64] = ids[at] + rows - starts[at]
        return found

    def row_of(self, number: int) -> int | None:
        """The row of the event with this id; None if it has none."""
        row = self.rows_up_to_id(number) - 1
        return row if row >= 0 and self.id_of(row) == number else None

    def rows_up_to_id(self, last_id: int) -> int:
        """How many rows have an id of at most this one."""
        rows = 0
        ends = [*(first_row for first_row, _ in self._runs[1:]), self.n]
        for (first_row, first_id), end in zip(self._runs, ends, strict=False):
            if last_id >= first_id:
                rows = min(first_row + last_id - first_id + 1, end)
        return rows

    def block_times(self, number: int) -> tuple[int, int]:
        """The least and the greatest time in a block."""
        return self._blocks[number]

    def block_ranges(self, from_ms: int, to_ms: int) -> list[tuple[int, int, bool]]:
        """The stretches of rows that may lie in ``[from_ms, to_ms)``.

        Each is (first row, row behind the last, whether all of it lies inside); neighbours of
        one kind are joined.
        """
        found: list[tuple[int, int, bool]] = []
        for number, (least, greatest) in enumerate(self._blocks):
            start, end = number * BLOCK, min((number + 1) * BLOCK, self.n)
            if start >= end or greatest < from_ms or least >= to_ms:
                continue
            whole = from_ms <= least and greatest < to_ms
            if found and found[-1][1] == start and found[-1][2] == whole:
                found[-1] = (found[-1][0], end, whole)
            else:
                found.append((start, end, whole))
        return found

    def rows_in(self, from_ms: int, to_ms: int) -> npt.NDArray[np.int64]:
        """The rows with a time in ``[from_ms, to_ms)``, ascending."""
        time = self.column("time")
        parts = []
        for start, end, whole in self.block_ranges(from_ms, to_ms):
            if whole:
                parts.append(np.arange(start, end))
            else:
                part = time[start:end]
                parts.append(np.flatnonzero((part >= from_ms) & (part < to_ms)) + start)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def totals(self, from_ms: int, to_ms: int) -> dict[str, int]:
        """Calls, failures and summed tokens over a range, exactly."""
        rows = self.rows_in(from_ms, to_ms)
        sums = {
            name: int(self.column(name)[rows].sum(dtype=np.int64))
            for name in ("input", "output", "reasoning", "cached", "total")
        }
        failed = self.column("flags")[rows] & FAILED
        return {"calls": len(rows), "failed": int(failed.sum(dtype=np.int64)), **sums}


@attrs.define(eq=False)
class Columns:
    """The columns in one folder. `append` and `sync` are the writer's."""

    folder: Path
    identity: Identity
    _files: dict[str, ColumnFile] = attrs.Factory(dict)
    _texts: TextFile | None = None
    _n: int = 0
    _text_bytes: int = 0
    _blocks: list[tuple[int, int]] = attrs.Factory(list)
    _runs: list[tuple[int, int]] = attrs.Factory(list)
    _last_id: int = 0
    # What a snapshot is, replaced as a whole after every append.
    _published: Snapshot | None = None
    synced_rows: int = 0

    @classmethod
    def create(cls, folder: Path, identity: Identity) -> Columns:
        """Empty columns; the folder's former content goes, the files come with the first rows."""
        shutil.rmtree(folder, ignore_errors=True)
        columns = cls(folder, identity)
        columns._publish()
        return columns

    @classmethod
    def recover(cls, folder: Path, identity: Identity, last_id: int) -> Columns | None:
        """The columns as last synced, or None where they can't be this database's.

        `last_id` is the newest id in the database.
        """
        try:
            state = orjson.loads(folder.joinpath(STATE).read_bytes())
            mine = [VERSION, identity.store, identity.generation]
            if [state["version"], state["store"], state["generation"]] != mine:
                return None
            columns = cls(folder, identity)
            columns._n = columns.synced_rows = int(state["rows"])
            columns._last_id = int(state["last_id"])
            columns._text_bytes = int(state["text_bytes"])
            columns._runs = [(int(row), int(number)) for row, number in state["runs"]]
            columns._blocks = [(int(low), int(high)) for low, high in state["blocks"]]
            for name in NAMES:
                columns._files[name] = ColumnFile.open(folder, name, state["types"][name])
            columns._texts = TextFile.open(folder / TEXTS)
            usable = columns._last_id <= last_id and columns._whole()
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return columns if usable else None

    def _whole(self) -> bool:
        """Publish the rows, if all of them can be there."""
        assert self._texts is not None
        enough = all(file.rows >= self._n for file in self._files.values())
        if not enough or self._texts.size < self._text_bytes:
            return False
        self._publish()
        last_id = self.snapshot().id_of(self._n - 1)
        return last_id == self._last_id and len(self._blocks) == -(-self._n // BLOCK)

    @property
    def last_id(self) -> int:
        """The id of the newest row, 0 where there is none."""
        return self._last_id

    @property
    def n(self) -> int:
        """How many rows are published."""
        return self.snapshot().n

    def snapshot(self) -> Snapshot:
        """The rows that there are now; costs nothing."""
        assert self._published is not None
        return self._published

    def append(self, batch: Batch) -> None:
        """Add rows and publish them. Raises `NoRoom`, after which nothing has changed."""
        if not len(batch):
            return
        if self._texts is None:
            self._make_files()
        assert self._texts is not None
        start, text_start = self._n, self._text_bytes
        self._texts.write(text_start, batch.texts)
        for name, values in zip(NAMES, batch.values, strict=True):
            if name == "text_end":
                values = values + text_start
            self._file_for(name, values).write(start, values)
        if not self._runs or batch.first_id != self._last_id + 1:
            self._runs = [*self._runs, (start, batch.first_id)]
        self._blocks = _with_times(self._blocks, start, batch.values[0])
        self._n = start + len(batch)
        self._text_bytes = text_start + len(batch.texts)
        self._last_id = batch.first_id + len(batch) - 1
        self._publish()

    def _make_files(self) -> None:
        with needing_room():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files = {name: ColumnFile.open(self.folder, name, new=True) for name in NAMES}
            self._texts = TextFile.open(self.folder / TEXTS, new=True)

    def _file_for(self, name: str, values: npt.NDArray[np.int64]) -> ColumnFile:
        """The column's file, of a type that the values fit."""
        while not self._files[name].fits(values):
            wider = self._files[name].widened(self._n)
            # A new dictionary: readers keep the files that their snapshot was made with.
            self._files = {**self._files, name: wider}
        return self._files[name]

    def _publish(self) -> None:
        self._published = Snapshot(
            self._n,
            self.identity.generation,
            self._text_bytes,
            self._files,
            self._texts,
            self._blocks,
            self._runs,
        )

    def sync(self) -> None:
        """Bring everything to the disk and say how far it goes; may run beside `append`."""
        snapshot = self.snapshot()
        if not snapshot.n or snapshot._texts is None:
            return
        for file in (*snapshot._files.values(), snapshot._texts):
            file.sync()
        types = {name: kind_of(file.type) for name, file in snapshot._files.items()}
        state = {
            "version": VERSION,
            "store": self.identity.store,
            "generation": self.identity.generation,
            "rows": snapshot.n,
            "last_id": snapshot.id_of(snapshot.n - 1),
            "text_bytes": snapshot.text_bytes,
            "runs": snapshot._runs,
            "types": types,
            "blocks": snapshot._blocks,
        }
        files.replace(self.folder / STATE, orjson.dumps(state))
        self.synced_rows = snapshot.n
        for name, kind in types.items():
            for outgrown in narrower(self.folder, name, kind):
                remove(outgrown)


def _with_times(
    blocks: list[tuple[int, int]], start: int, times: npt.NDArray[np.int64]
) -> list[tuple[int, int]]:
    """The least and greatest time of each block, with these rows added."""
    blocks = list(blocks)
    while len(times):
        number = start // BLOCK
        room = (number + 1) * BLOCK - start
        part, times = times[:room], times[room:]
        low, high = int(part.min()), int(part.max())
        if number < len(blocks):
            blocks[number] = (min(low, blocks[number][0]), max(high, blocks[number][1]))
        else:
            blocks.append((low, high))
        start += room
    return blocks
