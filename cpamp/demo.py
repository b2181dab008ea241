"""``python -m cpamp.demo``: the daemon beside a made-up CPA with live traffic.

The daemon begins with a month of made-up history, so that every page has something to show, and
with something of everything that it does for accounts: an inspection, a cooldown and its end, an
account that needs a person, a notice. More of it comes by itself every minute.
Everything lives in a temporary folder that goes away with the demo.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

from cpamp.collect.names import named, read_listing
from cpamp.lab import ADMIN_KEY, CPA_KEY, Cpa, LabError, Manager, wait_until
from cpamp.simulator.records import CLIENT_KEYS, Generator
from cpamp.usage.event import Event
from cpamp.usage.lines import export_line
from cpamp.usage.record import decode

PORT = 18317
TRAFFIC_PER_SECOND = "4"
HOUR_MS = 3_600_000
HISTORY_DAYS = 30
EVENTS_PER_HOUR = 40
NAMES = ("Alice's laptop", "Build server", "Bob", "Night jobs", "Chat of the team", "Carol")
SCENE_SECONDS = 60.0
# How long the two cooldowns of the beginning last; the daemon looks every 15 s.
SOON_SECONDS, LATER_SECONDS = 4, 120
FILES = "/v0/management/auth-files"
INSPECTION = "/v0/management/codex-inspection"
NOTICES = "/v0/management/notifications"
INSPECTED = {
    "enabled": True,
    "schedule": {"mode": "interval", "intervalMinutes": 2},
    "targetTypes": ["codex", "xai"],
    "autoActionMode": "disable",
    "autoRecoverEnabled": True,
}
LIMITED = {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached"}}
REVOKED = {"error": {"code": "token_revoked", "message": "The token has been revoked"}}


# -- the past -----------------------------------------------------------------------------------


def history(manager: Manager, now_ms: int) -> Iterator[bytes]:
    """Made-up events of the last days, as an export has them: busy days, quiet nights."""
    accounts = read_listing(manager.http.json("GET", FILES)["files"])
    generator, rng = Generator(2, quotas=True), random.Random(2)
    # Those that the live traffic has.
    generator.accounts = Generator(1).accounts
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


# -- the accounts -------------------------------------------------------------------------------


class _Receiver(BaseHTTPRequestHandler):
    """Takes notices, as a chat or a pager would."""

    def do_POST(self) -> None:
        """Take one."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads them here."""


