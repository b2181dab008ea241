"""``python -m tests.panel.screenshots FOLDER``: every page of the demo, as people see it."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from cpamp import demo
from cpamp.bench.browser import chromium
from cpamp.lab import ADMIN_KEY, Manager, free_port
from tests.panel.driving import DESKTOP, PHONE, afternoon, origin_of

WEEK = "time_range=7d"
PAGES = {
    "dashboard": "/",
    "analytics": f"/usage-analytics?{WEEK}",
    "analytics-trends": f"/usage-analytics?{WEEK}&tab=trends",
    "analytics-models": f"/usage-analytics?{WEEK}&tab=models",
    "analytics-keys": f"/usage-analytics?{WEEK}&tab=apiKeys",
    "analytics-credentials": f"/usage-analytics?{WEEK}&tab=credentials",
    "analytics-heatmap": f"/usage-analytics?{WEEK}&tab=heatmap",
    "monitor": f"/monitoring?{WEEK}",
    "monitor-accounts": f"/monitoring?{WEEK}&tab=accounts",
    "monitor-keys": f"/monitoring?{WEEK}&tab=apiKeys",
    "prices": "/model-prices",
    "key-names": "/api-key-aliases",
    "coverage": "/coverage",
    "credentials": "/accounts",
    "inspection": "/accounts?view=health",
    "oauth-rules": "/accounts?view=oauth",
    "oauth": "/oauth",
    "providers": "/ai-providers",
    "plugins": "/plugins",
    "account-actions": "/monitoring/account-actions",
    "notices": "/notices",
    "config": "/config?tab=manager",
    "config-keys": "/config?tab=keys",
    "config-form": "/config?tab=visual",
    "config-source": "/config?tab=source",
    "tokens": "/api-tokens",
    "logs": "/logs",
    "system": "/system",
}
SIZES = {"": DESKTOP, "-phone": PHONE}
# Fires when the page of the route is drawn, as far as its data are here.
GO = """route => new Promise(done => {
    const drawn = () => requestAnimationFrame(() => setTimeout(done));
    if (location.hash === `#${route}`) drawn();
    else addEventListener("hashchange", drawn, {once: true});
    location.hash = route;
})"""
# Every block has something to show, or says why it has not.
SETTLED = """() => document.querySelector("[data-block]") !== null
    && !document.querySelector("[data-state=loading], [data-state=refreshing]")"""


def main(folder: Path) -> None:
    """Take all of them; there are two themes and two sizes of each page."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo.world(free_port()) as (manager, _), sync_playwright() as playwright:
        browser = chromium(playwright)
        for theme in ("light", "dark"):
            for suffix, (width, height) in SIZES.items():
                page = _logged_in(browser, manager, theme, width, height)
                for name, route in PAGES.items():
                    page.evaluate(GO, route)
                    page.wait_for_function(SETTLED)
                    page.screenshot(path=folder / f"{name}{suffix}-{theme}.png")
                page.close()


def _logged_in(browser: Browser, manager: Manager, theme: str, width: int, height: int) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en", timezone_id=afternoon()
    )
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    page.goto(f"{origin_of(manager)}/management.html")
    page.locator("[data-field=admin-key]").fill(ADMIN_KEY)
    page.locator("[data-action=login]").click()
    page.wait_for_function("() => document.documentElement.dataset.boot === 'running'")
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]))
