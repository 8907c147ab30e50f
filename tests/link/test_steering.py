"""The link's answers to people's requests, between a simulated robot and a real queue."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from link_harness import LinkHarness

from rider_core.api.steering import RobotView, SteeringAnswer, SwitchView
from rider_core.errors import InvalidInput
from rider_core.link import restarts
from rider_core.link.domain import DomainOwner
from rider_core.link.restarts import VOICE_COMMAND, needed_restarts, voice_command
from rider_core.link.steering import Steering
from rider_core.rpc import SocketServer
from rider_core.rpc.handling import MAX_ANSWER_BYTES
from rider_core.runtime.robot_client import RobotClient
from rider_core.simulator.http_api import RESTART_VOICE_PATH
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def steering(harness: LinkHarness) -> Steering:
    """The handler of a link that is connected to the robot, with workers for voice and vision."""
    harness.start_worker("voice")
    harness.start_worker("vision")
    harness.link.start()
    wait_until(lambda: harness.link.describe()["state"] == "up" and not harness.link.describe()["problems"])
    return harness.link.steering(threading.Event().set)


def ask(steering: Steering, left_s: float = 5.0, **request: Any) -> SteeringAnswer:
    return SteeringAnswer.model_validate_json(steering.answer(json.dumps(request).encode(), left_s))


def show(steering: Steering, **request: Any) -> RobotView:
    view = ask(steering, action="show", **request).robot
    assert view is not None
    return view


def switch(steering: Steering, domain: str, choice: str, **more: Any) -> SwitchView:
    view = ask(steering, action="switch", domain=domain, choice=choice, by="the panel", **more).switch
    assert view is not None
    return view


def test_it_shows_the_robot_and_the_connection(harness: LinkHarness, steering: Steering) -> None:
    view = show(steering)
    assert (view.address, view.pid, view.simulated) == (harness.robot.api_url, os.getpid(), False)
    assert (view.bus.up, view.bus.to_robot, view.bus.from_robot, view.bus.problem) == (True, True, True, "")
    assert view.heartbeat.answered
    assert view.heartbeat.sent_ts is not None
    assert abs(time.time() - view.heartbeat.sent_ts) < 5
    assert [(it.domain, it.mode, it.choice, it.by) for it in view.domains] == [
        ("voice", "pc", "automatic", ""), ("vision", "local", "automatic", ""), ("text", "local", "automatic", ""),
    ]  # fmt: skip
    assert view.domains[1].unattended, "the robot's own detectors are paused while voice is at the PC"
    assert set(view.work) == {"voice", "vision", "text"}


def test_a_switch_returns_the_state_that_the_robot_reports_after_it(harness: LinkHarness, steering: Steering) -> None:
    done = switch(steering, "vision", "pc", why="it is dark")
    assert (done.confirmed, done.problem, done.domain.mode) == (True, "", "pc")
    assert (harness.mode("vision"), harness.robot.domains["vision"]["reason"]) == (
        "pc",
        "set at rider-pc by the panel: it is dark",
    )
    done = switch(steering, "voice", "local")
    assert (done.confirmed, done.domain.mode, harness.mode("voice")) == (True, "local", "local")
    assert switch(steering, "voice", "automatic").confirmed
    view = show(steering, switches=2)
    assert [(it.domain, it.mode, it.by) for it in view.switches] == [
        ("vision", "pc", "the panel"),
        ("voice", "local", "the panel"),
    ]
    assert show(steering, switches=0).switches == ()


def test_all_domains_are_switched_in_one_step(harness: LinkHarness, steering: Steering) -> None:
    def switch_all(**choices: str) -> tuple[SwitchView, ...]:
        views = ask(steering, action="switch_all", choices=choices, by="the panel", why="a walk").switched
        assert views is not None
        return views

    done = switch_all(voice="local", vision="local", text="local")
    assert [(it.domain.domain, it.domain.mode, it.confirmed) for it in done] == [
        ("voice", "local", True), ("vision", "local", True), ("text", "local", True),
    ]  # fmt: skip
    voice, text = switch_all(voice="pc", text="pc")
    assert (voice.confirmed, voice.domain.why, harness.mode("voice")) == (True, "a walk", "pc")
    assert (text.confirmed, text.problem) == (False, "no worker can do text.generate")
    refusal = ask(steering, action="switch_all", choices={"voice": "local", "smell": "pc"}, by="me").refusal
    assert refusal is not None
    assert "'smell'" in refusal.message
    assert harness.mode("voice") == "pc", "none is switched where one is wrong"


def test_a_switch_of_a_domain_that_cannot_be_served_is_not_confirmed(harness: LinkHarness, steering: Steering) -> None:
    done = switch(steering, "text", "pc")
    assert not done.confirmed
    assert done.problem == "no worker can do text.generate"
    assert (done.domain.mode, done.domain.choice) == ("local", "pc"), "the choice counts all the same"


def test_a_robot_that_is_gone_confirms_nothing(harness: LinkHarness, steering: Steering) -> None:
    assert switch(steering, "vision", "local").confirmed
    harness.robot.stop()
    done = switch(steering, "vision", "local")
    assert not done.confirmed, "the robot's last report is old"
    assert "the robot does not answer: " in done.problem
    done = switch(steering, "voice", "local")
    assert not done.confirmed
    assert "could not be switched to local" in done.problem
    assert done.domain.choice == "local"
    view = show(steering)
    assert not view.heartbeat.answered
    assert view.heartbeat.problem


def test_a_robot_that_hangs_is_not_waited_for_longer_than_the_client(
    harness: LinkHarness, steering: Steering, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(harness.link._api, "send_heartbeat", lambda *_: released.wait(10))
    began = time.monotonic()
    done = switch(steering, "vision", "pc", left_s=1.0)
    assert time.monotonic() - began < 1
    assert (done.confirmed, done.problem) == (False, "the robot has not answered yet; the link goes on trying")
    released.set()
    wait_until(lambda: harness.mode("vision") == "pc", what="the switch")


@pytest.mark.parametrize(
    "request_",
    [
        b"", b"null", b"[]", b"\xff", b"{" * 1_000, b'{"action": "reboot"}', b'{"action": "show", "switches": 201}',
        b'{"action": "switch", "domain": "voice", "choice": "pc"}',
        b'{"action": "switch", "domain": "legs", "choice": "pc", "by": "me"}',
        b'{"action": "switch", "domain": "voice", "choice": "mine", "by": "me"}',
        b'{"action": "switch", "domain": "voice", "choice": "pc", "by": "me", "why": "%s"}' % (b"x" * 201),
        b'{"action": "switch", "domain": "voice", "choice": "pc", "by": "me", "and": 1}',
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_with_the_reason(request_: bytes, refusing: Steering) -> None:
    answer = SteeringAnswer.model_validate_json(refusing.answer(request_, 5))
    assert answer.refusal is not None
    assert answer.refusal.code == "invalid_input"
    assert answer.refusal.message
    assert len(answer.refusal.message) <= 1_000


@pytest.fixture(scope="module")
def refusing() -> Steering:
    """A handler without a robot: it must refuse before it uses it."""
    failover: Any = type("Nothing", (), {"prefer_all": _unknown_domain})()
    nothing: Any = None
    return Steering(nothing, nothing, failover, nothing, nothing, tuple, lambda: None)


def _unknown_domain(_self: object, choices: dict[str, str], *_: object) -> None:
    raise InvalidInput(f"the robot has no domain {next(iter(choices))!r}")


def test_stop_asks_the_process_to_end() -> None:
    stop = threading.Event()
    nothing: Any = None
    steering = Steering(nothing, nothing, nothing, nothing, nothing, tuple, stop.set)
    assert steering.answer(b'{"action": "stop"}', 5) == b"{}"
    assert stop.is_set()


def test_the_longest_history_fits_into_an_answer(harness: LinkHarness, steering: Steering) -> None:
    for n in range(300):
        mode: Any = ("pc", "local")[n % 2]
        harness.link._failover._preferences.note("text", mode, "b" * 64, "\N{SNOWMAN}" * 200)
    answer = steering.answer(b'{"action": "show", "switches": 200}', 5)
    assert len(answer) < MAX_ANSWER_BYTES / 4
    assert len(SteeringAnswer.model_validate_json(answer).robot.switches) == 200  # type: ignore[union-attr]


class TestRestarts:
    NOW = 1_000.0

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(restarts, "time", type("Clock", (), {"monotonic": staticmethod(lambda: self.NOW)}))

    @pytest.mark.parametrize(
        ("mode", "since", "received", "bus_since", "needed"),
        [
            ("pc", NOW - 11, 0.0, NOW - 60, True),
            ("pc", NOW - 5, 0.0, NOW - 60, False),  # it may still be starting
            ("pc", NOW - 60, NOW - 1, NOW - 60, False),
            ("pc", NOW - 60, NOW - 30, NOW - 60, True),
            ("pc", NOW - 60, NOW - 30, NOW - 5, False),  # no sound could arrive
            ("pc", NOW - 60, NOW - 30, None, False),
            ("local", NOW - 60, 0.0, NOW - 60, False),
        ],
    )
    def test_voice_at_the_pc_without_a_sound(
        self, mode: str, since: float, received: float, bus_since: float | None, needed: bool
    ) -> None:
        needed_now = needed_restarts(DomainOwner(mode, since), received, bus_since, VOICE_COMMAND)
        assert [it.command for it in needed_now] == ([VOICE_COMMAND] if needed else [])


def test_the_simulated_robots_voice_is_started_by_its_own_call() -> None:
    assert voice_command("http://127.0.0.1:8080", simulated=False) == VOICE_COMMAND
    command = voice_command("http://127.0.0.1:8080", simulated=True)
    assert command == f"curl -X POST http://127.0.0.1:8080{RESTART_VOICE_PATH}"


def test_the_restart_is_shown_until_the_microphone_streams(
    harness: LinkHarness, steering: Steering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "SILENT_S", 0.5)
    received = harness.link._bus._handlers["voice.asr.request"]
    monkeypatch.setitem(harness.link._bus._handlers, "voice.asr.request", lambda _: None)  # nothing arrives
    wait_until(lambda: show(steering).restarts, what="the hint")
    assert show(steering).restarts[0].command == VOICE_COMMAND
    assert harness.link.describe()["restarts"][0]["command"] == VOICE_COMMAND
    monkeypatch.setitem(harness.link._bus._handlers, "voice.asr.request", received)
    wait_until(lambda: not show(steering).restarts, what="the microphone")


def test_the_socket_needs_no_redis(
    harness: LinkHarness, steering: Steering, valkey: Valkey, connection: redis.Redis, tmp_path: Path
) -> None:
    server = SocketServer(tmp_path / "link.sock", steering)
    server.start()
    client = RobotClient(connection, tmp_path / "link.sock")
    assert client.switch("vision", "local", "the command line").confirmed
    valkey.kill()
    view = client.show()
    assert view.bus.up
    done = client.switch("voice", "local", "the command line", "no Redis today")
    assert done.confirmed
    # Voice may have failed over already, because Redis is away; then the choice changes nothing at the robot.
    assert (done.domain.mode, done.domain.choice, done.domain.why) == ("local", "local", "no Redis today")
    server.stop()
    client.close()
