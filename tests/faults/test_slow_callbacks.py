"""Nothing holds the reactor: the real daemon under a mixed load, all of its callbacks timed."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from cpamp.bench import workloads
from cpamp.lab import ADMIN_KEY, CPA_KEY, Http, Manager
from tests.daemon import Lab
from tests.faults.collecting import Collecting

MOST_MS = 20.0
BLOCKED_MS = 1000.0
SECONDS = 3.0
MANAGEMENT = "/v0/management"
DAY_MS = 86_400_000


def timed(lab: Lab) -> tuple[Collecting, Path]:
    """A daemon that collects, on a reactor that notes what takes long."""
    cpa = lab.cpa("--traffic", "50")
    manager = lab.manager(CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY)
    notes = lab.folder / "slow.jsonl"
    manager.process.argv = [sys.executable, "-m", "tests.timed", str(notes), "-n", "--pidfile="]
    manager.process.argv.append("cpamp")
    manager.start()
    both = Collecting(cpa, manager)
    both.wait_for_collecting()
    return both, notes


def analytics(http: Http) -> None:
    """All of a page, for the days of the imported events."""
    begin = workloads.MONITORING_BEGIN_MS
    include = {"summary": True, "timeline": True, "model_share": True, "account_stats": True}
    question = {"from_ms": begin, "to_ms": begin + 30 * DAY_MS, "include": include}
    http.json("POST", f"{MANAGEMENT}/monitoring/analytics", question)


def reading(path: str) -> Callable[[Http], None]:
    def read(http: Http) -> None:
        assert http.request("GET", path)[0] == 200

    return read


def changing(http: Http) -> None:
    """A configuration that is refused when it has been read whole."""
    assert http.request("PUT", "/usage-service/config", b"[" + b" " * 500_000)[0] == 400


def importing(http: Http) -> None:
    lines = b"\n".join(workloads.monitoring(20_000))
    assert http.request("POST", f"{MANAGEMENT}/usage/import", lines)[0] == 200


ASKED: tuple[Callable[[Http], None], ...] = (
    analytics,
    changing,
    importing,
    *map(
        reading,
        (
            "/health",
            "/status",
            "/metrics",
            "/management.html",
            "/usage-service/config",
            f"{MANAGEMENT}/usage",
            f"{MANAGEMENT}/usage/export?limit=5000",
            f"{MANAGEMENT}/auth-files",
            f"{MANAGEMENT}/config",
        ),
    ),
)


def load(manager: Manager, stop: threading.Event) -> list[threading.Thread]:
    """Clients that ask for one thing each, again and again, until they are told to stop."""

    def client(ask: Callable[[Http], None]) -> None:
        http = Http(manager.http.port, ADMIN_KEY)
        while not stop.wait(0.02):
            ask(http)
        http.close()

    threads = [threading.Thread(target=client, args=(ask,)) for ask in ASKED]
    for thread in threads:
        thread.start()
    return threads


def test_no_callback_takes_longer_than_20_ms(lab: Lab) -> None:
    both, notes = timed(lab)
    # What is imported and compiled on first use does not count.
    for ask in ASKED:
        ask(both.manager.http)
    notes.unlink(missing_ok=True)
    stop = threading.Event()
    threads = load(both.manager, stop)
    try:
        both.publish(int(SECONDS * 1000), per_second=1000)
        both.burst_over()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    both.manager.stop()
    noted = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    # A callback's own work is what the processor did for it. Besides, it waits for the processor
    # and for the interpreter's lock, which is others' work; a call that blocks would wait longer.
    assert [n for n in noted if n["worked_ms"] > MOST_MS] == []
    waited = [n["took_ms"] - n["worked_ms"] - n["waited_ms"] for n in noted]
    assert max(waited, default=0) < BLOCKED_MS
