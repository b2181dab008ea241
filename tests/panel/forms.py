"""Forms of the panel, and what is typed into them while their servers come and go."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import attrs
from playwright.sync_api import Locator, expect

from cpamp.lab import CPA_KEY, Cpa, Http, Manager, wait_until
from tests.console import Console
from tests.daemon import data
from tests.panel.driving import Panel, origin_of

CONFIG_FILE = "/v0/management/config.yaml"
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

    @classmethod
    def begin(cls, task: Task, opened: Callable[..., Panel], manager: Manager, cpa: Cpa) -> Form:
        """A form that somebody who has logged in fills in."""
        manager.http.request("PUT", CONFIG_FILE, YAML.encode())
        manager.http.json("PUT", "/v0/management/api-keys", ["sk-client-team-a-0001"])
        panel = opened(origin_of(manager))
        panel.visit()
        panel.log_in(manager.http.key, remember=True)
        panel.boot("running")
        form = cls(task, panel, manager, cpa)
        form.fill()
        return form

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

    def outlives_the_network(self) -> None:
        context = self.panel.page.context
        context.set_offline(True)
        self.fails()
        context.set_offline(False)

    def outlives_cpa(self) -> None:
        self.cpa.process.stop()
        self.fails()
        self.cpa.process.start()
        itself = Http(self.cpa.port, CPA_KEY)
        wait_until(lambda: answers(itself), what="CPA")
        self.manager.http.request("PUT", CONFIG_FILE, YAML.encode())

    def outlives_the_daemon(self) -> None:
        """And the session, since the daemon has another key when it comes again."""
        self.manager.stop()
        self.fails()
        self.manager.http.key = new_key(self.manager)
        self.manager.start()
        # The old key is refused, and the form waits below the login, which may be there already:
        # the page has found the daemon by itself.
        self.panel.page.locator(self.task.saves[-1]).dispatch_event("click")
        login = self.panel.page.locator("[data-dialog=login]")
        expect(login).to_be_visible()
        self.panel.log_in(self.manager.http.key)
        expect(login).to_have_count(0)
        self.stands()


def new_key(manager: Manager) -> str:
    """Give the daemon, which is stopped, another admin key."""
    said = Console(data(manager))("reset-admin-key", USAGE_DATA_DIR=str(data(manager)))
    return next(word for word in said.out.split() if word.startswith("cmp_admin_"))


def answers(http: Http) -> bool:
    try:
        return http.request("GET", "/healthz")[0] == 200
    except OSError:
        http.close()
        return False
