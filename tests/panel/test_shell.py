"""What is around every page: language, theme, keys, menu, wall, and addresses of old."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from cpamp.lab import Manager
from tests.panel.driving import (
    HOSTILE,
    PAGES,
    PHONE,
    SECRET,
    Panel,
    origin_of,
)

LANGUAGES = ("en", "zh-CN", "zh-TW", "ru")
# Texts whose contrast with the ground that they lie on is below 4.5.
FAINT = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(part => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let box = element; box; box = box.parentElement) {
      const color = getComputedStyle(box).backgroundColor;
      const parts = parse(color);
      if (color.startsWith('rgb') && (parts.length === 3 || parts[3] === 1)) return parts;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('#app *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    if (!own || !element.checkVisibility() || parseFloat(style.fontSize) < 1) continue;
    if (element.closest(':disabled')) continue;
    const [a, b] = [light(parse(style.color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


def test_hostile_names_stay_text(inside: Panel) -> None:
    for route, block in PAGES.values():
        inside.visit(route)
        inside.ready(block)
    inside.visit("/monitoring?time_range=7d&status=failed")
    inside.ready("events")
    row = inside.page.locator("[data-table=events] [data-row]", has_text=HOSTILE).first
    row.click()
    inside.ready("event")
    expect(inside.page.locator("[data-dialog=event]")).to_contain_text(HOSTILE)
    assert inside.page.locator("img").count() == 0
    assert inside.page.evaluate("window.hacked") is None
    assert SECRET not in inside.page.content()


def test_a_screen_on_the_wall_has_a_clock_and_a_way_back(inside: Panel) -> None:
    inside.visit("/?kiosk=1")
    inside.ready("today")
    expect(inside.page.locator("[data-nav]")).to_have_count(0)
    expect(inside.page.locator("[data-metric=clock]")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    inside.page.locator("[data-action=leave-kiosk]").click()
    expect(inside.page.locator("[data-nav=dashboard]")).to_be_visible()


def test_a_phone_has_the_settings_in_its_menu(inside: Panel) -> None:
    inside.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    inside.visit()
    inside.ready("today")
    language = inside.page.locator("[data-action=language]")
    expect(language).not_to_be_visible()
    inside.page.locator("[data-action=menu]").click()
    language.click()
    inside.page.locator("[data-menu=language] [data-option=ru]").click()
    expect(inside.page.locator("h1")).to_have_text("Обзор")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_takes_effect_at_once(inside: Panel, language: str) -> None:
    inside.visit()
    inside.page.locator("[data-action=language]").click()
    inside.page.locator(f"[data-menu=language] [data-option={language}]").click()
    expect(inside.page.locator("html")).to_have_attribute("lang", language)
    titles = []
    for route, block in PAGES.values():
        inside.go(route)
        inside.ready(block)
        titles.append(inside.page.locator("h1").inner_text())
        assert not inside.overflows()
    assert len(set(titles)) == len(PAGES)
    letters = {"en": "[A-Za-z]", "ru": "[а-яё]"}.get(language, "[\u4e00-\u9fff]")
    assert all(re.search(letters, title) for title in titles)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_can_be_read(inside: Panel, theme: str) -> None:
    inside.visit()
    inside.page.locator("[data-action=theme]").click()
    inside.page.locator(f"[data-menu=theme] [data-option={theme}]").click()
    expect(inside.page.locator("html")).to_have_attribute("data-theme", theme)
    for route, block in PAGES.values():
        inside.visit(route)
        inside.ready(block)
        assert inside.page.evaluate(FAINT) == []


def test_keys_lead_to_pages(inside: Panel) -> None:
    inside.visit()
    inside.ready("today")
    inside.page.keyboard.press("g")
    inside.page.keyboard.press("m")
    expect(inside.page.locator("[data-page=monitoring]")).to_be_visible()
    search = inside.page.locator("main [data-field=search]")
    expect(search).to_be_visible()
    inside.page.keyboard.press("/")
    expect(search).to_be_focused()
    inside.page.keyboard.type("gs")
    expect(search).to_have_value("gs")
    inside.page.locator("h1").click()
    inside.page.keyboard.press("?")
    expect(inside.page.locator("[data-dialog=shortcuts]")).to_be_visible()


def test_old_addresses_still_lead_somewhere(inside: Panel, filled: Manager) -> None:
    inside.page.goto(f"{origin_of(filled)}/management.html#/monitoring/model-prices")
    expect(inside.page.locator("[data-page=model-prices]")).to_be_visible()


def test_short_tables_are_saved_too(inside: Panel) -> None:
    inside.visit()
    inside.ready("failures")
    block = inside.page.locator("[data-block=failures]")
    block.hover()
    with inside.page.expect_download() as saved:
        block.locator("[data-action=export-csv]").click()
    assert saved.value.suggested_filename == "recent-failures.csv"
