"""The choice of the transport, step by step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.collect.auto import Auto, Event, Step, back_off

SUBSCRIBE, HTTP, RESP = range(3)
WORKS, FAILED, UNSUPPORTED = Event.WORKS, Event.FAILED, Event.UNSUPPORTED
KEY, BETTER = Event.KEY_REFUSED, Event.BETTER_WORKS

# What happens, and what is done about each: (transport, after so many seconds).
STORIES: dict[str, tuple[list[Event], list[tuple[int, float] | None]]] = {
    "an old CPA without SUBSCRIBE": ([UNSUPPORTED, WORKS], [(HTTP, 0), None]),
    "an older one without the HTTP queue": (
        [UNSUPPORTED, UNSUPPORTED, WORKS],
        [(HTTP, 0), (RESP, 0), None],
    ),
    "CPA is down: all are tried at once, then all again after a pause": (
        [FAILED] * 9,
        [
            (HTTP, 0),
            (RESP, 0),
            (SUBSCRIBE, 1),
            (HTTP, 0),
            (RESP, 0),
            (SUBSCRIBE, 2),
            (HTTP, 0),
            (RESP, 0),
            (SUBSCRIBE, 4),
        ],
    ),
    "one that has worked is taken up three times before the next": (
        [WORKS, FAILED, FAILED, FAILED, FAILED],
        [None, (SUBSCRIBE, 1), (SUBSCRIBE, 2), (SUBSCRIBE, 4), (HTTP, 0)],
    ),
    "and starts anew whenever it works": (
        [WORKS, FAILED, FAILED, WORKS, FAILED],
        [None, (SUBSCRIBE, 1), (SUBSCRIBE, 2), None, (SUBSCRIBE, 1)],
    ),
    "it falls back although it has worked, where CPA has it no more": (
        [UNSUPPORTED, WORKS, UNSUPPORTED],
        [(HTTP, 0), None, (RESP, 0)],
    ),
    "the last one begins again with the best": (
        [UNSUPPORTED, UNSUPPORTED, WORKS, FAILED, FAILED, FAILED, FAILED],
        [(HTTP, 0), (RESP, 0), None, (RESP, 1), (RESP, 2), (RESP, 4), (SUBSCRIBE, 0)],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_stories(story: str) -> None:
    events, steps = STORIES[story]
    auto, taken = Auto(), []
    for event in events:
        auto, step = auto.on(event)
        taken.append(None if step is None else (step.transport, step.after))
    assert taken == steps


def test_a_refused_key_is_tried_with_no_other_transport() -> None:
    for before in ([], [WORKS], [UNSUPPORTED], [FAILED, FAILED]):
        auto = Auto()
        for event in before:
            auto, _ = auto.on(event)
        after, step = auto.on(KEY)
        assert step == Step(auto.current, for_key=True)
        assert (after.current, after.works) == (auto.current, False)


def test_a_better_one_that_works_is_used() -> None:
    auto, _ = Auto().on(UNSUPPORTED)
    auto, _ = auto.on(UNSUPPORTED)
    assert list(auto.probes) == [SUBSCRIBE, HTTP]
    auto, step = auto.on(BETTER, HTTP)
    assert (auto, step) == (Auto(current=HTTP, works=True), None)
    assert list(auto.probes) == [SUBSCRIBE]


def test_a_fixed_mode_has_nowhere_to_go() -> None:
    auto, pauses = Auto(transports=1), []
    for _ in range(8):
        auto, step = auto.on(FAILED)
        assert step is not None
        assert (step.transport, list(auto.probes)) == (0, [])
        pauses.append(step.after)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    auto, _ = auto.on(WORKS)
    assert auto.on(FAILED)[1] == Step(0, 1)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (10**9, 30)],
)
def test_pauses(failures: int, seconds: float) -> None:
    assert back_off(failures) == seconds


@given(
    st.integers(1, 3),
    st.lists(st.sampled_from([WORKS, FAILED, UNSUPPORTED, KEY]), max_size=40),
)
def test_whatever_happens(transports: int, events: list[Event]) -> None:
    auto, idle = Auto(transports=transports), 0
    for event in events:
        auto, step = auto.on(event)
        assert 0 <= auto.current < transports
        assert (step is None) == (event is WORKS)
        if step is None:
            idle = 0
            continue
        assert step.transport == auto.current
        assert 0 <= step.after <= 30
        # Without a pause it goes round once at the most.
        idle = idle + 1 if step.after == 0 and not step.for_key else 0
        assert idle < transports + 1
