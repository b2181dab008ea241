"""How many wrong keys CPA sees, on a clock."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.cpa.errors import (
    CpaProblem,
    KeyBanned,
    KeyRefused,
    ManagementOff,
    RemoteDisabled,
    Unsupported,
)
from cpamp.cpa.keyguard import JUDGED_SECONDS, UNDER_WAY, Call, KeyGuard
from cpamp.errors import Problem

HOUR = 3600.0
PLACE = ("http://cpa", "key")
REFUSED = KeyRefused("CPA refuses the management key")


class Calls:
    """Parts of the daemon that call CPA: what each was let do."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.guard = KeyGuard(self.clock)
        # Those that CPA has not answered, the first one first.
        self.under_way: list[Call] = []

    def call(self, place: tuple[str, str] = PLACE) -> list[Any]:
        """One that wants to call: [None] when it may, [the problem] when it may not."""
        outcome: list[Any] = []

        def begun(call: Call) -> None:
            self.under_way.append(call)
            outcome.append(None)

        entering = Deferred.fromCoroutine(self.guard.enter(*place))
        entering.addCallbacks(begun, lambda f: outcome.append(f.value))
        return outcome

    def refuse(self, problem: CpaProblem = REFUSED) -> None:
        self.under_way.pop(0).refused(problem)

    def accept(self) -> None:
        self.under_way.pop(0).accepted()

    def leave(self) -> None:
        self.under_way.pop(0).left()


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_one_call_at_a_time_until_the_key_is_known_to_be_right(calls: Calls) -> None:
    first, second, third = calls.call(), calls.call(), calls.call()
    assert (first, second, third) == ([None], [], [])
    calls.accept()
    assert (second, third) == ([None], [None])
    assert calls.call() == [None]


def test_a_call_that_says_nothing_of_the_key_lets_the_next_one_go(calls: Calls) -> None:
    first, second, third = calls.call(), calls.call(), calls.call()
    calls.leave()
    assert (first, second, third) == ([None], [None], [])


def test_other_keys_and_addresses_are_judged_apart(calls: Calls) -> None:
    assert calls.call() == [None]
    assert calls.call(("http://cpa", "other")) == [None]
    assert calls.call(("http://other", "key")) == [None]


def test_two_failures_whoever_asks_and_then_silence_for_four_hours(calls: Calls) -> None:
    waiting = [calls.call() for _ in range(20)]
    for seen in (1, 2):
        assert [w for w in waiting if w == [None]] == [[None]] * seen
        calls.refuse()
    assert [w for w in waiting if w != [None]] == [[REFUSED]] * 18
    assert calls.guard.wait_seconds(*PLACE) == 4 * HOUR
    calls.clock.advance(4 * HOUR - 1)
    assert calls.call() == [REFUSED]
    calls.clock.advance(1)
    probe, other = calls.call(), calls.call()
    assert (probe, other) == ([None], [])
    calls.refuse()
    assert other == [REFUSED]
    # From now on one failure in four hours.
    calls.clock.advance(4 * HOUR - 1)
    assert calls.call() == [REFUSED]


def test_a_key_that_was_right_may_become_wrong(calls: Calls) -> None:
    calls.call()
    calls.accept()
    for _ in range(2):
        assert calls.call() == [None]
        calls.refuse()
    assert calls.call() == [REFUSED]


def fill(calls: Calls) -> None:
    """As many calls on their way as may be, with a key that was right so far."""
    calls.call()
    calls.accept()
    for _ in range(UNDER_WAY):
        assert calls.call() == [None]


def test_so_many_at_once_as_may_fail_without_a_ban(calls: Calls) -> None:
    fill(calls)
    waiting = [calls.call() for _ in range(20)]
    calls.refuse()
    assert waiting == [[]] * 20
    calls.refuse()
    assert waiting == [[REFUSED]] * 20
    calls.refuse()
    calls.refuse()
    assert calls.call() == [REFUSED]


