"""``cpamp import-reference``: a database of the existing server that lies elsewhere."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.lab import CPA_KEY, Manager, wait_until
from cpamp.security.lock import ProcessLock
from tests.daemon import NO_KEY, Lab, connection, data, setting
from tests.takeover import existing
from tests.takeover.existing import ADMIN_KEY, EVENTS, files

SCRIPT = "from cpamp.cli import main; main()"


def begin(manager: Manager, *argv: str) -> subprocess.Popen[str]:
    """Start the command in the daemon's own surroundings."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "import-reference", *argv],
        env=manager.process.env,
        cwd=manager.process.cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(manager: Manager, *argv: str) -> tuple[int, str, str]:
    """One call to its end."""
    with begin(manager, *argv) as process:
        out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def stored(manager: Manager) -> int:
    """How many events the database of a daemon that does not run has."""
    path = data(manager) / "usage.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as conn:
        return int(conn.execute("SELECT count(*) FROM events").fetchone()[0])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return existing.unpack(tmp_path / "elsewhere")


def test_a_new_installation_gets_all_of_it(lab: Lab, source: Path) -> None:
    manager = lab.manager(**NO_KEY)
    before = files(source.parent)
    status, out, err = call(manager, str(source.parent))
    assert (status, err) == (0, "")
    assert "Settings carried over" in out
    assert f"{EVENTS:,} events added, 0 were here already, 0 could not be read" in out
    assert files(source.parent) == before
    assert not source.with_name("usage.sqlite.manager.lock").exists()
    manager.http.key = ADMIN_KEY
    manager.start()
    assert manager.events() == EVENTS
    info = manager.http.json("GET", "/usage-service/info")
    assert (info["configured"], info["migrationStatus"]) == (True, "migrated")
    manager.stop()
    # The key of that server sealed the CPA key; ours is another.
    sealed = setting(manager, "manager_config_v1")["cpaConnection"]["managementKey"]
    assert sealed.startswith("enc:v1:")
    assert (data(manager) / "data.key").read_bytes() != before["data.key"]
    # Once more, and nothing comes.
    status, out, err = call(manager, str(source))
    assert f"0 events added, {EVENTS:,} were here already" in out
    assert stored(manager) == EVENTS


def test_an_installation_that_was_set_up_keeps_its_settings(lab: Lab, source: Path) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    manager.stop()
    status, out, _ = call(manager, str(source))
    assert (status, "Settings kept" in out) == (0, True)
    manager.start()
    assert manager.events() == EVENTS
    config = manager.http.json("GET", "/usage-service/config")["config"]
    assert config["cpaConnection"]["cpaBaseUrl"] == cpa.url
    assert config["collector"]["pollIntervalMs"] != 700


def test_what_was_interrupted_goes_on(lab: Lab, source: Path) -> None:
    existing.multiply(source, 12)
    manager = lab.manager(**NO_KEY)
    with begin(manager, str(source)) as process:
        wait_until(lambda: stored(manager) >= EVENTS * 2, what="some events")
        process.send_signal(signal.SIGKILL)
    there = stored(manager)
    assert there < EVENTS * 13
    status, out, _ = call(manager, str(source))
    assert (status, "Settings" in out) == (0, False)
    assert f"{EVENTS * 13:,} events added, 0 were here already" in out
    assert stored(manager) == EVENTS * 13


def test_the_daemon_goes_on_with_it_too(lab: Lab, source: Path) -> None:
    existing.multiply(source, 12)
    manager = lab.manager(**NO_KEY)
    with begin(manager, str(source)) as process:
        wait_until(lambda: stored(manager) >= EVENTS, what="some events")
        process.send_signal(signal.SIGTERM)
        assert "call it again to go on" in process.communicate(timeout=180)[1]
    assert process.returncode == 1
    manager.http.key = ADMIN_KEY
    manager.start()
    entry = existing.done(manager)
    assert (entry["added"], "goBack" in entry) == (EVENTS * 13, False)


