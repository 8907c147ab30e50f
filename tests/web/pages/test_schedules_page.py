"""The page of the schedules: add, change, pause, run now, delete, and the way back."""

from __future__ import annotations

import pytest
from chromium import NEEDED
from page_stack import PageStack, notice, open_page, press, unique
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.acceptance, NEEDED]


def row_of(page: Page, schedule_id: str) -> Locator:
    return page.locator(".schedules > li").filter(has=page.locator("strong", has_text=schedule_id))


def test_a_schedule_is_added_with_its_next_times_in_sight(stack: PageStack, page: Page) -> None:
    name = unique("greet")
    open_page(page, stack, "/schedules")
    press(page, "New schedule")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    cron = dialog.get_by_label("Minute, hour, day, month, weekday")
    cron.fill("99 7 * * *")
    expect(dialog.locator(".problem")).to_contain_text("99")
    cron.fill("15 6 * * *")
    dialog.get_by_label("Time zone").fill("Europe/Warsaw")
    expect(dialog.locator(".next-times")).to_contain_text("06:15")
    dialog.get_by_label("Task").select_option("voice.synthesize")
    press(dialog, "Save")
    expect(dialog.get_by_label("text", exact=True)).to_be_focused()
    dialog.get_by_label("text", exact=True).fill("Good morning")
    press(dialog, "Save")
    notice(page, f"{name} is saved")
    expect(dialog).to_have_count(0)
    expect(row_of(page, name)).to_contain_text("15 6 * * *")
    saved = stack.ask("GET", f"/schedules/{name}")["schedule"]
    assert (saved["timezone"], saved["payload"]["text"]) == ("Europe/Warsaw", "Good morning")


def test_it_is_paused_run_changed_and_deleted_and_each_can_be_taken_back(stack: PageStack, page: Page) -> None:
    name = unique("tick")
    stack.ask("PUT", f"/schedules/{name}", {"every_s": 3600, "task": "text.generate", "payload": {"prompt": "tick"}})
    open_page(page, stack, "/schedules")
    row = row_of(page, name)
    press(row, "Pause")
    expect(row.locator(".pill")).to_have_text("paused")
    press(notice(page, f"{name} is paused"), "Undo")
    expect(row.locator(".pill")).to_have_text("active")

    press(row, "Run now")
    notice(page, f"Job {name}-")
    (job,) = [it for it in stack.ask("GET", "/jobs?state=waiting")["jobs"] if it["id"].startswith(name)]
    stack.ask("POST", f"/jobs/{job['id']}/cancel")

    press(row, "Change")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("prompt", exact=True)).to_have_value("tick")
    dialog.get_by_label("Seconds between two jobs").fill("7200")
    press(dialog, "Save")
    expect(row).to_contain_text("every 7200 s")
    press(notice(page, f"{name} is saved"), "Undo")
    expect(row).to_contain_text("every 3600 s")

    press(row, "Delete")
    press(page.get_by_role("dialog"), "Delete")
    expect(row).to_have_count(0)
    press(notice(page, f"{name} is deleted"), "Undo")
    expect(row).to_contain_text("every 3600 s")
    stack.ask("DELETE", f"/schedules/{name}")
    expect(row).to_have_count(0)
