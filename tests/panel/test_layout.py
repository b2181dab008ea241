"""What is on a page holds still while the rest of it comes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpamp.lab import Manager
from tests.panel.driving import DESKTOP, PHONE, Panel, origin_of
from tests.panel.places import MAYBE_EMPTY, PLACES, settled

MOST_SHIFT = 0.02
# How far what was there has moved by itself, since the page was opened.
SHIFT = """
globalThis.shift = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shift += one.value;
}).observe({type: "layout-shift", buffered: true});
"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_they_hold_still(
    filled: Manager, entered: Callable[..., Panel], size: tuple[int, int]
) -> None:
    panel = entered(origin_of(filled), size=size)
    panel.page.add_init_script(SHIFT)
    moved = {}
    for place in (*PLACES, *MAYBE_EMPTY):
        panel.visit(place)
        settled(panel, place)
        moved[place] = float(panel.page.evaluate("shift"))
    assert {place: one for place, one in moved.items() if one >= MOST_SHIFT} == {}
