"""The page of the jobs: lists of any length, one job whole, and what can be done with both."""

from __future__ import annotations

import base64
import re
import time

import pytest
from chromium import NEEDED
from page_stack import PageStack, notice, open_page, press, unique
from playwright.sync_api import Locator, Page, expect

from rider_core.testing import SMALL_JPEG
from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]

MANY = 450


def row_of(page: Page, job_id: str) -> Locator:
    return page.locator(f'.job-row[href*="/queue/{job_id}"]')


def test_a_failed_job_says_why_and_is_retried_and_deleted(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/queue?state=failed")
    job_id = stack.fail(origin=unique("t"))
    row = row_of(page, job_id)
    expect(row).to_contain_text("the picture is not a JPEG")
    row.click()
    job = page.locator(".card-job")
    expect(job.locator(".trouble")).to_contain_text("the picture is not a JPEG")
    expect(job.locator(".waterfall li")).to_have_count(2)
    expect(job).to_contain_text("echo-detector")
    press(job, "Retry")
    notice(page, "1 job is back in the queue")
    stack.wait(job_id, "failed")
    expect(job.locator(".pill").first).to_have_text("failed")
    press(job, "Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    press(dialog, "Cancel")
    assert stack.state(job_id) == "failed", "nothing is destroyed before the answer"
    press(job, "Delete")
    press(dialog, "Delete")
    notice(page, "1 job is deleted")
    expect(job).to_have_count(0)
    expect(row).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/queue/\?state=failed$"))


def test_a_waiting_job_is_cancelled(stack: PageStack, page: Page) -> None:
    job_id = stack.submit("text.generate", {"prompt": "hello"})
    open_page(page, stack, f"/queue/{job_id}")
    job = page.locator(".card-job")
    expect(job.locator(".content")).to_contain_text("hello")
    press(job, "Cancel the job")
    notice(page, "The job is cancelled")
    expect(job.locator(".pill").first).to_have_text("cancelled")
    assert stack.state(job_id) == "cancelled"


def test_an_unknown_job_is_no_empty_page(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/queue/nobody")
    expect(page.locator(".card-job .trouble")).to_contain_text("there is no job 'nobody'")


def test_a_long_list_is_scrolled_to_its_end(stack: PageStack, page: Page) -> None:
    origin = unique("many")
    for _ in range(MANY):
        stack.submit("text.generate", {"prompt": "x"}, origin=origin)
    open_page(page, stack, f"/queue?state=waiting&origin={origin}")
    frame = page.locator(".virtual")
    expect(page.locator(".job-row").first).to_be_visible()
    last = page.locator(f'.virtual li[aria-posinset="{MANY}"]')
    for _ in range(20):
        frame.evaluate("it => it.scrollTo(0, it.scrollHeight)")
        page.wait_for_timeout(100)
        if last.count():
            break
    expect(last).to_be_visible()
    assert page.locator(".virtual li").count() < 60, "only the rows in sight are in the page"
    for job in stack.ask("GET", f"/jobs?state=waiting&origin={origin}&limit=200")["jobs"][:3]:
        stack.ask("POST", f"/jobs/{job['id']}/cancel")
    press(page, "The list has changed. Show it from the beginning")
    expect(frame).to_have_js_property("scrollTop", 0)


def test_filters_are_in_the_address(stack: PageStack, page: Page) -> None:
    origin = unique("f")
    wanted, other = stack.fail(origin=origin), stack.fail(origin=origin)
    open_page(page, stack, f"/queue?origin={origin}")
    expect(page.locator(".job-row")).to_have_count(2)
    page.get_by_label("Search").fill(wanted)
    expect(page.locator(".job-row")).to_have_count(1)
    expect(row_of(page, other)).to_have_count(0)
    page.get_by_label("Task").select_option("voice.synthesize")
    expect(page.locator(".card-job-list")).to_contain_text("No job fits these filters")
    assert f"search={wanted}" in page.url
    page.reload()
    expect(page.get_by_label("Search")).to_have_value(wanted)
    expect(page.get_by_label("Task")).to_have_value("voice.synthesize")


def test_all_failed_jobs_of_a_queue_are_deleted(stack: PageStack, page: Page) -> None:
    stack.fail()
    open_page(page, stack, "/queue")
    tile = page.get_by_role("region", name="vision")
    press(tile, "Delete all failed")
    press(page.get_by_role("dialog"), "Delete")
    notice(page, "deleted")
    expect(tile.locator(".failed b")).to_have_text("0")
    expect(tile.get_by_role("button", name="Delete all failed")).to_have_count(0)


def test_ticked_jobs_are_retried_and_deleted(stack: PageStack, page: Page) -> None:
    origin = unique("tick")
    jobs = [stack.fail(origin=origin) for _ in range(4)]
    open_page(page, stack, f"/queue?state=failed&origin={origin}")
    group = page.get_by_role("group", name="The ticked jobs")
    expect(group.get_by_role("button", name="Delete the ticked")).to_have_attribute("title", "Tick some jobs first")
    for job_id in jobs[:2]:
        box = page.get_by_label(f"Tick vision.detect {job_id}")
        box.focus()
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    expect(group).to_contain_text("2 jobs ticked")
    press(group, "Delete the ticked")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 jobs that failed will be deleted for good")
    press(dialog, "Cancel")
    assert {stack.state(job_id) for job_id in jobs} == {"failed"}
    press(group, "Delete the ticked")
    press(dialog, "Delete")
    notice(page, "2 jobs are deleted")
    expect(page.locator(".job-row")).to_have_count(2)
    group.get_by_label("All that are listed").check()
    press(group, "Retry the ticked")
    notice(page, "2 jobs are back in the queue")
    for job_id in jobs[2:]:
        stack.wait(job_id, "failed")
        assert stack.ask("GET", f"/jobs/{job_id}")["job"]["submitted_ts"] > 0
    expect(group).to_contain_text("All that are listed")
    open_page(page, stack, f"/queue?state=expired&origin={origin}")
    expect(page.get_by_role("checkbox")).to_have_count(0)


def test_a_queue_is_paused_and_continued(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/queue")
    tile = page.get_by_role("region", name="vision")
    press(tile, "Pause")
    said = notice(page, "No worker takes jobs of vision any more")
    expect(tile.locator(".pill")).to_have_text("paused")
    job_id = stack.submit("vision.detect", {"image": "bm8gcGljdHVyZQ=="}, provider="echo-detector")
    expect(tile.locator(".waiting b")).to_have_text("1")
    expect(page.locator(".headline")).to_contain_text(re.compile("needs? attention"))
    press(said, "Undo")
    stack.wait(job_id, "failed")
    expect(tile.locator(".pill")).to_have_count(0)
    stack.ask("DELETE", f"/jobs/{job_id}")


def test_a_batch_shows_its_progress(stack: PageStack, page: Page) -> None:
    payloads = [{"prompt": str(number)} for number in range(5)]
    batch = stack.ask("POST", "/batches", {"task": "text.generate", "payloads": payloads})["id"]
    open_page(page, stack, f"/queue/{batch}")
    expect(page.locator(".card-job .batch")).to_contain_text("0 / 5")
    expect(page.locator(".card-job")).to_contain_text("Payload of the first item")
    stack.ask("POST", f"/jobs/{batch}/cancel")


def test_speech_is_played_from_its_file(stack: PageStack, page: Page) -> None:
    job_id = stack.submit("voice.synthesize", {"text": "hello there"}, provider="espeak", stream=True)
    stack.wait(job_id, "done")
    open_page(page, stack, f"/queue/{job_id}")
    sound = page.locator(".card-job .media audio")
    expect(sound).to_have_attribute("src", f"/api/v1/jobs/{job_id}/media/spoken")
    wait_until(lambda: sound.evaluate("it => it.duration") > 0.3, what="the browser can play it")


def test_the_picture_of_a_job_is_seen(stack: PageStack, page: Page) -> None:
    payload = {"image": base64.b64encode(SMALL_JPEG).decode(), "captured_ts": time.time() - 0.3}
    job_id = stack.submit("vision.detect", payload, provider="echo-detector")
    stack.wait(job_id, "done")
    open_page(page, stack, f"/queue/{job_id}")
    names = ["from the camera", "in the queue", "at work"]
    expect(page.locator(".waterfall li span:first-child")).to_have_text(names)
    picture = page.locator(".card-job .media img")
    wait_until(lambda: picture.evaluate("it => it.naturalWidth") > 0, what="the browser has drawn it")
    stack.panel.connection.delete(f"rq:job:{job_id}")
    page.reload()
    expect(page.locator(".card-job")).to_contain_text("This is what the panel keeps of it")
    wait_until(lambda: picture.evaluate("it => it.naturalWidth") > 0, what="the browser has drawn it")


def test_the_waterfall_begins_with_the_speech_and_ends_at_the_robot(stack: PageStack, page: Page) -> None:
    clip = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="
    job_id = stack.submit("voice.transcribe", {"audio": clip, "format": "wav"}, provider="echo-stt")
    stack.wait(job_id, "failed")  # without samples
    submitted = stack.ask("GET", f"/jobs/{job_id}")["job"]["submitted_ts"]
    times = {"captured_ts": submitted - 2.6, "speech_ended_ts": submitted - 0.6, "heard_ts": submitted - 0.1}
    stack.panel.transcript("hello", job_id=job_id, delivered_ts=submitted + 5, **times)
    wait_until(lambda: stack.ask("GET", f"/jobs/{job_id}")["times"]["heard_ts"] is not None, what="the times are known")
    open_page(page, stack, f"/queue/{job_id}")
    steps = page.locator(".waterfall li")
    names = ["speech", "end of speech", "into the queue", "in the queue", "at work", "to the robot"]
    expect(steps.locator("span:first-child")).to_have_text(names)
    expect(steps.locator(".num").nth(0)).to_have_text("2.00 s")
    expect(steps.locator(".num").nth(1)).to_have_text("500 ms")
    expect(page.locator(".card-job")).to_contain_text("the robot's clock may be wrong")


def test_what_a_job_said_can_be_played(stack: PageStack, page: Page) -> None:
    sound = stack.ask("GET", "/tasks")["tasks"]
    assert {task["name"] for task in sound} >= {"voice.transcribe"}
    clip = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="
    job_id = stack.submit("voice.transcribe", {"audio": clip, "format": "wav"}, provider="echo-stt")
    open_page(page, stack, f"/queue/{job_id}")
    expect(page.locator(".card-job audio")).to_have_count(1)
    expect(page.locator(".card-job audio")).to_have_attribute("src", re.compile("^blob:"))
