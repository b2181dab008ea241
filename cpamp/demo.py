"""``python -m cpamp.demo``: the daemon beside a made-up CPA with live traffic.

The daemon begins with a month of made-up history, so that every page has something to show.
Everything lives in a temporary folder that goes away with the demo.
"""

from __future__ import annotations

import hashlib
import math
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cpamp.collect.names import named, read_listing
from cpamp.lab import ADMIN_KEY, CPA_KEY, Cpa, Manager
from cpamp.simulator.records import CLIENT_KEYS, Generator
from cpamp.usage.event import Event
from cpamp.usage.lines import export_line
from cpamp.usage.record import decode

TRAFFIC_PER_SECOND = "4"
HOUR_MS = 3_600_000
HISTORY_DAYS = 30
EVENTS_PER_HOUR = 40
NAMES = ("Alice's laptop", "Build server", "Bob", "Night jobs", "Chat of the team", "Carol")


def history(manager: Manager, now_ms: int) -> Iterator[bytes]:
    """Made-up events of the last days, as an export has them: busy days, quiet nights."""
    listing = manager.http.json("GET", "/v0/management/auth-files")
    accounts = read_listing(listing["files"])
    generator, rng = Generator(2), random.Random(2)
    for hour in range(HISTORY_DAYS * 24, 0, -1):
        start_ms = now_ms - hour * HOUR_MS
        of_day = (start_ms // HOUR_MS) % 24
        busy = 1.1 - math.cos((of_day - 3) * math.pi / 12)
        for _ in range(int(EVENTS_PER_HOUR * busy * rng.uniform(0.5, 1.2))):
            at_ms = start_ms + rng.randrange(HOUR_MS)
            event = decode(generator.payload(at_ms), now_ms=at_ms)
            if isinstance(event, Event):
                name = accounts.get(event.who.auth_index)
                event.who = named(event.who, name) if name else event.who
                yield export_line(event)


def furnish(manager: Manager) -> None:
    """Give the daemon a past, and its clients' keys names."""
    lines = b"".join(history(manager, time.time_ns() // 1_000_000))
    manager.http.request("POST", "/v0/management/usage/import", lines)
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in CLIENT_KEYS]
    items = [{"apiKeyHash": key, "alias": name} for key, name in zip(hashes, NAMES, strict=False)]
    manager.http.json("PUT", "/v0/management/api-key-aliases", {"items": items})


def main() -> int:
    """Run until interrupted; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="cpamp-demo-") as name:
        folder = Path(name)
        cpa = Cpa.start(folder, "--traffic", TRAFFIC_PER_SECOND)
        manager = Manager.prepare(
            folder, port=18317, CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY
        )
        try:
            manager.start()
            manager.wait_for_events(1, seconds=30)
            furnish(manager)
            print(
                f"\n  cpamp is running at   http://127.0.0.1:{manager.http.port}/management.html\n"
                f"  admin key             {ADMIN_KEY}\n"
                f"  made-up CPA           {cpa.url} (key {CPA_KEY})\n"
                f"  its data              {folder}\n\n"
                "  curl -H 'Authorization: Bearer "
                f"{ADMIN_KEY}' http://127.0.0.1:{manager.http.port}/status\n\n"
                "  Ctrl-C ends it and removes its data.\n",
                flush=True,
            )
            signal.pause()
        except KeyboardInterrupt:
            print("\n  Ending.", flush=True)
        finally:
            manager.stop()
            cpa.process.stop()
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
