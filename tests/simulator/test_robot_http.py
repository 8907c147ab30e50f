"""The HTTP calls of the contract, and what is lost when the robot's API restarts."""

from __future__ import annotations

import httpx
import pytest
from flask import Flask
from harness import plain_http

from rider_core.runtime.http_server import HttpServer
from rider_core.testing.waiting import let_pass


def test_provider_state_has_the_contracts_shape(make_robot, api):
    answer = api(make_robot()).get("/api/providers/state").json()
    assert set(answer) == {"domains", "pc_base_url", "pc_health"}
    assert set(answer["domains"]) == {"vision", "voice", "text"}
    assert all(set(state) == {"mode", "status", "changed_ts", "reason"} for state in answer["domains"].values())
    assert set(answer["pc_health"]) == {"reachable", "status", "latency_ms", "updated_ts", "reason"}


def test_heartbeat(make_robot, api):
    http = api(make_robot())
    answer = http.post("/api/providers/pc-heartbeat", json={"base_url": "10.0.0.5:8001/", "latency_ms": 3})
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "base_url": "http://10.0.0.5:8001"})
    health = http.get("/api/providers/health").json()["pc_health"]
    assert (health["reachable"], health["status"], health["reason"], health["latency_ms"]) == (
        True,
        "online",
        "heartbeat",
        3,
    )


@pytest.mark.parametrize("body", [b"{}", b"", b"no json", b'{"base_url": "  "}', b'{"base_url": null}'])
def test_heartbeat_without_an_address(make_robot, api, body):
    headers = {"Content-Type": "application/json"}
    answer = api(make_robot()).post("/api/providers/pc-heartbeat", content=body, headers=headers)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_patch_stays_pending_and_is_announced_once(make_robot, join, api):
    robot = make_robot(pc_domains=())
    bus, http = join(robot), api(robot)
    answer = http.patch("/api/providers/voice", json={"target": "pc", "reason": "test"}).json()
    assert (answer["domain"], answer["changed"], answer["state"]["status"]) == ("voice", True, "pc_pending")
    received = bus.receive("provider.voice.state")
    assert set(received) == {"mode", "status", "changed_ts", "reason", "domain", "ts"}
    assert (received["mode"], received["reason"]) == ("pc", "test")
    assert http.patch("/api/providers/voice", json={"target": "pc"}).json()["changed"] is False
    http.post("/api/providers/pc-heartbeat", json={"base_url": "http://127.0.0.1:1"})
    assert http.get("/api/providers/state").json()["domains"]["voice"]["status"] == "pc_pending"
    assert "provider.voice.state" not in {message[1] for message in bus.record(0.5)}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/providers/voice", {"target": "moon"}, 400),
        ("/api/providers/voice", {}, 400),
        ("/api/providers/legs", {"target": "pc"}, 404),
        ("/api/providers/voice", [1], 500),
    ],
)
def test_patch_refuses(make_robot, api, path, body, status):
    assert api(make_robot()).patch(path, json=body).status_code == status


def test_ai_mode_follows_the_domains_and_its_event_never_comes(make_robot, join, api):
    robot = make_robot(pc_domains=())
    bus, http = join(robot), api(robot)
    assert http.get("/api/system/ai-mode").json()["mode"] == "local"
    http.patch("/api/providers/text", json={"target": "pc"})
    assert http.get("/api/system/ai-mode").json()["mode"] == "pc_offload"
    answer = http.put("/api/system/ai-mode", json={"mode": "local"})
    assert set(answer.json()) == {"mode", "changed_ts", "changed"}
    assert set(answer.json()["changed"]) == {"ok", "mode", "changed_ts"}
    assert http.put("/api/system/ai-mode", json={"mode": "both"}).status_code == 400
    assert "system.ai.mode.changed" not in {message[1] for message in bus.record(0.5)}


def test_it_says_that_it_is_simulated(make_robot, api):
    http = api(make_robot())
    for path in ("/healthz", "/sysinfo", "/state"):
        assert http.get(path).json()["simulated"] is True
    assert http.get("/api/control/state").json()["ok"] is True


def test_a_restarted_api_forgets_the_address_and_keeps_the_domains(make_robot, pc, api):
    robot = make_robot()
    http = api(robot)
    http.post("/api/providers/pc-heartbeat", json={"base_url": pc.url})
    http.patch("/api/providers/vision", json={"target": "local"})
    port = robot.api_port
    robot.kill_api()
    with pytest.raises(httpx.TransportError):
        plain_http.get(f"{robot.api_url}/healthz")
    robot.start_api()
    assert robot.api_port == port
    state = plain_http.get(f"{robot.api_url}/api/providers/state").json()
    assert state["pc_base_url"] == "http://127.0.0.1:8000"
    assert state["pc_health"]["reason"] == "not_initialized"
    assert (state["domains"]["vision"]["mode"], state["domains"]["voice"]["mode"]) == ("local", "pc")


def test_it_stops_while_something_else_wakes_it(monkeypatch):
    server = HttpServer(Flask("robot"), "127.0.0.1", 0, "robot")
    server.start()
    trigger = server._server.trigger
    wake = trigger._physical_pull

    def late() -> None:
        wake()  # as an answer does that has just been written
        let_pass(0.2, "the answer is written before the server has ended")
        wake()

    monkeypatch.setattr(trigger, "_physical_pull", late)
    server.stop()
    assert not server._thread.is_alive()
