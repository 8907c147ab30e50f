"""The page in a real browser: headless Chromium looks at the panel's process."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from chromium import NEEDED, checked_page, running_chromium
from harness.robot_harness import robot_harness
from panel_harness import PanelHarness
from playwright.sync_api import Browser, Locator, Page, expect

from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

MARKUP = "<img src=x onerror=\"document.title='broken into'\"><script>document.title='broken into'</script>"

pytestmark = [pytest.mark.acceptance, NEEDED]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def panel(processes: Processes, valkey: Valkey) -> Iterator[PanelHarness]:
    panel = PanelHarness(processes, valkey, "eventlet")
    yield panel
    panel.connection.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with checked_page(browser.new_context(viewport={"width": 1400, "height": 900})) as page:
        yield page


def open_panel(page: Page, panel: PanelHarness) -> None:
    page.goto(panel.url)
    expect(page.locator(".connection")).to_have_text("live")


def test_events_appear_without_reload(panel: PanelHarness, page: Page) -> None:
    panel.start()
    open_panel(page, panel)
    expect(page.locator(".card-talk .empty")).to_contain_text("rider simulate")
    expect(page.locator(".card-jobs .empty")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    panel.transcript("Could you come here?")
    panel.publish(
        "robot.speech", text="Już jadę.", chunks=3, first_chunk_ms=41, duration_s=0.9, provider="espeak", mock=False
    )
    panel.end_job("j1")
    panel.publish(
        "process.status", role="worker", name="worker-1", queues=["voice"], state="idle", providers=[], problems=[]
    )
    expect(page.locator(".talk .heard .words")).to_have_text("Could you come here?")
    expect(page.locator(".talk .heard .detail")).to_contain_text("answered in 0.70 s")
    expect(page.locator(".talk .spoken .words")).to_have_text("Już jadę.")
    expect(page.locator(".jobs tbody .state")).to_have_text("done")
    expect(page.locator(".card-processes")).to_contain_text("worker-1")
    assert page.evaluate("window.notReloaded")


def test_texts_from_outside_are_never_markup(panel: PanelHarness, page: Page) -> None:
    install_plugin(panel.processes.folder, "broken-one", f"raise RuntimeError({MARKUP!r})")
    panel.start()
    open_panel(page, panel)
    wild = {"provider": MARKUP, "mock": True}
    panel.publish("robot.transcript", text=MARKUP, language=MARKUP, latency_s=1, **wild)
    panel.publish("robot.speech", text=MARKUP, **wild)
    panel.publish("robot.link", up=False, address=MARKUP, simulated=False, reason=MARKUP)
    panel.publish("robot.domain", domain=MARKUP, mode=MARKUP, status=MARKUP, reason=MARKUP)
    panel.publish("robot.refused", topic=MARKUP, code=MARKUP, message=MARKUP)
    panel.publish(
        "process.status", role=MARKUP, name=MARKUP, queues=[MARKUP], state=MARKUP, providers=[], problems=[MARKUP]
    )
    problem = {"code": MARKUP, "message": MARKUP, "remedy": MARKUP}
    panel.publish("job.failed", MARKUP, task=MARKUP, queue=MARKUP, origin=MARKUP, problem=problem, **wild)
    expect(page.locator(".talk .heard .words")).to_have_text(MARKUP)
    expect(page.locator(".concerns").get_by_text(MARKUP).first).to_be_visible()
    expect(page.locator(".jobs .problem")).to_contain_text(MARKUP)
    expect(page.locator(".card-refused")).to_contain_text(MARKUP[:60])
    expect(page.locator(".address")).to_contain_text(MARKUP[:60])
    assert page.locator("#panel img").count() == 1, "the logo is the only picture"
    assert page.locator("#panel script").count() == 0
    assert "broken into" not in page.title()


def test_a_mock_is_marked_wherever_it_shows(panel: PanelHarness, page: Page) -> None:
    panel.start()
    open_panel(page, panel)
    mock = {"provider": "echo", "mock": True}
    panel.transcript("made up", mock=True)
    panel.publish("robot.speech", text="made up", **mock)
    panel.end_job("j", **mock)
    providers = [{"name": "echo", "domain": "speech_to_text", "mock": True}]
    panel.publish("process.status", role="worker", name="w", queues=[], state="idle", providers=providers, problems=[])
    for place in (".talk .heard", ".talk .spoken", ".jobs tbody", ".card-processes"):
        expect(page.locator(f"{place} .mock")).to_have_text("MOCK")


def test_problems_are_on_top_with_their_remedy(panel: PanelHarness, page: Page) -> None:
    panel.start()
    open_panel(page, panel)
    expect(page.locator(".headline")).to_contain_text("need attention")
    expect(page.locator(".concerns")).to_contain_text("No worker is running")
    expect(page.locator(".concerns")).to_contain_text("rider up")


def test_the_page_reconnects_after_a_restart(panel: PanelHarness, browser: Browser) -> None:
    process = panel.start()
    page = browser.new_page()
    open_panel(page, panel)
    port = panel.url.rsplit(":", 1)[1]
    process.terminate()
    expect(page.locator(".connection")).to_have_text("connection lost", timeout=20_000)
    expect(page.locator(".concerns")).to_contain_text("does not answer")
    assert process.wait(10) == 0
    panel.processes.start("-m", "rider_core.web", log="again.log", RIDER_WEB_PORT=port)
    expect(page.locator(".connection")).to_have_text("live", timeout=20_000)
    panel.transcript("and on it goes")
    expect(page.locator(".talk .words")).to_have_text("and on it goes")
    page.close()


def test_a_page_that_cannot_be_loaded_says_so_and_can_be_loaded_again(panel: PanelHarness, page: Page) -> None:
    panel.start()
    page.route("**/static/others-*", lambda route: route.fulfill(status=404))
    open_panel(page, panel)
    page.get_by_role("link", name="Queue").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer, or is another version")
    page.unroute("**/static/others-*")
    page.get_by_role("button", name="Load it again").click()
    expect(page.locator(".card-unloaded")).to_have_count(0)
    expect(page.locator(".card-job-list")).to_be_visible()


def test_other_pages_are_there_also_without_a_network(panel: PanelHarness, browser: Browser) -> None:
    panel.start()
    page = browser.new_page()
    with page.expect_response("**/static/others-*") as got:
        open_panel(page, panel)
    got.value.finished()
    page.context.set_offline(True)
    page.get_by_role("link", name="Talk").click()
    expect(page.locator(".card-talk-page")).to_be_visible()
    page.close()


@pytest.mark.parametrize("width", [360, 800, 1180, 1900])
def test_nothing_sticks_out_sideways(panel: PanelHarness, page: Page, width: int) -> None:
    panel.start()
    page.set_viewport_size({"width": width, "height": 800})
    open_panel(page, panel)
    panel.transcript("Donaudampfschifffahrtsgesellschaft" * 8)
    panel.end_job("j" * 64, "job.failed", task="t" * 80, provider="p" * 80, problem={"code": "c", "message": "m" * 300})
    panel.publish(
        "process.status",
        role="worker",
        name="n" * 64,
        queues=["q" * 60],
        state="idle",
        providers=[],
        problems=["p" * 200],
    )
    expect(page.locator(".jobs tbody .state")).to_have_text("failed")
    wait_until(lambda: page.locator(".card-processes").inner_text().count("n" * 64) > 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 800, 1200, 1400, 1900])
def test_the_switch_covers_no_words(panel: PanelHarness, page: Page, width: int) -> None:
    panel.start()
    page.set_viewport_size({"width": width, "height": 800})
    open_panel(page, panel)
    panel.publish("robot.domain", domain="voice", mode="local", status="local_only", reason="boot", choice="automatic")
    row = row_of(page, "Voice")
    expect(row.locator(".where")).to_have_text("robot")
    boxes = [row.locator(part).bounding_box() for part in (".name", ".where", ".switch", ".when")]
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert one is not None
            assert other is not None
            beside = one["x"] + one["width"] <= other["x"] + 1 or other["x"] + other["width"] <= one["x"] + 1
            below = one["y"] + one["height"] <= other["y"] + 1 or other["y"] + other["height"] <= one["y"] + 1
            assert beside or below, boxes
    where = row.locator(".where")
    assert where.evaluate("it => it.scrollWidth <= it.clientWidth"), "the word is wider than its place"


def test_the_page_speaks_the_browsers_language_and_the_chosen_one(panel: PanelHarness, browser: Browser) -> None:
    panel.start()
    context = browser.new_context(locale="pl-PL")
    page = context.new_page()
    page.goto(panel.url)
    expect(page.locator(".connection")).to_have_text("na żywo")
    expect(page.locator("html")).to_have_attribute("lang", "pl")
    panel.transcript("Chodź tutaj.")
    expect(page.locator(".talk .heard .detail")).to_contain_text("odpowiedź po 0,70 s")
    expect(page.locator(".concerns")).to_contain_text("Nie działa żaden worker")
    expect(page.locator(".headline")).to_contain_text(re.compile(r"^\d rzecz"))
    page.get_by_role("button", name="EN").click()
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator(".talk .heard .detail")).to_contain_text("answered in 0.70 s")
    page.reload()
    expect(page.locator(".connection")).to_have_text("live")
    context.close()


def row_of(page: Page, domain: str) -> Locator:
    return page.locator(".domains li").filter(has=page.locator(".name", has_text=domain))


def test_a_domain_is_switched_and_the_robots_report_is_shown(
    panel: PanelHarness, page: Page, processes: Processes, valkey: Valkey
) -> None:
    with robot_harness(processes, valkey) as harness:
        harness.start_worker()
        harness.start_link()
        panel.start()
        open_panel(page, panel)
        row = row_of(page, "Text")
        button = row.get_by_role("button", name="PC")
        button.focus()
        page.keyboard.press("Enter")
        expect(row).to_contain_text("Chosen at the panel; the robot confirms it")
        expect(row.locator(".where")).to_have_text("PC")
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_be_focused()
        assert harness.mode("text") == "pc"
        row.get_by_role("button", name="Robot").click()
        expect(row.locator(".where")).to_have_text("robot")
        assert harness.mode("text") == "local"
        row.get_by_role("button", name="Auto").click()
        expect(row.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "true")
        expect(row).to_have_attribute("aria-busy", "false")


def test_a_switch_without_a_link_shows_the_reason(panel: PanelHarness, browser: Browser) -> None:
    panel.start()
    page = browser.new_page()
    open_panel(page, panel)
    panel.publish("robot.domain", domain="voice", mode="local", status="local_only", reason="boot", choice="automatic")
    row = row_of(page, "Voice")
    row.get_by_role("button", name="PC").click()
    expect(row).to_contain_text("Switching")
    expect(row.locator(".bad")).to_contain_text("the link to the robot is not running")
    expect(row.locator(".bad .remedy")).to_contain_text("rider up")
    expect(row.get_by_role("button", name="Auto")).to_have_attribute("aria-pressed", "true")
    page.close()


def test_a_domains_problem_is_shown(panel: PanelHarness, page: Page) -> None:
    panel.start()
    open_panel(page, panel)
    domains = [
        {"domain": "voice", "mode": "pc", "reason": "set at rider-pc by the panel", "choice": "pc", "by": "the panel"},
        {"domain": "vision", "mode": "local", "reason": "boot", "choice": "pc", "by": "the command line",
         "problem": "no worker can do vision.detect", "unattended": True},
    ]  # fmt: skip
    restart = {"what": "restart the robot's voice service", "why": "it is not heard", "command": "sudo systemctl x"}
    panel.publish("process.status", role="link", name="link", state="up", domains=domains, restarts=[restart])
    expect(row_of(page, "Voice")).to_contain_text("Chosen at the panel; the robot confirms it")
    vision = row_of(page, "Vision")
    expect(vision).to_contain_text("the robot is told to stop")
    expect(vision).to_contain_text("the robot does not report it yet")
    expect(vision).to_contain_text("The PC cannot serve it: no worker can do vision.detect")
    expect(page.locator(".restart")).to_contain_text("restart the robot's voice service")
    expect(page.locator(".restart code")).to_have_text("sudo systemctl x")
    expect(page.locator(".concerns")).to_contain_text("On the robot: sudo systemctl x")
    expect(page.locator(".concerns")).to_contain_text("told to stop")
    panel.publish("process.status", role="link", name="link", state="up", domains=domains, restarts=[])
    expect(page.locator(".restart")).to_have_count(0)


def test_signing_in_and_out(panel: PanelHarness, page: Page, browser: Browser) -> None:
    panel.start(RIDER_WEB_PASSWORD="open sesame")
    page.goto(panel.url)
    expect(page.get_by_role("heading", name="Rider-PC")).to_be_visible()
    assert page.locator(".connection").count() == 0, "nothing is shown before"
    name, password, submit = page.get_by_label("Name"), page.get_by_label("Password"), page.get_by_role("button")
    expect(name).to_be_focused()
    page.keyboard.type("rider")
    page.keyboard.press("Tab")
    page.keyboard.type("open says me")
    with page.expect_response("**/api/v1/session") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 401
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(name).to_have_value("rider")
    password.fill("open sesame")
    submit.filter(has_text="Sign in").click()
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator(".account")).to_contain_text("rider")
    panel.transcript("only for who has signed in")
    expect(page.locator(".talk")).to_contain_text("only for who has signed in")
    page.reload()
    expect(page.locator(".connection")).to_have_text("live")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.locator(".talk").count() == 0
    polish = browser.new_context(locale="pl-PL")
    other = polish.new_page()
    other.goto(panel.url)
    expect(other.get_by_label("Hasło")).to_be_visible()
    polish.close()