def test_dead_letters_come_once_and_redacted(lab: Lab, source: Path) -> None:
    existing.change(
        source,
        "INSERT INTO dead_letter_events (payload, error, created_at_ms) "
        "VALUES ('{\"api_key\": \"sk-abcdefgh\"', 'usage payload is not JSON', 7)",
        "INSERT INTO dead_letter_events (payload, error, created_at_ms) "
        "VALUES (X'FF', 'no text', 8)",
    )
    manager = lab.manager(**NO_KEY)
    for added in (2, 0):
        assert f"{added} dead letters added" in call(manager, str(source))[1]
    with closing(sqlite3.connect(data(manager) / "usage.sqlite")) as conn:
        letters = conn.execute(
            "SELECT payload, error, created_at_ms FROM dead_letter_events ORDER BY id"
        ).fetchall()
    assert letters == [
        ('{"api_key": "[redacted]"', "usage payload is not JSON", 7),
        ("\ufffd", "no text", 8),
    ]


PLAIN_SETUP = json.dumps({"cpaBaseUrl": "cpa:8317", "managementKey": CPA_KEY, "queue": "q"})
# What the first versions of that server had.
AS_LONG_AGO = (
    "DELETE FROM settings",
    f"INSERT INTO settings VALUES ('setup', '{PLAIN_SETUP}', 1)",
    "DROP TABLE model_price_context_tiers",
    "DROP TABLE model_price_service_tiers",
    "DROP TABLE dead_letter_events",
    "ALTER TABLE model_prices DROP COLUMN prompt_configured",
    "ALTER TABLE model_prices DROP COLUMN completion_configured",
    "ALTER TABLE model_prices DROP COLUMN cache_read_configured",
    "ALTER TABLE model_prices DROP COLUMN cache_creation_configured",
    "UPDATE usage_events SET header_trace_id = NULL",
    "ALTER TABLE usage_events DROP COLUMN response_metadata_json",
    "ALTER TABLE usage_events DROP COLUMN cache_input_mode",
    "ALTER TABLE usage_events DROP COLUMN ttft_ms",
)


def test_an_old_database_becomes_a_new_installation(lab: Lab, source: Path) -> None:
    existing.change(source, *AS_LONG_AGO)
    source.with_name("data.key").unlink()
    manager = lab.manager()
    status, out, _ = call(manager, str(source))
    assert (status, f"{EVENTS:,} events added" in out) == (0, True)
    manager.start()
    config = manager.http.json("GET", "/usage-service/config")["config"]
    assert config["cpaConnection"]["cpaBaseUrl"] == "http://cpa:8317"
    assert config["cpaConnection"]["managementKeySet"]
    assert config["collector"]["queue"] == "q"
    assert setting(manager, "admin_credential_v1")["source"] == "env"
    with closing(sqlite3.connect(data(manager) / "usage.sqlite")) as conn:
        flags = conn.execute(
            "SELECT prompt_configured, cache_read_configured FROM model_prices "
            "WHERE model = 'claude-sonnet-4-6'"
        ).fetchone()
        # Worked out from the headers in the records.
        (traced,) = conn.execute("SELECT count(trace_id) FROM details").fetchone()
    assert flags == (1, 1)
    assert traced > 300


def test_a_key_that_does_not_fit_costs_only_the_connection(lab: Lab, source: Path) -> None:
    source.with_name("data.key").write_text("A" * 43 + "\n")
    manager = lab.manager(**NO_KEY)
    status, out, _ = call(manager, str(source))
    assert (status, "enter it again" in out) == (0, True)
    manager.http.key = ADMIN_KEY
    manager.start()
    assert manager.events() == EVENTS
    assert not manager.http.json("GET", "/usage-service/info")["configured"]


def other_program(path: Path) -> None:
    path.unlink()
    existing.change(path, "CREATE TABLE things (id INTEGER)")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "SQLite database not found"),
        (other_program, "is no database of the existing server"),
        (lambda path: path.write_bytes(b"text"), "is no database of the existing server"),
    ],
)
def test_what_is_none_is_refused(lab: Lab, source: Path, spoil: existing.Any, reason: str) -> None:
    manager = lab.manager(**NO_KEY)
    spoil(source)
    status, out, err = call(manager, str(source))
    assert (status, out) == (1, "")
    assert "import reference: " in err
    assert reason in err
    assert stored(manager) == 0


def test_a_running_server_is_left_alone(lab: Lab, source: Path) -> None:
    manager = lab.manager(**NO_KEY)
    with ProcessLock(source):
        status, _, err = call(manager, str(source))
    assert (status, "runs on" in err) == (1, True)


def test_the_daemon_s_own_database_is_refused(lab: Lab) -> None:
    manager = lab.manager(**NO_KEY)
    path = existing.unpack(data(manager))
    status, _, err = call(manager, str(path))
    assert (status, "when it starts" in err) == (1, True)
