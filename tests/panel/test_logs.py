"""The page of CPA's logs: what CPA writes, what is found in it, and what it must not show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Locator, expect

from cpamp.lab import CPA_KEY, Cpa, Manager
from tests.panel.driving import HOSTILE, PHONE, SECRET, Panel, connected, origin_of

BIG = 12_000
SWITCH = "/v0/management/logging-to-file"
FAILED = "error-v1-responses-2026-08-22T143905-a1b2c3d4.log"


def call(number: int, path: str = "/v1/responses", status: int = 200, level: str = "info") -> str:
    """A line of a call, each with an id of its own."""
    return (
        f"[2026-11-23 09:18:50] [{number:08x}] [{level:5}] [gin_logger.go:97] {status} | "
        f'{"52ms":>13} | {"127.0.0.1":>15} | {"POST":7} "{path}"'
    )


LINES = [
    call(1),
    call(2, "/v0/management/config"),
    call(3, "/v1/messages", 429, "warn"),
    call(4, "/v1/messages", 502, "error"),
    f"[2026-11-23 09:18:51] [00000004] [error] upstream: {HOSTILE} Authorization: Bearer {SECRET}",
    "    goes on in a second line",
]


@attrs.define
class Logs:
    """CPA, and a tab that shows its logs."""

    cpa: Cpa
    panel: Panel

    def write(self, *lines: str, **more: dict[str, str]) -> None:
        self.cpa.control.json("POST", "/log", {"lines": lines, **more})

    def open(self, query: str = "") -> None:
        self.panel.visit(f"/logs{query}")
        self.panel.boot("running")
        expect(self.panel.page.locator("[data-block=log], [data-block=error-logs]")).to_be_visible()

    @property
    def lines(self) -> Locator:
        return self.panel.page.locator("[data-table=log-lines] [data-row]")

    def shown(self, count: int) -> None:
        """Wait until so many lines pass the filters."""
        metric = self.panel.page.locator("[data-metric=lines]")
        expect(metric).to_have_attribute("data-value", str(count))

    def field(self, name: str) -> Locator:
        return self.panel.page.locator(f"[data-field={name}]")

    def act(self, action: str) -> None:
        self.panel.page.locator(f"[data-action={action}]").first.click()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    with connected(tmp_path_factory.mktemp("logs")) as pair:
        yield pair


@pytest.fixture
def logs(both: tuple[Manager, Cpa], entered: Callable[..., Panel]) -> Logs:
    """CPA's log holds `LINES` and nothing else."""
    manager, cpa = both
    manager.http.json("DELETE", "/v0/management/logs")
    found = Logs(cpa, entered(origin_of(manager)))
    found.write(*LINES)
    return found


def test_lines_are_parted_and_management_is_hidden(logs: Logs) -> None:
    logs.open()
    logs.shown(len(LINES) - 1)
    first = logs.lines.first
    expect(first.locator(".status")).to_have_text("200")
    expect(first.locator(".client")).to_have_text("127.0.0.1")
    expect(first.locator(".text")).to_have_text("POST /v1/responses")
    logs.field("quiet").uncheck()
    logs.shown(len(LINES))
    assert not logs.panel.overflows()
    assert logs.panel.repeated() == []


def test_what_is_hostile_stays_text_and_what_is_secret_stays_away(logs: Logs) -> None:
    logs.open("?raw=1")
    expect(logs.panel.page.locator("[data-table=log-lines]")).to_contain_text(HOSTILE)
    assert SECRET not in logs.panel.page.content()
    assert logs.panel.page.evaluate("window.hacked") is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("level=warn", 4),
        ("level=error", 3),
        ("status=4", 1),
        ("path=/v1/messages", 2),
        ("method=POST", 3),
        ("search=SECOND", 1),
        ("search=00000004", 3),
        ("search=none-such", 0),
    ],
)
def test_a_filter_of_the_address(logs: Logs, query: str, count: int) -> None:
    logs.open(f"?{query}")
    if count:
        logs.shown(count)
    else:
        expect(logs.panel.page.locator("[data-block=log]")).to_have_attribute("data-state", "empty")


def test_a_search_marks_what_it_finds(logs: Logs) -> None:
    logs.open()
    logs.field("search").fill("messages")
    logs.field("search").press("Enter")
    logs.shown(2)
    expect(logs.panel.page.locator(".log-lines mark")).to_have_text(["messages", "messages"])


def test_a_refresh_reads_on_from_where_the_last_one_ended(logs: Logs) -> None:
    logs.open()
    logs.shown(len(LINES) - 1)
    logs.write(call(9, "/v1/new"))
    logs.panel.requests.clear()
    logs.act("refresh")
    logs.shown(len(LINES))
    expect(logs.lines.last).to_contain_text("/v1/new")
    asked = [one for one in logs.panel.requests if "/logs" in one]
    assert len(asked) == 1
    assert "cursor=" in asked[0]


