"""Who may see one key's events learns nothing of any other's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpamp.analytics.answer import Answerer
from cpamp.analytics.request import AnalyticsRequest
from cpamp.analytics.tables import EventTable
from cpamp.usage.event import Event
from tests.analytics.asking import NOW, answered, stored
from tests.analytics.test_oracle import BOOK, DAY, some_event, some_request
from tests.answers import differences
from tests.store.samples import FEW_TEXTS

MINE = "a"


MOST = 12
ALL_TIME = {"from_ms": 1, "to_ms": NOW + 1_000 * DAY}


def told(answerer: Answerer, body: dict[str, Any]) -> list[Any]:
    """What may be seen: the answer, and all events page by page and as a table."""
    pages: list[Any] = []
    cursor: dict[str, int] = {}
    while not pages or pages[-1]["has_more"]:
        assert len(pages) < MOST
        asked = {**ALL_TIME, "include": {"events_page": {"limit": 2, **cursor}}}
        pages.append(answered(answerer, asked)["events"])
        cursor = {name: pages[-1][f"next_{name}"] for name in ("before_ms", "before_id")}
    reading, every = answerer.reading, AnalyticsRequest.read(ALL_TIME, NOW)
    table = EventTable.of(answerer, every).page(reading.conn, reading.dictionaries, 0)
    return [answered(answerer, body), pages, table.decode().split("\n")]


def numbered(events: list[Event]) -> list[Event]:
    """Events that are all different."""
    return [attrs.evolve(event, event_hash=f"hash-{i}") for i, event in enumerate(events)]


OTHERS = FEW_TEXTS.filter(lambda text: text.strip().lower() != MINE)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    mixed=st.lists(st.tuples(some_event(), st.booleans(), OTHERS), max_size=MOST),
    body=some_request(),
    choices=st.sampled_from([{}, {"filter_options": True}, {"filter_selectors": True}]),
)
def test_no_answer_changes_with_the_events_of_other_keys(
    mixed: list[tuple[Event, bool, str]], body: dict[str, Any], choices: dict[str, Any]
) -> None:
    body["include"] |= choices
    events = numbered(
        [
            attrs.evolve(event, api_key_hash=MINE if is_mine else other)
            for event, is_mine, other in mixed
        ]
    )
    mine = [event for event in events if event.api_key_hash == MINE]
    found = []
    for some in (mine, events):
        with (
            tempfile.TemporaryDirectory() as folder,
            stored(Path(folder), [some], BOOK, MINE) as answerer,
        ):
            found.append(told(answerer, body))
    alone, among_others = found
    assert differences(alone, among_others) == []
    assert differences(among_others, alone) == []