@contextmanager
def receiver() -> Iterator[str]:
    """The address of somebody who takes notices while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notices"
    finally:
        server.shutdown()
        server.server_close()


def look_after(manager: Manager, cpa: Cpa, notices: str) -> None:
    """Have the daemon do for the accounts all that it can, and give it cause to."""
    http = manager.http
    wanted = {"codexQuotaCooldownEnabled": True, "authIssueQueueEnabled": True}
    http.json("PATCH", "/usage-service/account-processing-policy", wanted)
    first, second, third, *_ = codex_files(manager)
    refuse(cpa, first, 429, _ending(SOON_SECONDS))
    refuse(cpa, second, 429, _ending(LATER_SECONDS))
    refuse(cpa, third, 401, REVOKED)
    wait_until(
        lambda: bool(http.json("GET", "/v0/management/account-action-candidates")["items"]),
        seconds=10,
        what="the account that needs a login",
    )
    channel = {"means": "webhook", "name": "The team's chat", "url": notices, "secret": "made-up"}
    http.json("POST", f"{NOTICES}/channels", channel)
    for kind, name in (
        ("account_needs_person", "An account needs somebody"),
        ("account_exhausted", "An account rests"),
    ):
        http.json("POST", f"{NOTICES}/rules", {"kind": kind, "name": name, "quietMinutes": 5})
    http.json("PUT", "/usage-service/config", {"config": {"codexInspection": INSPECTED}})
    # The schedule may have been quicker.
    http.request("POST", f"{INSPECTION}/run")
    ask_claude(manager)


def scene(manager: Manager, cpa: Cpa, number: int) -> None:
    """What happens to the accounts in one minute, besides what the traffic brings."""
    files = codex_files(manager)
    if files and number % 3 == 0:
        refuse(cpa, files[number % len(files)], 401, REVOKED)
    ask_claude(manager)


def codex_files(manager: Manager) -> list[dict[str, Any]]:
    """The Codex credentials that are on, and have a file."""
    files: list[dict[str, Any]] = manager.http.json("GET", FILES)["files"]
    return [
        file
        for file in files
        if file["provider"] == "codex" and not file["runtime_only"] and not file["disabled"]
    ]


def refuse(cpa: Cpa, file: dict[str, Any], status: int, said: dict[str, Any]) -> None:
    """Have a request fail with this credential."""
    record = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "request_id": f"demo-{time.time_ns():x}",
        "provider": "codex",
        "executor_type": "CodexExecutor",
        "model": "gpt-5.5",
        "endpoint": "POST /v1/responses",
        "api_key": CLIENT_KEYS[0],
        "source": file.get("email", ""),
        "auth_type": "oauth",
        "auth_index": file["auth_index"],
        "failed": True,
        "fail": {"status_code": status, "body": json.dumps(said)},
        "tokens": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
    }
    cpa.control.json("POST", "/publish", {"records": [record]})


def ask_claude(manager: Manager) -> None:
    """Ask for the quotas that Claude does not tell by itself."""
    files = manager.http.json("GET", FILES)["files"]
    accounts = [
        {
            "row_key": file["name"],
            "provider": "claude",
            "account": {
                "auth_file_snapshot": file["name"],
                "auth_provider_snapshot": "claude",
                "auth_index": file["auth_index"],
            },
        }
        for file in files
        if file["provider"] == "claude"
    ]
    manager.http.json("POST", "/v0/management/quota-snapshots/refresh", {"accounts": accounts})


def _ending(seconds: int) -> dict[str, Any]:
    return {"error": {**LIMITED["error"], "resets_in_seconds": seconds}}


# -- the demo -----------------------------------------------------------------------------------


@contextmanager
def world(port: int) -> Iterator[tuple[Manager, Cpa]]:
    """A furnished daemon on a port, beside its made-up CPA, while the block runs."""
    with tempfile.TemporaryDirectory(prefix="cpamp-demo-") as name, receiver() as notices:
        folder = Path(name)
        cpa = Cpa.start(folder, "--quotas", "--traffic", TRAFFIC_PER_SECOND)
        manager = Manager.prepare(
            folder, port=port, CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY
        )
        try:
            # The first start of a fresh installation compiles all that it imports.
            manager.start(seconds=120)
            manager.wait_for_events(1, seconds=30)
            furnish(manager)
            look_after(manager, cpa, notices)
            yield manager, cpa
        finally:
            manager.stop()
            cpa.process.stop()


def main(arguments: Sequence[str]) -> int:
    """Run until interrupted; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cpamp.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"the daemon's; {PORT}")
    port = parser.parse_args(arguments).port
    try:
        with world(port) as (manager, cpa):
            print(
                f"\n  cpamp is running at   http://127.0.0.1:{manager.http.port}/management.html\n"
                f"  admin key             {ADMIN_KEY}\n"
                f"  made-up CPA           {cpa.url} (key {CPA_KEY})\n"
                f"  its data              {manager.process.cwd}\n\n"
                "  curl -H 'Authorization: Bearer "
                f"{ADMIN_KEY}' http://127.0.0.1:{manager.http.port}/status\n\n"
                "  Ctrl-C ends it and removes its data.\n",
                flush=True,
            )
            go_on(manager, cpa)
    except KeyboardInterrupt:
        print("\n  Ending.", flush=True)
    except LabError as error:
        print(f"\n  The demo can't begin: {error}", file=sys.stderr)
        return 1
    return 0


def go_on(manager: Manager, cpa: Cpa) -> NoReturn:
    """Play scenes for ever; whoever tries the demo may also break it."""
    number = 0
    while True:
        time.sleep(SCENE_SECONDS)
        number += 1
        try:
            scene(manager, cpa, number)
        except (LabError, OSError) as error:
            print(f"  Nothing happens to the accounts now: {error}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
