"""What is typed outlives the network, the daemon, CPA and the session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Locator, Route, expect

from cpamp.bench.workloads import monitoring
from cpamp.lab import ADMIN_KEY, CPA_KEY, Cpa, Http, Manager, wait_until
from tests.console import Console
from tests.daemon import Lab, connection, data
from tests.panel.driving import Panel, manager_of, origin_of

YAML = "# ours\nport: 8317\nrequest-retry: 3\n"
PASTED = json.dumps({"type": "claude", "email": "kept@example.com", "access_token": "x"})
ADD = "[data-action=add]"
COMPLAINT = "dialog[open] [role=alert], dialog[open] [aria-invalid=true], [data-toast=error]"
DONE = "[data-toast=success], dialog [data-field=token]"


@attrs.frozen
class Task:
    """A form: where it is, what opens it, what is typed into it, and what is pressed to save it."""

    route: str
    opens: Sequence[str]
    typed: Mapping[str, str]
    saves: Sequence[str]
    # Whether it is CPA that keeps what is saved.
    of_cpa: bool = False


TASKS = {
    "price": Task(
        "/model-prices?model=a-model",
        (),
        {"prompt": "2.5", "completion": "7"},
        ("[data-dialog=price] [data-action=save]",),
    ),
    "alias": Task(
        "/api-key-aliases",
        ("[data-table=client-keys] [data-row]",),
        {"alias": "Team A"},
        ("[data-dialog=alias] [data-action=save]",),
    ),
    "settings": Task(
        "/config?tab=manager",
        (),
        {"poll-interval": "750", "batch-size": "50"},
        ("[data-block=save-bar] [data-action=save]",),
    ),
    "token": Task(
        "/api-tokens",
        ("[data-action=create]",),
        {"name": "Status line"},
        ("dialog [data-action=save]",),
    ),
    "notice": Task(
        "/notices",
        ("[data-action=add-channel]",),
        {"name": "Team", "url": "http://127.0.0.1:9/hook"},
        ("[data-dialog=notice] [data-action=save]",),
    ),
    "file": Task(
        "/config?tab=source",
        (),
        {"source": f"{YAML}# mine\n"},
        ("[data-block=save-bar] [data-action=save]", "[data-dialog=review] [data-action=confirm]"),
        of_cpa=True,
    ),
    "provider": Task(
        "/ai-providers?kind=xai",
        (f"[data-block=providers] {ADD}",),
        {"api-key": "xai-secret-key-0001", "models": "grok-4.5 = grok"},
        ("[data-dialog=provider] [data-action=save]",),
        of_cpa=True,
    ),
    "credential": Task(
        "/accounts",
        (f"[data-block=credentials] {ADD}",),
        {"paste": PASTED},
        ("[data-action=upload]",),
        of_cpa=True,
    ),
}


@attrs.define
class Form:
    """A form that is filled in, and the servers behind it."""

    task: Task
    panel: Panel
    manager: Manager
    cpa: Cpa

    def field(self, name: str) -> Locator:
        return self.panel.page.locator(f'main [data-field="{name}"]')

    def fill(self) -> None:
        self.panel.visit(self.task.route)
        for selector in self.task.opens:
            self.panel.page.locator(selector).first.click()
        for name, value in self.task.typed.items():
            self.field(name).fill(value)

    def save(self) -> None:
        """Press what saves, and before that what leads there."""
        *before, last = map(self.panel.page.locator, self.task.saves)
        if not last.is_visible():
            for button in before:
                button.click()
        last.click()

    def fails(self) -> None:
        """Saving fails and is said to, and everything is there as it was typed."""
        self.save()
        expect(self.panel.page.locator(COMPLAINT).first).to_be_visible()
        # The complaint may be that of the last time: it has failed when it can be tried again.
        expect(self.panel.page.locator(self.task.saves[-1])).to_be_enabled()
        self.stands()

    def stands(self) -> None:
        for name, value in self.task.typed.items():
            expect(self.field(name)).to_have_value(value)

    def succeeds(self) -> None:
        self.save()
        expect(self.panel.page.locator(DONE).first).to_be_visible()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon and its CPA, for all tests: each loses them, and gets them back."""
    lab = Lab(tmp_path_factory.mktemp("interruptions"))
    cpa, manager = lab.cpa(), manager_of(lab)
    manager.http.json("POST", "/setup", connection(cpa))
    yield manager, cpa
    lab.close()


@pytest.fixture(params=TASKS)
def form(
    servers: tuple[Manager, Cpa], opened: Callable[..., Panel], request: pytest.FixtureRequest
) -> Form:
    manager, cpa = servers
    manager.http.request("PUT", "/v0/management/config.yaml", YAML.encode())
    manager.http.json("PUT", "/v0/management/api-keys", ["sk-client-team-a-0001"])
    panel = opened(origin_of(manager))
    panel.visit()
    panel.log_in(manager.http.key, remember=True)
    panel.boot("running")
    form = Form(TASKS[request.param], panel, manager, cpa)
    form.fill()
    return form


def new_key(manager: Manager) -> str:
    """Give the daemon, which is stopped, another admin key."""
    said = Console(data(manager))("reset-admin-key", USAGE_DATA_DIR=str(data(manager)))
    return next(word for word in said.out.split() if word.startswith("cmp_admin_"))


def test_nothing_typed_is_lost(form: Form) -> None:
    context = form.panel.page.context
    context.set_offline(True)
    form.fails()
    context.set_offline(False)

    if form.task.of_cpa:
        form.cpa.process.stop()
        form.fails()
        form.cpa.process.start()
        itself = Http(form.cpa.port, CPA_KEY)
        wait_until(lambda: answers(itself), what="CPA")
        form.manager.http.request("PUT", "/v0/management/config.yaml", YAML.encode())

    form.manager.stop()
    form.fails()
    form.manager.http.key = new_key(form.manager)
    form.manager.start()
    # The old key is refused, and the form waits below the login, which may be there already: the
    # page has found the daemon by itself.
    form.panel.page.locator(form.task.saves[-1]).dispatch_event("click")
    login = form.panel.page.locator("[data-dialog=login]")
    expect(login).to_be_visible()
    form.panel.log_in(form.manager.http.key)
    expect(login).to_have_count(0)
    form.stands()
    form.succeeds()


def answers(http: Http) -> bool:
    try:
        return http.request("GET", "/healthz")[0] == 200
    except OSError:
        http.close()
        return False


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
