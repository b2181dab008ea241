"""Paths that belong to the contract and are not built yet: never proxied, never pretended."""

from __future__ import annotations

from typing import Any

from cpamp.web.errors import NotAvailable
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, route

# Heads below /v0/management/.
FOLDERS = ("quota-snapshots",)
MANAGEMENT = "/v0/management"


class Pending:
    """Answers 501 to the admin, and 401 to everybody else."""

    @route(
        ANY_METHOD,
        f"{MANAGEMENT}/<any({', '.join(map(repr, FOLDERS))}):head>",
        summary="Not available yet",
        fallback=True,
    )
    @route(
        ANY_METHOD,
        f"{MANAGEMENT}/<any({', '.join(map(repr, FOLDERS))}):head>/<path:rest>",
        summary="Not available yet",
        fallback=True,
    )
    async def pending(self, request: ApiRequest, head: str = "", rest: str = "") -> Any:
        """Say so."""
        raise NotAvailable("this part of the server is not available yet")
