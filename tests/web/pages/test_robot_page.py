"""The page of the robot, and the switch of all its domains that is on several pages."""

from __future__ import annotations

import pytest
from chromium import NEEDED, checked_page
from page_stack import PageStack, notice, open_page, press
from playwright.sync_api import Browser, Page, Route, expect

from rider_core.api.steering import DOMAINS
from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]

#: The robot is asked, on a machine that does much else.
LINKED_MS = 45_000


def modes(stack: PageStack) -> list[str]:
    return [domain["mode"] for domain in stack.ask("GET", "/robots/rider")["domains"]]


def choices(stack: PageStack) -> list[str]:
    return [domain["choice"] for domain in stack.ask("GET", "/robots/rider")["domains"]]


@pytest.mark.parametrize("path", ["/control", "/robots"])
def test_all_domains_are_switched_at_once_and_back(stack: PageStack, page: Page, path: str) -> None:
    stack.ask("PATCH", "/robots/rider/domains", {"choices": {"voice": "pc", "vision": "automatic", "text": "local"}})
    before = modes(stack)
    open_page(page, stack, path)
    every = page.get_by_role("group", name="Who serves all of it")
    expect(every).to_be_visible(timeout=LINKED_MS)
    expect(every.locator("[aria-pressed=true]")).to_have_count(0)
    press(every, "Robot")
    told = notice(page, "The robot serves everything; it confirms it.")
    assert modes(stack) == ["local"] * len(DOMAINS)
    expect(page.locator(".domains .all .where")).to_have_text("robot")
    expect(page.locator(".domains [aria-pressed=true]")).to_have_text(["Robot"] * (len(DOMAINS) + 1))
    press(told, "Undo")
    wait_until(lambda: choices(stack) == ["pc", "automatic", "local"], what="the choices are what they were")
    wait_until(lambda: modes(stack) == before, what="the domains are where they were")


def test_a_switch_of_all_names_what_the_robot_has_not_confirmed(stack: PageStack, page: Page) -> None:
    stack.ask("PATCH", "/robots/rider/domains/text", {"choice": "pc"})
    wait_until(
        lambda: stack.ask("GET", "/robots/rider")["domains"][2]["problem"],
        timeout_s=LINKED_MS / 1000,
        what="nobody serves text",
    )
    open_page(page, stack, "/control")
    press(page.get_by_role("group", name="Who serves all of it"), "PC")
    told = notice(page, "The robot has not confirmed yet:")
    expect(told).to_contain_text("Text")
    expect(told).to_contain_text("no worker can do")


def test_the_robot_tells_about_itself_and_it_gets_old(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/robots")
    told = page.locator(".card-telemetry dl")
    expect(told).to_contain_text("stands still", timeout=LINKED_MS)
    expect(told).to_contain_text("ahead 0.0 m")
    expect(told).to_contain_text("roll 0.2°")
    expect(told).not_to_contain_text("not told")
    expect(page.get_by_role("img", name="The robot from above")).to_be_visible()
    view = stack.ask("GET", "/robots/rider/telemetry")
    assert view["body"]["firmware"] == "simulated"
    open_page(page, stack, "/")
    expect(page.locator(".brief-telemetry")).to_contain_text("stands still")
    expect(page.locator(".brief-telemetry .tag")).to_have_count(0)
    with stack.link_stopped():
        expect(page.locator(".brief-telemetry .tag")).to_have_text("out of date", timeout=LINKED_MS)
    expect(page.locator(".brief-telemetry .tag")).to_have_count(0, timeout=LINKED_MS)


def test_all_outcomes_of_its_work_fit_a_phone(stack: PageStack, browser: Browser) -> None:
    outcomes = dict.fromkeys(("seen", "replaced", "repeated", "frozen", "expired", "failed", "unwanted"), 123_456)

    def answer(route: Route) -> None:
        response = route.fetch()
        robots = response.json()
        robots["robots"][0]["state"]["work"] = {"vision": outcomes}
        route.fulfill(response=response, json=robots)

    wait_until(lambda: stack.ask("GET", "/robots")["robots"][0]["state"], LINKED_MS / 1000, "the link's answer")
    context = browser.new_context(viewport={"width": 320, "height": 700}, locale="pl-PL")
    with checked_page(context) as page:
        page.route("**/api/v1/robots", answer)
        page.goto(f"{stack.url}/robots")
        expect(page.locator(".card-connections")).to_contain_text("niepotrzebne 123456", timeout=LINKED_MS)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_an_outage_is_seen_while_it_lasts_and_kept(stack: PageStack, page: Page) -> None:
    open_page(page, stack, "/robots")
    history = page.locator(".card-robot-history")
    press(history, "Outages")
    expect(history.locator(".outage .pill")).to_have_count(0)
    stack.robot.kill_api()
    try:
        lasting = history.locator(".outage").filter(has=page.locator(".pill.bad"))
        expect(lasting).to_contain_text("The robot's HTTP interface was away", timeout=LINKED_MS)
        expect(lasting).to_contain_text("GET /api/providers/state")
    finally:
        stack.robot.start_api()
    expect(lasting).to_have_count(0, timeout=LINKED_MS)
    (outage,) = stack.ask("GET", "/robots/rider/outages?what=http")["outages"]
    assert 0 < outage["end_ts"] - outage["begin_ts"] < 60
    history.get_by_role("combobox", name="Of what").select_option("bus")
    expect(history.locator(".outage").filter(has_text="HTTP")).to_have_count(0)
    press(history, "Switches")
    history.get_by_role("combobox", name="Of what").select_option("text")
    expect(history.locator(".rows li").first).to_contain_text("Text")
    expect(history.locator(".rows li").filter(has_text="Voice")).to_have_count(0)
