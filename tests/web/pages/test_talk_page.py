"""Talking through the browser, with a real recogniser, language model and voice; the microphone plays a recording."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import NEEDED, checked_page, running_chromium
from page_stack import ENGINES, PageStack, open_page, press
from playwright.sync_api import Browser, BrowserContext, Page, expect

from rider_core.testing.waiting import let_pass, wait_until

MEDIA = Path(__file__).parents[4] / "shared" / "media"
#: Maximum wait for one of several conversations, whose threads and detector of speech are loaded, in ms.
LOADED_MS = 45_000
#: Seconds of the recording that the microphone plays, again and again.
CLIP_S = 5.0

pytestmark = [pytest.mark.acceptance, NEEDED]
SPEECH = pytest.mark.skipif(not MEDIA.is_dir(), reason=f"there is no speech in {MEDIA}")


@pytest.fixture(scope="module", params=["eventlet", "threading"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageStack]:
    engines = ENGINES | {"voice-whisper", "text-llama"}
    stack = PageStack(tmp_path_factory.mktemp("s"), request.param, engines, ("voice", "vision", "text"))
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of a recording, and then silence: a sentence, and its end."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    if not MEDIA.is_dir():
        path.touch()  # the browser then plays tones of its own
        return path
    with wave.open(str(MEDIA / "beckett.wav")) as recording, wave.open(str(path), "wb") as clip:
        clip.setparams(recording.getparams())
        rate, width = recording.getframerate(), recording.getsampwidth() * recording.getnchannels()
        clip.writeframes(recording.readframes(int(CLIP_S * rate)) + bytes(3 * rate * width))
    return path


@pytest.fixture(scope="module")
def browser(clip: Path) -> Iterator[Browser]:
    fake = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    with running_chromium(*fake, f"--use-file-for-fake-audio-capture={clip}") as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 1400, "height": 900}, locale="en-GB", permissions=["microphone", "camera"]
    )


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    with checked_page(context) as page:
        yield page


def test_a_written_question_is_answered_aloud(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/talk")
    page.get_by_label("Write to it").fill("Say hello to me.")
    press(page, "Send")
    expect(page.locator(".talk .heard .words")).to_have_text("Say hello to me.")
    answer = page.locator(".talk .spoken")
    expect(answer.locator(".words")).to_have_text(re.compile(r"\w+"), timeout=30_000)
    expect(answer).to_contain_text("llama", timeout=30_000)
    expect(answer).to_contain_text("first sound after")
    expect(answer).to_contain_text("first sentence after")
    expect(page.locator(".card-talk-page .pill")).to_have_text("listening to you", timeout=30_000)
    jobs = stack.ask("GET", "/jobs?origin=browser")["jobs"]
    assert {job["task"] for job in jobs} >= {"text.generate", "voice.synthesize"}


def test_a_question_that_is_entered_too_early_is_asked_when_it_can_be(stack: PageStack, page: Page) -> None:
    page.route("**/socket.io/**", lambda route: None)
    page.goto(f"{stack.url}/talk")
    page.get_by_label("Write to it").fill("Say hello to me.")
    press(page, "Send")
    expect(page.get_by_role("button", name="Send")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".card-talk-page .pill")).to_have_text("connecting")
    page.unroute("**/socket.io/**")  # lets those go on that wait
    expect(page.locator(".talk .heard .words")).to_have_text("Say hello to me.")
    expect(page.get_by_label("Write to it")).to_have_value("")


def test_the_next_question_breaks_the_answer_off(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/talk")
    write = page.get_by_label("Write to it")
    write.fill("Tell me a long story.")
    write.press("Enter")
    expect(page.locator(".talk .spoken .words")).to_have_text(re.compile(r"\w+"), timeout=30_000)
    write.fill("Stop. What is your name?")
    write.press("Enter")
    expect(page.locator(".talk .spoken")).to_have_count(2, timeout=30_000)
    expect(page.locator(".talk .spoken").nth(0)).to_contain_text("broken off")
    kinds = page.locator(".talk li:not(.end)").evaluate_all("all => all.map(it => it.className)")
    assert kinds == ["heard", "spoken", "heard", "spoken"], "nothing of the first answer comes after the question"


@SPEECH
def test_what_is_said_hands_free_is_heard_and_answered(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/talk")
    press(page, "Hands-free")
    press(page, "Listen")
    heard = page.locator(".talk .heard .words").first
    expect(heard).to_have_text(re.compile(r"\w+ \w+"), timeout=40_000)
    expect(page.locator(".talk .heard").first).to_contain_text("whisper")
    expect(page.locator(".talk .spoken").first).to_be_visible(timeout=40_000)
    press(page, "Stop listening")
    expect(page.get_by_role("button", name="Listen", exact=True)).to_be_visible()


@SPEECH
def test_a_key_is_held_to_talk(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/talk")
    expect(page.locator(".card-talk-page .pill")).to_have_text("listening to you")
    page.keyboard.down("t")
    expect(page.locator(".record.open")).to_be_visible()
    wait_until(lambda: float(page.locator(".record").evaluate("it => it.style.getPropertyValue('--loud')")) > 0.02)
    let_pass(CLIP_S, "the recording speaks")
    page.keyboard.up("t")
    expect(page.locator(".record.open")).to_have_count(0)
    expect(page.locator(".talk .heard .words").first).to_have_text(re.compile(r"\w+"), timeout=40_000)
    page.get_by_label("Write to it").fill("a letter is typed")
    page.get_by_label("Write to it").press("t")
    expect(page.locator(".record.open")).to_have_count(0)


@SPEECH
def test_the_webcam_is_seen_with_boxes(stack: PageStack, page: Page) -> None:
    stack.ask("PATCH", "/providers/echo-detector", {"first": True})
    open_page(page, stack, "/talk")
    press(page, "Open the webcam")
    expect(page.locator(".card-webcam .box")).to_have_count(1)
    expect(page.locator(".card-webcam .mock")).to_have_text("MOCK")
    press(page, "Close the webcam")
    page.locator(".card-webcam input[type=file]").set_input_files(MEDIA / "coffee.jpg")
    expect(page.locator(".card-webcam svg")).to_have_attribute("viewBox", "0 0 600 400")


def test_a_conversation_ends_with_its_page(stack: PageStack, page: Page) -> None:
    for _ in range(6):
        open_page(page, stack, "/talk")
        expect(page.locator(".card-talk-page .pill")).to_have_text("listening to you")
        page.get_by_role("link", name="Plugins").click()
        expect(page.locator(".card-plugin-list")).to_be_visible()


def test_too_many_conversations_are_refused_in_words(stack: PageStack, context: BrowserContext) -> None:
    pages = [context.new_page() for _ in range(5)]
    for page in pages[:4]:
        open_page(page, stack, "/talk")
        expect(page.locator(".card-talk-page .pill")).to_have_text("listening to you", timeout=LOADED_MS)
    pages[4].goto(f"{stack.url}/talk")
    expect(pages[4].locator(".card-talk-page .trouble")).to_contain_text("4 browsers talk already")
    pages[0].close()  # the next one takes its place by itself
    expect(pages[4].locator(".card-talk-page .pill")).to_have_text("listening to you", timeout=LOADED_MS)
    context.close()