def test_a_log_that_began_anew_is_read_anew(logs: Logs, both: tuple[Manager, Cpa]) -> None:
    logs.open()
    logs.shown(len(LINES) - 1)
    both[0].http.json("DELETE", "/v0/management/logs")
    logs.write(call(7, "/v1/first"))
    logs.act("refresh")
    logs.shown(1)


def test_of_many_lines_only_the_visible_ones_are_there(logs: Logs) -> None:
    logs.write(*(call(n) for n in range(BIG)))
    logs.open()
    logs.shown(10_000)
    assert logs.lines.count() < 150
    # The newest is in sight, and following stops when somebody scrolls up.
    expect(logs.lines.last).to_contain_text(f"{BIG - 1:08x}")
    expect(logs.field("follow")).to_be_checked()
    logs.panel.page.locator(".log-lines").hover()
    logs.panel.page.mouse.wheel(0, -2000)
    expect(logs.field("follow")).not_to_be_checked()
    logs.field("follow").check()
    expect(logs.lines.last).to_contain_text(f"{BIG - 1:08x}")


def test_a_line_leads_to_its_request(logs: Logs) -> None:
    logs.write(requests={"00000004": f"the whole request, Authorization: Bearer {SECRET}"})
    logs.open("?status=5")
    logs.shown(1)
    logs.lines.first.click()
    drawer = logs.panel.page.locator("[data-dialog=log-line]")
    expect(drawer).to_contain_text("502")
    with logs.panel.page.expect_download() as saving:
        drawer.locator("[data-action=download]").click()
    saved = Path(saving.value.path()).read_text()
    assert "the whole request" in saved
    assert SECRET not in saved
    drawer.locator("[data-action=same-request]").click()
    logs.shown(3)


def test_a_request_that_was_not_kept_is_told_of(logs: Logs) -> None:
    logs.open("?search=00000001")
    logs.lines.first.click()
    logs.panel.page.locator("dialog [data-action=download]").click()
    expect(logs.panel.page.locator("[data-toast=error]")).to_be_visible()


def test_what_is_shown_is_saved(logs: Logs) -> None:
    logs.open("?path=/v1/messages")
    logs.shown(2)
    with logs.panel.page.expect_download() as saving:
        logs.act("export")
    assert saving.value.suggested_filename == "logs.txt"
    assert Path(saving.value.path()).read_text().splitlines() == LINES[2:4]


def test_the_log_is_cleared_after_a_word(logs: Logs) -> None:
    logs.open()
    logs.act("clear")
    logs.panel.page.locator("dialog [data-action=confirm]").click()
    expect(logs.panel.page.locator("[data-block=log]")).to_have_attribute("data-state", "empty")


def test_a_log_that_is_not_written_can_be_turned_on(logs: Logs, both: tuple[Manager, Cpa]) -> None:
    manager = both[0]
    manager.http.json("PUT", SWITCH, {"value": False})
    logs.open()
    expect(logs.panel.page.locator("[data-block=log]")).to_have_attribute("data-state", "empty")
    logs.act("turn-on")
    logs.panel.page.locator("dialog [data-action=confirm]").click()
    logs.shown(len(LINES) - 1)
    assert manager.http.json("GET", SWITCH) == {"logging-to-file": True}


def test_failed_requests_are_read_without_their_secrets(logs: Logs) -> None:
    logs.write(failures={FAILED: f"=== REQUEST ===\nAuthorization: Bearer {SECRET}\nthe body"})
    logs.open("?tab=errors")
    page = logs.panel.page
    page.locator(f'[data-row="{FAILED}"]').click()
    drawer = page.locator("[data-dialog=error-log]")
    expect(drawer).to_contain_text("the body")
    assert SECRET not in page.content()
    with page.expect_download() as saving:
        drawer.locator("[data-action=download]").click()
    assert saving.value.suggested_filename == FAILED
    assert SECRET not in Path(saving.value.path()).read_text()


@pytest.mark.parametrize("tab", ["content", "errors"])
def test_it_fits_a_phone(logs: Logs, tab: str) -> None:
    logs.write(failures={FAILED: "x"})
    logs.panel.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    logs.open(f"?tab={tab}")
    logs.panel.ready("log" if tab == "content" else "error-logs")
    assert not logs.panel.overflows()


def test_it_works_without_a_manager(
    both: tuple[Manager, Cpa], opened: Callable[..., Panel]
) -> None:
    logs = Logs(both[1], opened(both[1].url))
    logs.write(call(3))
    logs.panel.visit("/logs")
    logs.panel.boot("login")
    logs.panel.log_in(CPA_KEY)
    logs.panel.ready("log")
    logs.panel.go("/logs?tab=errors")
    logs.panel.ready("error-logs")
    asked = {one.split(" ")[1].split("?")[0] for one in logs.panel.requests}
    named = {"config", "logs", "request-error-logs"}
    own = {f"/v0/management/{name}" for name in named}
    assert asked == {"/management.html", "/usage-service/info", *own}
