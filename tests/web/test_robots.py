"""The robot's domains over HTTP: a real panel asks a real link, which is killed, stopped, or cut from Redis."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from harness import plain_http
from harness.robot_harness import RobotHarness, running_robot
from panel_stage import PanelStage, Watch

from rider_core.api.steering import DOMAINS
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ROBOT = "/api/v1/robots/rider"


@pytest.fixture
def house(stage: PanelStage, processes: Processes, valkey: Valkey) -> Iterator[RobotHarness]:
    with running_robot(processes, valkey) as house:
        yield house


def switch(stage: PanelStage, domain: str, choice: str, **more: str) -> httpx.Response:
    return plain_http.request("PATCH", f"{stage.url}{ROBOT}/domains/{domain}", json={"choice": choice, **more})


def test_a_switch_over_http_and_on_the_page(stage: PanelStage, house: RobotHarness, watch: Watch) -> None:
    house.start_worker()
    house.start_link()
    stage.start()
    (about,) = stage.get("/api/v1/robots").json()["robots"]
    assert (about["name"], about["problem"], about["address"]) == ("rider", "", house.robot.api_url)
    watcher = watch()
    answer = switch(stage, "text", "pc", why="a test")
    assert answer.status_code == 200
    assert (answer.json()["confirmed"], answer.json()["domain"]["mode"]) == (True, "pc")
    assert house.mode("text") == "pc"
    told = stage.get(ROBOT).json()
    assert [one["domain"] for one in told["domains"]] == list(DOMAINS)
    assert (told["domains"][2]["by"], told["domains"][2]["why"]) == ("the HTTP interface", "a test")
    assert stage.get(f"{ROBOT}/switches").json()["switches"][-1]["by"] == "the HTTP interface"

    def row() -> dict[str, object]:
        return dict(((watcher.section("robot") or {}).get("domains") or {}).get("text") or {})

    wait_until(lambda: row().get("mode") == "pc", what="the page's row")
    assert (row()["choice"], row()["by"], row()["why"]) == ("pc", "the HTTP interface", "a test")
    headers = {"Origin": stage.url}
    path = f"{stage.url}{ROBOT}/domains/text"
    assert plain_http.request("PATCH", path, json={"choice": "local"}, headers=headers).status_code == 200
    assert stage.get(ROBOT).json()["domains"][2]["by"] == "the panel"
    headers = {"Origin": "http://elsewhere.example"}
    assert plain_http.request("PATCH", path, json={"choice": "pc"}, headers=headers).status_code == 403


def test_what_the_robot_does_not_confirm_is_told_as_such(stage: PanelStage, house: RobotHarness) -> None:
    house.start_link()
    stage.start()
    house.robot.kill_api()
    answer = switch(stage, "text", "pc")
    assert answer.status_code == 202
    assert not answer.json()["confirmed"]
    assert answer.json()["problem"]


def test_wrong_requests_are_refused_with_the_reason(stage: PanelStage, house: RobotHarness) -> None:
    """The link is not asked for any of them: there is none."""
    stage.start()
    path = f"{stage.url}{ROBOT}/domains/voice"
    for body in (b"", b"null", b"\xff", b'{"choice": "mine"}', b'{"choice": "pc", "by": "me"}', b"[" * 10_000):
        answer = plain_http.request("PATCH", path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), body[:20]
    answer = plain_http.request(
        "PATCH", path, content=b"{" + b" " * 100_000 + b"}", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    answer = plain_http.request("PATCH", path, content=b'{"choice": "pc"}', headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "content_type")
    for missing in ("/api/v1/robots/another", "/api/v1/robots/another/switches"):
        assert (stage.get(missing).status_code, stage.get(missing).json()["remedy"]) == (404, "its name is rider")
    answer = switch(stage, "legs", "pc")
    assert answer.status_code == 404
    assert answer.json()["remedy"] == "use one of voice, vision, text"


def test_without_a_link_it_says_so_in_time(stage: PanelStage, house: RobotHarness) -> None:
    house.start_link()
    stage.start()
    assert stage.get(ROBOT).status_code == 200
    house.link.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    answer = switch(stage, "text", "pc")
    assert time.monotonic() - began < 8
    assert answer.status_code == 503
    house.link.send_signal(signal.SIGCONT)
    wait_until(lambda: stage.get(ROBOT).status_code == 200, what="the link's answer")
    assert stage.get(ROBOT).json()["domains"][2]["choice"] == "automatic", "what the client gave up was not done"
    house.link.kill()
    house.link.wait()
    began = time.monotonic()
    answer = stage.get(ROBOT)
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["code"]) == (503, "not_running")
    assert "rider up" in answer.json()["remedy"]
    (about,) = stage.get("/api/v1/robots").json()["robots"]
    assert "not running" in about["problem"]
    assert stage.get("/healthz").status_code == 200


def test_without_redis_it_says_so_in_time(stage: PanelStage, house: RobotHarness) -> None:
    stage.start()
    house.valkey.kill()
    began = time.monotonic()
    answer = switch(stage, "text", "pc")
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["code"]) == (503, "backend_unavailable")
    assert "rider up" in answer.json()["remedy"]