def test_after_a_failure_none_goes_before_all_are_back(calls: Calls) -> None:
    fill(calls)
    waiting = calls.call()
    calls.refuse()
    # What CPA had taken before it spoke against the key proves nothing.
    calls.accept()
    calls.accept()
    assert waiting == []
    calls.leave()
    assert waiting == [None]
    assert calls.call() == []
    calls.refuse()
    assert calls.call() == [REFUSED]


def test_what_cpa_works_at_holds_nobody_up(calls: Calls) -> None:
    fill(calls)
    waiting = [calls.call() for _ in range(UNDER_WAY + 1)]
    calls.clock.advance(JUDGED_SECONDS - 0.01)
    assert waiting == [[]] * (UNDER_WAY + 1)
    calls.clock.advance(0.01)
    assert waiting == [[None]] * UNDER_WAY + [[]]
    # Answered in the end, each of the first is still counted once.
    for _ in range(UNDER_WAY):
        calls.accept()
    assert waiting[-1] == []
    calls.accept()
    assert waiting[-1] == [None]


def test_a_success_forgets_a_failure(calls: Calls) -> None:
    for _ in range(3):
        assert calls.call() == [None]
        calls.refuse()
        assert calls.call() == [None]
        calls.accept()


def test_a_ban_is_waited_out_and_tells_what_is_left(calls: Calls) -> None:
    calls.call()
    calls.refuse(KeyBanned("banned", 600))
    calls.clock.advance(100)
    (problem,) = calls.call()
    assert isinstance(problem, KeyBanned)
    assert (problem.message, problem.seconds) == (
        "CPA has banned this address; 501 s are left",
        501,
    )
    calls.guard.retry()
    assert isinstance(calls.call()[0], KeyBanned)
    calls.clock.advance(501)
    assert calls.call() == [None]


@pytest.mark.parametrize(
    ("problem", "seconds"),
    [
        (RemoteDisabled("remote"), 30.0),
        (ManagementOff("off"), 0.0),
        (Unsupported("old"), 0.0),
    ],
)
def test_what_does_not_judge_the_key(calls: Calls, problem: CpaProblem, seconds: float) -> None:
    calls.call()
    calls.refuse(problem)
    assert calls.guard.wait_seconds(*PLACE) == seconds
    calls.clock.advance(seconds)
    assert calls.call() == [None]


def test_a_person_may_ask_again(calls: Calls) -> None:
    for _ in range(2):
        calls.call()
        calls.refuse()
    assert calls.call() == [REFUSED]
    calls.guard.retry()
    for _ in range(2):
        assert calls.call() == [None]
        calls.refuse()
    assert calls.call() == [REFUSED]


def test_one_that_has_gone_while_it_waited_holds_nobody_up(calls: Calls) -> None:
    calls.call()
    gone = Deferred.fromCoroutine(calls.guard.enter(*PLACE))
    gone.addErrback(lambda failure: None)
    last = calls.call()
    gone.cancel()
    calls.leave()
    assert last == [None]


def told(problem: Problem | None) -> dict[str, Any]:
    calls = Calls()
    calls.call()
    if problem is None:
        calls.accept()
    else:
        assert isinstance(problem, CpaProblem)
        calls.refuse(problem)
    calls.clock.advance(10)
    return calls.guard.status(*PLACE)


def test_status() -> None:
    assert Calls().guard.status(*PLACE) == {"state": "unknown"}
    assert told(None) == {"state": "accepted"}
    assert told(KeyRefused("no")) == {"state": "key_refused", "reason": "no", "retryInSeconds": 0}
    assert told(KeyBanned("out", 99)) == {"state": "banned", "reason": "out", "retryInSeconds": 90}
    assert told(RemoteDisabled("far")) == {
        "state": "remote_disabled",
        "reason": "far",
        "retryInSeconds": 20,
    }
