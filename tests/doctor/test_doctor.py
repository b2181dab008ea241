"""``cpamp doctor`` beside a real daemon and a simulated CPA."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cpamp.lab import Manager, free_port, wait_until
from tests.daemon import Lab, connection

SCRIPT = "from cpamp.cli import main; main()"


def doctor(manager: Manager, **environ: str) -> tuple[int, str]:
    """The status and the page, in the daemon's own surroundings."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, "doctor"],
        env={**manager.process.env, **environ},
        cwd=manager.process.cwd,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def transport(manager: Manager) -> str:
    """How the daemon collects, "" while it does not."""
    collector = manager.status()["collector"]
    return str(collector["transport"]) if collector["collector"] == "running" else ""


def line(page: str, subject: str) -> str:
    """The line of a subject."""
    found = [text for text in page.splitlines() if f"  {subject} " in text]
    assert len(found) == 1, page
    return found[0]


def test_before_the_first_start(lab: Lab) -> None:
    status, page = doctor(lab.manager())
    assert status == 0
    assert "has never run" in line(page, "daemon")
    assert "none yet" in line(page, "database")
    assert "no connection" in line(page, "CPA")
    assert not (lab.folder / "manager/data").exists()


def test_all_is_well(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    wait_until(lambda: transport(manager) == "subscribe", what="a subscription")
    status, page = doctor(manager)
    assert status == 0, page
    assert page.endswith("Nothing to be repaired.\n")
    assert "runs and answers" in line(page, "daemon")
    assert "accepted" in line(page, "CPA key")
    assert "on" in line(page, "publishing")
    assert "by subscription" in line(page, "RESP")
    assert "there" in line(page, "HTTP queue")
    # The daemon's subscription is untouched.
    assert transport(manager) == "subscribe"


def test_without_the_daemon(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    manager.stop()
    status, page = doctor(manager)
    assert "is not running" in line(page, "daemon")
    assert (status, "accepted" in line(page, "CPA key")) == (0, True)


def test_a_wrong_key_is_tried_once(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    wrong = {"CPA_UPSTREAM_URL": cpa.url, "CPA_MANAGEMENT_KEY": "wrong"}
    for _ in range(4):
        status, page = doctor(manager, **wrong)
        assert (status, "invalid management key" in line(page, "CPA key")) == (1, True)
        assert "RESP" not in page
    # A fifth failure would have been the ban.
    right = {"CPA_UPSTREAM_URL": cpa.url, "CPA_MANAGEMENT_KEY": cpa.control.key}
    assert "accepted" in line(doctor(manager, **right)[1], "CPA key")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}", "ftp://127.0.0.1:{}", "http://[::{}"])
def test_nobody_there(lab: Lab, url: str) -> None:
    there = {"CPA_UPSTREAM_URL": url.format(free_port()), "CPA_MANAGEMENT_KEY": "k"}
    status, page = doctor(lab.manager(), **there)
    assert (status, " BAD  CPA " in page) == (1, True)


def test_a_database_of_somebody_else(lab: Lab) -> None:
    manager = lab.manager()
    folder = manager.process.cwd / "data"
    folder.mkdir(mode=0o700)
    (folder / "usage.sqlite").write_text("not ours")
    (folder / "usage.sqlite").chmod(0o600)
    status, page = doctor(manager)
    assert (status, "is not an SQLite database" in line(page, "database")) == (1, True)
