"""The navigator: where it listens, what ends it, how slow it is, and the bridge that keeps messages for later."""

from __future__ import annotations

import time

import pytest
from simulator_helpers import effect

from rider_core.simulator.navigator import ENHANCED, OWN
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "values", [{"distance": 0.5, "angle": 3}, {"distance": "near"}, {"distance": "near", "angle": None}, {"angle": []}]
)
def test_a_missing_present_means_clear(make_robot, join, values):
    robot = make_robot()
    bus = join(robot)
    bus.send(ENHANCED, {"present": True, **values})
    assert effect(robot, ENHANCED) == "obstacle"
    assert robot.obstacle_present
    bus.send(ENHANCED, {"obstacles": [1], "confidence": 1})
    assert effect(robot, ENHANCED, 2) == "clear"


@pytest.mark.parametrize(
    "body",
    [
        {"distance": "near", "angle": 3},
        {"distance": 0.5, "angle": "left"},
        {"distance": [1], "angle": 3},
        {"present": True, "confidence": None},
        {"present": True, "confidence": "high"},
        [1],
        "clear",
    ],
)
def test_what_ends_it_and_a_restart(make_robot, join, body):
    robot = make_robot()
    bus = join(robot)
    bus.send(ENHANCED, body)
    assert "ended" in effect(robot, ENHANCED)
    assert not robot.navigator_alive
    bus.send(ENHANCED, {"present": True})
    assert effect(robot, ENHANCED, 2) == "ignored: the navigator has ended"
    robot.restart_navigator()
    wait_until(lambda: robot.navigator_alive)
    bus.send(ENHANCED, {"present": True})
    assert effect(robot, ENHANCED, 3) == "obstacle"


@pytest.mark.parametrize("body", [{"confidence": None}, {"present": False, "confidence": "high"}])
def test_a_confidence_without_an_obstacle_is_not_read(make_robot, join, body):
    robot = make_robot()
    join(robot).send(ENHANCED, body)
    assert effect(robot, ENHANCED) == "clear"


def test_it_sends_its_state_on_a_change_and_every_5_s(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    assert "navigator.state" not in {message[1] for message in bus.record(1.5)}
    bus.send(ENHANCED, {"present": True})
    state = bus.receive("navigator.state", lambda body: body["obstacle_present"])
    assert (state["active"], state["state"]) == (True, "stopped")
    bus.receive("navigator.state")


def test_it_reads_six_messages_a_second_and_the_others_wait(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    began = time.monotonic()
    for _ in range(12):
        bus.send(ENHANCED, {"present": False})
    bus.send(ENHANCED, {"present": True})
    wait_until(lambda: robot.obstacle_present)
    assert 1.8 < time.monotonic() - began < 5


def test_started_in_pc_offload_it_reads_only_the_pcs_messages_until_a_restart(make_robot, join):
    robot = make_robot(pc_domains=("vision",))
    bus = join(robot)
    robot.switch("vision", "local")
    bus.send(OWN, {"present": True})
    assert effect(robot, OWN) == f"ignored: the navigator listens to {ENHANCED}"
    bus.send(ENHANCED, {"present": True})
    assert effect(robot, ENHANCED) == "obstacle"
    robot.restart_navigator()
    wait_until(lambda: not robot.obstacle_present)
    bus.send(OWN, {"present": True})
    wait_until(lambda: robot.obstacle_present)


def test_started_local_it_gets_the_pcs_messages_through_the_bridge(make_robot, join):
    robot = make_robot(pc_domains=())
    bus = join(robot)
    robot.switch("vision", "pc")
    bus.send(ENHANCED, {"present": True, "confidence": 0.5, "ts": 5.0, "meta": {"label": "box"}, "distance": "near"})
    bridged = bus.receive(OWN, lambda body: body["present"])
    assert bridged == {
        "type": "obstacle",
        "present": True,
        "confidence": 0.5,
        "ts": 5.0,
        "source": "pc_offload",
        "meta": {"label": "box"},
    }
    assert effect(robot, ENHANCED) == f"passed on as {OWN}"
    wait_until(lambda: robot.obstacle_present)


def test_what_was_sent_while_vision_was_local_is_replayed(make_robot, join):
    robot = make_robot(pc_domains=())
    bus = join(robot)
    for number in range(3):
        bus.send(ENHANCED, {"present": True, "ts": float(number)})
    robot.received.wait(ENHANCED, count=3)
    assert OWN not in {topic for _, topic, body, _ in bus.record(1.0) if body.get("source") == "pc_offload"}
    assert not robot.obstacle_present
    robot.switch("vision", "pc")
    replayed = [bus.receive(OWN, lambda body: body.get("source") == "pc_offload")["ts"] for _ in range(3)]
    assert replayed == [0.0, 1.0, 2.0]
    wait_until(lambda: robot.obstacle_present)


def test_a_message_that_the_bridge_cannot_read_does_not_end_it(make_robot, join):
    robot = make_robot(pc_domains=())
    bus = join(robot)
    robot.switch("vision", "pc")
    bus.send(ENHANCED, {"present": True, "confidence": "high"})
    assert effect(robot, ENHANCED).startswith("ignored")
    bus.send(ENHANCED, {"present": True})
    wait_until(lambda: robot.obstacle_present)


@pytest.mark.parametrize(("pc_domains", "send"), [((), True), (("text",), False)])
def test_the_robots_own_detectors_send_only_while_the_ai_mode_is_local(make_robot, join, pc_domains, send):
    topics = {message[1] for message in join(make_robot(pc_domains=pc_domains)).record(1.5)}
    assert ({"vision.state", "vision.obstacle"} <= topics) is send
    assert bool({"vision.state", "vision.obstacle"} & topics) is send
