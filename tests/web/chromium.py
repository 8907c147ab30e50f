"""Headless Chromium for the tests of the page."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

#: The first is made of the others' sources, without their windows, and needs a third less of a processor.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)
NEEDED = pytest.mark.skipif(PROGRAM is None, reason="Chromium is missing: apt-get install chromium-headless-shell")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Maximum wait for what a page shows, in ms: four browsers and their stacks share the processors with each other.
expect.set_options(timeout=30_000)
#: A browser writes a line about each answer that is an error; of these a test expects one.
_EXPECTED = ("status of 400", "status of 401", "status of 404", "status of 409", "status of 412", "status of 503")


@contextlib.contextmanager
def running_chromium(*arguments: str) -> Iterator[Browser]:
    """A browser of a test module's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=[*QUIET, *arguments])
        yield browser
        browser.close()


@contextlib.contextmanager
def checked_page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test if the console has an error, such as a violation of the page's policy."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    yield page
    page.unroute_all(behavior="ignoreErrors")  # an answer that a test changes may be on its way
    context.close()
    assert not errors, errors


def shown_problems(browser: Browser) -> list[str]:
    """Texts of the problems that the open pages show; at most four."""
    found: list[str] = []
    with contextlib.suppress(PlaywrightError):  # a page may be closing
        for page in (page for context in browser.contexts for page in context.pages):
            for problem in page.locator("[role=alert], .bad, .notice, .stale .connection").all_inner_texts():
                found.append(" ".join((problem or "").split())[:160])  # None: an SVG icon has no inner text
    return [text for text in dict.fromkeys(found) if text][:4]


def _is_error(message: ConsoleMessage) -> bool:
    return message.type == "error" and not any(text in message.text for text in _EXPECTED)
