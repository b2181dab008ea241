"""The panel in Chromium: its size, its start, what it asks for, how soon it follows, its memory.

Playwright drives Debian's Chromium; it comes with the extra ``test``.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import attrs
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    StorageState,
    ViewportSize,
    sync_playwright,
)

from cpamp.bench.browser import chromium
from cpamp.bench.ground import Ground
from cpamp.bench.intake import control
from cpamp.bench.measure import MIB, median
from cpamp.bench.table import Figure
from cpamp.lab import ADMIN_KEY, Cpa, Manager

STREAM = "/v0/management/events/stream"
DESKTOP = ViewportSize(width=1440, height=900)
MINUTE = 60.0
# What a page is left alone for before its requests and its layout are taken for settled.
SETTLE_MS = 1_000
LIVE_PER_SECOND = 5
# Rows that are scrolled through.
SCROLLED = 100_000
ROW_PX = 32

# What the page is watched by, from before its first script on.
WATCH = """
globalThis.bench = {blocked: 0, shift: 0, figures: 0};
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) bench.blocked += Math.max(0, task.duration - 50);
}).observe({type: "longtask", buffered: true});
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) bench.shift += one.value;
}).observe({type: "layout-shift", buffered: true});
const look = () => {
  const found = document.querySelector("[data-block=today][data-state=ready]");
  if (found) bench.figures = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
# What was asked for before the figures were there, besides the page and the stream.
ASKED_BEFORE = """(stream) => performance.getEntriesByType("resource").filter(
  (one) => one.startTime < bench.figures && !one.name.endsWith(stream)).length"""
# Click something, and wait until a block has shown other data; the ms that it took.
CHANGE = """([selector, block]) => new Promise((done, fail) => {
  const find = () => document.querySelector(`[data-block=${block}]`);
  const before = find();
  let waited = before === null;
  const began = performance.now();
  document.querySelector(selector).click();
  const look = () => {
    const state = find()?.dataset.state;
    waited ||= state !== "ready";
    if (waited && (state === "ready" || state === "empty")) done(performance.now() - began);
    else if (performance.now() - began > 10_000) fail(new Error(`${block} did not change`));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
# Scroll a table evenly, from its top to a depth; the longest time between two frames, in ms.
SCROLL = """([selector, depth, seconds]) => new Promise((done) => {
  const box = document.querySelector(selector);
  const began = performance.now();
  let last = began, longest = 0;
  const step = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    const share = Math.min(1, (now - began) / (seconds * 1000));
    box.scrollTop = share * depth;
    if (share < 1) requestAnimationFrame(step);
    else done(longest);
  };
  requestAnimationFrame(step);
})"""


@attrs.define
class Tab:
    """A tab of the browser, and the paths that it asked for."""

    page: Page
    asked: list[str] = attrs.field(factory=list)

    @classmethod
    def open(cls, context: BrowserContext) -> Tab:
        """A new one."""
        tab = cls(context.new_page())
        tab.page.on("request", lambda request: tab._asked(request))
        return tab

    def _asked(self, request: Request) -> None:
        if not request.url.endswith(STREAM):
            self.asked.append(request.url)

    def figures(self) -> float:
        """Wait for the dashboard; the ms from the navigation until its figures were there."""
        self.page.wait_for_function("() => bench.figures > 0")
        return float(self.page.evaluate("bench.figures"))

    def heap(self) -> float:
        """The bytes of the script's heap that are in use."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"])


@attrs.frozen
class Visits:
    """A browser, and a daemon that it is logged in at."""

    browser: Browser
    origin: str
    state: StorageState

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """A tab with an empty cache, that knows the admin key."""
        context = self.browser.new_context(viewport=DESKTOP, storage_state=self.state)
        context.add_init_script(WATCH)
        tab = Tab.open(context)
        # With a new window Chromium runs pages of its own, which nobody waits for.
        tab.page.wait_for_timeout(SETTLE_MS)
        yield tab
        context.close()

    def go(self, tab: Tab, route: str) -> None:
        """Load the page at a route."""
        tab.page.goto(f"{self.origin}/management.html#{route}")


def figures(ground: Ground) -> Iterator[Figure]:
    """All figures of the panel."""
    yield _size()
    size = ground.plan.events
    with (
        ground.cpa() as cpa,
        ground.collecting(cpa, ground.copy("recent", size)) as manager,
        sync_playwright() as playwright,
    ):
        browser = chromium(playwright)
        visits = _logged_in(browser, manager)
        yield from _starts(visits, ground.plan.times)
        yield _idle(visits, ground.plan.seconds)
        yield from _changes(visits, ground.plan.times)
        yield _scrolled(visits, min(SCROLLED, size), ground.plan.seconds)
        yield from _open(visits, cpa, ground.plan.open_seconds)
        browser.close()


def _size() -> Figure:
    """The one file, as it is sent."""
    page = resources.files("cpamp.web").joinpath("panel/management.html").read_bytes()
    return Figure("the panel, gzip", len(gzip.compress(page, 9)) / 1024, "KB", target=230)


