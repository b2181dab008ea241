"""The questions of the recorded answers: ours equal the count event by event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cpamp.analytics.answer import Answerer
from cpamp.importing.forms import Candidate
from cpamp.importing.reading import FileReader
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from tests import answers
from tests.analytics.asking import answered, recounted, stored

PATH = "/v0/management/monitoring/analytics"


@pytest.fixture(scope="module", params=["mon", "dash", "hist", "life", "raw"])
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Answerer]]:
    """A set of events, and what answers questions to them."""
    name = request.param
    reader = FileReader(1)
    found = [*reader.feed(answers.events(name)), *reader.end()]
    events = [one.event(1) if isinstance(one, Candidate) else one for one in found]
    book = PriceBook(read_book(answers.setup(name)["prices"] or {}))
    with stored(tmp_path_factory.mktemp(name), [events], book) as answerer:
        yield name, answerer


def of(name: str) -> list[dict[str, Any]]:
    return [a for a in answers.answers(name) if a["path"] == PATH and a["status"] == 200]


def test_answers_are_those_counted_event_by_event(recorded: tuple[str, Answerer]) -> None:
    name, answerer = recorded
    for one in of(name):
        found = answered(answerer, one["body"])
        assert answers.differences(recounted(answerer, one["body"]), found) == [], one["name"]
