"""The dashboard with a robot: its eyes, live, and only for those who look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import NEEDED
from page_stack import PageStack, open_page
from playwright.sync_api import Browser, Page, expect

from rider_core.testing.waiting import let_pass, wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]

#: The robot is asked, and a worker opens the detector; on a machine that does much else.
LINKED_MS = 45_000
DRAWN = """it => {
  const {data} = it.getContext('2d').getImageData(0, 0, it.width, it.height);
  return new Set(data.filter((_, index) => index % 4 === 0)).size;
}"""


@pytest.fixture
def sees(stack: PageStack) -> Iterator[None]:
    """The PC serves vision, with the mock: one box in the middle of every picture."""
    stack.ask("PATCH", "/providers/echo-detector", {"first": True})
    stack.ask("PATCH", "/robots/rider/domains/vision", {"choice": "pc"})
    yield
    stack.ask("PATCH", "/robots/rider/domains/vision", {"choice": "local"})


@pytest.mark.usefixtures("sees")
def test_the_robots_eyes_are_seen_with_boxes(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/")
    eyes = page.locator(".card-eyes")
    expect(eyes.locator("canvas")).to_be_visible(timeout=LINKED_MS)
    expect(eyes.locator(".box text")).to_contain_text("echo")
    expect(eyes.locator(".box text")).to_contain_text(" m")
    expect(eyes.locator(".mock")).to_have_text("MOCK")
    assert eyes.locator("canvas").evaluate(DRAWN) > 2, "the picture is drawn, not only its frame"
    seen = {eyes.locator("canvas").evaluate("it => it.toDataURL()") for _ in range(2) if let_pass(1, "5 a second")}
    wait_until(lambda: seen.add(eyes.locator("canvas").evaluate("it => it.toDataURL()")) or len(seen) > 2)


@pytest.mark.usefixtures("sees")
def test_nobody_who_does_not_look_gets_pictures(stack: PageStack, browser: Browser) -> None:
    watched = "PUBSUB", "NUMSUB", "rider:camera"
    count = stack.panel.connection.execute_command
    page = browser.new_page(locale="en-GB")
    open_page(page, stack, "/")
    wait_until(lambda: count(*watched)[1] == 1, what="the panel reads the camera")
    other = browser.new_page()
    open_page(other, stack, "/")
    expect(other.locator(".eyes")).to_be_visible(timeout=LINKED_MS)
    assert count(*watched)[1] == 1, "it is read once, for both"
    other.close()
    page.get_by_role("link", name="Plugins").click()
    wait_until(lambda: count(*watched)[1] == 0, what="the panel has stopped to read it")
    page.go_back()
    expect(page.locator(".eyes")).to_be_visible(timeout=LINKED_MS)
    page.close()


def test_without_a_picture_the_card_says_why(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/")
    expect(page.locator(".card-eyes .empty")).to_contain_text("while the PC serves vision")
