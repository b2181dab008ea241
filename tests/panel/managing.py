"""A tab, the daemon that it shows, and the CPA behind that."""

from __future__ import annotations

from typing import Any

import attrs
from playwright.sync_api import Locator

from cpamp.lab import Cpa, Manager
from tests.panel.driving import Panel

FILES = "/v0/management/auth-files"
CONFIG = "/v0/management/config"
CANDIDATES = "/v0/management/account-action-candidates"
PLUGIN = {
    "id": "prying",
    "enabled": True,
    "registered": True,
    "menus": [{"path": "/v0/resource/plugins/prying/page", "menu": "Look"}],
    "metadata": {"name": "Prying", "version": "1.2"},
    "config": {"depth": 1},
}
OFFER = {"id": "offered", "name": "Offered", "version": "0.3", "source_id": "main"}


@attrs.define
class World:
    """A tab, the daemon that it shows, and the CPA behind that."""

    panel: Panel
    manager: Manager
    cpa: Cpa

    def files(self) -> dict[str, dict[str, Any]]:
        """CPA's credentials, by their ids."""
        listing = self.manager.http.json("GET", FILES)["files"]
        return {file["id"]: file for file in listing}

    def config(self) -> dict[str, Any]:
        """CPA's configuration."""
        config: dict[str, Any] = self.manager.http.json("GET", CONFIG)
        return config

    def row(self, table: str, key: str) -> Locator:
        """A row of a table."""
        return self.panel.page.locator(f'[data-table={table}] [data-row="{key}"]')

    def click(self, selector: str) -> None:
        """Click what there is one of."""
        self.panel.page.locator(selector).click()
