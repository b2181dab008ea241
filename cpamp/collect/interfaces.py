"""What the parts of collection know of each other."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from cpamp.cpa.errors import (
    CpaProblem,
    CpaTimeout,
    KeyBanned,
    KeyRefused,
    ManagementOff,
    RemoteDisabled,
    Unsupported,
)
from cpamp.cpa.resp import RespError
from cpamp.errors import CpaUnreachable, Problem


class Sink(Protocol):
    """Takes what the transports bring; never parses, never waits."""

    @property
    def room(self) -> bool:
        """Whether more may come."""

    def received(self, payload: bytes) -> None:
        """Take one record."""

    def received_array(self, body: bytes) -> None:
        """Take a JSON array of records, as CPA's HTTP queue sent it."""

    async def wait_for_room(self) -> None:
        """Wait until more may come."""


class Listener(Protocol):
    """Is told how collection goes."""

    def connected(self, transport: str) -> None:
        """Records flow over this transport from now on."""

    def drained(self, problem: str) -> None:
        """What CPA had queued before is taken; or why it could not be ("" if it could)."""

    def failed(self, transport: str, stage: str, problem: Problem) -> None:
        """A transport does not work, or no longer."""


class Kind(Enum):
    """What a failure says of the transport."""

    # This CPA does not have it.
    UNSUPPORTED = "unsupported"
    # It may work again.
    TRANSIENT = "transient"
    # The key was refused: no other transport would fare better.
    KEY = "key"


_UNSUPPORTED_WORDS = ("unknown command", "unsupported", "resp auth disabled", "disabled in home")


def kind_of(problem: Problem) -> Kind:
    """What a failure says of the transport."""
    if isinstance(problem, KeyRefused | KeyBanned | RemoteDisabled):
        return Kind.KEY
    if isinstance(problem, Unsupported | ManagementOff):
        return Kind.UNSUPPORTED
    text = problem.message.lower()
    if isinstance(problem, RespError) and any(word in text for word in _UNSUPPORTED_WORDS):
        return Kind.UNSUPPORTED
    return Kind.TRANSIENT


def stage_of(problem: Problem, default: str) -> str:
    """The stage at which a failure is shown in `/status`."""
    if isinstance(problem, RespError):
        return problem.stage
    if isinstance(problem, KeyRefused | KeyBanned | RemoteDisabled):
        return "auth"
    if isinstance(problem, CpaUnreachable | CpaTimeout):
        return "connect"
    return default


class Transport(Protocol):
    """One way of getting records out of CPA."""

    name: str

    async def run(self) -> None:
        """Collect until stopped; raises the `Problem` that ends it otherwise."""

    async def stop(self) -> None:
        """Take no more from CPA, hand over what is under way, and end."""


__all__ = [
    "CpaProblem",
    "Kind",
    "Listener",
    "Sink",
    "Transport",
    "kind_of",
    "stage_of",
]
