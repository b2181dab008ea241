"""Work that is shared by all who ask the same, and given up when all have gone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from cpamp.analytics.flights import Flights, Stopped
from cpamp.analytics.request import AnalyticsRequest
from cpamp.analytics.selection import Condition, select
from cpamp.pricing.cost import PriceBook
from cpamp.usage.exported import read_exported
from tests.analytics.asking import NOW, stored
from tests.store.samples import events


@attrs.define
class Work:
    """Counts how often it was begun; each time ends when `ends[i]` fires."""

    ends: list[Deferred[str]] = attrs.Factory(list)
    stops: list[threading.Event] = attrs.Factory(list)

    async def start(self, stop: threading.Event) -> str:
        self.stops.append(stop)
        self.ends.append(Deferred())
        return await self.ends[-1]


def result_of(turn: Deferred[Any]) -> Any:
    return SynchronousTestCase().successResultOf(turn)


def test_equal_questions_share_an_answer() -> None:
    flights, work = Flights[str](), Work()
    turns = [flights.join("a", work.start) for _ in range(3)]
    other = flights.join("b", work.start)
    assert len(work.ends) == 2
    work.ends[0].callback("answer")
    assert [result_of(turn) for turn in turns] == ["answer"] * 3
    assert not other.called
    flights.join("a", work.start)
    assert len(work.ends) == 3


def test_who_goes_leaves_the_others_waiting() -> None:
    flights, work = Flights[str](), Work()
    first, second = flights.join("a", work.start), flights.join("a", work.start)
    first.cancel()
    SynchronousTestCase().failureResultOf(first, CancelledError)
    assert not work.stops[0].is_set()
    work.ends[0].callback("answer")
    assert result_of(second) == "answer"


def test_work_that_nobody_waits_for_is_stopped() -> None:
    flights, work = Flights[str](), Work()
    turns = [flights.join("a", work.start) for _ in range(2)]
    for turn in turns:
        turn.cancel()
        SynchronousTestCase().failureResultOf(turn, CancelledError)
    assert work.stops[0].is_set()
    # Who asks now is not given what was stopped.
    late = flights.join("a", work.start)
    work.ends[0].errback(Stopped())
    assert not late.called
    work.ends[1].callback("answer")
    assert result_of(late) == "answer"


@pytest.mark.parametrize("waiting", [1, 2])
def test_a_failure_is_everybodys(waiting: int) -> None:
    flights, work = Flights[str](), Work()
    turns = [flights.join("a", work.start) for _ in range(waiting)]
    work.ends[0].errback(ValueError("why"))
    for turn in turns:
        SynchronousTestCase().failureResultOf(turn, ValueError)


def test_counting_stops(tmp_path: Path) -> None:
    event = read_exported({"event_hash": "x", "timestamp_ms": NOW}, now_ms=NOW)
    with stored(tmp_path, [[event]], PriceBook({})) as answerer:
        stop = threading.Event()
        stopping = attrs.evolve(answerer, view=attrs.evolve(answerer.view, stop=stop))
        request = AnalyticsRequest.plain(1, 2 * NOW)
        assert stopping.answer(request)
        stop.set()
        with pytest.raises(Stopped):
            stopping.answer(request)


def test_reading_events_stops(tmp_path: Path) -> None:
    with stored(tmp_path, [events(0, 2_500)], PriceBook({})) as answerer:
        stop = threading.Event()
        view = attrs.evolve(answerer.view, stop=stop)
        selection = select(view, 1, 2 * NOW, Condition())
        facts = answerer.reading.facts(selection, np.arange(2_500))
        read = [next(facts)]
        stop.set()
        with pytest.raises(Stopped):
            read.extend(facts)
        assert len(read) <= 1_000
