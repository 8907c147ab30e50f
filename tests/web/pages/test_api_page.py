"""The documentation of the REST interface: all of it is there, and what it says can be done."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest
from chromium import NEEDED
from page_stack import PageStack, open_page, press
from playwright.sync_api import Page, expect

# It is the same in both modes.
pytestmark = [pytest.mark.acceptance, NEEDED, pytest.mark.parametrize("stack", ["eventlet"], indirect=True)]

LIST_JOBS = "api_jobs_list_jobs_get"


def test_it_shows_every_operation_and_finds_one(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/system/tokens")
    page.get_by_role("link", name="API documentation").click()
    document = stack.ask("GET", "/openapi.json")
    wanted = {
        (method.upper(), path.removeprefix("/api/v1"), operation["x-rider-role"] or "everybody")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    rows = page.locator(".operation > summary")
    expect(rows).to_have_count(len(wanted))
    shown = [
        [part.inner_text() for part in row.locator(":scope > b, :scope > code, :scope > .tag").all()]
        for row in rows.all()
    ]
    assert {tuple(parts) for parts in shown} == wanted
    page.get_by_label("Search the API").fill("prompt delete")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("/prompts/{name}/{language}")
    page.get_by_label("Search the API").fill("no such thing")
    expect(page.locator(".card-api .empty")).to_have_text("No operation fits.")


def test_a_link_opens_an_operation_and_its_types(stack: PageStack, page: Page) -> None:
    open_page(page, stack, f"/system/api#{LIST_JOBS}")
    details = page.locator(f"#{LIST_JOBS} .operation-details")
    expect(details).to_contain_text("largest number of jobs in the page")
    details.get_by_text("Fields of JobRecord").click()
    expect(details.get_by_text("submitted_ts")).to_be_visible()
    page.locator("#api_jobs_submit_job_post > summary").click()
    expect(page).to_have_url(f"{stack.url}/system/api#api_jobs_submit_job_post")
    body = page.locator("#api_jobs_submit_job_post .type").first
    row = body.locator("li").filter(has=page.get_by_text("task", exact=True)).first
    expect(row).to_contain_text("required")


def test_what_it_answers_is_shown_and_the_command_gets_the_same(stack: PageStack, page: Page) -> None:
    job_id = stack.fail()
    open_page(page, stack, f"/system/api#{LIST_JOBS}")
    details = page.locator(f"#{LIST_JOBS}")
    details.get_by_label("state").fill("failed")
    details.get_by_label("search").fill(job_id)
    press(details, "Send the request")
    expect(details.get_by_role("status")).to_contain_text("200, after")
    shown = json.loads(details.locator(".outcome").inner_text())
    assert [job["id"] for job in shown["jobs"]] == [job_id]
    command = shlex.split(details.locator(".example pre").inner_text().replace("\\\n", " "))
    answer = subprocess.run([*command, "-s"], capture_output=True, timeout=20, check=True)
    assert json.loads(answer.stdout) == shown
    details.get_by_label("limit").fill("100000")
    press(details, "Send the request")
    expect(details.get_by_role("status")).to_contain_text("400, after")
    expect(details.locator(".outcome")).to_contain_text("limit")


def test_a_path_needs_its_values(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/system/api#api_jobs_show_job__job_id__get")
    button = page.get_by_role("button", name="Send the request")
    expect(button).to_have_attribute("title", "Fill in job_id first.")
    page.get_by_label("job_id *").fill("it's")
    expect(page.locator(".example pre")).to_contain_text("/jobs/it's".replace("'", "'\\''"))
    button.click()
    expect(page.locator(".operation-details").get_by_role("status")).to_contain_text("400, after")
