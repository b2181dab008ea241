"""Faults on demand (CPA contract, section 16.3): when they strike, how often, and what they do.

A fault is ``{"when": {"proto", "method", "path", "verb", "nth"}, "times": n, "do": {…}}``. What
``do`` may hold, over HTTP: ``status`` with ``body`` and ``type``; ``headers``; ``delay_ms``;
``close`` (without an answer); ``never`` (no answer); ``cut`` (the body breaks off after so many
bytes); ``plain`` (without the X-CPA headers); ``drip`` (bytes at a time) with ``drip_ms``;
``repeat`` (the body so many times). Over RESP: ``raw`` (these bytes instead of the reply),
``error`` (this error reply), ``close``, ``never``; on messages: ``verb: "message"`` with ``raw`` or
``close``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from cpamp.simulator.resp import RespServer
    from cpamp.simulator.server import Simulator


@attrs.define
class Fault:
    """One fault."""

    when: dict[str, Any]
    do: dict[str, Any]
    times: int
    seen: int = 0

    def strikes(self, **facts: str) -> bool:
        """Whether it is meant, and not used up."""
        conditions = {name: value for name, value in self.when.items() if name != "nth"}
        if any(facts.get(name) != value for name, value in conditions.items()):
            return False
        self.seen += 1
        if self.seen < self.when.get("nth", 1) or self.times == 0:
            return False
        self.times -= 1
        return True

    def on_resp(self, connection: RespServer, simulator: Simulator) -> bool:
        """Do it to a RESP command; whether the command is dealt with."""
        reply = b""
        if "raw" in self.do:
            reply = str(self.do["raw"]).encode("latin-1")
        elif "error" in self.do:
            reply = f"-{self.do['error']}\r\n".encode()
        if self.do.get("close"):
            connection.close(reply)
        else:
            connection.transport.write(reply)
        return bool({"raw", "error", "close", "never"} & self.do.keys())

    def on_message(self, payload: bytes, connection: RespServer) -> bytes:
        """The frame that is sent instead of a message."""
        if self.do.get("close"):
            connection.kick()
            return b""
        return str(self.do.get("raw", "")).encode("latin-1")


@attrs.define
class Faults:
    """All faults that are in force."""

    active: list[Fault] = attrs.Factory(list)

    def add(self, spec: dict[str, Any]) -> None:
        """Put a fault in force; ``times`` may be absent for one, or "forever"."""
        times = spec.get("times", 1)
        number = -1 if times == "forever" else int(times)
        self.active.append(Fault(dict(spec.get("when", {})), dict(spec.get("do", {})), number))

    def clear(self) -> None:
        """End all of them."""
        self.active.clear()

    def http(self, method: str, path: str) -> Fault | None:
        """The fault that strikes an HTTP call."""
        return self._find(proto="http", method=method, path=path)

    def resp(self, verb: str) -> Fault | None:
        """The fault that strikes a RESP command."""
        return self._find(proto="resp", verb=verb)

    def message(self) -> Fault | None:
        """The fault that strikes a published message."""
        return self._find(proto="resp", verb="message")

    def _find(self, **facts: str) -> Fault | None:
        if not self.active:
            return None
        wanted = facts.get("verb") == "message"
        for fault in self.active:
            if wanted and fault.when.get("verb") != "message":
                continue
            if fault.strikes(**facts):
                return fault
        return None
