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
from tests.analytics.test_oracle import BOOK, some_event, some_request
from tests.answers import differences
from tests.store.samples import FEW_TEXTS

MINE = "a"


def told(answerer: Answerer, body: dict[str, Any]) -> list[Any]:
    """What may be seen: the answer, all further pages of events, and their table."""
    found = answered(answerer, body)
    pages, page = [], found.get("events", {"has_more": False})
    while page["has_more"]:
        cursor = {"before_ms": page["next_before_ms"], "before_id": page["next_before_id"]}
        further = {"events_page": {"limit": 2, **cursor}}
        page = answered(answerer, {**body, "include": further})["events"]
        pages.append(page)
    table = EventTable.of(answerer, AnalyticsRequest.read(body, NOW))
    reading = answerer.reading
    return [found, pages, table.page(reading.conn, reading.dictionaries, 0).decode().split("\n")]


def numbered(events: list[Event]) -> list[Event]:
    """Events that are all different."""
    return [attrs.evolve(event, event_hash=f"hash-{i}") for i, event in enumerate(events)]


OTHERS = FEW_TEXTS.filter(lambda text: text.strip().lower() != MINE)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    mixed=st.lists(st.tuples(some_event(), st.booleans(), OTHERS), max_size=12),
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
