"""Backup and support bundle: what their buttons ask, show and give."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from chromium import NEEDED
from page_stack import PageStack, notice, open_page, press
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.acceptance, NEEDED]


def test_a_backup_is_made_after_a_question_and_is_told_of(stack: PageStack, page: Page, tmp_path: Path) -> None:
    stack.ask("PUT", "/prompts/brief/en", {"text": "Answer in a word."})
    open_page(page, stack, "/system/maintenance")
    press(page.locator(".card-backup"), "Make a backup")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The file has passwords and keys.")
    press(dialog, "Cancel")
    press(page.locator(".card-backup"), "Make a backup")
    with page.expect_download() as downloading:
        press(dialog, "Download")
    notice(page, "The backup is with your browser's downloads.")
    assert downloading.value.suggested_filename.startswith("rider-backup-")
    downloading.value.save_as(tmp_path / "backup.zip")
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert b"Answer in a word." in archive.read("tables/system_prompts.jsonl")
    page.get_by_role("link", name="Changes").click()
    expect(page.locator(".audit li").first).to_contain_text("made a backup")


def test_the_support_bundle_is_shown_before_it_is_downloaded(stack: PageStack, page: Page, tmp_path: Path) -> None:
    open_page(page, stack, "/system/maintenance")
    card = page.locator(".card-support")
    expect(card.get_by_role("button", name="Download")).to_have_attribute("title", "Look at it first.")
    press(card, "Show what is in it")
    expect(card.locator(".bundle > li")).to_have_count(8, timeout=60_000)
    card.get_by_text("Settings, and where each comes from").click()
    expect(card.get_by_label("settings.json")).to_contain_text('"async_mode"')
    shown = card.get_by_label("settings.json").inner_text()
    with page.expect_download() as downloading:
        press(card, "Download")
    downloading.value.save_as(tmp_path / "support.zip")
    with zipfile.ZipFile(tmp_path / "support.zip") as archive:
        assert archive.read("settings.json").decode().strip() == shown.strip()
        assert b"linked to" in archive.read("logs.txt")


def test_a_bundle_that_cannot_be_made_says_why(stack: PageStack, browser: Browser) -> None:
    page = browser.new_page(locale="en-GB")
    open_page(page, stack, "/system/maintenance")
    page.route("**/api/v1/support", lambda route: route.abort())
    press(page.locator(".card-support"), "Show what is in it")
    notice(page, "The panel's process does not answer")
    page.close()
