"""The management key, and the ban of addresses that fail (CPA contract, section 2)."""

from __future__ import annotations

from collections.abc import Callable

import attrs

FAILURES = 5
BAN_SECONDS = 1800.0
LOCAL = ("127.0.0.1", "::1")


def go_duration(seconds: float) -> str:
    """A Go duration rounded to seconds: ``30m0s``, ``59s``."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


@attrs.define
class Keys:
    """Who may manage; the count of failures is shared by HTTP and RESP."""

    seconds: Callable[[], float]
    secret: str
    env_key: str = ""
    allow_remote: bool = False
    failures: dict[str, int] = attrs.Factory(dict)
    banned_until: dict[str, float] = attrs.Factory(dict)

    @property
    def on(self) -> bool:
        """Whether there is a management API at all."""
        return bool(self.secret or self.env_key)

    def ban_text(self, address: str) -> str:
        """CPA's words for a banned address; "" for another."""
        until = self.banned_until.get(address)
        if until is None:
            return ""
        left = until - self.seconds()
        if left <= 0:
            del self.banned_until[address]
            self.failures.pop(address, None)
            return ""
        return f"IP banned due to too many failed attempts. Try again in {go_duration(left)}"

    def refusal(self, address: str, key: str | None) -> tuple[int, str]:
        """``(0, "")`` for the right key, else the HTTP status and CPA's words."""
        banned = self.ban_text(address)
        if banned:
            return 403, banned
        if address not in LOCAL and not (self.allow_remote or self.env_key):
            return 403, "remote management disabled"
        if not self.on:
            return 403, "remote management key not set"
        if not key:
            return self._failed(address, "missing management key")
        if key not in (self.secret, self.env_key):
            return self._failed(address, "invalid management key")
        self.failures.pop(address, None)
        return 0, ""

    def unauthenticated(self, address: str) -> str:
        """A RESP command before AUTH: it counts, and is told of a ban."""
        banned = self.ban_text(address)
        if banned:
            return banned
        self._failed(address, "")
        return ""

    def _failed(self, address: str, text: str) -> tuple[int, str]:
        self.failures[address] = self.failures.get(address, 0) + 1
        if self.failures[address] >= FAILURES:
            self.banned_until[address] = self.seconds() + BAN_SECONDS
        return 401, text

    def forget(self) -> None:
        """CPA was restarted."""
        self.failures.clear()
        self.banned_until.clear()
