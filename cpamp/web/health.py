"""Is it there, what is it, how does it do (server contract, section 10)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import attrs

from cpamp import __version__
from cpamp.store.store import Counts
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, Parameter, route
from cpamp.web.shapes import manager

SERVICE = "cpa-manager-plus"


class Stored(Protocol):
    """The part of the store that status shows."""

    @property
    def counts(self) -> Counts:
        """How many rows there are."""

    def status(self) -> dict[str, Any]:
        """Members of the answer."""


class Reporting(Protocol):
    """A part with a status of its own."""

    def status(self) -> dict[str, Any]:
        """The member of the answer."""


class Listing(Protocol):
    """A part that has several things to report."""

    def status(self) -> list[dict[str, Any]]:
        """The member of the answer."""


MAINTENANCE: manager.Maintenance = {
    "required": False,
    "performanceDegraded": False,
    "deferredIndexes": 0,
    "offlineJobs": 0,
    "reasons": [],
}


@attrs.define
class Health:
    """`/health`, `/usage-service/info` and `/status`."""

    database: Path
    store: Stored
    collector: Reporting
    takeovers: Listing
    info_of: Callable[[], dict[str, Any]]
    reactor_lag_ms: Callable[[], float]

    @route(
        "GET",
        "/health",
        summary="Whether the process answers",
        access=Access.PUBLIC,
        answer=manager.Alive,
    )
    async def health(self, request: ApiRequest) -> Any:
        """Touches nothing."""
        return {"ok": True, "service": SERVICE}

    @route(
        "GET",
        "/usage-service/info",
        summary="What answers here, and how far it is set up",
        access=Access.PUBLIC,
        answer=manager.Info,
    )
    async def info(self, request: ApiRequest) -> Any:
        """For a panel, before anybody has logged in."""
        return self.info_of()

    @route(
        "GET",
        "/status",
        summary="How the daemon does: counts, collection, coverage, database, takeovers",
        access=Access.READ,
        query={"scope": Parameter("that member alone", {"enum": ["database-maintenance"]})},
        answer=manager.Status,
    )
    async def status(self, request: ApiRequest) -> Any:
        """All that is known without asking anybody."""
        if request.query("scope") == "database-maintenance":
            return {"databaseMaintenance": MAINTENANCE}
        return self.report()

    def report(self) -> dict[str, Any]:
        """The whole status."""
        counts = self.store.counts
        return {
            "service": SERVICE,
            "version": __version__,
            "dbPath": str(self.database),
            "events": counts.events,
            "deadLetters": counts.dead_letters,
            "collector": self.collector.status(),
            "dataMigration": _migration(counts.events),
            "databaseMaintenance": MAINTENANCE,
            "takeovers": self.takeovers.status(),
            "reactorLagMs": round(self.reactor_lag_ms(), 2),
            **self.store.status(),
        }


def _migration(events: int) -> manager.DataMigration:
    # Events are stored with their accounting; there is nothing to be migrated.
    return {
        "name": "usage_cache_accounting_v2",
        "status": "completed",
        "lastEventId": events,
        "targetEventId": events,
        "processedRows": events,
        "changedRows": 0,
        "appliedRows": 0,
        "updatedAtMs": 0,
    }
