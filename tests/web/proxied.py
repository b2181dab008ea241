"""A daemon between a client and a CPA that are both made of raw bytes."""

from __future__ import annotations

import http.client
import socket
from typing import Any

from cpamp.bench.measure import anonymous_bytes
from cpamp.lab import ADMIN_KEY, Manager
from tests.web.upstream import Upstream

CPA_KEY = "the-management-key-of-cpa"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


class Pair:
    """A daemon and the upstream that it takes for its CPA."""

    def __init__(self, cpa: Upstream, manager: Manager) -> None:
        self.cpa = cpa
        self.manager = manager

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.manager.http.port), timeout=30)

    def send(self, head: str, body: bytes = b"", key: str = ADMIN_KEY) -> socket.socket:
        """A connection on which a request was sent."""
        client = self.connect()
        lines = [head + " HTTP/1.1", "Host: manager.example"]
        lines += [f"Authorization: Bearer {key}"] if key else []
        client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return client

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One call with exactly these headers."""
        client = http.client.HTTPConnection("127.0.0.1", self.manager.http.port, timeout=30)
        client.request(method, path, body, ADMIN if headers is None else headers)
        response = client.getresponse()
        whole = response.read()
        client.close()
        return response, whole

    @property
    def memory(self) -> int:
        return anonymous_bytes(self.manager.process.pid)
