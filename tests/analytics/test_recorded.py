"""Recorded answers: ours are equal, but where the contract asks for something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from cpamp.analytics.answer import Answerer
from cpamp.analytics.dashboard import DashboardRequest, dashboard
from cpamp.analytics.engine import encoded
from cpamp.analytics.history import HistoryRequest, history
from cpamp.analytics.windows import WindowsRequest, window_usage
from cpamp.errors import BadRequest
from cpamp.importing.forms import Candidate
from cpamp.importing.reading import FileReader
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from tests import answers
from tests.analytics.asking import NOW, answered, recounted, stored

PATH = "/v0/management/monitoring/analytics"
OTHERS: dict[str, Callable[[Answerer, str, Any], dict[str, Any]]] = {
    "/v0/management/dashboard/summary": lambda answerer, query, _: dashboard(
        answerer, DashboardRequest.read(parse_qs(query), NOW)
    ),
    "/v0/management/monitoring/account-history": lambda answerer, _, body: history(
        answerer, HistoryRequest.read(body)
    ),
    "/v0/management/monitoring/account-window-usage": lambda answerer, _, body: window_usage(
        answerer, WindowsRequest.read(body)
    ),
}
# The name of a group is that of its newest event (section 6); the recorded server takes any.
ANY_NAMES = ("account_snapshot", "auth_label_snapshot", "auth_provider_snapshot", "source")
DEVIATIONS = {
    "life.channel_share": ANY_NAMES,
    "life.filter_options": ANY_NAMES,
    # A local day ends at the next midnight, also when the clock changes (section 7).
    "life.anomaly.day.Europe/Berlin": ("bucket_end_ms",),
}


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


def test_answers_are_those_recorded(recorded: tuple[str, Answerer]) -> None:
    name, answerer = recorded
    wrong = {}
    for one in of(name):
        found = answers.differences(one["answer"], answered(answerer, one["body"]))
        allowed = DEVIATIONS.get(one["name"], ())
        rest = [line for line in found if not line.split(":")[0].endswith(allowed)]
        if rest or (allowed and not found):
            wrong[one["name"]] = rest
    assert wrong == {}


def test_the_other_answers_are_those_recorded(recorded: tuple[str, Answerer]) -> None:
    name, answerer = recorded
    for one in answers.answers(name):
        path, _, query = one["path"].partition("?")
        if path not in OTHERS:
            continue
        if one["status"] == 400:
            with pytest.raises(BadRequest):
                OTHERS[path](answerer, query, one["body"])
            continue
        found = orjson.loads(encoded(OTHERS[path](answerer, query, one["body"])))
        assert answers.differences(one["answer"], found) == [], one["name"]


def test_answers_are_those_counted_event_by_event(recorded: tuple[str, Answerer]) -> None:
    name, answerer = recorded
    for one in of(name):
        found = answered(answerer, one["body"])
        assert answers.differences(recounted(answerer, one["body"]), found) == [], one["name"]
