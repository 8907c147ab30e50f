"""What the robot makes of motion commands, from the bus and over HTTP."""

from __future__ import annotations

import time

import pytest
from simulator_helpers import effect

from rider_core.testing.waiting import wait_until


@pytest.mark.parametrize("single", [True, False])
def test_moves_for_the_duration_and_stops(make_robot, join, single):
    robot = make_robot()
    bus = join(robot)
    bus.send("cmd.move", {"vx": 0.5, "yaw": 0, "duration": 0.3}, single=single)
    bus.receive("motion.state", lambda body: body["moving"])
    assert bus.receive("motion.bridge.event", lambda body: body["event"] == "auto_stop")
    wait_until(lambda: not robot.moving)
    assert 0.03 < robot.pose.x < 0.15


def test_old_commands_are_dropped(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.send("cmd.move", {"vx": 0.5, "duration": 0.5, "ts": time.time() - 0.4}, single=True)
    assert "200 ms" in effect(robot, "cmd.move")
    assert bus.receive("motion.bridge.event", lambda body: body["event"] == "skip_cmd.move")
    bus.send("cmd.move", {"vx": 0.5, "duration": 0.5, "ts": time.time()}, single=True)
    assert effect(robot, "cmd.move", 2) == "moved"


def test_a_skewed_clock_kills_stamped_commands(make_robot, join):
    robot = make_robot(clock_skew_s=5.0)
    bus = join(robot)
    bus.send("cmd.move", {"vx": 0.5, "ts": time.time()})
    assert "200 ms" in effect(robot, "cmd.move")
    bus.send("cmd.move", {"vx": 0.5})
    assert effect(robot, "cmd.move", 2) == "moved"


@pytest.mark.parametrize("single", [True, False])
def test_stop_stops(make_robot, join, single):
    robot = make_robot()
    bus = join(robot)
    bus.send("cmd.move", {"vx": 0.5, "duration": 0.6}, single=True)
    wait_until(lambda: robot.moving)
    bus.send("cmd.stop", {}, single=single)
    assert effect(robot, "cmd.stop") == "stopped"
    assert not robot.moving


@pytest.mark.parametrize("value", ["fast", None, float("nan"), 10**4000])
def test_a_command_that_is_no_number_moves_nothing(make_robot, join, value):
    robot = make_robot()
    join(robot).send("cmd.move", {"vx": value}, single=True)
    assert effect(robot, "cmd.move").startswith("ignored")
    assert not robot.moving


def test_yaw_has_two_signs(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.send("cmd.move", {"yaw": 0.5, "duration": 0.2}, single=False)
    bus.receive("motion.state", lambda body: body["cmd"]["az"] > 0)
    bus.send("cmd.stop", {})
    bus.send("cmd.move", {"yaw": 0.5, "duration": 0.2}, single=True)
    bus.receive("motion.state", lambda body: body["cmd"]["az"] < 0)


def test_control_over_http_is_confirmed_on_the_bus(make_robot, join, api):
    robot = make_robot()
    bus = join(robot)
    answer = api(robot).post("/api/control", json={"cmd": "move", "dir": "forward", "v": 0.4, "t": 0.25})
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert bus.receive("motion.bridge.event", lambda body: body["event"] == "forward")["detail"]["v"] == 0.4
    assert api(robot).post("/api/control", json={"cmd": "stop"}).json() == {"ok": True}
    assert bus.receive("motion.bridge.event", lambda body: body["event"] == "stop")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cmd": "jump"},
        {"cmd": "move"},
        {"cmd": "move", "dir": "up", "v": 0.1, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": 1.01, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": -0.1, "t": 0.1},
        {"cmd": "move", "dir": "left", "v": 0.1, "t": 0},
        {"cmd": "move", "dir": "left", "v": 0.1, "t": 0.51},
        {"cmd": "move", "dir": "left", "v": "nan", "t": 0.1},
        {"cmd": "move", "dir": "left", "v": [1], "t": 0.1},
        {"stop": True},
    ],
)
def test_control_refuses(make_robot, api, body):
    answer = api(make_robot()).post("/api/control", json=body)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert answer.json()["error"]


def test_control_takes_short_movements_only(make_robot, api):
    move = {"cmd": "move", "dir": "left", "v": 0.1, "t": 0.3}
    answer = api(make_robot()).post("/api/control", json=move)
    assert (answer.status_code, answer.json()["error"]) == (400, "t must be in range (0.0, 0.25]")
    assert api(make_robot(safe_max_duration_s=0.5)).post("/api/control", json=move).status_code == 200


def test_control_fails_on_a_list(make_robot, api):
    assert api(make_robot()).post("/api/control", json=[1]).status_code == 502


def test_control_without_the_bridge(make_robot, api):
    robot = make_robot()
    robot.break_motion_bridge()
    answer = api(robot).post("/api/control", json={"cmd": "stop"})
    assert (answer.status_code, answer.json()["ok"]) == (502, False)


def test_tracking_pose_drives_forward_and_an_offset_turns(make_robot, join):
    robot = make_robot()
    bus = join(robot)
    bus.send("vision.tracking.offset", {"offset_x": 0.5, "mode": "face"})
    bus.receive("motion.state", lambda body: body["cmd"]["az"] == -0.5)
    bus.send("tracking.pose", {})
    bus.receive("motion.state", lambda body: body["cmd"]["lx"] > 0)
