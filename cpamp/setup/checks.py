"""The checks of a connection against CPA itself, in the order of the contract.

Source: server contract, sections 11.2 (step 5) and 12 (steps 4 to 6); point B-8 of section 22.
"""

from __future__ import annotations

import re

from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.cpa.errors import KeyBanned, KeyRefused, RemoteDisabled
from cpamp.cpa.urls import Address, InvalidUrl
from cpamp.errors import CpaUnreachable, Problem
from cpamp.setup.problems import (
    ConfigFailed,
    EnableFailed,
    PollIntervalExceedsRetention,
    RetentionInvalid,
    UnusableUrl,
    ValidationFailed,
)

# The first CPA with the HTTP queue (B-23).
OLDEST_FULL_VERSION = (6, 10, 8)
# How CPA said it, where the problem itself only says what it means.
STATUS: dict[type[Problem], str] = {
    KeyRefused: "401 Unauthorized",
    KeyBanned: "403 Forbidden",
    RemoteDisabled: "403 Forbidden: remote management disabled",
}


async def check_cpa(
    client: CpaClient, *, poll_interval_ms: int | None, ensure_publishing: bool
) -> CpaConfig:
    """Make sure that CPA takes the key and, where monitoring is wanted, that it can work.

    `poll_interval_ms` is None when monitoring is off: then CPA sees one call, else two reads and,
    with `ensure_publishing`, one change. Raises `CpaUnreachable` as it is, and every other
    refusal by CPA under the code of its step.
    """
    try:
        Address.of(client.url)
    except InvalidUrl as e:
        raise UnusableUrl(e.message) from e
    try:
        config = await client.config()
    except CpaUnreachable:
        raise
    except Problem as e:
        raise ValidationFailed(_reason(e)) from e
    if poll_interval_ms is None:
        return config
    try:
        config = await client.config()
    except CpaUnreachable:
        raise
    except Problem as e:
        raise ConfigFailed(_reason(e)) from e
    if config.retention_seconds <= 0:
        raise RetentionInvalid
    if poll_interval_ms > config.retention_seconds * 1000:
        raise PollIntervalExceedsRetention(config.retention_seconds)
    if ensure_publishing:
        try:
            await client.enable_usage_statistics()
        except CpaUnreachable:
            raise
        except Problem as e:
            raise EnableFailed(_reason(e)) from e
    return config


def _reason(problem: Problem) -> str:
    """The problem's sentence after the status with which CPA said so."""
    for kind, status in STATUS.items():
        if isinstance(problem, kind):
            return f"{status}: {problem.message}"
    return problem.message


def warnings(config: CpaConfig) -> list[str]:
    """What the user should know about this CPA although it works."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", config.version)
    if found and tuple(map(int, found.groups())) < OLDEST_FULL_VERSION:
        return [
            f"CPA {config.version} is older than 6.10.8: it has no HTTP usage queue, "
            "so that records can be collected over RESP only"
        ]
    return []
