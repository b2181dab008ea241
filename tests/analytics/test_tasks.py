"""Tasks are events of one text of the time, whatever the times are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cpamp.pricing.cost import PriceBook
from cpamp.usage.event import Event, Who
from cpamp.usage.timestamps import join
from tests import answers
from tests.analytics.asking import answered, explained, recounted, stored
from tests.store.samples import NOW, event

HOUR = 3_600_000
DAY = 24 * HOUR
WHO = Who(auth_index="a")
REQUEST = {
    "from_ms": NOW - DAY,
    "to_ms": NOW + DAY,
    "include": {"summary": True, "task_buckets": True},
}


def at(number: int, text: str | None = None, **members: Any) -> Event:
    """An event of one credential, a second after the last one, with the text of its time."""
    at_ms = NOW + number * 1000
    text = join(at_ms) if text is None else text
    return event(number, timestamp_ms=at_ms, timestamp=text, who=WHO, **members)


def tasks(folder: Path, events: list[Event]) -> dict[str, Any]:
    """The engine's answer, which is what is counted event by event and day by day."""
    with stored(folder, [events], PriceBook({})) as answerer:
        found = answered(answerer, REQUEST)
        assert answers.differences(recounted(answerer, REQUEST), found) == []
        assert [figure for figure in explained(answerer, REQUEST) if not figure.agrees] == []
    return found


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (("today", "today"), 1),
        (("today", "tomorrow"), 2),
        (("today", None), 2),
        # The first one's text, of the second one.
        ((None, join(NOW)), 1),
        ((join(NOW + 1000), None), 1),
        # The same instant, written otherwise.
        ((None, join(NOW).replace("Z", "+00:00")), 2),
        # The same ms, and digits below.
        ((None, join(NOW, 1)), 2),
    ],
)
def test_texts_tell_tasks_apart(tmp_path: Path, texts: tuple[str | None, ...], count: int) -> None:
    found = tasks(tmp_path, [at(number, text) for number, text in enumerate(texts)])
    assert found["summary"]["approx_tasks"] == len(found["task_buckets"]) == count


@pytest.mark.parametrize("moved", [0, 1])
def test_a_text_may_come_again_on_another_day(tmp_path: Path, moved: int) -> None:
    times = NOW, NOW + 20 * HOUR
    events = [
        event(n, timestamp_ms=at_ms, timestamp=join(times[1 - moved]), who=WHO)
        for n, at_ms in enumerate(times)
    ]
    assert tasks(tmp_path, events)["summary"]["approx_tasks"] == 1


def test_texts_of_one_ms(tmp_path: Path) -> None:
    events = [at(0, "today"), event(1, timestamp_ms=NOW, timestamp="tomorrow", who=WHO)]
    assert tasks(tmp_path, events)["summary"]["approx_tasks"] == 2


def test_the_newest_tasks_have_all_their_events(tmp_path: Path) -> None:
    first, last = at(0, "today"), at(1_500, "today")
    # The text of an event that is too old to be read otherwise.
    moved = at(1_501, join(NOW + 1000))
    found = tasks(tmp_path, [first, *map(at, range(1, 1_500)), last, moved])
    assert found["summary"]["approx_tasks"] == 1_500
    assert [row["total"] for row in found["task_buckets"][:3]] == [2, 2, 1]
    assert len(found["task_buckets"]) == 500
