"""What was begun goes on where the network or the daemon failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Route, expect

from cpamp.bench.workloads import monitoring
from cpamp.lab import ADMIN_KEY, CPA_KEY
from tests.daemon import Lab, connection
from tests.panel.driving import Panel, manager_of, origin_of


def test_the_wizard_waits_for_its_daemon(lab: Lab, opened: Callable[..., Panel]) -> None:
    cpa, manager = lab.cpa(), manager_of(lab)
    panel = opened(origin_of(manager))
    panel.visit()
    panel.boot("setup")
    finish = panel.page.locator("[data-action=finish]")
    told = {"admin-key": ADMIN_KEY, "cpa-url": cpa.url, "cpa-key": CPA_KEY}
    while not finish.is_visible():
        step = panel.page.locator("[data-step]").get_attribute("data-step") or ""
        if step in told:
            panel.page.locator(f"[data-field={step}]").fill(told[step])
        panel.page.locator("[data-action=next]").click()
        expect(panel.page.locator(f"[data-step={step}]")).to_have_count(0)
    manager.stop()
    finish.click()
    expect(panel.page.locator("[data-error=network]")).to_be_visible()
    expect(panel.page.locator("form")).to_contain_text(cpa.url)
    manager.start()
    finish.click()
    panel.boot("running")


def test_an_upload_goes_on_where_the_network_failed(
    lab: Lab, opened: Callable[..., Panel], tmp_path: Path
) -> None:
    count, chunk = 2_000, 65_536
    manager = manager_of(lab, USAGE_IMPORT_CHUNK_BYTES=str(chunk))
    manager.http.json("POST", "/setup", connection(lab.cpa()))
    file = tmp_path / "usage.jsonl"
    file.write_bytes(b"".join(monitoring(count)))
    panel = opened(origin_of(manager))
    panel.visit("/monitoring")
    panel.log_in()
    page = panel.page
    sent: list[str] = []

    def interrupt(route: Route) -> None:
        sent.append(route.request.url)
        if len(sent) == 3:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/chunk?offset=*", interrupt)
    page.locator("[data-action=transfers]").click()
    page.locator("[data-menu=transfers] [data-option=import]").click()
    page.locator("[data-field=file]").set_input_files(file)
    page.locator("[data-action=start-import]").click()
    expect(page.locator("[data-import=failed]")).to_be_visible()
    assert len(sent) == 3
    page.locator("[data-action=start-import]").click()
    expect(page.locator("[data-import=completed]")).to_contain_text("2,000", timeout=60_000)
    # What had arrived was not sent again.
    assert len(sent) <= file.stat().st_size // chunk + 1 + 2
    assert manager.events() == count
