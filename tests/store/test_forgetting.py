"""What named somebody is overwritten; figures and the check for duplicates stay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from cpamp.store import aliases, dead_letters
from cpamp.store.aliases import Alias
from cpamp.store.checking import check_columns, quick_check
from cpamp.store.database import open_existing, open_reader
from cpamp.store.dead_letters import DeadLetter
from cpamp.store.forgetting import KINDS, Kind, forget
from cpamp.store.transaction import transaction
from cpamp.usage.event import Caller, End, Event, Who
from tests.store.samples import event, writing

ALICE = Who(
    auth_index="idx-alice",
    source="ali***@example.com",
    source_hash="5" * 64,
    account_snapshot="Alice@Example.com",
    auth_label_snapshot="Alice's",
    auth_file_snapshot="alice.json",
    auth_provider_snapshot="codex",
    auth_project_id_snapshot="project-alice",
    provider="codex",
)
BOB = Who(auth_index="idx-bob", account_snapshot="bob@example.com", provider="codex")


def one(number: int, **members: Any) -> Event:
    alice = number % 2 == 0
    made = event(
        number,
        who=ALICE if alice else BOB,
        api_key_hash="k" * 64 if alice else "other",
        caller=Caller("198.51.100.7", "203.0.113.9, 198.51.100.7", "alice-cli/1")
        if alice
        else Caller("198.51.100.8", "", "curl"),
        end=End(True, 429, "alice@example.com is over her limit" if alice else "over the limit"),
        raw=b'{"who":"alice"}' if alice else b'{"who":"bob"}',
        fail_body="a longer text",
    )
    return attrs.evolve(made, **members)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add([one(n) for n in range(100)], 1)
        letters = [
            DeadLetter('{"account":"alice@example.com"}', "bad", 1),
            DeadLetter("{}", "from 198.51.100.7: bad", 2),
            DeadLetter("{}", "bad", 3),
        ]
        writer.transaction(lambda conn: dead_letters.add(conn, letters))
    return path


def forgotten(path: Path, kind: Kind, text: str) -> int:
    """Forget it as the console does."""
    with closing(open_existing(path)) as conn:
        conn.execute("PRAGMA secure_delete=ON")
        found = forget(conn, kind, text)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return found


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(query).fetchall()


# The hash of the key "abcdef".
ABCDEF = "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
SUMS = """
SELECT count(*), sum(total_tokens), sum(latency_ms), count(DISTINCT hash), count(DISTINCT who),
    count(DISTINCT key), count(DISTINCT caller) FROM events
"""
# Kind, text, what must be gone from the file.
CASES: list[tuple[Kind, str, bytes]] = [
    ("account", "alice@example.com", b"lice@"),
    ("account", " ALICE.json ", b"alice.json"),
    ("account", "idx-alice", b"idx-alice"),
    ("account", "project-alice", b"project-alice"),
    ("key", "k" * 64, b"k" * 64),
    ("caller", "198.51.100.7", b"198.51.100.7"),
    ("caller", "203.0.113.9", b"203.0.113.9"),
    ("caller", "alice-cli/1", b"alice-cli"),
]


@pytest.mark.parametrize(("kind", "text", "gone"), CASES)
def test_forget(path: Path, kind: Kind, text: str, gone: bytes) -> None:
    before = rows(path, SUMS)
    assert gone in path.read_bytes()
    assert forgotten(path, kind, text) == 1
    assert gone not in path.read_bytes()
    assert rows(path, SUMS) == before
    # The texts of their single events went too, those of the others did not.
    assert rows(path, "SELECT count(raw), count(fail_body), count(request_id) FROM details") == [
        (50, 50, 100)
    ]
    assert rows(path, "SELECT count(*) FROM usage_events WHERE raw_json LIKE '%bob%'") == [(50,)]
    assert forgotten(path, kind, text) == 0
    with closing(open_reader(path)) as conn:
        assert quick_check(conn) == []
        assert check_columns(conn, path).differing == ""


def test_what_is_forgotten_does_not_come_back(path: Path) -> None:
    forgotten(path, "account", "alice.json")
    with writing(path) as writer:
        assert writer.add([one(n) for n in range(0, 100, 2)], 1).inserted == 0
    assert rows(path, "SELECT count(*) FROM who") == [(2,)]
    # A new event of theirs is no duplicate, and has a row of its own.
    with writing(path) as writer:
        assert writer.add([one(200)], 1).inserted == 1
    assert rows(path, "SELECT who FROM events ORDER BY id DESC LIMIT 1") == [(3,)]


def test_a_key_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with writing(path) as writer:
        writer.add([event(1, api_key_hash=ABCDEF)], 1)
    assert forgotten(path, "key", "abcdef") == 1


@pytest.mark.parametrize("text", ["abcdef", ABCDEF.upper()])
def test_the_name_of_a_key(path: Path, text: str) -> None:
    with closing(open_existing(path)) as conn, transaction(conn):
        aliases.put(conn, [], [Alias(ABCDEF, "Build", 1), Alias("0" * 64, "Other", 1)], 1)
    assert forgotten(path, "key", text) == 1
    assert forgotten(path, "key", text) == 0
    with closing(open_reader(path)) as conn:
        assert aliases.read(conn) == ([Alias("0" * 64, "Other", 1)], 2)
    assert b"Build" not in path.read_bytes()
    assert b"build" not in path.read_bytes()


@pytest.mark.parametrize(
    ("kind", "text", "left"),
    [("account", "alice@example.com", 2), ("caller", "198.51.100.7", 2), ("caller", "bad", 3)],
)
def test_dead_letters(path: Path, kind: Kind, text: str, left: int) -> None:
    """Those that name the text are emptied, unless it is too short to mean that; none goes."""
    forgotten(path, kind, text)
    whole = "SELECT count(*) FROM dead_letter_events WHERE payload <> '[forgotten]'"
    assert rows(path, whole) == [(left,)]
    assert rows(path, "SELECT count(*) FROM dead_letter_events") == [(3,)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["nobody", "", " ", "%", "alice@example.com' OR 1=1 --"])
def test_nobody(path: Path, kind: Kind, text: str) -> None:
    before = rows(path, "SELECT * FROM usage_events")
    assert forgotten(path, kind, text) == 0
    assert rows(path, "SELECT * FROM usage_events") == before
