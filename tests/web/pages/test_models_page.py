"""Models on the page of the engines: downloads that are seen by everybody, their failures, and what an engine lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import NEEDED, checked_page
from harness.model_plugin import BODIES, ENGINE, HUGE, install_models
from harness.model_server import FileServer, Served
from page_stack import PageStack, notice, open_page, press
from playwright.sync_api import Browser, Locator, Page, expect

from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]

#: A download is a process of its own, which starts on a machine that does much else.
BEGUN_MS = 20_000
HALF = len(BODIES["ears"]) // 2


@pytest.fixture(scope="module")
def server() -> Iterator[FileServer]:
    started = FileServer()
    yield started
    started.close()


@pytest.fixture(scope="module", params=["eventlet", "threading"])
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: FileServer
) -> Iterator[PageStack]:
    folder = tmp_path_factory.mktemp("s")
    install_models(folder, server.url)
    stack = PageStack(folder, request.param, queues=("voice",))
    yield stack
    stack.stop()


def serve(server: FileServer, name: str, **options: Any) -> Served:
    server.files[f"/{name}"] = Served(BODIES[name], **options)
    return server.files[f"/{name}"]


def row(page: Page, name: str) -> Locator:
    return page.locator(".models > li").filter(has=page.get_by_text(name, exact=True))


def remove(stack: PageStack, name: str) -> None:
    if stack.ask("GET", f"/models/{name}")["state"] != "missing":
        stack.ask("DELETE", f"/models/{name}?force=true")


def close_engine(stack: PageStack) -> None:
    """A worker that has a model in memory works on without its file, so its engine is switched off and on again."""

    def is_open() -> bool:
        processes = stack.ask("GET", "/status")["sections"]["processes"]
        return any(ENGINE in [each["name"] for each in process["providers"]] for process in processes)

    stack.ask("PATCH", f"/providers/{ENGINE}", {"enabled": False})
    wait_until(lambda: not is_open(), 30, f"{ENGINE} is closed")
    stack.ask("PATCH", f"/providers/{ENGINE}", {"enabled": True})


def test_what_an_engine_lacks_is_downloaded_from_its_page(stack: PageStack, page: Page, server: FileServer) -> None:
    """From the dashboard's concern to the open engine, in a worker that runs all the time."""
    remove(stack, "ears")
    close_engine(stack)
    open_page(page, stack, "/")
    concern = page.locator(".concerns li").filter(has_text="model 'ears' is not installed")
    expect(concern).to_be_visible(timeout=20_000)
    concern.get_by_role("link", name="See the models").click()
    expect(row(page, "ears")).to_be_in_viewport()
    expect(page.locator(".models > li").first).to_contain_text("used by listener")
    engine = page.locator(".choices a").filter(has_text=ENGINE)
    expect(engine.locator(".pill")).to_have_text("no model")
    engine.click()
    served = serve(server, "ears", pause_at=HALF)
    own = row(page, "ears")
    expect(own.locator(".pill")).to_have_text("not downloaded")
    press(own, "Download")
    expect(own.locator(".progress")).to_contain_text("0.3 MB of 0.6 MB", timeout=BEGUN_MS)
    assert own.get_by_role("progressbar", name="Progress of ears").get_attribute("value") == str(HALF)
    served.resume.set()
    notice(page, "ears is there")
    expect(own.locator(".pill")).to_have_text("there")
    # A worker tells of itself every few seconds.
    expect(page.locator(".card-provider .lead .pill")).to_have_text("ready", timeout=20_000)
    open_page(page, stack, "/")
    expect(concern).to_have_count(0)


