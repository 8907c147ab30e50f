"""The page of the engines: a try of each kind, and settings that are checked, saved and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import NEEDED
from page_stack import PageStack, notice, open_page, press
from playwright.sync_api import Browser, Page, expect

from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]


def test_an_engine_says_what_is_typed(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/control/espeak")
    card = page.locator(".card-provider")
    card.get_by_label("Try it").fill("One, two, three.")
    press(card, "Say it")
    sound = card.locator("audio")
    expect(sound).to_be_visible()
    wait_until(lambda: sound.evaluate("it => it.duration") > 0.3, what="the sound")
    expect(card.locator(".outcome")).to_contain_text("It took")


def test_an_engine_looks_at_a_chosen_picture(stack: PageStack, page: Page, tmp_path: Path) -> None:
    open_page(page, stack, "/control/echo-detector")
    card = page.locator(".card-provider")
    picture = tmp_path / "seen.png"
    picture.write_bytes(page.screenshot())
    card.locator("input[type=file]").set_input_files(picture)
    boxes = card.locator(".detections .box")
    expect(boxes).to_have_count(1)
    expect(boxes.locator("text")).to_have_text("echo 50 %")
    expect(card.locator(".outcome .mock")).to_have_text("MOCK")
    job = card.get_by_role("link", name="See its job")
    assert job.get_attribute("href")
    other = tmp_path / "words.png"
    other.write_text("no picture at all")
    card.locator("input[type=file]").set_input_files(other)
    expect(card.get_by_role("alert")).to_contain_text("words.png is no picture")


@pytest.fixture
def factory_settings(stack: PageStack) -> Iterator[None]:
    yield
    stack.ask("DELETE", "/providers/espeak/settings")


@pytest.mark.usefixtures("factory_settings")
def test_settings_are_checked_saved_and_taken_back(stack: PageStack, page: Page, browser: Browser) -> None:
    open_page(page, stack, "/control/espeak")
    other = browser.new_page(locale="en-GB")
    open_page(other, stack, "/control/espeak")
    rate = page.get_by_label("rate")
    expect(rate).to_have_value("175")
    save = page.locator(".settings-form .primary")
    expect(save).to_have_attribute("aria-disabled", "true")
    rate.fill("9000")
    expect(page.locator(".field.changed")).to_have_count(1)
    press(page, "Save 1 change")
    expect(page.locator(".field.wrong")).to_contain_text("450")
    rate.fill("fast")
    expect(page.locator(".field.wrong")).to_contain_text("This is no number")
    rate.fill("220")
    press(page, "Save 1 change")
    said = notice(page, "Saved: rate")
    assert stack.ask("GET", "/providers/espeak/settings")["saved"] == {"rate": 220}
    expect(other.get_by_label("rate")).to_have_value("220")
    press(said, "Undo")
    expect(page.get_by_label("rate")).to_have_value("175")
    expect(other.get_by_label("rate")).to_have_value("175")
    assert stack.ask("GET", "/providers/espeak/settings")["saved"] == {}
    other.close()


@pytest.mark.usefixtures("factory_settings")
def test_the_history_leads_back_to_settings_before(stack: PageStack, page: Page) -> None:
    for values in ({"volume": 80}, {"volume": 60, "pitch": 55}):
        stack.ask("PATCH", "/providers/espeak/settings", {"values": values})
    open_page(page, stack, "/control/espeak")
    page.locator(".history summary").click()
    rows = page.locator(".history li")
    expect(rows.first).to_contain_text("volume 80 → 60")
    expect(rows.first).to_contain_text("pitch not set → 55")
    expect(rows.nth(1)).to_contain_text("volume not set → 80")
    press(rows.first, "Back to before")
    said = notice(page, "as they were before that change")
    expect(page.get_by_label("volume")).to_have_value("80")
    assert stack.ask("GET", "/providers/espeak/settings")["saved"] == {"volume": 80}
    expect(rows.first).to_contain_text("volume")
    press(said, "Undo")
    expect(page.get_by_label("volume")).to_have_value("60")
    assert stack.ask("GET", "/providers/espeak/settings")["saved"] == {"volume": 60, "pitch": 55}


@pytest.mark.usefixtures("factory_settings")
def test_what_somebody_else_saved_meanwhile_is_not_overwritten(stack: PageStack, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    open_page(page, stack, "/control/espeak")
    page.get_by_label("pitch").fill("60")
    # The page does not hear of the other change.
    page.route("**/settings", lambda route: route.continue_() if route.request.method == "PATCH" else route.abort())
    stack.ask("PATCH", "/providers/espeak/settings", {"values": {"volume": 80}})
    press(page, "Save 1 change")
    expect(page.locator(".settings-form > .problem")).to_contain_text("ETag")
    assert stack.ask("GET", "/providers/espeak/settings")["saved"] == {"volume": 80}
    page.close()


def test_an_engine_is_switched_off_and_on(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/control/espeak")
    card = page.locator(".card-provider")
    expect(card.locator(".pill")).to_have_text("ready")
    press(card, "Switch off")
    said = notice(page, "espeak is switched off")
    expect(card.locator(".pill")).to_have_text("switched off")
    wait_until(lambda: not engines(stack, "espeak"), what="the worker closes it")
    press(card, "Say it")
    expect(card.get_by_role("alert")).to_contain_text("espeak")
    press(said, "Undo")
    expect(card.locator(".pill")).to_have_text("ready")
    press(card, "Say it")
    expect(card.locator("audio")).to_be_visible()


def test_a_mock_can_be_used_first(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/control/echo-tts")
    press(page.locator(".card-provider"), "Use it first")
    row = page.locator(".choices a").filter(has_text="echo-tts")
    expect(row).to_contain_text("used first")
    page.locator(".choices a").filter(has_text="espeak").click()
    press(page.locator(".card-provider"), "Use it first")
    expect(row).not_to_contain_text("used first")


def engines(stack: PageStack, name: str) -> list[str]:
    """The live processes that have this engine."""
    processes = stack.ask("GET", "/status")["sections"]["processes"]
    return [it["name"] for it in processes if any(engine["name"] == name for engine in it["providers"])]


def test_an_unknown_engine_says_so(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/control/nobody")
    expect(page.locator(".card-provider")).to_contain_text("There is no engine nobody here")
