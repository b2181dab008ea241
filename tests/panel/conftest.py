"""One browser for all tests of the panel, and daemons that many of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from cpamp.bench.browser import chromium
from cpamp.lab import Cpa, Manager
from tests.panel.configuring import YAML, Pair
from tests.panel.driving import Panel, connected, fill, origin_of
from tests.panel.managing import OFFER, PLUGIN, World

LIVE = 20
# Other tests keep the processors busy meanwhile.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """A daemon that is connected to a CPA, with records of two days."""
    with connected(tmp_path_factory.mktemp("panel")) as (manager, cpa):
        manager.wait_for_collector()
        fill(manager, int(time.time() * 1000))
        before = manager.events()
        # What is imported has no account; what is collected has.
        cpa.control.json("POST", "/traffic", {"per_second": LIVE})
        manager.wait_for_events(before + LIVE)
        cpa.control.json("POST", "/traffic", {"per_second": 0})
        counts = cpa.control.json("GET", "/")["counts"]
        manager.wait_for_events(before + counts["published"])
        yield manager


@pytest.fixture
def panel(browser: Browser, filled: Manager) -> Iterator[Panel]:
    """A tab of the filled daemon; nothing may go wrong in it."""
    panel = Panel.open(browser, origin_of(filled))
    yield panel
    panel.close()


@pytest.fixture
def inside(entered: Callable[..., Panel], filled: Manager) -> Panel:
    """A tab of the filled daemon, whose key it remembers, at no page yet."""
    return entered(origin_of(filled))


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Panel]]:
    """Opens further tabs; nothing may go wrong in any of them."""
    panels: list[Panel] = []

    def open_(origin: str, **options: object) -> Panel:
        panels.append(Panel.open(browser, origin, **options))  # type: ignore[arg-type]
        return panels[-1]

    yield open_
    for panel in panels:
        panel.close()


@pytest.fixture(scope="session")
def remembered(browser: Browser) -> Callable[[str], StorageState]:
    """Tells what a browser keeps of a login at a daemon, which is made once."""
    kept: dict[str, StorageState] = {}

    def remembered(origin: str) -> StorageState:
        if origin not in kept:
            panel = Panel.open(browser, origin)
            panel.visit()
            panel.log_in(remember=True)
            panel.boot("running")
            kept[origin] = panel.page.context.storage_state()
            panel.close()
        return kept[origin]

    return remembered


@pytest.fixture
def entered(
    opened: Callable[..., Panel], remembered: Callable[[str], StorageState]
) -> Callable[..., Panel]:
    """Opens further tabs that remember the key."""
    return lambda origin, **options: opened(origin, storage=remembered(origin), **options)


# -- the pages that manage CPA ------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon and its CPA with plugins, for all tests: each changes things of its own."""
    with connected(tmp_path_factory.mktemp("managing")) as (manager, cpa):
        cpa.control.json("POST", "/plugins", {"plugins": [PLUGIN], "offers": [OFFER]})
        manager.wait_for_collector()
        yield manager, cpa


@pytest.fixture
def world(servers: tuple[Manager, Cpa], entered: Callable[..., Panel]) -> World:
    """A tab that remembers the key, at no page yet."""
    manager, cpa = servers
    return World(entered(origin_of(manager)), manager, cpa)


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon and its CPA, for all tests of a file: each loses them, and gets them back."""
    with connected(tmp_path_factory.mktemp("restarted")) as pair:
        yield pair


# -- the pages of settings ----------------------------------------------------------------------


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon and its CPA, whose settings are changed by all tests."""
    with connected(tmp_path_factory.mktemp("settings")) as pair:
        yield pair


@pytest.fixture
def pair(both: tuple[Manager, Cpa], entered: Callable[..., Panel]) -> Pair:
    """A tab that remembers the key; CPA's file and its keys are as they were at first."""
    manager, cpa = both
    pair = Pair(manager, cpa, entered(origin_of(manager)))
    pair.file = YAML
    manager.http.json("PUT", "/v0/management/api-keys", ["sk-client-team-a-0001"])
    return pair
