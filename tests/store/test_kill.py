"""Killed at any moment of a write: all of a batch or none, and columns as a rebuild makes them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from cpamp.store.checking import check_columns, quick_check
from cpamp.store.database import open_reader
from tests.store.samples import writing

# Writes batches of 97 for ever, and says so after each; every few batches it syncs the columns,
# and now and then a number no longer fits its column.
CHILD = """
import sys
from pathlib import Path
from cpamp.usage.event import Caller, Tokens
from tests.store.samples import event, writing

with writing(Path(sys.argv[1])) as writer:
    first = writer.events.last_id
    print("ready", flush=True)
    while True:
        batch = [event(n) for n in range(first, first + 97)]
        batch[3].tokens = Tokens(input_tokens=first + 3, total_tokens=first << 22)
        batch[5].caller = Caller(user_agent=f"agent {first}")
        writer.add(batch, 1)
        first += 97
        if first % 5 == 0:
            writer.derived.sync()
        print(first, flush=True)
"""
KILLS = 10


def files(path: Path) -> dict[str, bytes]:
    (folder,) = path.with_name("columns").iterdir()
    return {f.name: f.read_bytes() for f in folder.iterdir()}


def test_killed_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    moments = random.Random(20)
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        said = 0
        # Some batches, and then a moment within one.
        for _ in range(moments.randrange(1, 20)):
            said = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        said = int(rest[-1]) if rest else said
        with closing(open_reader(path)) as conn:
            assert quick_check(conn) == []
            (count,) = conn.execute("SELECT count(*) FROM events").fetchone()
            # Nothing that was said to be stored is missing; the batch after it is whole or absent.
            assert count in (said, said + 97)
            numbers = conn.execute("SELECT input_tokens FROM events ORDER BY id").fetchall()
            assert numbers == [(n,) for n in range(count)]
            assert check_columns(conn, path).differing == ""
        with writing(path) as writer:
            assert writer.derived.status(count) == {"ready": True, "rows": count, "of": count}
        as_recovered = files(path)
        shutil.rmtree(path.with_name("columns"))
        with writing(path):
            pass
        assert files(path) == as_recovered