def test_a_download_is_seen_by_others_and_after_a_reload_and_can_be_cancelled(
    stack: PageStack, page: Page, browser: Browser, server: FileServer
) -> None:
    remove(stack, "nose")
    serve(server, "nose", pause_at=HALF)
    open_page(page, stack, "/control")
    with checked_page(browser.new_context(locale="pl-PL")) as other:
        open_page(other, stack, "/control")
        press(row(page, "nose"), "Download")
        expect(row(other, "nose").locator(".progress")).to_contain_text("0,3 MB z 0,6 MB", timeout=BEGUN_MS)
        page.reload()
        expect(row(page, "nose").locator(".progress")).to_contain_text("0.3 MB of 0.6 MB", timeout=BEGUN_MS)
        press(row(other, "nose"), "Anuluj")
        expect(row(other, "nose").locator(".pill")).to_have_text("pobrany częściowo")
        expect(row(page, "nose").locator(".pill")).to_have_text("partly downloaded")
        serve(server, "nose")
        press(row(page, "nose"), "Go on downloading")
        expect(row(other, "nose").locator(".pill")).to_have_text("na miejscu")
    span = server.requests[-1][1]
    assert span is not None
    assert span != "bytes=0-", "it was continued"


def test_a_failure_says_why_and_is_tried_again(stack: PageStack, page: Page, server: FileServer) -> None:
    remove(stack, "tongue")
    server.files["/tongue"] = Served(status=404)
    open_page(page, stack, "/control")
    own = row(page, "tongue")
    press(own, "Download")
    expect(own.get_by_role("alert")).to_contain_text("HTTP 404")
    expect(own.get_by_role("alert")).to_contain_text("RIDER_MODEL_PATH")
    serve(server, "tongue")
    press(own, "Try again")
    expect(own.locator(".pill")).to_have_text("there")
    expect(own.get_by_role("alert")).to_have_count(0)
    press(row(page, HUGE), "Download")
    notice(page, "the disk of")


def test_verify_finds_a_damaged_file_and_remove_asks_first(stack: PageStack, page: Page, server: FileServer) -> None:
    serve(server, "ears")
    stack.ask("POST", "/models/ears/download")
    wait_until(lambda: stack.ask("GET", "/models/ears")["state"] == "installed", what="the model")
    open_page(page, stack, "/control")
    own = row(page, "ears")
    press(own, "Verify")
    notice(page, "its checksum is right")
    expect(own).to_contain_text("verified now")
    file = stack.processes.folder / "data" / "models" / "ears.bin"
    file.write_bytes(bytes(len(BODIES["ears"])))
    press(own, "Verify")
    expect(own.locator(".pill")).to_have_text("damaged")
    expect(own.get_by_role("alert")).to_contain_text("is damaged")
    press(own, "Remove")
    question = page.get_by_role("dialog")
    press(question, "Cancel")
    assert file.exists()
    press(own, "Remove")
    press(question, "Remove")
    said = notice(page, "ears is removed. 0.6 MB are free again.")
    expect(own.locator(".pill")).to_have_text("not downloaded")
    assert not file.exists()
    press(said, "Undo")
    expect(own.locator(".pill")).to_have_text("there")
    press(own, "Remove")
    expect(question).to_contain_text("ears is needed by listener")
    press(question, "Cancel")


@pytest.mark.parametrize("stack", ["eventlet"], indirect=True)
def test_the_list_fits_everywhere_and_axe_finds_nothing(stack: PageStack, browser: Browser, server: FileServer) -> None:
    remove(stack, "skin")
    served = serve(server, "skin", pause_at=HALF)
    stack.ask("POST", "/models/skin/download")
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    with checked_page(context) as page:
        for address in ("/control", f"/control/{ENGINE}"):
            open_page(page, stack, address)
            expect(row(page, "skin").locator(".progress")).to_contain_text("of 0.6 MB", timeout=BEGUN_MS)
            for width in (3840, 1400, 700, 320):
                page.set_viewport_size({"width": width, "height": 800})
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{address} is {wide} px wide at {width} px"
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                found = Axe().run(page)
                assert found.violations_count == 0, f"{address}, {theme}: {found.generate_report()}"
    served.resume.set()
    wait_until(lambda: stack.ask("GET", "/models/skin")["state"] == "installed", what="the model")
