"""The dashboard with a robot: its eyes, live, and only for those who look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import NEEDED
from page_stack import PageStack, notice, open_page, press, unique
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


def test_the_conversation_is_played_and_leads_to_its_jobs(stack: PageStack, page: Page) -> None:
    heard, reply = unique("heard"), unique("reply")
    spoken = stack.submit("voice.synthesize", {"text": "hello there"}, provider="espeak", stream=True)
    stack.wait(spoken, "done")
    stack.panel.transcript("how are you", job_id=heard, trace_id="ab" * 16)
    stack.panel.publish("robot.reply", reply, text="hello there", trace_id="ab" * 16, first_sentence_ms=640)
    stack.panel.publish("robot.speech", spoken, text="hello there", answered_s=1.25, provider="espeak")
    open_page(page, stack, "/")
    talk = page.locator(".card-talk")
    question, answer = talk.locator(".heard").first, talk.locator(".spoken").filter(has_text="hello there")
    expect(question).to_contain_text("answered in 0.70 s")
    expect(question.get_by_role("link", name="first sentence after 640 ms")).to_have_attribute(
        "href", f"/queue/{reply}"
    )
    expect(question.get_by_role("button")).to_have_count(0)  # what people say is not kept here
    expect(answer).to_contain_text("heard 1.25 s after the question")
    press(answer, "Play the sound")
    expect(answer.get_by_role("button", name="Stop the sound")).to_be_visible()
    expect(answer.get_by_role("button", name="Play the sound")).to_be_visible()  # it has ended
    stack.panel.publish("robot.speech", unique("lost"), text="lost", provider="espeak")
    press(talk.locator(".spoken").filter(has_text="lost"), "Play the sound")
    notice(page, "The sound is not kept any more")
    answer.get_by_role("link", name="espeak").click()
    expect(page.locator(".card-job")).to_contain_text(spoken)
