"""The one place that knows whether CPA takes a key (CPA contract, 17.1; usage contract, 13 B5).

CPA bans an address after five wrong keys. So every part of the daemon asks here before it calls,
and tells here what CPA said: at most two failures per URL and key, then silence until the URL or
the key changes, a person asks again, or four hours have passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from cpamp.cpa.errors import CpaProblem, KeyBanned, KeyRefused, RemoteDisabled
from cpamp.errors import Problem

FAILURES = 2
PROBE_SECONDS = 4 * 3600.0
Place = tuple[str, str]


@attrs.define
class _State:
    known_good: bool = False
    failures: int = 0
    # No call before this moment of the monotonic clock.
    silent_until: float = 0.0
    problem: CpaProblem | None = None
    # Those who wait for the outcome of the first call with this key.
    probing: bool = False
    waiting: list[Deferred[None]] = attrs.Factory(list)


@attrs.define
class KeyGuard:
    """Judges calls by URL and key; `seconds` is a monotonic clock."""

    seconds: Callable[[], float]
    _states: dict[Place, _State] = attrs.Factory(dict)

    async def enter(self, url: str, key: str) -> None:
        """Wait until a call may be made; raises what CPA said where it would be in vain.

        While it is not known whether the key is right, one call is under way at a time. Every
        `enter` must be followed by `accepted`, `refused` or `left`.
        """
        state = self._states.setdefault((url, key), _State())
        while True:
            if state.problem is not None and self.seconds() < state.silent_until:
                raise self._told(state)
            if state.known_good or not state.probing:
                state.probing = True
                return
            turn: Deferred[None] = Deferred()
            state.waiting.append(turn)
            await turn

    def _told(self, state: _State) -> Problem:
        problem = state.problem
        assert problem is not None
        if isinstance(problem, KeyBanned):
            left = max(state.silent_until - self.seconds(), 0)
            return KeyBanned(f"CPA has banned this address; {left:.0f} s are left", left)
        return problem

    def accepted(self, url: str, key: str) -> None:
        """CPA took the key."""
        state = self._states.setdefault((url, key), _State())
        state.known_good, state.failures, state.problem = True, 0, None
        self._next(state)

    def left(self, url: str, key: str) -> None:
        """The call came to nothing that says anything of the key."""
        self._next(self._states.setdefault((url, key), _State()))

    def refused(self, url: str, key: str, problem: CpaProblem) -> None:
        """CPA did not take the key, or nobody's for now."""
        state = self._states.setdefault((url, key), _State())
        state.known_good, state.problem = False, problem
        now = self.seconds()
        if isinstance(problem, KeyBanned):
            state.silent_until = now + problem.seconds + 1
        elif isinstance(problem, KeyRefused):
            state.failures += 1
            wait = PROBE_SECONDS if state.failures >= FAILURES else 0
            state.silent_until = now + wait
            if wait:
                # The automatic probe may fail once, and then all is silent again.
                state.failures = FAILURES - 1
        elif isinstance(problem, RemoteDisabled):
            state.silent_until = now + 30
        else:
            state.problem = None
        self._next(state)

    def retry(self) -> None:
        """A person asks for another try; a ban is waited out all the same."""
        for state in self._states.values():
            if not isinstance(state.problem, KeyBanned):
                state.failures, state.silent_until, state.problem = 0, 0.0, None

    def wait_seconds(self, url: str, key: str) -> float:
        """For how long calls are in vain."""
        state = self._states.get((url, key))
        if state is None or state.problem is None:
            return 0.0
        return max(state.silent_until - self.seconds(), 0.0)

    def status(self, url: str, key: str) -> dict[str, Any]:
        """``{state, reason?, retryInSeconds?}`` for `/status`."""
        state = self._states.get((url, key))
        if state is None or (state.problem is None and not state.known_good):
            return {"state": "unknown"}
        if state.problem is None:
            return {"state": "accepted"}
        return {
            "state": state.problem.code.removeprefix("cpa_"),
            "reason": state.problem.message,
            "retryInSeconds": round(self.wait_seconds(url, key)),
        }

    @staticmethod
    def _next(state: _State) -> None:
        state.probing = False
        waiting, state.waiting = state.waiting, []
        for turn in waiting:
            turn.callback(None)
