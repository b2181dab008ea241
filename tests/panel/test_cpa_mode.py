"""The same page where CPA itself serves it: no Manager is ever asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import expect

from cpamp.web.panel import embedded
from tests.panel.driving import Panel

KEY = "management-key"
CONFIG = {"debug": True, "proxy-url": "http://me:secret@proxy:8080"}


class Cpa(BaseHTTPRequestHandler):
    """A CPA that knows its page and its configuration."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/management.html":
            self._answer(200, embedded(), "text/html; charset=utf-8")
        elif not path.startswith("/v0/management/"):
            self._answer(404, b"404 page not found", "text/plain")
        elif self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(401, b'{"error":"invalid management key"}', "application/json")
        elif path == "/v0/management/config":
            self._answer(200, json.dumps(CONFIG).encode(), "application/json")
        else:
            self._answer(404, b'{"error":"not found"}', "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-CPA-VERSION", "7.2.140")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture
def cpa() -> Iterator[str]:
    """Where the CPA is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cpa)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_cpas_own_pages_are_there(cpa: str, opened: Callable[..., Panel]) -> None:
    panel = opened(cpa)
    panel.visit("/monitoring")
    panel.boot("login")
    expect(panel.page.locator("html")).to_have_attribute("data-mode", "cpa")
    panel.log_in("wrong")
    expect(panel.page.locator("[data-error=invalid_management_key]")).to_be_visible()
    panel.log_in(KEY)
    panel.boot("running")
    expect(panel.page.locator("[data-nav=dashboard]")).to_be_visible()
    shown = [link.get_attribute("data-nav") for link in panel.page.locator("[data-nav]").all()]
    assert not {"usage-analytics", "monitoring", "model-prices"} & set(shown)
    panel.go("/")
    expect(panel.page.locator("[data-block=cpa]")).to_contain_text("7.2.140")
    expect(panel.page.locator("[data-block=cpa]")).to_contain_text("http://***@proxy:8080")
    asked = {one.split("?")[0] for one in panel.requests if "management.html" not in one}
    assert asked == {"GET /usage-service/info", "GET /v0/management/config"}
