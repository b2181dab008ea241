"""A stop lets those who are being answered finish (server contract, section 17.1)."""

from __future__ import annotations

import http.client
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from cpamp.lab import Cpa, Manager, wait_until
from tests.daemon import Lab, connection

SLOW_MS = 3_000
STOPPED = "everything that was collected is stored"
PATH = "/v0/management/debug"


def seen(cpa: Cpa, path: str) -> bool:
    """Whether CPA has got a call of this path."""
    return any(path in str(note) for note in cpa.control.json("POST", "/requests"))


def slow_call(manager: Manager) -> tuple[int, float]:
    """A proxied call that CPA takes its time for: the status, and when it came."""
    client = http.client.HTTPConnection("127.0.0.1", manager.http.port, timeout=60)
    headers = {"Authorization": f"Bearer {manager.http.key}"}
    client.request("GET", PATH, headers=headers)
    status = client.getresponse().status
    client.close()
    return status, time.monotonic()


def test_a_call_under_way_is_answered_and_an_idle_connection_is_not_waited_for(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    fault = {"when": {"proto": "http", "path": PATH}, "do": {"delay_ms": SLOW_MS}}
    cpa.control.json("POST", "/fault", fault)
    idle = http.client.HTTPConnection("127.0.0.1", manager.http.port)
    idle.request("GET", "/health")
    idle.getresponse().read()
    with ThreadPoolExecutor() as threads:
        called = threads.submit(slow_call, manager)
        wait_until(lambda: seen(cpa, PATH), what="the slow call")
        started = time.monotonic()
        assert manager.stop() == -15
        ended = time.monotonic()
        status, answered = called.result()
    assert (status, started < answered < ended) == (200, True)
    assert ended - started < 8
    assert idle.sock.recv(1) == b""


def test_who_asks_again_is_not_kept_waiting(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    manager.http.json("POST", "/setup", connection(cpa))
    never = {"when": {"proto": "http", "path": PATH}, "do": {"never": True}}
    cpa.control.json("POST", "/fault", never)
    with socket.create_connection(("127.0.0.1", manager.http.port)) as client:
        key = f"Authorization: Bearer {manager.http.key}"
        client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n{key}\r\n\r\n".encode())
        wait_until(lambda: seen(cpa, PATH), seconds=10, what="the call")

        def asked_again() -> bool:
            manager.process.send(signal.SIGTERM)
            return not manager.process.alive

        wait_until(asked_again, seconds=30, what="the end", every=0.2)
    assert manager.process.wait() == -signal.SIGTERM
    assert STOPPED not in manager.process.output()
