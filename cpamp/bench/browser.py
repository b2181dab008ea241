"""The browser that the panel is measured and tested in."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

# A headless Chromium makes pages for its address bar beside each of ours, though nobody sees it.
NO_ADDRESS_BAR = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"


def chromium(playwright: Playwright) -> Browser:
    """Debian's Chromium, with nothing of its own beside the pages it is told to open."""
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", NO_ADDRESS_BAR]
    )
