"""The daemon started on the data of the existing server (server contract, 21)."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.security.lock import ProcessLock
from cpamp.store import aliases, prices
from cpamp.store.database import open_reader
from cpamp.takeover import progress
from tests.answers import differences
from tests.daemon import Lab, data, refused, setting
from tests.faults.collecting import Collecting
from tests.takeover import existing
from tests.takeover.existing import (
    EVENTS,
    PARTS,
    SECRETS,
    answers,
    done,
    exported,
    files,
    installation,
    without_failures,
)

SAVED_URL = "UPDATE settings SET value = json_set(value, '$.cpaConnection.cpaBaseUrl', "
IN_JOURNAL = "INSERT INTO api_key_aliases VALUES (printf('%064d', 2), 'From the journal', 5)"
NEWER_NAME = "UPDATE usage_events SET user_agent = 'from the journal' WHERE id = 1"


def prices_and_names(manager: existing.Manager) -> tuple[dict[str, object], list[object]]:
    """The book and the names as answers carry them, read beside the daemon."""
    with closing(open_reader(data(manager) / "usage.sqlite")) as conn:
        book = {m: price.body() for m, price in prices.read(conn).prices.items()}
        names = [
            {"apiKeyHash": a.api_key_hash, "alias": a.alias, "updatedAtMs": a.updated_at_ms}
            for a in aliases.read(conn)[0]
        ]
    return book, list(names)


def test_everything_is_there_and_the_old_files_are_as_they_were(lab: Lab) -> None:
    manager, path = installation(lab)
    before = files(path.parent)
    manager.start()
    # Login, connection and settings hold at once.
    info = manager.http.json("GET", "/usage-service/info")
    expected = answers()
    assert differences({**expected["info"], "startedAt": 0}, {**info, "startedAt": 0}) == []
    config = manager.http.json("GET", "/usage-service/config")
    expected["config"]["config"]["cpaConnection"]["managementKey"] = "*" * 12
    assert differences(expected["config"], config) == []
    book, names = prices_and_names(manager)
    assert book == expected["prices"]["prices"]
    assert names == expected["aliases"]["items"]
    # The history comes behind.
    entry = done(manager)
    assert (entry["added"], entry["skipped"], entry["unreadable"]) == (EVENTS, 0, 0)
    assert entry["events"] == {"read": EVENTS, "of": EVENTS}
    found, wanted = without_failures(exported(manager)), without_failures(expected["export"])
    assert len(found) == EVENTS
    assert differences(wanted, found) == []
    assert manager.stop() == -signal.SIGTERM
    kept = files(path.parent)
    assert kept["usage.sqlite.before-cpamp"] == before["usage.sqlite"]
    assert kept["data.key"] == before["data.key"]
    ours = b"".join(kept[name] for name in kept if name.startswith("usage.sqlite") and "." in name)
    ours = ours.replace(kept["usage.sqlite.before-cpamp"], b"")
    ours += b"".join(f.read_bytes() for f in (path.parent / "columns").rglob("*") if f.is_file())
    assert [secret for secret in SECRETS if secret in ours] == []
    said = manager.process.output(100_000)
    assert "usage.sqlite.before-cpamp" in said
    assert "admin credential initialized" in said


def test_collection_works_at_once_and_nothing_comes_twice(lab: Lab) -> None:
    manager, path = installation(lab)
    both = Collecting(lab.cpa(), manager)
    existing.multiply(path, 6)
    existing.change(path, f"{SAVED_URL}'{both.cpa.url}') WHERE key = 'manager_config_v1'")
    both.publish(200)
    manager.start()
    both.wait_for_collecting()
    assert done(manager)["added"] == EVENTS * 7
    manager.wait_for_events(EVENTS * 7 + 200)
    manager.stop()
    manager.start()
    assert done(manager)["added"] == EVENTS * 7
    assert manager.events() == EVENTS * 7 + 200


def test_going_back_is_as_the_status_says(lab: Lab) -> None:
    manager, path = installation(lab)
    before = files(path.parent)
    manager.start()
    assert "give usage.sqlite.before-cpamp" in done(manager)["goBack"]
    manager.stop()
    for part in PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)
    path.with_name("usage.sqlite.before-cpamp").rename(path)
    assert {name: files(path.parent)[name] for name in before} == before
    # And forth again.
    manager.start()
    assert done(manager)["added"] == EVENTS


def test_a_kill_on_the_way_costs_and_doubles_nothing(lab: Lab) -> None:
    manager, path = installation(lab)
    existing.multiply(path, 12)
    whole = EVENTS * 13
    for part in (1, 3, 6):
        manager.start()
        manager.wait_for_events(EVENTS * part)
        manager.stop(signal.SIGKILL)
    assert setting(manager, progress.SETTING) is not None
    manager.start()
    entry = done(manager)
    assert (entry["added"], entry["skipped"]) == (whole, 0)
    assert manager.events() == whole
    assert len(without_failures(exported(manager))) == whole


def test_what_a_killed_server_left_in_its_journal_comes_too(lab: Lab) -> None:
    manager, path = installation(lab)
    existing.kill_after(path, IN_JOURNAL, NEWER_NAME)
    before = files(path.parent)
    assert len(before["usage.sqlite-wal"]) > 0
    manager.start()
    assert done(manager)["added"] == EVENTS
    assert [name["alias"] for name in prices_and_names(manager)[1]] == [  # type: ignore[index]
        "From the journal",
        "Team A",
    ]
    manager.stop()
    with closing(sqlite3.connect(path)) as conn:
        query = "SELECT user_agent FROM usage_events WHERE id = 1"
        assert conn.execute(query).fetchone() == ("from the journal",)
    kept = files(path.parent)
    for part in PARTS:
        assert kept[f"usage.sqlite.before-cpamp{part}"] == before[f"usage.sqlite{part}"]


def test_unfinished_uploads_are_kept_too(lab: Lab) -> None:
    manager, path = installation(lab)
    uploads = path.with_name("usage-imports")
    uploads.mkdir()
    (uploads / "abc.part").write_bytes(b"half a file")
    manager.start()
    kept = path.with_name("usage-imports.before-cpamp")
    assert (kept / "abc.part").read_bytes() == b"half a file"
    assert list(uploads.iterdir()) == []


UNKNOWN_STAMP = (
    "UPDATE settings SET value = '9' WHERE key = 'usage_dashboard_hourly_format_version'"
)
OTHER_STAMP = "UPDATE usage_hourly_aggregate_state SET schema_version = 4"


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def hot(path: Path) -> None:
    path.with_name("usage.sqlite-journal").write_bytes(b"not rolled back")


def garbled(path: Path) -> None:
    existing.change(path, "UPDATE settings SET value = '{' WHERE key = 'admin_credential_v1'")


def of_another_format(path: Path) -> None:
    existing.change(path, "ALTER TABLE usage_events DROP COLUMN timestamp")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: existing.change(path, UNKNOWN_STAMP), "unsupported usage_dashboard_hourly"),
        (lambda path: existing.change(path, OTHER_STAMP), "unsupported schema of hourly aggreg"),
        (of_another_format, "lacks timestamp"),
        (cut_off, "is damaged and was left as it is"),
        (hot, "not stopped cleanly"),
        (garbled, "admin_credential_v1 is damaged"),
    ],
)
def test_what_can_not_be_read_is_refused_and_left_alone(
    lab: Lab, spoil: existing.Any, reason: str
) -> None:
    manager, path = installation(lab)
    spoil(path)
    before = files(path.parent)
    status, said = refused(manager)
    assert status == 1
    assert reason in said
    assert files(path.parent) == before


def test_a_running_server_is_left_alone(lab: Lab) -> None:
    manager, path = installation(lab)
    before = files(path.parent)
    with ProcessLock(path):
        status, said = refused(manager)
    assert (status, "lock is already held" in said) == (1, True)
    assert files(path.parent) == before


def test_around_a_damaged_page_all_events_come(lab: Lab) -> None:
    manager, path = installation(lab)
    with closing(sqlite3.connect(path)) as conn:
        (page,) = conn.execute(
            "SELECT pageno FROM dbstat WHERE name = 'usage_events' AND pagetype = 'leaf' "
            "ORDER BY pageno LIMIT 1 OFFSET 100"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\0" * 4096)
    manager.start()
    entry = done(manager)
    assert 0 < entry["unreadable"] < 10
    assert entry["added"] == EVENTS - entry["unreadable"] == manager.events()
