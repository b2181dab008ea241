"""A daemon, its CPA, and a tab that is logged in at the pages of settings."""

from __future__ import annotations

from typing import Any

import attrs
from playwright.sync_api import Locator, expect

from cpamp.lab import Cpa, Manager
from tests.panel.driving import Panel

YAML = """# our CPA
port: 8317 # as ever
tls:
  enable: false
debug: false
remote-management:
  secret-key: "$2a$10$notForAnybodysEyes"
api-keys:
  - sk-client-team-a-0001
request-retry: 3
"""


CONFIG = "/usage-service/config"
TABS = {"manager": "cpa-side", "keys": "client-keys", "visual": "visual", "source": "source"}


@attrs.define
class Pair:
    """A daemon, its CPA, and a tab that is logged in."""

    manager: Manager
    cpa: Cpa
    panel: Panel

    @property
    def file(self) -> str:
        """CPA's configuration file."""
        status, text = self.manager.http.request("GET", "/v0/management/config.yaml")
        assert status == 200
        return text.decode()

    @file.setter
    def file(self, text: str) -> None:
        path = "/v0/management/config.yaml"
        assert self.manager.http.request("PUT", path, text.encode())[0] == 200

    def open(self, tab: str) -> None:
        self.panel.visit(f"/config?tab={tab}")
        self.panel.boot("running")
        expect(self.panel.page.locator(f"[data-block={TABS[tab]}]")).to_be_visible()

    def field(self, name: str) -> Locator:
        return self.panel.page.locator(f'[data-field="{name}"]')

    def do(self, action: str) -> None:
        """Press a button: of the dialog, where there is one."""
        button = f'[data-action="{action}"]'
        found = f"dialog {button}, body:not(:has(dialog)) {button}"
        self.panel.page.locator(found).first.click()

    def toast(self, kind: str) -> None:
        expect(self.panel.page.locator(f"[data-toast={kind}]")).to_be_visible()

    def typed(self, text: str) -> None:
        """Have this text in the editor."""
        self.field("source").fill(text)


def config(pair: Pair) -> Any:
    return pair.manager.http.json("GET", CONFIG)["config"]
