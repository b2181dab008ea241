"""Which transport is used: the choice in `auto` mode as a pure machine (usage, 13 B4, B5).

A state and an event give the next state and what is to be done. Transports are numbered from the
best: 0 subscribe, 1 HTTP queue, 2 RESP pop. A fixed mode is the same machine with one transport.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import attrs

from cpamp.collect.interfaces import Kind

# Reconnects of a transport that once worked, before the next one is tried.
RECONNECTS = 3
PROBE_SECONDS = 60.0
_BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class Event(Enum):
    """What happened to the transport in use, or to a better one that was tried beside it."""

    WORKS = "works"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    KEY_REFUSED = "key refused"
    BETTER_WORKS = "a better one works"

    @classmethod
    def of(cls, kind: Kind) -> Event:
        """The event of a failure."""
        return {
            Kind.UNSUPPORTED: cls.UNSUPPORTED,
            Kind.TRANSIENT: cls.FAILED,
            Kind.KEY: cls.KEY_REFUSED,
        }[kind]


class Step(NamedTuple):
    """What is to be done: use this transport after so many seconds."""

    transport: int
    after: float = 0.0
    # Wait until the key may be tried again, however long that is.
    for_key: bool = False


@attrs.frozen
class Auto:
    """Where the choice stands."""

    transports: int = 3
    current: int = 0
    # Whether the current one has worked since it was chosen.
    works: bool = False
    # Failures since something last worked.
    failures: int = 0
    # Transports in a row that were found wanting since something last worked.
    tried: int = 0

    def on(self, event: Event, better: int = 0) -> tuple[Auto, Step | None]:
        """The next state and what to do; `better` is the one that works with BETTER_WORKS."""
        match event:
            case Event.WORKS:
                return attrs.evolve(self, works=True, failures=0, tried=0), None
            case Event.BETTER_WORKS:
                chosen = attrs.evolve(self, current=better, works=True, failures=0, tried=0)
                return chosen, None
            case Event.KEY_REFUSED:
                # Another transport would only be one failure more.
                return attrs.evolve(self, works=False), Step(self.current, for_key=True)
            case Event.FAILED if self.works or (self.tried == 0 and self.failures > 0):
                return self._again()
            case _:
                return self._next()

    def _again(self) -> tuple[Auto, Step]:
        """Try the same once more, a few times, if it has worked before."""
        failures = self.failures + 1
        if failures > RECONNECTS and self.transports > 1:
            return self._next()
        state = attrs.evolve(self, works=False, failures=failures)
        return state, Step(self.current, back_off(failures))

    def _next(self) -> tuple[Auto, Step]:
        """Go on to the next transport; after the last one, wait and begin with the best."""
        tried = self.tried + 1
        chosen = (self.current + 1) % self.transports
        rounds = tried // self.transports
        state = attrs.evolve(
            self, current=chosen, works=False, failures=0 if rounds == 0 else rounds, tried=tried
        )
        return state, Step(chosen, back_off(rounds) if chosen == 0 else 0.0)

    @property
    def probes(self) -> range:
        """The better transports that are tried now and then beside the current one."""
        return range(self.current)


def back_off(failures: int) -> float:
    """The pause before the next try, in seconds."""
    return _BACK_OFF[min(failures, len(_BACK_OFF)) - 1] if failures > 0 else 0.0
