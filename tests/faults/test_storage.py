"""Storage that fails under the running daemon: spooled, told, and nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.lab import wait_until
from tests.daemon import Lab, data
from tests.faults.collecting import Collecting


def test_a_database_locked_for_longer_than_the_daemon_waits(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.publish(50)
    both.all_here()
    with closing(
        sqlite3.connect(data(both.manager) / "usage.sqlite", isolation_level=None)
    ) as conn:
        conn.execute("BEGIN IMMEDIATE")
        both.publish(300, seed=2, per_second=300)
        both.wait(lambda s: s["spoolEvents"] > 0, "the spool to be used")
        assert both.status["lastError"].startswith("store: ")
        assert both.manager.events() == 50
        conn.execute("ROLLBACK")
    both.all_here()
    both.wait(lambda s: s["spoolEvents"] == 0, "the spool to be replayed")


def test_a_database_that_takes_long_for_every_commit(lab: Lab) -> None:
    both = Collecting.begin(lab)
    held, over = 0, threading.Event()

    def hold() -> None:
        nonlocal held
        path = data(both.manager) / "usage.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as conn:
            while not over.is_set():
                conn.execute("BEGIN IMMEDIATE")
                over.wait(0.3)
                conn.execute("ROLLBACK")
                held += 1
                over.wait(0.02)

    holder = threading.Thread(target=hold)
    holder.start()
    answers = []
    try:
        both.publish(2_000, per_second=2_000)
        while both.manager.events() < 2_000:
            began = time.monotonic()
            assert both.manager.http.request("GET", "/health")[0] == 200
            answers.append(time.monotonic() - began)
            assert over.wait(0.05) is False
            assert sum(answers) + 0.05 * len(answers) < 60, "the events did not come"
    finally:
        over.set()
        holder.join()
    both.all_here()
    assert held >= 3
    # Whoever asks does not wait for the disk.
    assert sorted(answers)[len(answers) // 2] < 0.1
    assert both.counts().get("detached", 0) == 0


@pytest.mark.parametrize("deleted", [True, False])
def test_a_database_that_is_gone_and_comes_back(lab: Lab, deleted: bool) -> None:
    both = Collecting.begin(lab)
    both.publish(50)
    both.all_here()
    path = data(both.manager) / "usage.sqlite"
    away = path.with_name("away.sqlite")
    if deleted:
        path.rename(away)
    else:
        shutil.copy(path, away)
        path.rename(path.with_name("first.sqlite"))
        with closing(sqlite3.connect(path)) as conn:
            conn.execute("CREATE TABLE other (x)")
            conn.commit()
    both.publish(200, seed=2)
    status = both.wait(lambda s: s["spoolEvents"] >= 200, "all to be spooled")
    assert "store: " in status["lastError"]
    assert both.manager.events() == 50
    path.unlink(missing_ok=True)
    path.with_name("first.sqlite" if not deleted else "away.sqlite").rename(path)
    both.all_here()


def test_a_full_disk_and_then_room_again(lab: Lab, small_disk: Path) -> None:
    both = Collecting.begin(lab, USAGE_DATA_DIR=str(small_disk / "data"))
    both.publish(100)
    both.all_here()
    filler = small_disk / "filler"
    free = shutil.disk_usage(small_disk).free
    with filler.open("wb") as f:
        f.write(b"x" * (free - 64 * 1024))
    both.publish(2_000, seed=2, per_second=2_000)
    both.wait(lambda s: "store: " in s.get("lastError", ""), "the error to show")
    assert both.manager.http.request("GET", "/health")[0] == 200
    filler.unlink()
    both.all_here(90)


def test_a_spool_that_was_left_over_is_stored_at_the_start(lab: Lab) -> None:
    both = Collecting.begin(lab)
    both.publish(50)
    both.all_here()
    path = data(both.manager) / "usage.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        both.publish(100, seed=2)
        both.wait(lambda s: s["spoolEvents"] == 100, "all to be spooled")
        both.manager.stop(9)
        conn.execute("ROLLBACK")
    both.manager.start()
    both.all_here()


@pytest.mark.parametrize("harm", ["deleted", "truncated", "other version"])
def test_columns_that_are_no_good_are_made_anew(lab: Lab, harm: str) -> None:
    both = Collecting.begin(lab)
    both.publish(500, per_second=1_000)
    both.all_here()
    both.manager.stop()
    columns = data(both.manager) / "columns"
    if harm == "deleted":
        shutil.rmtree(columns)
    elif harm == "truncated":
        next(columns.glob("*/time.*.col")).write_bytes(b"x" * 100)
    else:
        state = next(columns.glob("*/state.json"))
        state.write_bytes(state.read_bytes().replace(b'"version":', b'"version":1'))
    both.manager.start()
    wait_until(
        lambda: both.manager.status()["derived"] == {"ready": True, "rows": 500, "of": 500},
        what="the columns to be level",
    )
    both.all_here()
