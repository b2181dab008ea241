"""Cross-origin headers (server contract, section 9)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
HEADERS = "Authorization, Content-Type"


@attrs.frozen
class Cors:
    """Which origins may read answers: a list of origins, or ``*``; empty: no headers at all."""

    origins: Sequence[str]

    def headers(self, origin: str | None) -> dict[str, str]:
        """The headers of an answer to a request from this origin."""
        if not self.origins:
            return {}
        common = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": HEADERS,
        }
        if "*" in self.origins:
            return {"Access-Control-Allow-Origin": "*", **common}
        if origin is not None and origin in self.origins:
            return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **common}
        return common
