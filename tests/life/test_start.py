"""Starting and stopping the real daemon (server contract, sections 3 to 5, 17 and 22)."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cpamp.lab import Http, Manager, wait_until
from tests.daemon import NO_KEY, Lab, body, connection, data, encoded, refused, setting

KEY_LINE = re.compile(r"CPA Manager Plus admin key generated: (cmp_admin_[0-9A-Za-z]{32})\b")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_first_and_second_start(lab: Lab) -> None:
    manager = lab.manager(**NO_KEY)
    manager.start()
    first = manager.process.output()
    keys = KEY_LINE.findall(first)
    assert len(keys) == 1
    assert f"CPA Manager Plus data key created at {data(manager) / 'data.key'}" in first
    assert "cpa-manager-plus listening on" in first
    manager.http.key = keys[0]
    assert manager.status()["service"] == "cpa-manager-plus"
    assert setting(manager, "admin_credential_v1")["source"] == "generated"
    assert manager.stop() == -15
    manager.process.log.unlink()

    manager.start()
    second = manager.process.output()
    assert keys[0] not in second
    assert "CPA Manager Plus admin credential initialized" in second
    assert "data key created" not in second
    assert manager.status()["events"] == 0


def test_everything_on_disk_is_private(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    folder = data(manager)
    modes = {path: mode(path) for path in [folder, *folder.rglob("*")]}
    assert {"usage.sqlite", "usage.sqlite-wal", "data.key", "usage.sqlite.manager.lock"} <= {
        path.name for path in modes
    }
    wrong = {
        path: oct(found)
        for path, found in modes.items()
        if found != (0o700 if path.is_dir() else 0o600)
    }
    assert wrong == {}


def test_a_given_key_is_not_printed_and_another_one_later_has_no_effect(lab: Lab) -> None:
    manager = lab.manager(CPA_MANAGER_ADMIN_KEY="first-key-of-mine")
    manager.http.key = "first-key-of-mine"
    manager.start()
    manager.stop()
    manager.process.env = {**manager.process.env, "CPA_MANAGER_ADMIN_KEY": "second-key"}
    manager.start()
    assert manager.status()["events"] == 0
    assert Http(manager.http.port, "second-key").request("GET", "/status")[0] == 401
    assert setting(manager, "admin_credential_v1")["source"] == "env"
    assert "-key" not in manager.process.output().replace("data.key", "")


def test_a_missing_secret_file_that_was_named_ends_the_start(lab: Lab) -> None:
    manager = lab.manager(CPA_MANAGER_ADMIN_KEY="", CPA_MANAGER_ADMIN_KEY_FILE="typo")
    status, said = refused(manager)
    assert status == 1
    assert "load config: CPA_MANAGER_ADMIN_KEY_FILE" in said
    assert "Traceback" not in said
    assert not data(manager).exists()


def test_two_daemons_on_one_directory(lab: Lab) -> None:
    first = lab.manager("one")
    first.start()
    second = lab.manager("two", USAGE_DATA_DIR=str(data(first)))
    status, said = refused(second)
    assert status == 1
    assert "acquire manager database process lock: manager database process lock is already" in said
    assert "Traceback" not in said
    assert first.status()["events"] == 0


@pytest.mark.parametrize("own", [{"USAGE_DATA_DIR": "{0}"}, {"USAGE_DATA_DIR": "{0}/own"}])
def test_two_databases_in_one_directory(lab: Lab, own: dict[str, str]) -> None:
    first = lab.manager("first")
    first.start()
    place = data(first)
    second = lab.manager("second", USAGE_DB_PATH=str(place / "other.sqlite"))
    second.process.env = {**second.process.env, **{k: v.format(place) for k, v in own.items()}}
    status, said = refused(second)
    assert (status, f"another daemon keeps its files in {place}" in said) == (1, True)
    assert first.http.request("GET", "/health")[0] == 200
    first.stop()
    second.start()


def test_a_busy_port(lab: Lab) -> None:
    first = lab.manager("one")
    first.start()
    second = lab.manager("two", HTTP_ADDR=f"127.0.0.1:{first.http.port}")
    status, said = refused(second)
    assert status == 1
    assert re.search(r"http listen: .*Address already in use", said)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "203.0.113.1:80"])
def test_a_bad_address(lab: Lab, address: str) -> None:
    status, said = refused(lab.manager(HTTP_ADDR=address))
    assert (status, "http listen: " in said) == (1, True)


def test_a_database_of_somebody_else_is_not_touched(lab: Lab) -> None:
    manager = lab.manager()
    data(manager).mkdir(mode=0o700)
    foreign = data(manager) / "usage.sqlite"
    with closing(sqlite3.connect(foreign)) as conn:
        conn.execute("CREATE TABLE settings (key TEXT)")
        conn.commit()
    before = foreign.read_bytes()
    status, said = refused(manager)
    assert (status, "open sqlite: " in said) == (1, True)
    assert foreign.read_bytes() == before
    assert {path.name for path in data(manager).iterdir()} <= {
        "usage.sqlite",
        "usage.sqlite.manager.lock",
    }


def test_a_text_file_in_place_of_the_database(lab: Lab) -> None:
    manager = lab.manager()
    data(manager).mkdir(mode=0o700)
    (data(manager) / "usage.sqlite").write_text("not a database at all\n" * 100)
    status, said = refused(manager)
    assert (status, "open sqlite: " in said) == (1, True)


def test_a_bad_data_key_file(lab: Lab) -> None:
    manager = lab.manager()
    data(manager).mkdir(mode=0o700)
    (data(manager) / "data.key").write_text("short")
    status, said = refused(manager)
    assert status == 1
    assert "load data key: data key must be 32 bytes or base64-encoded 32 bytes" in said


def test_a_part_that_can_not_start(lab: Lab) -> None:
    manager = lab.manager()
    data(manager).mkdir(mode=0o700)
    (data(manager) / "usage-imports").write_text("in the way")
    status, said = refused(manager)
    assert (status, "start workers: " in said) == (1, True)


@pytest.mark.parametrize("number", [15, 2, 1])
def test_a_clean_stop(lab: Lab, number: int) -> None:
    manager = lab.manager()
    manager.start()
    assert manager.stop(number) == -number
    left = {path.name for path in data(manager).iterdir() if path.is_file()}
    assert not {name for name in left if name.endswith(("-wal", "-shm"))}


def test_killed_and_started_again(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    assert manager.stop(9) == -9
    manager.start()
    assert manager.status()["events"] == 0


def test_the_end_of_the_listener_is_a_failure(lab: Lab) -> None:
    manager = lab.manager()
    script = (
        "import sys\n"
        "from twisted.internet import reactor, tcp\n"
        "from twisted.internet.error import ConnectionLost\n"
        "from twisted.python.failure import Failure\n"
        "from twisted.scripts import twistd\n"
        "def lose():\n"
        "    ports = [r for r in reactor.getReaders() if isinstance(r, tcp.Port)]\n"
        "    if not ports:\n"
        "        reactor.callLater(0.05, lose)\n"
        "    for port in ports:\n"
        "        port.connectionLost(Failure(ConnectionLost()))\n"
        "reactor.callWhenRunning(lose)\n"
        "sys.argv = ['twistd', '-n', '--pidfile=', 'cpamp']\n"
        "twistd.run()\n"
    )
    manager.process.argv = [sys.executable, "-c", script]
    status, said = refused(manager)
    assert (status, "listener" in said) == (1, True)
    left = {path.name for path in data(manager).iterdir() if path.is_file()}
    assert not {name for name in left if name.endswith(("-wal", "-shm"))}


def degraded(manager: Manager) -> None:
    """The saved connection is of no use, and everything else works."""
    assert body(manager.http.request("GET", "/health")) == (
        200,
        {"ok": True, "service": "cpa-manager-plus"},
    )
    info = manager.http.json("GET", "/usage-service/info")
    seen = {name: info[name] for name in ("dataKeyReady", "projectInitialized", "setupRequired")}
    assert seen == {"dataKeyReady": False, "projectInitialized": False, "setupRequired": True}
    assert manager.status()["collector"]["collector"] == "stopped"


def test_a_lost_data_key(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    manager.stop()
    key = data(manager) / "data.key"
    lost = key.read_text()
    key.unlink()
    manager.start()
    degraded(manager)
    assert not key.exists()
    assert f"the data key {key} is missing" in manager.process.output()
    manager.http.json("POST", "/setup", connection(cpa))
    assert key.read_text() != lost
    info = manager.http.json("GET", "/usage-service/info")
    assert (info["dataKeyReady"], info["setupRequired"]) == (True, False)
    manager.stop()
    manager.start()
    assert manager.http.json("GET", "/usage-service/info")["projectInitialized"] is True


def test_a_wrong_data_key(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    manager.stop()
    key = data(manager) / "data.key"
    key.write_text("A" * 43 + "\n")
    manager.start()
    degraded(manager)
    manager.http.json("POST", "/setup", connection(cpa))
    assert key.read_text() == "A" * 43 + "\n"
    assert manager.http.json("GET", "/usage-service/info")["dataKeyReady"] is True


def test_env_mode_keeps_the_key_out_of_the_database(lab: Lab) -> None:
    cpa = lab.cpa()
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url + "/", CPA_MANAGEMENT_KEY=cpa.control.key)
    manager.start()
    config = manager.http.json("GET", "/usage-service/config")
    assert config["source"] == "env"
    assert config["config"]["cpaConnection"]["cpaBaseUrl"] == cpa.url
    config["config"]["collector"]["queryLimit"] = 17
    saved = manager.http.json("PUT", "/usage-service/config", {"config": config["config"]})
    assert (saved["source"], saved["config"]["collector"]["queryLimit"]) == ("env", 17)
    assert manager.http.json("POST", "/setup", connection(cpa))["ok"] is True
    record = setting(manager, "manager_config_v1")
    assert "cpaConnection" not in record or "managementKey" not in record["cpaConnection"]
    refusal = {**connection(cpa), "cpaManagementKey": "another"}
    status, answer = body(manager.http.request("POST", "/setup", encoded(refusal)))
    assert (status, answer["code"]) == (409, "setup_env_managed")
    config["config"]["collector"]["batchSize"] = 5
    status, answer = body(
        manager.http.request("PUT", "/usage-service/config", encoded({"config": config["config"]}))
    )
    assert (status, answer["code"]) == (409, "connection_env_managed")


def test_precedence_from_end_to_end(lab: Lab) -> None:
    manager = lab.manager(USAGE_QUERY_LIMIT="x", USAGE_RESP_QUEUE="from-env", USAGE_DATA_DIR="")
    (manager.process.cwd / "config.json").write_text(
        '{"queue": "from-file", "queryLimit": 12, "dataDir": "below/data", "httpAddr": "bad"}'
    )
    manager.start()
    config = manager.http.json("GET", "/usage-service/config")["config"]
    assert config["collector"]["queue"] == "from-env"
    assert config["collector"]["queryLimit"] == 12
    assert (manager.process.cwd / "below/data/usage.sqlite").exists()


def test_in_the_background_from_any_directory(lab: Lab, tmp_path: Path) -> None:
    manager = lab.manager(**NO_KEY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pidfile, log = elsewhere / "d.pid", elsewhere / "d.log"
    argv = [manager.process.argv[0], f"--pidfile={pidfile}", f"--logfile={log}", "cpamp"]
    subprocess.run(argv, env=dict(manager.process.env), cwd=elsewhere, check=True, timeout=180)
    pid = int(pidfile.read_text())
    try:
        wait_until(lambda: health(manager), what="/health")
        key_file = data(manager) / "admin-key.txt"
        key = key_file.read_text().strip()
        manager.http.key = key
        assert manager.status()["events"] == 0
        assert (mode(log), mode(key_file)) == (0o600, 0o600)
        assert key not in log.read_text()
        assert f"CPA Manager Plus admin key generated: see {key_file}" in log.read_text()
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the end")
    assert not pidfile.exists()


def test_a_failed_start_in_the_background_says_so(lab: Lab, tmp_path: Path) -> None:
    manager = lab.manager(HTTP_ADDR="nonsense")
    pidfile, log = tmp_path / "d.pid", tmp_path / "d.log"
    argv = [manager.process.argv[0], f"--pidfile={pidfile}", f"--logfile={log}", "cpamp"]
    ended = subprocess.run(
        argv, env=dict(manager.process.env), cwd=tmp_path, capture_output=True, timeout=180
    )
    assert ended.returncode == 1
    assert 'http listen: "nonsense" is not host:port' in log.read_text()
    assert not pidfile.exists()


def health(manager: Manager) -> bool:
    """Whether the daemon answers."""
    try:
        return manager.http.request("GET", "/health")[0] == 200
    except OSError:
        return False
