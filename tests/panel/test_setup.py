"""The wizard of the first start."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from cpamp.lab import ADMIN_KEY, CPA_KEY, Cpa, Manager
from tests.daemon import Lab
from tests.panel.driving import Panel, manager_of, origin_of

# Nobody listens there.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Manager, Cpa]]:
    """A daemon that knows no CPA, for tests that leave it so, and the CPA that they tell it of."""
    lab = Lab(tmp_path_factory.mktemp("setup"))
    yield manager_of(lab), lab.cpa()
    lab.close()


def begun(panel: Panel) -> Panel:
    """The wizard of a tab's daemon."""
    panel.visit()
    panel.boot("setup")
    return panel


@pytest.fixture
def wizard(servers: tuple[Manager, Cpa], opened: Callable[..., Panel]) -> Panel:
    """The wizard, which is not to be finished."""
    return begun(opened(origin_of(servers[0])))


@pytest.fixture
def cpa(servers: tuple[Manager, Cpa]) -> Cpa:
    return servers[1]


def step(panel: Panel, name: str) -> None:
    expect(panel.page.locator(f"[data-step={name}]")).to_be_visible()


def answer(panel: Panel, name: str, value: str) -> None:
    """Fill a step in and go on by Enter."""
    step(panel, name)
    field = panel.page.locator(f"[data-field={name}]")
    field.fill(value)
    field.press("Enter")


def next_(panel: Panel, name: str) -> None:
    step(panel, name)
    panel.page.locator("[data-action=next]").click()


def test_from_a_key_to_a_running_panel(lab: Lab, cpa: Cpa, opened: Callable[..., Panel]) -> None:
    wizard = begun(opened(origin_of(manager_of(lab))))
    expect(wizard.page.locator("[data-step]")).to_have_attribute("data-steps", "7")
    answer(wizard, "admin-key", ADMIN_KEY)
    answer(wizard, "cpa-url", f" {cpa.url}/v0/management/ ")
    answer(wizard, "cpa-key", CPA_KEY)
    next_(wizard, "monitoring")
    next_(wizard, "collector-mode")
    answer(wizard, "poll-interval", "250")
    step(wizard, "review")
    for name, passed in {"reach": "passed", "key": "passed", "saved": "open"}.items():
        check = wizard.page.locator(f"[data-check={name}]")
        expect(check).to_have_attribute("data-value", passed)
    expect(wizard.page.locator("form")).to_contain_text(cpa.url)
    assert CPA_KEY not in wizard.page.content()
    wizard.page.locator("[data-action=finish]").click()
    wizard.boot("running")
    wizard.ready("today")
    assert CPA_KEY not in wizard.page.evaluate("JSON.stringify(localStorage)")


def test_without_monitoring_there_is_less_to_ask(cpa: Cpa, wizard: Panel) -> None:
    answer(wizard, "admin-key", ADMIN_KEY)
    answer(wizard, "cpa-url", cpa.url)
    answer(wizard, "cpa-key", CPA_KEY)
    wizard.page.locator("[data-field=monitoring]").uncheck()
    expect(wizard.page.locator("[data-step]")).to_have_attribute("data-steps", "5")
    next_(wizard, "monitoring")
    step(wizard, "review")


def test_a_step_is_not_left_without_its_answer(wizard: Panel) -> None:
    wizard.page.locator("[data-action=next]").click()
    step(wizard, "admin-key")
    answer(wizard, "admin-key", ADMIN_KEY)
    answer(wizard, "cpa-url", "ftp://nowhere")
    step(wizard, "cpa-url")
    expect(wizard.page.locator(".bad-text")).to_be_visible()


def test_every_field_can_be_typed_into_at_once(
    lab: Lab, cpa: Cpa, opened: Callable[..., Panel]
) -> None:
    wizard = begun(opened(origin_of(manager_of(lab))))
    for text in (ADMIN_KEY, cpa.url, CPA_KEY):
        expect(wizard.page.locator("form input[data-field]:focus")).to_have_count(1)
        wizard.page.keyboard.press("Control+A")
        wizard.page.keyboard.type(text)
        before = wizard.page.locator("[data-step]").get_attribute("data-step")
        wizard.page.keyboard.press("Enter")
        expect(wizard.page.locator(f"[data-step={before}]")).to_have_count(0)
    for name in ("monitoring", "collector-mode", "poll-interval"):
        step(wizard, name)
        expect(wizard.page.locator("form :focus")).to_have_count(1)
        wizard.page.keyboard.press("Enter")
    step(wizard, "review")
    expect(wizard.page.locator("form :focus")).to_have_count(1)
    wizard.page.keyboard.press("Enter")
    wizard.boot("running")


@pytest.mark.parametrize(
    ("address", "cpa_key", "code", "back_to", "check"),
    [
        (NOBODY, CPA_KEY, "cpa_unreachable", "cpa-url", "reach=failed"),
        ("", "wrong", "management_api_validation_failed", "cpa-key", "key=failed"),
    ],
)
def test_an_error_leads_to_the_step_it_belongs_to(
    cpa: Cpa,
    wizard: Panel,
    address: str,
    cpa_key: str,
    code: str,
    back_to: str,
    check: str,
) -> None:
    """As soon as all is there that it takes to ask CPA."""
    answer(wizard, "admin-key", ADMIN_KEY)
    answer(wizard, "cpa-url", address or cpa.url)
    answer(wizard, "cpa-key", cpa_key)
    step(wizard, back_to)
    name, how = check.split("=")
    expect(wizard.page.locator(f"[data-check={name}]")).to_have_attribute("data-value", how)
    expect(wizard.page.locator(f"[data-error={code}]")).to_be_visible()
    # What was typed is still there.
    expect(wizard.page.locator(f"[data-field={back_to}]")).not_to_have_value("")


def test_a_wrong_admin_key_is_told_before_more_is_asked(wizard: Panel) -> None:
    answer(wizard, "admin-key", "cmp_admin_wrong")
    expect(wizard.page.locator("[data-error=invalid_admin_key]")).to_be_visible()
    step(wizard, "admin-key")
    answer(wizard, "admin-key", ADMIN_KEY)
    step(wizard, "cpa-url")


def test_what_the_daemon_was_started_with_is_not_asked_again(
    lab: Lab, cpa: Cpa, opened: Callable[..., Panel]
) -> None:
    """An address without a key is no connection, so the wizard opens."""
    started = {"CPA_UPSTREAM_URL": cpa.url, "USAGE_POLL_INTERVAL_MS": "321"}
    panel = begun(opened(origin_of(manager_of(lab, **started))))
    answer(panel, "admin-key", ADMIN_KEY)
    step(panel, "cpa-url")
    expect(panel.page.locator("[data-field=cpa-url]")).to_have_value(cpa.url)
    next_(panel, "cpa-url")
    answer(panel, "cpa-key", CPA_KEY)
    next_(panel, "monitoring")
    next_(panel, "collector-mode")
    expect(panel.page.locator("[data-field=poll-interval]")).to_have_value("321")
