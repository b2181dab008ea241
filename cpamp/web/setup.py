"""Setup and configuration (server contract, sections 11 and 12)."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

from cpamp.web.request import ApiRequest
from cpamp.web.route import JSON_BODY, route
from cpamp.web.shapes import manager


class SettingUp(Protocol):
    """Reads and changes the configuration."""

    async def get_config(self) -> dict[str, Any]:
        """The answer to a GET."""

    async def put_config(self, body: dict[str, Any]) -> dict[str, Any]:
        """Save a configuration."""

    async def setup(self, request: dict[str, Any]) -> dict[str, Any]:
        """Connect to a CPA."""

    def retry(self) -> dict[str, Any]:
        """Ask CPA again although it has refused the key."""


@attrs.define
class Setup:
    """`/setup`, `/usage-service/config` and `/usage-service/retry`."""

    service: SettingUp

    @route(
        "GET",
        "/usage-service/config",
        summary="The configuration; the CPA key as a mask",
        answer=manager.ShownConfig,
    )
    async def get_config(self, request: ApiRequest) -> Any:
        """With CPA's own view, if it answers soon."""
        return await self.service.get_config()

    @route(
        "PUT",
        "/usage-service/config",
        summary="Save the configuration",
        body=JSON_BODY,
        answer=manager.ShownConfig,
    )
    async def put_config(self, request: ApiRequest) -> Any:
        """Checked against CPA before anything is saved."""
        return await self.service.put_config(await request.json_object())

    @route(
        "POST",
        "/setup",
        summary="Connect to a CPA",
        body=JSON_BODY,
        answer=manager.Connected,
    )
    async def setup(self, request: ApiRequest) -> Any:
        """Checked against CPA before anything is saved; with `dryRun` nothing is."""
        return await self.service.setup(await request.json_object())

    @route(
        "POST",
        "/usage-service/retry",
        summary="Try a refused CPA key again, and now",
        answer=manager.Ok,
    )
    async def retry(self, request: ApiRequest) -> Any:
        """For a person who has put things right on CPA's side; a ban is waited out all the same."""
        return self.service.retry()
