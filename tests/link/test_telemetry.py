"""What the robot tells about itself: both shapes of its motion, and what it leaves out or tells wrongly."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from link_harness import LinkHarness

from rider_core.errors import InvalidInput
from rider_core.link.messages import Device
from rider_core.link.telemetry import LastTelemetry
from rider_core.testing.waiting import wait_until


def test_what_was_never_told_is_not_invented() -> None:
    view = LastTelemetry().view(bus_ms=None, http_ms=None, received=0)
    assert (view.pose, view.motion, view.body, view.attitude) == (None, None, None, None)
    assert view.link is not None
    assert (view.link.bus_ms, view.link.messages_per_s) == (None, 0)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"cmd": {"lx": 0.5, "az": -0.25}, "moving": True}, (True, 0.5, -0.25, None)),
        ({"cmd": {"lx": 0, "az": 0}, "moving": False}, (False, 0, 0, None)),
        ({"enabled": True, "estop": True, "stopped": True, "output": {"lx": 0, "az": 0}}, (False, 0, 0, True)),
        ({"stopped": False, "estop": False, "target": [], "output": {"lx": 1, "az": 0}}, (True, 1, 0, False)),
        ({}, (None, None, None, None)),
    ],
)
def test_motion_in_both_shapes(body: dict[str, Any], wanted: tuple[object, ...]) -> None:
    telemetry = LastTelemetry()
    telemetry.receive_motion(body)
    motion = telemetry.view(None, None, 0).motion
    assert motion is not None
    assert (motion.moving, motion.forward, motion.turn, motion.emergency_stop) == wanted


def test_a_malformed_message_changes_nothing() -> None:
    telemetry = LastTelemetry()
    telemetry.receive_pose({"x": 1, "y": -2, "theta": math.pi / 2, "theta_deg": "?"})
    for body in ({"x": 1}, {"x": "far", "y": 0, "theta": 0}, {"x": 1e300, "y": 0, "theta": 0}, {"x": math.nan}):
        with pytest.raises(InvalidInput):
            telemetry.receive_pose(body)
    pose = telemetry.view(None, None, 0).pose
    assert pose is not None
    assert (pose.x_m, pose.y_m, pose.heading_deg) == (1, -2, 90)


def test_a_sender_without_battery_does_not_make_the_charge_new() -> None:
    telemetry = LastTelemetry()
    telemetry.receive_device(Device(battery_pct=70, fw="M-1"))
    told = telemetry.view(None, None, 0).body
    telemetry.receive_device(Device())
    assert telemetry.view(None, None, 0).body == told


@pytest.mark.slow
def test_a_robot_tells_all_of_it(harness: LinkHarness) -> None:
    harness.link.start()
    view = harness.link.telemetry

    def complete() -> bool:
        told = view()
        parts = told.pose, told.motion, told.body, told.attitude
        return all(parts) and told.link is not None and None not in (told.link.bus_ms, told.link.http_ms)

    wait_until(complete, what="pose, motion, body, attitude, and round trips")
    told = view()
    assert told.pose is not None
    assert abs(time.time() - told.pose.ts) < 2
    assert told.body is not None
    assert (told.body.firmware, told.body.battery_pct is not None) == ("simulated", True)
    wait_until(lambda: (view().link or told.link).messages_per_s > 10, what="a rate")  # type: ignore[union-attr]
