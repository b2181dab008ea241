"""Who is asking (server contract, 8.3 and 22 B-10)."""

from __future__ import annotations

import hmac
from typing import Protocol

import attrs

from cpamp.errors import Problem
from cpamp.tokens import ApiToken
from cpamp.web.errors import Forbidden, TooManyTries, Unauthorized
from cpamp.web.route import Access


class Gate(Protocol):
    """Knows the admin key."""

    def verify(self, candidate: str) -> bool:
        """Whether this is it."""


class Counting(Protocol):
    """Counts wrong keys by peer."""

    def failed(self, peer: str) -> int:
        """Note a wrong key; 0, or for how many seconds the peer must wait."""


class Finding(Protocol):
    """Knows the tokens that may read."""

    def find(self, text: str) -> ApiToken | None:
        """The token that a text is."""


def bearer(header: str | None) -> str:
    """The key of an `Authorization` header; "" if it has none in the one accepted form."""
    scheme, space, key = (header or "").partition(" ")
    return key.strip() if space and scheme.lower() == "bearer" else ""


@attrs.define
class Guard:
    """Lets a request in or not."""

    gate: Gate
    throttle: Counting
    tokens: Finding
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
        token = self.tokens.find(key) if key else None
        if token is not None:
            return None if _may(token, access) else Forbidden("this token may not ask for that")
        # Only a key that was sent and is wrong counts as a try.
        wait = self.throttle.failed(peer) if key else 0
        return TooManyTries(wait) if wait else Unauthorized("invalid admin key")

    def only_key(self, authorization: str | None) -> str:
        """The hash of the one client key whose events the header may see; "" where it sees all.

        Raises `Unauthorized` where it may see none: the token was revoked meanwhile.
        """
        if self.is_admin(authorization):
            return ""
        token = self.tokens.find(bearer(authorization))
        if token is None:
            raise Unauthorized("invalid admin key")
        return token.only_key

    def _is_metrics_token(self, key: str) -> bool:
        token = self.metrics_token.encode()
        return bool(token) and hmac.compare_digest(token, key.encode(errors="replace"))


def _may(token: ApiToken, access: Access) -> bool:
    match access:
        case Access.READ:
            return token.may_read
        case Access.READ_OWN:
            return token.may_read or bool(token.only_key)
        case Access.METRICS:
            return token.may_scrape
        case _:
            return False
