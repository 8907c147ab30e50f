"""Stop: on every page, by button and key, without a worker, and without Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import NEEDED
from harness import plain_http
from harness.robot_harness import RobotHarness, robot_harness
from page_stack import notice
from panel_harness import PanelHarness
from playwright.sync_api import Page, expect

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = [pytest.mark.acceptance, NEEDED]


@pytest.fixture
def harness(processes: Processes, valkey: Valkey) -> Iterator[RobotHarness]:
    with robot_harness(processes, valkey) as harness:
        harness.start_link()
        yield harness


@pytest.fixture(params=["eventlet", "threading"])
def panel(
    request: pytest.FixtureRequest, processes: Processes, valkey: Valkey, harness: RobotHarness
) -> Iterator[PanelHarness]:
    panel = PanelHarness(processes, valkey, request.param)
    panel.start()
    yield panel
    panel.connection.close()


def drive(harness: RobotHarness) -> None:
    move = {"cmd": "move", "dir": "forward", "v": 0.5, "t": 0.2}
    assert plain_http.post(f"{harness.robot.api_url}/api/control", json=move).status_code == 200


def stops(harness: RobotHarness) -> int:
    """How often the robot's bus has carried the command."""
    return len(harness.robot.received.all("cmd.stop"))


def test_the_button_and_the_space_bar_stop_the_robot(panel: PanelHarness, harness: RobotHarness, page: Page) -> None:
    page.goto(f"{panel.url}/plugins")
    expect(page.locator(".connection .good")).to_be_visible()
    drive(harness)
    page.get_by_role("button", name="Stop").click()
    notice(page, "The robot stops")
    wait_until(lambda: stops(harness) >= 1, what="the command on the bus")
    before = stops(harness)
    page.goto(f"{panel.url}/queue")
    expect(page.locator(".connection .good")).to_be_visible()
    page.get_by_label("Search").press("Space")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    notice(page, "The robot stops")
    wait_until(lambda: stops(harness) > before, what="the command on the bus")
    assert page.locator(".notice").count() == 1, "a space that is typed stops nothing"


def test_it_stops_without_redis(panel: PanelHarness, harness: RobotHarness, valkey: Valkey, page: Page) -> None:
    page.goto(f"{panel.url}/")
    expect(page.locator(".connection .good")).to_be_visible()
    valkey.stop()
    page.get_by_role("button", name="Stop").click()
    notice(page, "The robot stops")
    wait_until(lambda: stops(harness) >= 1, what="the command on the bus")


def test_a_robot_that_does_not_answer_is_no_success(panel: PanelHarness, harness: RobotHarness, page: Page) -> None:
    page.goto(f"{panel.url}/")
    expect(page.locator(".connection .good")).to_be_visible()
    harness.robot.break_motion_bridge()
    page.get_by_role("button", name="Stop").click()
    notice(page, "has not confirmed it")
    harness.robot.stop()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".notice.bad").filter(has_text="was not reached")).to_be_visible()
