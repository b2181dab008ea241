"""What keeps the daemon from its work is told on every page, until it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.panel.driving import Panel

BOOTSTRAP = "**/v0/management/panel/bootstrap"
# Told to the minute: no busy machine takes half of one from the start to the first look.
BAN_S = 2 * 3600 + 30 * 60 + 30
TAKEOVER = {
    "source": "/old/usage.sqlite",
    "state": "running",
    "events": {"read": 30, "of": 90},
    "added": 30,
    "skipped": 0,
    "unreadable": 0,
    "deadLetters": 0,
    "startedAtMs": 1,
    "finishedAtMs": None,
}
# What the daemon says of itself, the strip that tells it, and words in that.
TROUBLES: dict[str, tuple[dict[str, Any], str]] = {
    "store": ({"store": {"ready": False, "problem": "database or disk is full"}}, "disk is full"),
    "rebuild": ({"derived": {"ready": False, "rows": 30, "of": 90}}, "30 of 90"),
    "takeover": ({"takeovers": [TAKEOVER]}, "30 of 90"),
}


def banned(seconds: int) -> dict[str, Any]:
    """A status of a daemon whose key CPA does not look at for some time."""
    return {"key": {"state": "banned", "reason": "IP banned", "retryInSeconds": seconds}}


@pytest.fixture
def told(inside: Panel) -> dict[str, Any]:
    """Members of the status that the first answer has other than the daemon said."""
    change: dict[str, Any] = {}

    def answer(route: Route) -> None:
        response = route.fetch()
        # The daemon's own part is a line of its own, whose brace is closed by what CPA says.
        own, rest = response.text().split("\n", 1)
        first = json.loads(f"{own}}}")
        collector = {**first["status"]["collector"], **change.get("collector", {})}
        first["status"] |= {**change, "collector": collector}
        route.fulfill(response=response, body=f"{json.dumps(first)[:-1]}\n{rest}")

    inside.page.route(BOOTSTRAP, answer)
    return change


@pytest.mark.parametrize("name", TROUBLES)
def test_it_is_told_on_every_page(inside: Panel, told: dict[str, Any], name: str) -> None:
    change, words = TROUBLES[name]
    told |= change
    strip = inside.page.locator(f"[data-strip={name}]")
    for route in ("/coverage", "/config?tab=manager"):
        inside.visit(route)
        expect(strip).to_contain_text(words)
    told.clear()
    inside.page.reload()
    inside.boot("running")
    inside.page.locator("[data-action=fold]").wait_for()
    expect(strip).to_have_count(0)


def test_a_ban_counts_down_and_is_asked_about_at_its_end(
    inside: Panel, told: dict[str, Any]
) -> None:
    told["collector"] = banned(BAN_S)
    inside.page.clock.install()
    inside.visit("/system")
    left = inside.page.locator("[data-strip=key] [data-metric=retry]")
    expect(left).to_contain_text("2h 30m")
    inside.page.clock.fast_forward("30:00")
    expect(left).to_contain_text("2h 00m")
    inside.page.clock.fast_forward("02:00:31")
    # The daemon itself was never banned, and says so when it is asked.
    expect(inside.page.locator("[data-strip=key]")).to_have_count(0)
