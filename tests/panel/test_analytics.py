"""Analytics as people use it: choosing, comparing, going from a figure to what it is made of."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from cpamp.lab import Manager
from tests.panel.driving import ANALYTICS, PHONE, UNPRICED, Panel

BOOTSTRAP = "**/panel/bootstrap*"
WEEK = "time_range=7d"


def last_asked(panel: Panel, including: str) -> Any:
    """The body of the last question that asks for something."""
    bodies = [one.split(" ", 2)[2] for one in panel.requests if f"POST {ANALYTICS}" in one]
    return [body for body in map(json.loads, bodies) if including in body["include"]][-1]


def test_several_values_of_a_filter(inside: Panel) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=models")
    inside.ready("models")
    page = inside.page
    found = page.locator("[data-table=models] [data-row]")
    names = [name for row in found.all() if (name := row.get_attribute("data-row")) != UNPRICED]
    chosen = [names[0], UNPRICED]
    page.locator("[data-action=filters]").click()
    for count, name in enumerate(chosen, start=1):
        page.locator("select[data-field=model]").select_option(name)
        expect(page.locator("[data-dialog=filters] [data-chip=model]")).to_have_count(count)
    page.keyboard.press("Escape")
    expect(found).to_have_count(2)
    assert [row.get_attribute("data-row") for row in found.all()] == chosen
    assert len(re.findall(r"[?&]model=", page.url)) == 2
    page.reload()
    expect(found).to_have_count(2)
    page.locator(".filters [data-chip=model]").first.locator("button").click()
    expect(found).to_have_count(1)
    assert page.url.count("model=") == 1


def test_a_channel_is_chosen_on_a_phone(inside: Panel, filled: Manager) -> None:
    page = inside.page
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    inside.visit("/monitoring?time_range=all&tab=accounts")
    inside.ready("accounts")
    page.locator("[data-action=filters]").click()
    channel = page.locator("select[data-field=channel]")
    index = channel.locator("option").nth(1).get_attribute("value")
    channel.select_option(index)
    page.keyboard.press("Escape")
    asked = {"from_ms": 1, "to_ms": 2**42, "filters": {"auth_indices": [index]}}
    asked["include"] = {"account_stats": True}
    told = filled.http.json("POST", ANALYTICS, asked)["account_stats"]
    found = page.locator("[data-table=accounts] [data-row]")
    expect(found).to_have_count(len(told))
    assert {row.get_attribute("data-row") for row in found.all()} == {row["id"] for row in told}


def test_what_was_chosen_is_in_the_address(inside: Panel) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=credentials&size.credentials=50")
    inside.ready("credentials")
    size = inside.page.locator("[data-field=page-size]")
    expect(size).to_have_value("50")
    size.select_option("100")
    inside.page.wait_for_url(re.compile(r"size\.credentials=100"))
    inside.page.locator("[data-option=yesterday]").click()
    inside.page.wait_for_url(re.compile("time_range=yesterday"))
    inside.go("/")
    inside.ready("today")
    inside.go("/usage-analytics")
    inside.page.wait_for_url(re.compile("usage-analytics.time_range=yesterday"))
    inside.go(f"/usage-analytics?{WEEK}")
    expect(inside.page.locator("[data-option='7d']")).to_have_attribute("aria-checked", "true")


def test_minutes_that_were_lost_are_hatched_in_the_rows(inside: Panel) -> None:
    hole = {"fromMs": 1, "toMs": 2**42, "state": "lost", "reason": "queue_overflow"}

    def lose(route: Route) -> None:
        told = route.fetch().text()
        assert '"holes":[' in told
        route.fulfill(body=re.sub(r'"holes":\[[^\]]*\]', f'"holes":[{json.dumps(hole)}]', told))

    inside.page.route(BOOTSTRAP, lose)
    inside.visit(f"/monitoring?{WEEK}")
    inside.ready("events")
    strip = inside.page.locator("[data-table=events] [data-col=rate] [role=img]").first
    drawn = strip.locator("path.holed").get_attribute("d")
    assert drawn is not None
    assert drawn.count("M") == 10
    inside.page.unroute(BOOTSTRAP)


def test_lines_are_taken_away_and_come_back(inside: Panel) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=trends")
    inside.ready("model-trend")
    page = inside.page
    page.locator("[data-field=by] [data-option=keys]").click()
    chart = page.locator("[data-chart=key-trend]")
    names = chart.locator("[data-line]")
    expect(names.first).to_be_visible()
    keys = [name.get_attribute("data-line") for name in names.all()]
    # The dearest keys, and what the others have together.
    assert [*last_asked(inside, "api_key_timeline")["filters"]["api_key_hashes"], "other"] == keys
    names.first.click()
    expect(names.first).to_have_attribute("aria-pressed", "false")
    chart.locator("[data-action=as-table]").click()
    heads = chart.locator("th")
    expect(heads).to_have_count(len(keys))
    page.reload()
    expect(names.first).to_have_attribute("aria-pressed", "false")
    names.first.click()
    expect(names.first).to_have_attribute("aria-pressed", "true")
    assert "hide=" not in page.url


@pytest.mark.parametrize("chart", ["model-trend", "token-structure"])
def test_every_chart_of_time_leads_to_requests(inside: Panel, chart: str) -> None:
    inside.visit("/usage-analytics?time_range=yesterday&tab=trends")
    inside.ready(chart)
    inside.page.locator(f"[data-chart={chart}] .u-over").click()
    inside.ready("drilldown")
    bucket = re.search(r"bucket=(\d+)", inside.page.url)
    link = inside.page.locator("[data-dialog=bucket] a").last.get_attribute("href") or ""
    assert bucket
    assert f"from_ms={bucket[1]}" in link


def test_a_bucket_tells_why_it_stands_out(inside: Panel, filled: Manager) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=trends")
    inside.ready("model-trend")
    asked = last_asked(inside, "anomaly_points")
    point = filled.http.json("POST", ANALYTICS, asked)["anomaly_points"][0]
    inside.go(f"/usage-analytics?{WEEK}&tab=trends&bucket={point['bucket_ms']}")
    causes = inside.page.locator("[data-table=causes] [data-row]")
    expect(causes.first).to_be_visible()
    keys = [cause.get_attribute("data-row") for cause in causes.all()]
    assert keys == point["metric_keys"][:4]


def test_keys_are_found_by_a_word(inside: Panel) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=apiKeys")
    inside.ready("api-keys")
    table = inside.page.locator("[data-table=api-keys] [data-row]")
    key = table.nth(1).get_attribute("data-row") or ""
    field = inside.page.locator("[data-field=api-key-keyword]")
    field.fill(key[:14])
    expect(table).to_have_count(1)
    assert table.get_attribute("data-row") == key
    inside.page.reload()
    expect(field).to_have_value(key[:14])
    expect(table).to_have_count(1)
    field.fill("there is no such key")
    expect(inside.page.locator("[data-block=api-keys] .empty")).to_be_visible()


def test_a_warning_leads_to_who_it_is_of(inside: Panel) -> None:
    inside.visit("/usage-analytics?time_range=30d&tab=credentials")
    inside.ready("warnings")
    warning = inside.page.locator("[data-table=warnings] [data-warning]").first
    reason = warning.get_attribute("data-warning")
    warning.locator("button").click()
    drawer = inside.page.locator("[data-dialog=detail]")
    expect(drawer.locator(f"[data-warning={reason}]")).to_be_visible()
    inside.ready("detail-course")


def test_a_model_tells_which_keys_use_it(inside: Panel, filled: Manager) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=models")
    inside.ready("models")
    inside.page.locator("[data-table=models] [data-row]").first.click()
    inside.ready("detail-course")
    keys = filled.http.json("POST", ANALYTICS, last_asked(inside, "api_key_stats"))["api_key_stats"]
    calls = sorted((key["cost"] for key in keys), reverse=True)[:4]
    found = inside.page.locator("[data-chart=model-keys] [data-row]").all()
    told = {key["id"]: key["cost"] for key in keys}
    assert [told[row.get_attribute("data-row") or ""] for row in found] == calls


def test_a_cell_is_compared_and_asked_for_by_its_days(inside: Panel, filled: Manager) -> None:
    inside.visit(f"/usage-analytics?{WEEK}&tab=heatmap")
    inside.ready("heatmap")
    cells = {
        (cell["weekday"], cell["hour"]): cell
        for cell in filled.http.json("POST", ANALYTICS, last_asked(inside, "heatmap"))["heatmap"]
    }
    inside.page.locator("[data-chart=busiest] a").first.click()
    drawer = inside.page.locator("[data-dialog=cell]")
    expect(drawer.locator("[data-metric=rank]")).to_have_attribute("data-value", "1")
    (place,) = re.findall(r"cell=(\d+)", inside.page.url)
    weekday, hour = divmod(int(place), 24)
    most = cells[weekday, hour]["calls"]
    assert most == max(cell["calls"] for cell in cells.values())
    # Within seven days every weekday is there once, but the days of today that are to come.
    assert inside.metric("mean-cell") == most
    of_hour = sum(cell["calls"] for (_, at), cell in cells.items() if at == hour)
    assert inside.metric("mean-hour") in (pytest.approx(of_hour / 7), pytest.approx(of_hour / 6))
    drawer.locator("[data-date]").nth(1).click()
    inside.ready("cell-day")
    asked = last_asked(inside, "heatmap")
    assert asked["to_ms"] - asked["from_ms"] <= 25 * 3_600_000
    assert asked["include"]["granularity"] == "hour"
    expect(drawer.locator("dd").first).to_contain_text(re.compile(rf"^{most} \("))


def test_cells_can_be_read_and_met_on_a_phone(inside: Panel) -> None:
    inside.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    inside.visit(f"/usage-analytics?{WEEK}&tab=heatmap")
    inside.ready("heatmap")
    cell = inside.page.locator("[data-cell]:not(:disabled)").first
    box = cell.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 43
    assert cell.inner_text() == cell.get_attribute("data-value")
    inside.visit("/")
    inside.ready("health")
    hour = inside.page.locator("button.hour").last
    box = hour.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    assert not inside.overflows()
