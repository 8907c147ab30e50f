"""One stack for all tests of a folder, in both async modes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import checked_page, running_chromium
from page_stack import PageStack
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=["eventlet", "threading"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageStack]:
    stack = PageStack(tmp_path_factory.mktemp("s"), request.param)
    yield stack
    stack.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with checked_page(browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB")) as page:
        yield page
