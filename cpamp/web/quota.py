"""Quota snapshots (inspection contract, section 13)."""

from __future__ import annotations

from typing import Any

import attrs

from cpamp.cpa.errors import AT_CPA
from cpamp.errors import NotFound
from cpamp.inspection.problems import NotConfigured
from cpamp.quota.observation import InvalidObservation
from cpamp.quota.refreshing import Refreshing
from cpamp.quota.snapshots import Snapshots
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, route
from cpamp.web.shapes import bodies, quotas

BASE = "/v0/management/quota-snapshots"


@attrs.define
class QuotaSnapshots:
    """What was observed of quota windows, and what they are."""

    _snapshots: Snapshots
    _refreshing: Refreshing

    @route(
        "POST",
        BASE,
        summary="Store observations of quota windows",
        body=Body.json(bodies.QuotaEntries),
        answer=quotas.StoredQuotas,
        problems=(InvalidObservation,),
    )
    async def add(self, request: ApiRequest) -> dict[str, Any]:
        """All or nothing."""
        return await self._snapshots.add(await request.json())

    @route(ANY_METHOD, f"{BASE}/<path:rest>", summary="Nothing", fallback=True)
    async def nothing(self, request: ApiRequest, rest: str) -> None:
        """All below this path belongs to the manager."""
        raise NotFound("there is nothing of that path")

    @route(
        "POST",
        f"{BASE}/query",
        summary="The quota windows of accounts",
        body=Body.json(bodies.QuotaQuestion),
        answer=quotas.KnownQuotas,
        problems=(InvalidObservation,),
    )
    async def query(self, request: ApiRequest) -> dict[str, Any]:
        """In the order of the request."""
        return await self._snapshots.ask(await request.json())

    @route(
        "POST",
        f"{BASE}/refresh",
        summary="Ask Claude for quotas",
        body=Body.json(bodies.QuotaQuestion),
        answer=quotas.KnownQuotas,
        problems=(InvalidObservation, NotConfigured, *AT_CPA),
    )
    async def refresh(self, request: ApiRequest) -> dict[str, Any]:
        """As `query` answers; `error` where the provider did not tell."""
        return await self._refreshing.refresh(await request.json())
