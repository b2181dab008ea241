"""Somebody sets the time of day while the daemon runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cpamp.collect.coverage import CLOCK
from cpamp.lab import wait_until
from tests.collect.doubles import payload
from tests.daemon import Lab, connection

# Python's clock of the whole process, off by what a file says.
SHIM = """
import time
of_day, of_day_ns = time.time, time.time_ns

def off():
    try:
        return int(open({file!r}).read() or 0)
    except FileNotFoundError:
        return 0

time.time = lambda: of_day() + off()
time.time_ns = lambda: of_day_ns() + off() * 10**9
"""
CONFIG = "/usage-service/config"


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_is_set(lab: Lab, tmp_path: Path, hours: int) -> None:
    off, shim = tmp_path / "off", tmp_path / "shim"
    shim.mkdir()
    (shim / "sitecustomize.py").write_text(SHIM.format(file=str(off)))
    cpa, manager = lab.cpa(), lab.manager()
    path = os.pathsep.join((str(shim), manager.process.env["PYTHONPATH"]))
    manager.process.env = {**manager.process.env, "PYTHONPATH": path}
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    manager.wait_for_collector()
    cpa.control.json("POST", "/publish", {"records": [payload(1).decode()]})
    manager.wait_for_events(1)
    off.write_text(str(hours * 3600))
    cpa.control.json("POST", "/publish", {"records": [payload(2).decode()]})
    manager.wait_for_events(2)
    # A change of the configuration is noted in the coverage, and with it the clock.
    manager.http.json("PUT", CONFIG, {"config": {"collector": {"batchSize": 50}}})

    def noted() -> bool:
        holes = manager.status()["collector"]["coverage"]["holes"]
        return any(hole["reason"] == CLOCK for hole in holes)

    wait_until(noted, seconds=30, what="the hole")
