"""CPA's switch for publishing is watched, and turned on once (usage contract, 1.5)."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from cpamp.collect.publishing import EVERY_SECONDS, Publishing
from cpamp.cpa.client import CpaConfig
from cpamp.cpa.errors import CpaProblem
from cpamp.errors import CpaUnreachable, Problem


@attrs.define
class Cpa:
    """CPA's two calls that matter here."""

    on: bool = True
    problem: Problem | None = None
    enabling: Problem | None = None
    calls: list[str] = attrs.Factory(list)
    hold: Deferred[None] | None = None

    async def config(self) -> CpaConfig:
        self.calls.append("config")
        if self.hold is not None:
            await self.hold
        if self.problem is not None:
            raise self.problem
        return CpaConfig(self.on, 90, False, "", "7.2.140")

    async def enable_usage_statistics(self) -> None:
        self.calls.append("enable")
        if self.enabling is not None:
            raise self.enabling
        self.on = True


@attrs.define
class Watch:
    cpa: Cpa
    ensure: bool = True
    clock: Clock = attrs.Factory(Clock)
    heard: list[bool | None] = attrs.Factory(list)
    publishing: Publishing = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.publishing = Publishing(self.clock, self.cpa, self.ensure, self.hear)

    def hear(self, found: CpaConfig | None) -> None:
        self.heard.append(None if found is None else found.usage_statistics_enabled)


def started(cpa: Cpa, *, ensure: bool = True) -> Watch:
    watch = Watch(cpa, ensure)
    watch.publishing.start()
    return watch


def test_on_is_left_alone_and_looked_at_every_ten_minutes() -> None:
    watch = started(Cpa())
    watch.clock.advance(EVERY_SECONDS)
    assert watch.cpa.calls == ["config"] * 2
    assert watch.heard == [True, True]
    assert watch.publishing.publishing is True


def test_off_is_told_and_turned_on_once() -> None:
    watch = started(Cpa(on=False))
    assert watch.cpa.calls == ["config", "enable"]
    assert watch.heard == [False, True]
    # Somebody wants it off: it is shown, and left so.
    watch.cpa.on = False
    watch.clock.advance(EVERY_SECONDS)
    assert watch.cpa.calls == ["config", "enable", "config"]
    assert watch.heard == [False, True, False]
    assert watch.publishing.publishing is False


def test_off_stays_off_where_the_user_wants_it_so() -> None:
    watch = started(Cpa(on=False), ensure=False)
    assert watch.cpa.calls == ["config"]
    assert watch.heard == [False]


def test_turning_on_is_tried_again_where_it_failed() -> None:
    watch = started(Cpa(on=False, enabling=CpaProblem("500")))
    assert watch.heard == [False]
    watch.cpa.enabling = None
    watch.clock.advance(EVERY_SECONDS)
    assert watch.heard == [False, False, True]


def test_a_cpa_that_was_down_at_the_start_is_asked_as_soon_as_it_answers() -> None:
    watch = started(Cpa(on=False, problem=CpaUnreachable("refused")))
    assert watch.heard == [None]
    assert watch.publishing.publishing is None
    watch.cpa.problem = None
    watch.publishing.connected()
    assert watch.heard == [None, False, True]
    # A transport that works goes on working: no need to ask.
    watch.publishing.connected()
    assert len(watch.heard) == 3


def test_a_cpa_that_came_back_may_have_another_configuration() -> None:
    watch = started(Cpa())
    watch.cpa.on = False
    watch.publishing.disconnected()
    watch.publishing.connected()
    assert watch.heard == [True, False, True]


def test_one_call_at_a_time_and_none_after_the_end() -> None:
    watch = started(Cpa(hold=Deferred()))
    watch.publishing.check()
    watch.publishing.connected()
    assert watch.cpa.calls == ["config"]
    watch.publishing.stop()
    assert watch.heard == []
    assert watch.clock.getDelayedCalls() == []
