"""What holds for every page: its address, the way to it, both languages, any width, both themes, and a lost panel."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import NEEDED, checked_page
from page_stack import PageStack, open_page
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from rider_core.web.pages import PAGES

# The pages are the same in both modes; what they do is tested in both, page by page.
pytestmark = [pytest.mark.acceptance, NEEDED, pytest.mark.parametrize("stack", ["eventlet"], indirect=True)]

#: For each rule of the server an address, and what the menu calls the page.
ADDRESSES = {
    "/": ("/", "Dashboard"),
    "/talk": ("/talk", "Talk"),
    "/queue": ("/queue", "Queue"),
    "/queue/<job_id>": ("/queue/{job}", "Queue"),
    "/schedules": ("/schedules", "Queue"),
    "/control": ("/control", "Providers"),
    "/control/<provider>": ("/control/espeak", "Providers"),
    "/robots": ("/robots", "Robot"),
    "/plugins": ("/plugins", "Plugins"),
    "/system": ("/system", "System"),
    "/system/<section>": ("/system/{section}", "System"),
}
WIDTHS = (3840, 1400, 1100, 1000, 700, 320)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SECTIONS = ("prompts", "settings", "users", "tokens", "api", "maintenance", "audit")


def addresses(stack: PageStack) -> list[str]:
    """Of every page, with something to show on it."""
    job = stack.fail()
    for number in range(12):
        stack.panel.transcript(f"sentence {number}, and more of it " * 4)
    stack.ask("PUT", "/schedules/daily", {"cron": "@daily", "task": "text.generate", "payload": {"prompt": "x"}})
    spoken = stack.submit("voice.synthesize", {"text": "hello"}, provider="espeak", stream=True)
    stack.wait(spoken, "done")
    stack.panel.publish("robot.speech", spoken, text="hello", answered_s=1.2, provider="espeak")
    found = [rule[0].format(job=job, section=section) for rule in ADDRESSES.values() for section in SECTIONS]
    return [*dict.fromkeys(found), "/queue?state=failed", f"/queue/{spoken}"]


def test_every_page_has_an_address_and_is_marked_in_the_menu(stack: PageStack, page: Page) -> None:
    assert set(ADDRESSES) == set(PAGES)
    job = stack.fail()
    for address, name in ADDRESSES.values():
        open_page(page, stack, address.format(job=job, section="audit"))
        expect(page.locator(".menu [aria-current=page]")).to_have_text(name)
        expect(page.locator("main .card").first).to_be_visible()


def test_the_menu_leads_there_without_loading_anew(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/")
    page.evaluate("window.notReloaded = true")
    for name, path in (("Queue", "/queue"), ("Providers", "/control"), ("System", "/system"), ("Dashboard", "/")):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(page).to_have_url(stack.url + path)
        expect(page.locator("main .card").first).to_be_visible()
    page.go_back()
    expect(page).to_have_url(f"{stack.url}/system")
    expect(page.locator(".card-logs")).to_be_visible()
    assert page.evaluate("window.notReloaded")


def test_axe_finds_nothing(stack: PageStack, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    with checked_page(context) as page:
        for address in addresses(stack):
            open_page(page, stack, address)
            page.wait_for_load_state("networkidle")
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                found = Axe().run(page)
                assert found.violations_count == 0, f"{address}, {theme}: {found.generate_report()}"


def test_no_page_sticks_out_sideways(stack: PageStack, browser: Browser) -> None:
    with checked_page(browser.new_context(locale="pl-PL")) as page:
        for address in addresses(stack):
            open_page(page, stack, address)
            page.wait_for_load_state("networkidle")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{address} is {wide} px wide at {width} px"


def test_polish_pages_have_no_english_words(stack: PageStack, browser: Browser) -> None:
    """Whole words of our own texts; descriptions of settings and the API, and plugins' sentences, are English."""
    english = re.compile(r"\b(Delete|Retry|Save|Cancel|Close|failed|waiting|running|ago|Undo|Add|Change|jobs?)\b")
    with checked_page(browser.new_context(viewport={"width": 1400, "height": 900}, locale="pl-PL")) as page:
        for address in addresses(stack):
            if address in {"/system/settings", "/system/api", "/control/espeak"}:
                continue
            open_page(page, stack, address)
            page.wait_for_load_state("networkidle")
            ours = page.locator("button, h1, h2, h3, dt, .tabs a, .menu a, .pill, label, .empty")
            for text in ours.all_inner_texts():
                assert not english.search(text), f"{address}: {text}"


def test_a_refusal_is_said_in_polish_with_the_servers_words_beneath(stack: PageStack, browser: Browser) -> None:
    page = browser.new_page(locale="pl-PL")
    open_page(page, stack, f"/queue/{'0' * 32}")
    trouble = page.locator(".card-job .trouble")
    expect(trouble.locator("strong")).to_have_text("Nie ma takiego zadania.")
    expect(trouble.locator("[lang=en]").first).to_contain_text("there is no job")
    page.close()


def test_a_page_without_its_panel_says_so_and_comes_back(stack: PageStack, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    open_page(page, stack, "/plugins")
    page.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_role("link", name="Queue").click()
    expect(page.locator(".trouble").first).to_contain_text("The panel's process does not answer")
    again = page.locator(".trouble").first.get_by_role("button", name="Try again")
    with page.expect_request("**/api/v1/jobs**"):
        again.click()
    page.unroute_all()
    with suppress(PlaywrightTimeout):  # another client's change may have reloaded the page before
        again.click(timeout=2_000)
    expect(page.locator(".trouble")).to_have_count(0)
    expect(page.locator(".job-row, .card-job-list .empty").first).to_be_visible()
    page.close()
