"""Keeps what the robot tells about itself: pose, motion, body and attitude, each with the time of its arrival."""

from __future__ import annotations

import math
import time
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.api.telemetry import AttitudeView, BodyView, LinkQuality, MotionView, PoseView, TelemetryView
from rider_core.link.messages import Attitude, Device, MotionState, PoseReport


class LastTelemetry:
    """The `receive` methods belong to the bus's thread, `view` to one other thread.

    Each raises `InvalidInput` where the message is malformed; what was told before stays.
    """

    def __init__(self) -> None:
        self._pose: PoseView | None = None
        self._motion: MotionView | None = None
        self._body: BodyView | None = None
        self._attitude: AttitudeView | None = None
        self._counted = time.monotonic(), 0

    def receive_pose(self, body: dict[str, Any]) -> None:
        """`robot.pose`."""
        pose = parse_message(PoseReport, body)
        self._pose = PoseView(ts=time.time(), x_m=pose.x, y_m=pose.y, heading_deg=math.degrees(pose.theta))

    def receive_motion(self, body: dict[str, Any]) -> None:
        """`motion.state`, in both of its shapes."""
        state = parse_message(MotionState, body)
        command = state.cmd or state.output
        moving = state.moving if state.stopped is None else not state.stopped
        self._motion = MotionView(
            ts=time.time(),
            moving=moving,
            forward=command.lx if command else None,
            turn=command.az if command else None,
            emergency_stop=state.estop,
        )

    def receive_device(self, device: Device) -> None:
        """`devices.xgo`. Not every sender tells the battery: one that does not changes nothing."""
        if device.battery_pct is not None or self._body is None:
            self._body = BodyView(ts=time.time(), battery_pct=device.battery_pct, firmware=device.fw or "")

    def receive_attitude(self, body: dict[str, Any]) -> None:
        """`imu.data`."""
        told = parse_message(Attitude, body)
        self._attitude = AttitudeView(ts=time.time(), roll_deg=told.roll, pitch_deg=told.pitch, yaw_deg=told.yaw)

    def view(self, bus_ms: float | None, http_ms: float | None, received: int) -> TelemetryView:
        """All of it.

        Args:
            received: Messages from the robot since the link's start: the rate is that since the last call.
        """
        now = time.monotonic()
        (since, before), self._counted = self._counted, (now, received)
        rate = (received - before) / max(now - since, 0.001)
        quality = LinkQuality(ts=time.time(), bus_ms=bus_ms, http_ms=http_ms, messages_per_s=round(rate, 1))
        return TelemetryView(
            pose=self._pose, motion=self._motion, body=self._body, attitude=self._attitude, link=quality
        )
