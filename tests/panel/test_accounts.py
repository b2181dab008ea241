"""What the drawer of a credential tells: forecast, who used its quota, what was done to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from cpamp.lab import Cpa, Manager
from tests.daemon import Lab, connection
from tests.described import Described
from tests.inspection import fixture
from tests.inspection.test_http import finished
from tests.panel.driving import DESKTOP, PHONE, Panel, manager_of, origin_of
from tests.panel.managing import World

MONITORING = "/v0/management/monitoring"
FILES = "/v0/management/auth-files"
MINUTE = 60_000
HOUR = 60 * MINUTE
Servers = tuple[Manager, Cpa]


def record(now: int, minutes: int, used: float, end: int) -> dict[str, Any]:
    """A call of f01 so many minutes ago, whose answer tells of its window."""
    at = now - minutes * MINUTE
    headers = {
        "X-Codex-Primary-Used-Percent": [str(used)],
        "X-Codex-Primary-Window-Minutes": ["300"],
        "X-Codex-Primary-Reset-After-Seconds": [str((end - at) // 1000)],
        "X-Codex-Secondary-Used-Percent": ["7"],
        "X-Codex-Secondary-Window-Minutes": ["10080"],
        "X-Codex-Secondary-Reset-After-Seconds": ["300000"],
    }
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at / 1000)),
        "request_id": f"burn-{minutes}",
        "provider": "codex",
        "model": "gpt-5.4" if minutes % 20 else "gpt-5.5",
        "auth_index": "a01",
        "api_key": "sk-one" if minutes % 30 else "sk-two",
        "tokens": {"input_tokens": 100_000, "output_tokens": 1000, "total_tokens": 101_000},
        "latency_ms": 20_000,
        "response_headers": headers,
    }


def fill(manager: Manager, cpa: Cpa) -> None:
    """Use, quota and an inspection that acts; a person takes one of its acts back."""
    cpa.control.json("POST", "/auth_files", {"files": fixture.entries()})
    now = time.time_ns() // 1_000_000
    end = now + 2 * HOUR
    usage = fixture.usage(
        "plus",
        fixture.window(80, fixture.H5, end // 1000 - 3600),
        fixture.window(7, fixture.WK, now // 1000),
    )
    mine = {"match": {"auth_index": "a01"}, "reply": {"status": 200, "body": usage}}
    cpa.control.json("POST", "/api_call", {"rules": [mine, *fixture.rules()]})
    http = manager.http
    http.json("POST", "/setup", connection(cpa))
    manager.wait_for_collector()
    moments = range(150, 0, -10)
    told = [record(now, minutes, round(80 - minutes / 2), end) for minutes in moments]
    cpa.control.json("POST", "/publish", {"records": told})
    manager.wait_for_events(len(told))
    seen = [
        {
            "provider": "codex",
            "account": {"auth_file_snapshot": "f01.json", "auth_index": "a01"},
            "windows": [
                {
                    **{"provider_window_id": "five-hour", "window_mode": "fixed"},
                    **{"model_scope_kind": "family", "model_scope_key": "codex_main"},
                    **{"source": "api_query", "boundary_accuracy": "exact"},
                    "observed_at_ms": now - minutes * MINUTE,
                    "cycle_start_ms": end - 5 * HOUR,
                    "cycle_end_ms": end,
                    "used_percent": 80 - minutes / 2,
                }
            ],
        }
        for minutes in range(155, -10, -15)
        if minutes >= 0
    ]
    for entry in seen:
        http.json("POST", "/v0/management/quota-snapshots", {"entries": [entry]})
    config = {"codexInspection": {"autoActionMode": "disable"}}
    http.json("PUT", "/usage-service/config", {"config": config})
    run = http.json("POST", "/v0/management/codex-inspection/run")["run"]
    finished(manager, run["id"])
    http.json("PATCH", f"{FILES}/status", {"name": "f03.json", "disabled": False})


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    lab = Lab(tmp_path_factory.mktemp("accounts"))
    cpa, manager = lab.cpa(), manager_of(lab)
    fill(manager, cpa)
    yield manager, cpa
    lab.close()


@pytest.fixture
def open_world(servers: Servers, entered: Callable[..., Panel]) -> Callable[..., World]:
    def open_(size: tuple[int, int] = DESKTOP) -> World:
        return World(entered(origin_of(servers[0]), size=size), *servers)

    return open_


def of_account(world: World, what: str, **more: str) -> Any:
    target = {"auth_file_snapshot": "f01.json", "auth_index": "a01", **more}
    return world.manager.http.json("GET", f"{MONITORING}/{what}?{urlencode(target)}")


def test_the_list_tells_what_runs_out(open_world: Callable[..., World]) -> None:
    world = open_world()
    forecast = world.manager.http.json("GET", f"{MONITORING}/forecast")
    assert Described.by(world.manager.http).wrong("GET", f"{MONITORING}/forecast", forecast) == []
    (mine,) = [a for a in forecast["accounts"] if a["auth_file_snapshot"] == "f01.json"]
    spent = min(w["spent_at_ms"] for w in mine["windows"] if w["spent_at_ms"])
    world.panel.visit("/accounts")
    world.panel.ready("credentials")
    cell = world.row("auth-files", "f01.json").locator("[data-col=spent]")
    expect(cell).to_have_attribute("data-value", str(spent))
    pools = world.panel.page.locator("[data-pool]")
    expect(pools).to_have_count(len(forecast["pools"]))
    world.panel.visit("/accounts?quota=runsOut")
    expect(world.panel.page.locator("[data-table=auth-files] tbody [data-row]")).to_have_count(1)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_who_used_a_window(open_world: Callable[..., World], size: tuple[int, int]) -> None:
    world = open_world(size)
    world.panel.visit("/accounts?account=f01.json&tab=quota")
    page = world.panel.page
    world.panel.ready("shares")
    shares = of_account(world, "account-window-shares", auth_provider_snapshot="codex")
    described = Described.by(world.manager.http)
    assert described.wrong("GET", f"{MONITORING}/account-window-shares", shares) == []
    window = next(w for w in shares["windows"] if w["provider_window_id"] == "five-hour")
    assert window["rows"]
    assert window["unexplained_percent"] > 0
    shown = page.locator("[data-shares=five-hour]")
    for row in window["rows"]:
        line = shown.locator(f'[data-share="{row["api_key_hash"]} {row["model"]}"]')
        assert float(line.get_attribute("data-value") or "nan") == row["percent"]
    values = [
        float(line.get_attribute("data-value") or "nan")
        for line in shown.locator("[data-share]").all()
    ]
    assert sum(values) == pytest.approx(window["used_percent"])
    expect(shown.locator("[data-share=unseen]")).to_be_visible()


def test_what_was_done_to_an_account(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.panel.visit("/accounts?account=f03.json&tab=timeline")
    world.panel.ready("timeline")
    deeds = world.panel.page.locator("[data-deed]")
    expect(deeds).to_have_count(3)
    found = [
        (deed.get_attribute("data-deed"), deed.get_attribute("data-actor")) for deed in deeds.all()
    ]
    assert found == [("action", "person"), ("action", "daemon"), ("verdict", "daemon")]
    deeds.last.locator("summary").click()
    expect(deeds.last.locator(".facts")).to_contain_text("usedPercent")