def _logged_in(browser: Browser, manager: Manager) -> Visits:
    origin = f"http://127.0.0.1:{manager.http.port}"
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(f"{origin}/management.html")
    page.locator("[data-field=admin-key]").fill(ADMIN_KEY)
    page.locator("[data-field=remember]").check()
    page.locator("[data-action=login]").click()
    page.wait_for_function("() => document.documentElement.dataset.boot === 'running'")
    state = context.storage_state()
    context.close()
    return Visits(browser, origin, state)


def _starts(visits: Visits, times: int) -> Iterator[Figure]:
    """The dashboard with an empty cache, and read again."""
    paints, ready, blocked, shifts = [], [], [], []
    first = again = 0
    for _ in range(times):
        with visits.tab() as tab:
            visits.go(tab, "/")
            ready.append(tab.figures())
            tab.page.wait_for_timeout(SETTLE_MS)
            first = max(first, int(tab.page.evaluate(ASKED_BEFORE, STREAM)))
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            paints.append(float(tab.page.evaluate(paint)))
            blocked.append(float(tab.page.evaluate("bench.blocked")))
            shifts.append(float(tab.page.evaluate("bench.shift")))
            tab.asked.clear()
            tab.page.reload()
            tab.figures()
            tab.page.wait_for_timeout(SETTLE_MS)
            # The page itself is one of them.
            again = max(again, len(tab.asked) - 1)
    yield Figure("dashboard, first paint", median(paints), "ms", target=300, baseline=1_050)
    yield Figure("dashboard, figures", median(ready), "ms", target=700, baseline=3_900)
    yield Figure("dashboard, main thread blocked at its start", median(blocked), "ms", target=100)
    yield Figure("dashboard, layout shift", max(shifts), "CLS", target=0.02)
    yield Figure("asked until the dashboard's figures", first, "requests", target=3)
    yield Figure("asked by a reload", again, "requests", target=5, baseline=40)


def _idle(visits: Visits, seconds: float) -> Figure:
    """What an open dashboard asks for while nothing happens, besides the stream."""
    with visits.tab() as tab:
        visits.go(tab, "/")
        tab.figures()
        tab.page.wait_for_timeout(SETTLE_MS)
        tab.asked.clear()
        tab.page.wait_for_timeout(3 * seconds * 1000)
        asked = len(tab.asked)
    return Figure("asked in a minute, idle", asked * MINUTE / (3 * seconds), "requests", target=0)


# What is changed, where, by clicking what, and the block that follows.
CHANGES = (
    ("range", "/monitoring?time_range=7d", "[data-option='30d']", "summary"),
    ("range, whole", "/monitoring?time_range=7d", "[data-option=all]", "summary"),
    ("tab", "/usage-analytics?time_range=30d", "[data-tab=models]", "models"),
    ("tab, keys", "/usage-analytics?time_range=30d", "[data-tab=apiKeys]", "api-keys"),
    ("tab, heat map", "/usage-analytics?time_range=30d", "[data-tab=heatmap]", "heatmap"),
    ("filter", "/monitoring?time_range=30d&model=gpt-01", "[data-action=remove-filter]", "events"),
)


def _changes(visits: Visits, times: int) -> Iterator[Figure]:
    """From a click to other figures on the screen."""
    for name, route, selector, block in CHANGES:
        taken = []
        for _ in range(times):
            with visits.tab() as tab:
                visits.go(tab, route)
                tab.page.wait_for_selector("[data-block=summary][data-state=ready]")
                taken.append(float(tab.page.evaluate(CHANGE, [selector, block])))
        name = f"change of {name} to new figures"
        yield Figure(name, median(taken), "ms", target=300, baseline=1_000)


def _scrolled(visits: Visits, rows: int, seconds: float) -> Figure:
    """The longest frame while rows of requests are scrolled through."""
    with visits.tab() as tab:
        visits.go(tab, "/monitoring?time_range=all")
        tab.page.wait_for_selector("[data-block=events][data-state=ready]")
        box = "[data-block=events] .table-scroll"
        longest = float(tab.page.evaluate(SCROLL, [box, rows * ROW_PX, seconds]))
    return Figure(f"longest frame while {rows:,} rows are scrolled", longest, "ms", target=50)


def _open(visits: Visits, cpa: Cpa, seconds: float) -> Iterator[Figure]:
    """The heap of a page that is left open while requests come in."""
    with visits.tab() as tab:
        visits.go(tab, "/monitoring")
        tab.page.wait_for_selector("[data-block=summary][data-state=ready]")
        control(cpa, "traffic", per_second=LIVE_PER_SECOND)
        tab.page.wait_for_timeout(seconds * 1000 / 2)
        half = tab.heap()
        tab.page.wait_for_timeout(seconds * 1000 / 2)
        whole = tab.heap()
        control(cpa, "traffic", per_second=0)
    after = f"after {seconds / MINUTE:.3g} minutes with live traffic"
    yield Figure(f"heap of the monitor {after}", whole / MIB, "MB", target=80)
    yield Figure("the same, against that of half the time", whole / half, "×", target=1.1)
