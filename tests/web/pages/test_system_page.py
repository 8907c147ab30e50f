"""The page of the installation: prompts, settings, users, keys, and who changed what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import NEEDED
from harness import plain_http
from page_stack import PageStack, notice, open_page, press, unique
from panel_harness import PanelHarness
from playwright.sync_api import Page, expect

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey

pytestmark = [pytest.mark.acceptance, NEEDED]


def test_the_logs_of_all_processes_are_followed_and_filtered(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/system")
    logs = page.locator(".logs")
    expect(logs).to_contain_text("Worker")
    expect(logs).to_contain_text("linked to http://127.0.0.1")
    job_id = stack.fail()
    line = logs.locator("li").filter(has_text=job_id).filter(has_text="the picture is not a JPEG").first
    line.get_by_role("button").click()
    expect(page.get_by_label("Search")).not_to_have_value("")
    expect(logs.locator("li").first).to_contain_text(job_id)
    page.get_by_label("Search").fill("")
    page.get_by_label("Process").select_option("link")
    expect(logs.locator(".process").first).to_have_text("link")
    assert set(logs.locator(".process").all_inner_texts()) == {"link"}
    page.get_by_label("Search").fill("nobody says this")
    expect(page.locator(".card-logs .empty")).to_have_text("No line fits.")


def test_a_prompt_is_changed_and_taken_back(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/system/prompts")
    row = page.locator(".prompts > li").filter(has_text="brief").filter(has_text="en").first
    press(row, "Change")
    row.get_by_role("textbox").fill("Answer in rhyme.")
    press(row, "Save")
    expect(row).to_contain_text("changed here")
    expect(row.locator(".words")).to_have_text("Answer in rhyme.")
    press(notice(page, "Prompt brief is saved"), "Undo")
    expect(row).not_to_contain_text("changed here")
    texts = {(it["name"], it["language"]): it for it in stack.ask("GET", "/prompts")["prompts"]}
    assert texts["brief", "en"]["text"] == texts["brief", "en"]["built_in"]
    page.get_by_role("link", name="Changes").click()
    expect(page.locator(".audit li").first).to_contain_text("reset a prompt")
    expect(page.locator(".audit li").first).to_contain_text("prompts/brief/en")


def test_settings_tell_where_they_come_from(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/system/settings")
    page.get_by_label("Search settings").fill("async_mode")
    row = page.locator(".settings > li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("RIDER_ASYNC_MODE")
    expect(row.locator(".value")).to_contain_text(stack.panel.mode)
    page.get_by_label("Search settings").fill("no such thing")
    expect(page.locator(".card-settings .empty")).to_have_text("No setting fits.")


def test_a_key_is_shown_once_and_revoked(stack: PageStack, page: Page) -> None:
    name = unique("lab")
    open_page(page, stack, "/system/tokens")
    press(page, "New key")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What it is for").fill(name)
    dialog.get_by_role("radio").nth(1).check()
    press(dialog, "New key")
    expect(dialog.locator(".secret")).to_be_visible()
    secret = dialog.locator(".secret").inner_text()
    press(dialog.locator(".buttons"), "Close")
    expect(dialog).to_have_count(0)
    row = page.locator(".card-tokens li").filter(has_text=name)
    expect(row).to_contain_text("operate")
    assert secret not in page.content(), "it is shown once"
    assert plain_http.get(f"{stack.url}/api/v1/status", headers={"Authorization": f"Bearer {secret}"}).is_success
    press(row, "Delete")
    press(page.get_by_role("dialog"), "Delete")
    expect(row).to_have_count(0)


@pytest.fixture
def own_panel(processes: Processes, valkey: Valkey) -> Iterator[PanelHarness]:
    """A panel of the test's own: users change it for everybody."""
    panel = PanelHarness(processes, valkey, "eventlet")
    yield panel
    panel.connection.close()


def test_the_first_user_is_added_and_signs_in(own_panel: PanelHarness, page: Page) -> None:
    own_panel.start()
    page.goto(f"{own_panel.url}/system/users")
    expect(page.locator(".card-users")).to_contain_text("There are no users")
    press(page, "Add a user")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("ola")
    dialog.get_by_label("Password").fill("a good password")
    press(dialog, "Add a user")
    expect(dialog.get_by_role("alert")).to_contain_text("admin")
    dialog.get_by_role("radio").nth(2).check()
    press(dialog, "Add a user")
    expect(page.locator(".sign-in")).to_be_visible()
    page.get_by_label("Name").fill("ola")
    page.get_by_label("Password").fill("a good password")
    page.keyboard.press("Enter")
    expect(page.locator(".account")).to_contain_text("ola")
    expect(page.locator(".card-users")).to_contain_text("ola")
    press(page, "Add a user")
    dialog.get_by_label("Name").fill("jan")
    dialog.get_by_label("Password").fill("another password")
    press(dialog, "Add a user")
    row = page.locator(".card-users li").filter(has_text="jan")
    press(row, "operate")
    press(notice(page, "jan has the role operate now"), "Undo")
    expect(row.locator(".pressed")).to_have_text("read")


def test_who_may_only_look_sees_why_the_buttons_do_nothing(own_panel: PanelHarness, page: Page) -> None:
    own_panel.start(RIDER_WEB_PASSWORD="open sesame")
    for name, role in (("ola", "admin"), ("jan", "read")):
        user = {"name": name, "role": role, "password": "another password"}
        answer = plain_http.post(f"{own_panel.url}/api/v1/users", json=user, auth=("rider", "open sesame"))
        assert answer.status_code == 201
    page.goto(f"{own_panel.url}/schedules")
    page.get_by_label("Name").fill("jan")
    page.get_by_label("Password").fill("another password")
    page.keyboard.press("Enter")
    add = page.get_by_role("button", name="New schedule")
    expect(add).to_have_attribute("aria-disabled", "true")
    expect(add).to_have_attribute("title", "This needs the role operate; an administrator gives it")
    add.click(force=True)
    expect(page.get_by_role("dialog")).to_have_count(0)
