"""The daemon and the CPA simulator as child processes, for the demo, the benchmark and tests.

Everything here is synchronous: the caller is a plain script that drives two real processes over
HTTP, as a user would.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import attrs

import cpamp

ADMIN_KEY = "cmp_admin_LabLabLabLabLabLabLabLabLabLabLa"
CPA_KEY = "lab-management-key"


class LabError(Exception):
    """A process did not do what the script waits for; the message carries its last output."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many of them, no two alike."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def wait_until(
    ready: Callable[[], bool], *, what: str, seconds: float = 60.0, every: float = 0.01
) -> float:
    """Poll `ready` until it holds; returns the seconds that it took, or raises `LabError`."""
    start = time.perf_counter()
    while not ready():
        if time.perf_counter() - start > seconds:
            raise LabError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(every)
    return time.perf_counter() - start


@attrs.define
class Http:
    """A keep-alive HTTP client of one server that sends one bearer key."""

    port: int
    key: str
    timeout: float = 60.0
    # The headers of the last answer.
    answered: Mapping[str, str] = attrs.field(factory=dict, init=False)
    _connection: http.client.HTTPConnection | None = attrs.field(default=None, init=False)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """One call: its status and whole body. A stale kept-alive connection is replaced once."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=self.timeout
                )
            try:
                self._connection.request(method, path, body=body, headers=sent)
                answer = self._connection.getresponse()
                self.answered = dict(answer.headers)
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if attempt == 2 or not isinstance(body, bytes | None):
                    raise
        raise AssertionError("unreachable")

    def json(self, method: str, path: str, value: Any = None) -> Any:
        """One call with JSON both ways; raises `LabError` unless it answers 2xx."""
        body = None if value is None else json.dumps(value).encode()
        status, answer = self.request(method, path, body)
        if not 200 <= status < 300:
            raise LabError(f"{method} {path} answered {status}: {answer[:300]!r}")
        return json.loads(answer) if answer.strip() else None

    def close(self) -> None:
        """Drop the kept connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _heed_signals() -> None:
    # What was started in the background, or by nohup, hands down that these are ignored.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@attrs.define
class Process:
    """A child process whose output goes to a file."""

    argv: list[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    _child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output is appended to the log file."""
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                self.argv,
                env=dict(self.env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                preexec_fn=_heed_signals,
            )

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._child is not None
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        if self._child is None:
            return 0
        self.send(number)
        try:
            return self._child.wait(seconds)
        finally:
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait()

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for it to end by itself; returns the exit status, or kills it and raises."""
        assert self._child is not None
        try:
            return self._child.wait(seconds)
        finally:
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait()

    def output(self, last: int = 4000) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-last:] if self.log.exists() else ""


def clean_environment(**more: str) -> dict[str, str]:
    """The caller's environment without anything that configures the daemon."""
    ours = ("CPA_", "CPAMP_", "USAGE_", "HTTP_ADDR", "PANEL_PATH")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    # A checkout that is not installed works as well as an installed package.
    source = str(Path(cpamp.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (source, kept.get("PYTHONPATH"))))
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path, **more}


@attrs.define
class Cpa:
    """A CPA simulator in a process of its own, and its control port."""

    process: Process
    port: int
    control: Http

    @classmethod
    def start(cls, folder: Path, *options: str, key: str = CPA_KEY, port: int = 0) -> Self:
        """Start it on `port` (0: a free one) and wait until it answers.

        `options` are further arguments of ``python -m cpamp.simulator``.
        """
        free, control = free_ports(2)
        port = port or free
        argv = [sys.executable, "-m", "cpamp.simulator", "--port", str(port)]
        argv += ["--control-port", str(control), "--key", key, *options]
        process = Process(argv, clean_environment(), folder, folder / "cpa.log")
        process.start()
        simulator = cls(process, port, Http(control, key))
        _wait_for_http(process, Http(port, key), "/healthz")
        return simulator

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"


@attrs.define
class Manager:
    """A cpamp daemon in a process of its own."""

    process: Process
    http: Http

    @classmethod
    def prepare(cls, folder: Path, *, port: int = 0, **environment: str) -> Self:
        """A daemon with its data under `folder`, not yet started."""
        port = port or free_port()
        env = clean_environment(
            HTTP_ADDR=f"127.0.0.1:{port}",
            USAGE_DATA_DIR=str(folder / "data"),
            CPA_MANAGER_ADMIN_KEY=ADMIN_KEY,
            **environment,
        )
        argv = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "cpamp"]
        return cls(Process(argv, env, folder, folder / "cpamp.log"), Http(port, ADMIN_KEY))

    def start(self, seconds: float = 60.0) -> float:
        """Start it; returns the seconds until `/health` answered."""
        start = time.perf_counter()
        self.process.start()
        _wait_for_http(self.process, self.http, "/health", seconds)
        return time.perf_counter() - start

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; returns its exit status."""
        self.http.close()
        return self.process.stop(number)

    def status(self) -> dict[str, Any]:
        """Its `/status`."""
        answer: dict[str, Any] = self.http.json("GET", "/status")
        return answer

    def events(self) -> int:
        """How many events it has."""
        return int(self.status()["events"])

    def wait_for_collector(self, seconds: float = 60.0) -> float:
        """Wait until records flow; returns the seconds that it took."""
        return wait_until(
            lambda: self.status()["collector"]["collector"] == "running",
            seconds=seconds,
            what="the collector to run",
        )

    def wait_for_events(self, count: int, seconds: float = 60.0, every: float = 0.02) -> float:
        """Wait until it has `count` events; returns the seconds that it took."""
        return wait_until(
            lambda: self.events() >= count, seconds=seconds, what=f"{count} events", every=every
        )


def _wait_for_http(process: Process, http: Http, path: str, seconds: float = 60.0) -> None:
    def answers() -> bool:
        if not process.alive:
            raise LabError(f"{process.argv} ended:\n{process.output()}")
        try:
            return http.request("GET", path)[0] == 200
        except OSError:
            http.close()
            return False

    wait_until(answers, seconds=seconds, what=f"{process.argv} to answer {path}")
