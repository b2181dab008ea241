"""Who is asking (server contract, 8.3 and 22 B-10)."""

from __future__ import annotations

import hmac
from typing import Protocol

import attrs

from cpamp.errors import Problem
from cpamp.web.errors import TooManyTries, Unauthorized
from cpamp.web.route import Access


class Gate(Protocol):
    """Knows the admin key."""

    def verify(self, candidate: str) -> bool:
        """Whether this is it."""


class Counting(Protocol):
    """Counts wrong keys by peer."""

    def failed(self, peer: str) -> int:
        """Note a wrong key; 0, or for how many seconds the peer must wait."""


def bearer(header: str | None) -> str:
    """The key of an `Authorization` header; "" if it has none in the one accepted form."""
    scheme, space, key = (header or "").partition(" ")
    return key.strip() if space and scheme.lower() == "bearer" else ""


@attrs.define
class Guard:
    """Lets a request in or not."""

    gate: Gate
    throttle: Counting
    metrics_token: str = ""

    def is_admin(self, authorization: str | None) -> bool:
        """Whether the header carries the admin key."""
        key = bearer(authorization)
        return bool(key) and self.gate.verify(key)

    def refusal(self, access: Access, authorization: str | None, peer: str) -> Problem | None:
        """Why the request is refused; None: it may go on."""
        if access in (Access.PUBLIC, Access.OPTIONAL) or self.is_admin(authorization):
            return None
        key = bearer(authorization)
        if access is Access.METRICS and self._is_metrics_token(key):
            return None
        # Only a key that was sent and is wrong counts as a try.
        wait = self.throttle.failed(peer) if key else 0
        return TooManyTries(wait) if wait else Unauthorized("invalid admin key")

    def _is_metrics_token(self, key: str) -> bool:

        token = self.metrics_token.encode()
        return bool(token) and hmac.compare_digest(token, key.encode(errors="replace"))
