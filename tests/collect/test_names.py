"""Account names from CPA's listing, never on the path of a commit (usage contract, 2.9)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.names import AccountName, Listing, Names, read_listing
from cpamp.errors import CpaUnreachable
from cpamp.usage.event import Event
from tests.collect.doubles import NOW, Inline, Wall, event

INDEX = "3f9a1c0b7d2e4856"
LONG = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"email": "a@b.c"}, AccountName("a@b.c", "a@b.c")),
        (
            {"account": "a@b.c", "email": "x@y.z", "label": "Alice", "name": "f.json"},
            AccountName("a@b.c", "Alice", "f.json"),
        ),
        ({"label": " Alice ", "name": "f.json"}, AccountName("Alice", "Alice", "f.json")),
        ({"name": "f.json", "email": "x@y.z"}, AccountName("x@y.z", "f.json", "f.json")),
        # An API key is nobody's name; a long file name is one.
        ({"account": "sk-live-1", "name": "f.json"}, AccountName("f.json", "f.json", "f.json")),
        ({"account": LONG}, AccountName()),
        ({"account": "sk-live-1", "email": "a@b.c"}, AccountName("a@b.c", "a@b.c")),
        ({"name": f"{LONG}.json"}, AccountName(f"{LONG}.json", f"{LONG}.json", f"{LONG}.json")),
        ({"type": "codex"}, AccountName(provider="codex")),
        ({"provider": "gemini", "type": "codex"}, AccountName(provider="gemini")),
        ({"projectId": "p1"}, AccountName(project="p1")),
        ({"project_id": "", "gemini_virtual_project": "p2"}, AccountName(project="p2")),
    ],
)
def test_reading_an_entry(entry: dict[str, Any], expected: AccountName) -> None:
    assert read_listing([{**entry, "auth_index": INDEX}]) == {INDEX: expected}


@pytest.mark.parametrize("name", ["auth_index", "authIndex", "auth-index"])
def test_spellings_of_the_index(name: str) -> None:
    assert set(read_listing([{name: f" {INDEX} ", "email": "a@b.c"}, {"email": "b"}])) == {INDEX}


@attrs.define
class Asked:
    """Names on a clock, and a CPA that answers when the test wants."""

    clock: Clock = attrs.Factory(Clock)
    calls: list[Deferred[Listing]] = attrs.Factory(list)
    heard: list[Listing] = attrs.Factory(list)
    names: Names = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        now = Wall(self.clock)
        self.names = Names(self.clock, Inline(), self._fetch, now, self.heard.append)

    async def _fetch(self) -> Listing:
        call: Deferred[Listing] = Deferred()
        self.calls.append(call)
        return await call

    def answer(self, email: str, index: str = INDEX) -> None:
        self.calls[-1].callback([{"auth_index": index, "email": email}])

    def fill(self, **members: Any) -> tuple[Event, Deferred[None]]:
        found = event(1, **members)
        return found, Deferred.fromCoroutine(self.names.fill([found]))

    def named(self, **members: Any) -> str:
        """The account of an event that must not wait."""
        found, done = self.fill(**members)
        assert done.called
        return found.who.account_snapshot


def test_the_first_listing_may_hold_a_commit_but_for_a_second_at_most() -> None:
    asked = Asked()
    found, done = asked.fill()
    asked.clock.advance(0.9)
    assert not done.called
    asked.clock.advance(0.2)
    assert done.called
    assert found.who.account_snapshot == ""
    # The next ones don't wait, though there is no answer yet.
    assert asked.named() == ""
    asked.answer("a@b.c")
    assert asked.named() == "a@b.c"
    assert len(asked.calls) == 1


def test_an_answer_in_time_names_the_first_events() -> None:
    asked = Asked()
    found, done = asked.fill()
    asked.clock.advance(0.5)
    asked.answer("a@b.c")
    assert done.called
    assert found.who.account_snapshot == found.who.auth_label_snapshot == "a@b.c"
    assert found.auth_snapshot_at_ms == NOW + 500
    assert asked.heard == [[{"auth_index": INDEX, "email": "a@b.c"}]]
    assert asked.clock.getDelayedCalls() == []


def ready() -> Asked:
    asked = Asked()
    asked.fill()
    asked.answer("old@b.c")
    return asked


def test_the_listing_is_asked_for_again_after_30_seconds_and_not_waited_for() -> None:
    asked = ready()
    asked.clock.advance(29.9)
    assert asked.named() == "old@b.c"
    assert len(asked.calls) == 1
    asked.clock.advance(0.2)
    assert asked.named() == "old@b.c"
    assert len(asked.calls) == 2
    asked.answer("new@b.c")
    assert asked.named() == "new@b.c"


def test_a_refresh_makes_it_due_but_at_most_every_5_seconds() -> None:
    asked = ready()
    asked.clock.advance(1)
    asked.names.refresh()
    asked.named()
    assert len(asked.calls) == 1
    asked.clock.advance(4)
    asked.named()
    assert len(asked.calls) == 2
    # It changes again while it is being listed: what comes may be the state before.
    asked.names.refresh()
    asked.answer("between@b.c")
    asked.clock.advance(5)
    asked.named()
    assert len(asked.calls) == 3


def test_a_failure_is_remembered_for_10_seconds_and_leaves_what_is_known() -> None:
    asked = ready()
    asked.clock.advance(31)
    asked.named()
    asked.calls[-1].errback(CpaUnreachable("refused"))
    asked.clock.advance(9)
    assert asked.named() == "old@b.c"
    assert len(asked.calls) == 2
    asked.clock.advance(1)
    asked.named()
    assert len(asked.calls) == 3


def test_only_empty_members_are_filled() -> None:
    asked = ready()
    found, _ = asked.fill(account_snapshot="mine")
    assert found.who.account_snapshot == "mine"
    assert found.who.auth_label_snapshot == "old@b.c"
    assert found.auth_snapshot_at_ms > 0


def test_what_the_listing_does_not_know_is_left_alone() -> None:
    asked = ready()
    found, _ = asked.fill(auth_index="ffffffffffffffff")
    assert found.who.account_snapshot == ""
    assert found.auth_snapshot_at_ms == 0


def test_nothing_is_asked_for_events_without_a_credential() -> None:
    asked = Asked()
    assert asked.named(auth_index="") == ""
    assert asked.calls == []


def test_a_new_run_knows_nothing_of_the_former_cpa() -> None:
    asked = ready()
    asked.clock.advance(31)
    asked.named()
    late = asked.calls[-1]
    asked.names.begin()
    found, done = asked.fill()
    assert len(asked.calls) == 3
    late.callback([{"auth_index": INDEX, "email": "former@b.c"}])
    asked.answer("present@b.c")
    assert done.called
    assert found.who.account_snapshot == "present@b.c"
