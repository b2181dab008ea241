"""Setup and configuration (server contract, sections 11 and 12)."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

from cpamp.cpa.errors import AT_CPA
from cpamp.cpa.urls import InvalidUrl
from cpamp.errors import BadRequest, Problems
from cpamp.inspection.problems import InvalidTarget, InvalidTimeZone
from cpamp.setup.problems import (
    ConfigFailed,
    ConnectionEnvManaged,
    ConnectionRequired,
    ConnectionRequiredForMonitoring,
    EnableFailed,
    InvalidExistingKey,
    PollIntervalExceedsRetention,
    RetentionInvalid,
    SetupEnvManaged,
    UnusableUrl,
    ValidationFailed,
)
from cpamp.web.request import ApiRequest
from cpamp.web.route import Body, route
from cpamp.web.shapes import bodies, manager
from cpamp.web.shapes.config import ShownConfig

# What may be wrong with a connection, and with the CPA there.
SAVING: Problems = (
    *(BadRequest, InvalidUrl, ConnectionRequired, ConnectionRequiredForMonitoring),
    *(RetentionInvalid, PollIntervalExceedsRetention, UnusableUrl),
    *(ValidationFailed, ConfigFailed, EnableFailed),
    *AT_CPA,
)


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
        answer=ShownConfig,
    )
    async def get_config(self, request: ApiRequest) -> Any:
        """With CPA's own view, if it answers soon."""
        return await self.service.get_config()

    @route(
        "PUT",
        "/usage-service/config",
        summary="Save the configuration",
        body=Body.json(bodies.ConfigBody),
        answer=ShownConfig,
        problems=(ConnectionEnvManaged, InvalidTimeZone, InvalidTarget, *SAVING),
    )
    async def put_config(self, request: ApiRequest) -> Any:
        """Checked against CPA before anything is saved."""
        return await self.service.put_config(await request.json_object())

    @route(
        "POST",
        "/setup",
        summary="Connect to a CPA",
        body=Body.json(bodies.SetupBody),
        answer=manager.Connected,
        problems=(SetupEnvManaged, InvalidExistingKey, *SAVING),
    )
    async def setup(self, request: ApiRequest) -> Any:
        """Checked against CPA before anything is saved; with `dryRun` nothing is."""
        return await self.service.setup(await request.json_object())

    @route(
        "POST",
        "/usage-service/retry",
        summary="Try a refused CPA key again, and now",
        answer=manager.Ok,
        problems=(ConnectionRequired,),
    )
    async def retry(self, request: ApiRequest) -> Any:
        """For a person who has put things right on CPA's side; a ban is waited out all the same."""
        return self.service.retry()
