"""The recorded installation of the existing server, and what may have happened to one."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cpamp.lab import Manager, wait_until
from tests.answers import DATA
from tests.daemon import NO_KEY, Lab, data

RECORDED = DATA / "reference-db"
ADMIN_KEY = "cmp_admin_ReferenceTakeOver0123456789abcdef"
CPA_KEY = "lab-management-key"
EVENTS = 1369
PARTS = ("", "-wal", "-shm")
# What the recorded events and records hold in clear, and ours must not.
SECRETS = (
    *(b"secret-cookie-value", b"abcdefghijklmnop", b"sk-proj-ABCDEFGH12345678"),
    *(b"sk-codex-upstream-key-0001", b"sk-or-v1-upstream-0002", CPA_KEY.encode()),
)
COPY = """
WITH RECURSIVE copies (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {copies})
INSERT INTO usage_events SELECT {columns} FROM usage_events CROSS JOIN copies ORDER BY n, id
"""
CHANGED = {
    "id": "NULL",
    "event_hash": "event_hash || '-' || n",
    "timestamp_ms": "timestamp_ms + n * 1000",
    "timestamp": "strftime('%Y-%m-%dT%H:%M:%SZ', timestamp_ms / 1000 + n, 'unixepoch')",
}


def answers() -> dict[str, Any]:
    """What the existing server answered from its database."""
    with gzip.open(RECORDED / "answers.json.gz") as f:
        found: dict[str, Any] = json.load(f)
    return found


def unpack(folder: Path) -> Path:
    """Put its two files into a folder; where its database is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "usage.sqlite"
    path.write_bytes(gzip.decompress((RECORDED / "usage.sqlite.gz").read_bytes()))
    shutil.copyfile(RECORDED / "data.key", folder / "data.key")
    return path


def installation(lab: Lab, name: str = "manager", **environ: str) -> tuple[Manager, Path]:
    """A daemon that was not started yet on the data of the existing server, and its database."""
    manager = lab.manager(name, **NO_KEY, **environ)
    manager.http.key = ADMIN_KEY
    return manager, unpack(data(manager))


def change(path: Path, *statements: str) -> None:
    """Change a database, which is closed cleanly after."""
    with closing(sqlite3.connect(path)) as conn, conn:
        for statement in statements:
            conn.execute(statement)


def multiply(path: Path, copies: int) -> None:
    """Add as many copies of each event, each with a hash and a time of its own."""
    with closing(sqlite3.connect(path)) as conn, conn:
        names = [row[1] for row in conn.execute("PRAGMA table_info(usage_events)")]
        columns = ", ".join(CHANGED.get(name, name) for name in names)
        conn.execute(COPY.format(copies=copies, columns=columns))


def kill_after(path: Path, *statements: str) -> None:
    """Leave the files as a server does that is killed after some changes."""
    aside = path.with_name("aside")
    aside.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA wal_autocheckpoint=0")
        for statement in statements:
            conn.execute(statement)
        for part in PARTS:
            shutil.copy(path.with_name(path.name + part), aside)
    for file in aside.iterdir():
        file.replace(path.with_name(file.name))
    aside.rmdir()


def files(folder: Path) -> dict[str, bytes]:
    """The files in a folder, but for the lock."""
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file() and f.suffix != ".lock"}


def done(manager: Manager) -> dict[str, Any]:
    """The first takeover of a daemon, once it is through."""

    def entry() -> dict[str, Any]:
        found = manager.status()["takeovers"]
        return found[0] if found else {"state": ""}

    wait_until(lambda: entry()["state"] == "completed", what="the takeover")
    return entry()


def exported(manager: Manager) -> list[dict[str, Any]]:
    """All events of a daemon."""
    body = manager.http.request("GET", "/v0/management/usage/export")[1]
    return [json.loads(line) for line in body.splitlines()]


def without_failures(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Lines by hash, without what the existing server says of successes and has not redacted."""
    left_out = ("fail_summary", "fail_status_code")
    return {
        line["event_hash"]: {k: v for k, v in line.items() if k not in left_out} for line in lines
    }
