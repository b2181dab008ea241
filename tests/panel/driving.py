"""A browser that drives the panel, and a daemon with something to show."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from playwright.sync_api import Browser, Page, Request, StorageState, expect

from cpamp.lab import ADMIN_KEY, Cpa, Manager
from cpamp.simulator.records import Generator
from tests.daemon import Lab, connection

ANALYTICS = "/v0/management/monitoring/analytics"
HOUR_MS = 3_600_000
# Of this length are the longest steps in which a page sees that figures age.
AGING_S = 600
DAY_MS = 24 * HOUR_MS
DESKTOP = (1440, 900)
PHONE = (390, 844)
HOSTILE = '<img src=x onerror="window.hacked=1">'
UNPRICED = "no-such-model-anywhere"
# It is listened to all the time, and asks for nothing.
STREAM = "/v0/management/events/stream"
SECRET = "sk-proj-abcdefgh12345678"
# The page, its address, a block of it that must have data, and its figures.
PAGES = {
    "dashboard": ("/", "today"),
    "usage-analytics": ("/usage-analytics?time_range=7d", "summary"),
    "monitoring": ("/monitoring?time_range=7d", "events"),
    "model-prices": ("/model-prices", "prices"),
    "api-key-aliases": ("/api-key-aliases", "aliases"),
    "coverage": ("/coverage", "minutes"),
    "system": ("/system", "storage"),
}


def afternoon() -> str:
    """A time zone in which today has many hours behind it and some before it."""
    ahead = 14 - time.gmtime().tm_hour
    # Their signs are those of the way to Greenwich.
    return f"Etc/GMT{-ahead:+d}"


def records(now_ms: int) -> Iterator[dict[str, Any]]:
    """Records of the last two days, a few of them made to do harm."""
    generator, chance = Generator(5, accounts=12), random.Random(5)
    for at_ms in sorted(now_ms - chance.randrange(2 * DAY_MS) for _ in range(300)):
        yield generator.record(at_ms)
    for at_ms in range(now_ms - 5 * 60_000, now_ms, 60_000):
        hostile = generator.record(at_ms)
        hostile |= {"model": HOSTILE, "alias": HOSTILE, "failed": True}
        hostile["fail"] = {"status_code": 500, "body": f"{HOSTILE} Authorization: Bearer {SECRET}"}
        yield hostile
    yield {**generator.record(now_ms - 30_000), "model": UNPRICED, "alias": UNPRICED}


def fill(manager: Manager, now_ms: int) -> None:
    """Import the records."""
    lines = "\n".join(map(json.dumps, records(now_ms))).encode()
    status, body = manager.http.request("POST", "/v0/management/usage/import", lines)
    assert status == 200, body


@attrs.define
class Panel:
    """One tab of the browser, with what it asked for and what went wrong in it."""

    page: Page
    origin: str
    requests: list[str] = attrs.field(factory=list)
    foreign: list[str] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)
    pending: set[Request] = attrs.field(factory=set)

    @classmethod
    def open(
        cls,
        browser: Browser,
        origin: str,
        *,
        size: tuple[int, int] = DESKTOP,
        language: str = "en",
        storage: StorageState | None = None,
    ) -> Panel:
        """A tab with a storage of its own, at no page yet."""
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            timezone_id=afternoon(),
            has_touch=size == PHONE,
            storage_state=storage,
        )
        return cls.beside(context.new_page(), origin)

    @classmethod
    def beside(cls, page: Page, origin: str) -> Panel:
        """Another tab of the same storage."""
        panel = cls(page, origin)
        page.on("request", lambda request: panel._asked(request))
        page.on("requestfinished", lambda request: panel.pending.discard(request))
        page.on("requestfailed", lambda request: panel.pending.discard(request))
        page.on("pageerror", lambda error: panel.problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and panel._complained(said.text))
        return panel

    def _complained(self, text: str) -> None:
        # An answer that is an error is none of the page's own mistakes.
        if not text.startswith("Failed to load resource"):
            self.problems.append(text)

    def _asked(self, request: Request) -> None:
        if request.url.startswith(self.origin):
            body = request.post_data or ""
            path = request.url.removeprefix(self.origin)
            if path == STREAM:
                return
            self.pending.add(request)
            self.requests.append(f"{request.method} {path} {body}".strip())
        elif not request.url.startswith(("data:", "blob:")):
            self.foreign.append(request.url)

    def visit(self, route: str = "/") -> None:
        """Load the page anew at a route."""
        self.page.goto("about:blank")
        self.requests.clear()
        self.page.goto(f"{self.origin}/management.html#{route}")

    def go(self, route: str) -> None:
        """Change the route by hand, without a load."""
        self.page.evaluate("route => { location.hash = route }", route)

    def log_in(self, key: str = ADMIN_KEY, *, remember: bool = False) -> None:
        """Fill the form in and send it."""
        field = self.page.locator("[data-field=admin-key], [data-field=mgmt-key]")
        field.fill(key)
        if remember:
            self.page.locator("[data-field=remember]").check()
        field.press("Enter")

    def nothing_ages(self) -> None:
        """Begin the page's time right after a border of what ages, so that it crosses none."""
        self.page.clock.install(time=time.time() // AGING_S * AGING_S + 1)

    def boot(self, *states: str) -> None:
        """Wait until the start has come to one of these states."""
        self.page.wait_for_function(
            "states => states.includes(document.documentElement.dataset.boot)", arg=list(states)
        )

    def ready(self, block: str) -> None:
        """Wait until a block shows data."""
        expect(self.page.locator(f"[data-block={block}]")).to_have_attribute("data-state", "ready")

    def settled(self) -> None:
        """Wait until everything that was asked for is answered."""
        while self.pending:
            self.page.wait_for_event("requestfinished")

    def metric(self, name: str) -> float | None:
        """The raw value of a headline figure."""
        value = self.page.locator(f"[data-metric={name}]").first.get_attribute("data-value")
        return None if value in (None, "null") else float(value)

    def overflows(self) -> bool:
        """Whether the page can be scrolled sideways."""
        return bool(
            self.page.evaluate(
                "[document.documentElement, document.querySelector('main')]"
                ".some(box => box && box.scrollWidth > box.clientWidth)"
            )
        )

    def repeated(self) -> list[str]:
        """What was asked for more than once since the load; times are not told apart."""
        return [asked for asked, count in Counter(self.requests).items() if count > 1]

    def close(self) -> None:
        """The tab has asked no third party, and nothing went wrong in it."""
        self.page.close()
        if not self.page.context.pages:
            self.page.context.close()
        assert self.foreign == []
        assert self.problems == []


def manager_of(lab: Lab, **environ: str) -> Manager:
    """A running daemon of a lab."""
    manager = lab.manager(**environ)
    manager.start()
    return manager


@contextmanager
def connected(folder: Path) -> Iterator[tuple[Manager, Cpa]]:
    """A running daemon that is set up, and its CPA."""
    lab = Lab(folder)
    try:
        cpa, manager = lab.cpa(), manager_of(lab)
        manager.http.json("POST", "/setup", connection(cpa))
        yield manager, cpa
    finally:
        lab.close()


def origin_of(manager: Manager) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{manager.http.port}"


def asked(manager: Manager, **include: Any) -> Any:
    """Sections of all time."""
    body = {"from_ms": 1, "to_ms": int(time.time() * 1000), "include": include}
    return manager.http.json("POST", ANALYTICS, body)


def rows(panel: Panel, table: str) -> list[str | None]:
    """The keys of the rows of a table."""
    found = panel.page.locator(f"[data-table={table}] [data-row]").all()
    return [row.get_attribute("data-row") for row in found]


def values(panel: Panel, table: str, column: str) -> list[str]:
    """The raw values of a column."""
    cells = panel.page.locator(f"[data-table={table}] [data-col={column}]").all()
    return [cell.get_attribute("data-value") or "" for cell in cells]
