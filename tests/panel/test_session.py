"""Logging in, staying in, and getting out."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from cpamp.lab import ADMIN_KEY, Manager
from tests.daemon import Lab, connection
from tests.panel.driving import Panel, manager_of, origin_of

# What CPA is asked for the numbers of.
CPA_COUNTS = ("auth-files", "request-error-logs")


def test_a_wrong_key_is_refused_with_a_reason(panel: Panel) -> None:
    panel.visit()
    panel.boot("login")
    panel.log_in("cmp_admin_wrong")
    error = panel.page.locator("[data-error=invalid_admin_key]")
    expect(error).to_contain_text("401")
    expect(panel.page.locator("html")).to_have_attribute("data-boot", "login")


def test_the_page_asked_for_comes_after_the_login(panel: Panel) -> None:
    panel.visit("/usage-analytics?tab=models&time_range=7d")
    panel.log_in()
    expect(panel.page.locator("[data-page=usage-analytics]")).to_be_visible()
    expect(panel.page.locator("[data-tab=models]")).to_have_attribute("aria-selected", "true")


def test_a_key_that_is_not_remembered_ends_with_the_page(panel: Panel) -> None:
    panel.visit()
    panel.log_in()
    panel.boot("running")
    assert ADMIN_KEY not in panel.page.evaluate("JSON.stringify(localStorage)")
    panel.page.reload()
    panel.boot("login")


def test_a_remembered_key_is_good_for_the_next_visit(inside: Panel) -> None:
    inside.visit("/system")
    inside.boot("running")
    inside.page.locator("[data-action=logout]").click()
    inside.boot("login")
    assert ADMIN_KEY not in inside.page.evaluate("JSON.stringify(localStorage)")
    expect(inside.page).to_have_url(f"{inside.origin}/management.html#/")


def test_tabs_log_out_together(inside: Panel) -> None:
    inside.visit()
    inside.boot("running")
    other = Panel.beside(inside.page.context.new_page(), inside.origin)
    other.visit("/coverage")
    other.boot("running")
    inside.page.locator("[data-action=logout]").click()
    other.boot("login")
    other.close()


def test_figures_are_there_after_three_requests(inside: Panel) -> None:
    inside.nothing_ages()
    inside.visit()
    inside.ready("today")
    expect(inside.page.locator("[data-block=foot] [data-metric=error-logs]")).to_be_visible()
    asked = [one.split("?")[0] for one in inside.requests]
    assert len(asked) == 6  # The page itself is one of them.
    # What only CPA can count comes after the figures.
    assert set(asked[4:]) == {f"GET /v0/management/{name}" for name in CPA_COUNTS}


def test_a_cpa_that_is_gone_locks_nobody_out(lab: Lab, opened: Callable[..., Panel]) -> None:
    cpa, manager = lab.cpa(), manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    cpa.process.stop()
    panel = opened(origin_of(manager))
    panel.visit()
    panel.log_in()
    panel.boot("recovery")
    expect(panel.page.locator("[data-strip=cpa]")).to_contain_text(cpa.url)
    panel.ready("today")


def test_a_server_that_is_gone_leaves_old_data(lab: Lab, opened: Callable[..., Panel]) -> None:
    manager: Manager = manager_of(lab)
    manager.http.json("POST", "/setup", connection(lab.cpa()))
    panel = opened(origin_of(manager))
    panel.visit()
    panel.log_in()
    panel.ready("today")
    manager.stop()
    panel.page.locator("[data-action=refresh]").click()
    expect(panel.page.locator("[data-block=today]")).to_have_attribute("data-state", "stale")
    expect(panel.page.locator("[data-toast=error]")).to_be_visible()
    # What was true when the last data came is not claimed any more.
    expect(panel.page.locator("[data-verdict=unknown]")).to_be_visible()
    assert panel.metric("requests") == 0
