"""The product with mock engines, and a real browser in front of it: what all parts of the bench measure with."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path += [str(Path(__file__).resolve().parents[1] / folder) for folder in ("stack", "queue")]

import redis
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from servers import redis_server
from stack import Stack

from rider_core.runtime.redis_connection import connect

#: Time in seconds until what the start of the product does is over.
SETTLE_S = 5.0

#: What is told beside the table.
console = Console(stderr=True)


@contextlib.contextmanager
def stack_in(folder: Path, prepare: Callable[[redis.Redis], None] | None = None) -> Iterator[tuple[Stack, redis.Redis]]:
    """The product with mock engines, on a Redis that this program writes into, too.

    Args:
        prepare: Called before the product starts; its queues may be paused then.
    """
    with redis_server(folder / "redis") as url:
        connection = connect(url)
        if prepare is not None:
            prepare(connection)
        stack = Stack(folder, mocks=True, REDIS_URL=url, RIDER_ROBOT="none")
        try:
            if prepare is None:
                stack.wait_until_ready()
            time.sleep(SETTLE_S)
            yield stack, connection
        finally:
            connection.close()
            stack.end()


@contextlib.contextmanager
def browser_page() -> Iterator[Callable[[], Page]]:
    """Makes pages with an empty cache each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield lambda: browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB").new_page()
        browser.close()


def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
    return found or sys.exit("Chromium is missing: apt-get install chromium-headless-shell")


def open_dashboard(page: Page, url: str) -> None:
    """Open it, and wait until it is live."""
    page.goto(url)
    page.locator(".connection .good").wait_for()
