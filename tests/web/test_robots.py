"""The robot's domains over HTTP: a real panel asks a real link, which is killed, stopped, or cut from Redis."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from harness import plain_http
from harness.robot_harness import RobotHarness, robot_harness
from panel_harness import PanelHarness, Watch

from rider_core.api.steering import DOMAINS
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ROBOT = "/api/v1/robots/rider"


@pytest.fixture
def harness(panel: PanelHarness, processes: Processes, valkey: Valkey) -> Iterator[RobotHarness]:
    with robot_harness(processes, valkey) as harness:
        yield harness


def switch(panel: PanelHarness, domain: str, choice: str, **more: str) -> httpx.Response:
    return plain_http.request("PATCH", f"{panel.url}{ROBOT}/domains/{domain}", json={"choice": choice, **more})


def test_a_switch_over_http_and_on_the_page(panel: PanelHarness, harness: RobotHarness, watch: Watch) -> None:
    harness.start_worker()
    harness.start_link()
    panel.start()
    (about,) = panel.get("/api/v1/robots").json()["robots"]
    assert (about["name"], about["problem"], about["state"]["address"]) == ("rider", "", harness.robot.api_url)
    watcher = watch()
    answer = switch(panel, "text", "pc", why="a test")
    assert answer.status_code == 200
    assert (answer.json()["confirmed"], answer.json()["domain"]["mode"]) == (True, "pc")
    assert harness.mode("text") == "pc"
    robot = panel.get(ROBOT).json()
    assert [domain["domain"] for domain in robot["domains"]] == list(DOMAINS)
    assert (robot["domains"][2]["by"], robot["domains"][2]["why"]) == ("the HTTP interface", "a test")
    assert panel.get(f"{ROBOT}/switches").json()["switches"][-1]["by"] == "the HTTP interface"

    def row() -> dict[str, object]:
        return dict(((watcher.section("robot") or {}).get("domains") or {}).get("text") or {})

    wait_until(lambda: row().get("mode") == "pc", what="the page's row")
    assert (row()["choice"], row()["by"], row()["why"]) == ("pc", "the HTTP interface", "a test")
    headers = {"Origin": panel.url}
    path = f"{panel.url}{ROBOT}/domains/text"
    assert plain_http.request("PATCH", path, json={"choice": "local"}, headers=headers).status_code == 200
    assert panel.get(ROBOT).json()["domains"][2]["by"] == "the panel"
    headers = {"Origin": "http://elsewhere.example"}
    assert plain_http.request("PATCH", path, json={"choice": "pc"}, headers=headers).status_code == 403


def test_all_domains_are_switched_by_one_request(panel: PanelHarness, harness: RobotHarness) -> None:
    harness.start_link()
    panel.start()
    url = f"{panel.url}{ROBOT}/domains"
    choices = dict.fromkeys(DOMAINS, "local")
    answer = plain_http.request("PATCH", url, json={"choices": choices, "why": "a test"})
    assert answer.status_code == 200
    assert [it["domain"]["domain"] for it in answer.json()["switched"]] == list(DOMAINS)
    robot = panel.get(ROBOT).json()
    assert {(it["mode"], it["choice"], it["why"]) for it in robot["domains"]} == {("local", "local", "a test")}
    (entry,) = panel.get("/api/v1/audit").json()["entries"]
    assert (entry["action"], entry["after"]["choices"]) == ("choose_all", choices)
    harness.robot.kill_api()
    answer = plain_http.request("PATCH", url, json={"choices": {"voice": "pc", "vision": "pc"}})
    assert answer.status_code == 202
    assert [it["confirmed"] for it in answer.json()["switched"]] == [False, False]
    for body in ({}, {"choices": {}}, {"choices": {"smell": "pc"}}, {"choices": {"voice": "mine"}}):
        answer = plain_http.request("PATCH", url, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), body


def test_an_unconfirmed_switch_is_answered_with_202(panel: PanelHarness, harness: RobotHarness) -> None:
    harness.start_link()
    panel.start()
    harness.robot.kill_api()
    answer = switch(panel, "text", "pc")
    assert answer.status_code == 202
    assert not answer.json()["confirmed"]
    assert answer.json()["problem"]


def test_wrong_requests_are_refused_with_the_reason(panel: PanelHarness, harness: RobotHarness) -> None:
    """The link is not asked for any of them: there is none."""
    panel.start()
    path = f"{panel.url}{ROBOT}/domains/voice"
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
        assert (panel.get(missing).status_code, panel.get(missing).json()["remedy"]) == (404, "its name is rider")
    answer = switch(panel, "legs", "pc")
    assert answer.status_code == 404
    assert answer.json()["remedy"] == "use one of voice, vision, text"


def test_without_a_link_it_says_so_in_time(panel: PanelHarness, harness: RobotHarness) -> None:
    harness.start_link()
    panel.start()
    assert panel.get(ROBOT).status_code == 200
    harness.link.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    answer = switch(panel, "text", "pc")
    assert time.monotonic() - began < 8
    assert answer.status_code == 503
    harness.link.send_signal(signal.SIGCONT)
    wait_until(lambda: panel.get(ROBOT).status_code == 200, what="the link's answer")
    assert panel.get(ROBOT).json()["domains"][2]["choice"] == "automatic", (
        "a request that timed out is not executed later"
    )
    harness.link.kill()
    harness.link.wait()
    began = time.monotonic()
    answer = panel.get(ROBOT)
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["code"]) == (503, "not_running")
    assert "rider up" in answer.json()["remedy"]
    (about,) = panel.get("/api/v1/robots").json()["robots"]
    assert "not running" in about["problem"]
    assert panel.get("/healthz").status_code == 200


def test_without_redis_a_link_on_this_machine_is_asked_nonetheless(panel: PanelHarness, harness: RobotHarness) -> None:
    harness.start_link()
    panel.start()
    harness.valkey.kill()
    answer = switch(panel, "text", "local")
    assert (answer.status_code, answer.json()["domain"]["choice"]) == (200, "local")
    assert panel.get(ROBOT).json()["domains"][2]["choice"] == "local"


def test_without_redis_and_link_it_says_so_in_time(panel: PanelHarness, harness: RobotHarness) -> None:
    panel.start()
    harness.valkey.kill()
    began = time.monotonic()
    answer = switch(panel, "text", "pc")
    assert time.monotonic() - began < 5
    assert (answer.status_code, answer.json()["code"]) == (503, "not_running")
    assert "rider up" in answer.json()["remedy"]
