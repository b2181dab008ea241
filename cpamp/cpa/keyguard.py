"""The one place that knows whether CPA takes a key (CPA contract, 17.1; usage contract, 13 B5).

CPA bans an address after five wrong keys. So every part of the daemon asks here before it calls,
and tells here what CPA said: at most two failures per URL and key, then silence until the URL or
the key changes, a person asks again, or four hours have passed.

A key that was right may turn wrong while calls are on their way, which nobody can call back. So no
more of them are let go at once than may fail without a ban, and after a failure none before all
have come back.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from cpamp.cpa.errors import CpaProblem, KeyBanned, KeyRefused, RemoteDisabled
from cpamp.errors import Problem

FAILURES = 2
PROBE_SECONDS = 4 * 3600.0
# Calls with a key that was right of which it is not known whether CPA has looked at it yet.
UNDER_WAY = 4
# CPA looks at the key before all else, which takes it tens of ms: what was not refused by then is
# being worked at, and does not hold the others up.
JUDGED_SECONDS = 1.0
Place = tuple[str, str]


@attrs.define(eq=False)
class _State:
    known_good: bool = False
    failures: int = 0
    # How often CPA spoke against the key; a call that began before says nothing of it since.
    refusals: int = 0
    # No call before this moment of the clock.
    silent_until: float = 0.0
    problem: CpaProblem | None = None
    under_way: int = 0
    waiting: deque[Deferred[None]] = attrs.Factory(deque)

    @property
    def room(self) -> bool:
        """Whether one more call may be under way."""
        return self.under_way < (UNDER_WAY if self.known_good else 1)


@attrs.define(eq=False)
class Call:
    """A call that may be made: one of `accepted`, `refused` and `left` must follow, once."""

    _guard: KeyGuard
    _state: _State
    _refusals: int = attrs.field(init=False)
    _judged: Any = attrs.field(default=None, init=False)
    _under_way: bool = attrs.field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        self._refusals = self._state.refusals
        self._state.under_way += 1
        if self._state.known_good:
            self._judged = self._guard.clock.callLater(JUDGED_SECONDS, self._end)

    def accepted(self) -> None:
        """CPA took the key."""
        state = self._state
        if state.refusals == self._refusals:
            state.known_good, state.failures, state.problem = True, 0, None
        self.left()

    def refused(self, problem: CpaProblem) -> None:
        """CPA did not take the key, or nobody's for now."""
        self._guard.note(self._state, problem)
        self.left()

    def left(self) -> None:
        """The call came to nothing that says anything of the key."""
        if self._judged is not None and self._judged.active():
            self._judged.cancel()
        self._end()

    def _end(self) -> None:
        if self._under_way:
            self._under_way = False
            self._state.under_way -= 1
        self._guard.wake(self._state)


@attrs.define
class KeyGuard:
    """Judges calls by URL and key; `clock` is a reactor's."""

    clock: Any
    _states: dict[Place, _State] = attrs.Factory(dict)

    async def enter(self, url: str, key: str) -> Call:
        """Wait until a call may be made; raises what CPA said where it would be in vain.

        While it is not known whether the key is right, one call is under way at a time.
        """
        state = self._states.setdefault((url, key), _State())
        while True:
            if self._is_silent(state):
                raise self._told(state)
            if state.room:
                return Call(self, state)
            turn: Deferred[None] = Deferred()
            state.waiting.append(turn)
            await turn

    def _is_silent(self, state: _State) -> bool:
        return state.problem is not None and self.clock.seconds() < state.silent_until

    def _told(self, state: _State) -> Problem:
        problem = state.problem
        assert problem is not None
        if isinstance(problem, KeyBanned):
            left = max(state.silent_until - self.clock.seconds(), 0)
            return KeyBanned(f"CPA has banned this address; {left:.0f} s are left", left)
        return problem

    def note(self, state: _State, problem: CpaProblem) -> None:
        """What CPA said against a key."""
        state.known_good, state.problem = False, problem
        state.refusals += 1
        now = self.clock.seconds()
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

    def wake(self, state: _State) -> None:
        """Let those go on who wait, as far as there is room, or no hope."""
        while state.waiting and (state.room or self._is_silent(state)):
            # It takes its place, or is told, before this returns.
            state.waiting.popleft().callback(None)

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
        now: float = self.clock.seconds()
        return max(state.silent_until - now, 0.0)

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
