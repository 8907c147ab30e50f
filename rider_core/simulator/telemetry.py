"""The messages that the robot sends about itself all the time, at the rates and in the framings of its programs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rider_core.simulator.motion import Motion
from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.registry import StateFile

#: The executor waits up to 50 ms for a command and then 20 ms more, which gives about 14 a second.
MOTION_STATE_S = 0.07
OLD_MOTION_STATE_S = 0.2
POSE_S = 0.2
IMU_S = 0.1
#: Two programs send the same: the bridge in one frame, the sensor reader in two.
XGO_BRIDGE_S, XGO_READER_S = 0.5, 0.2
DISPATCHER_S = 5.0
DETECTORS_S = 1.0

FIRMWARE = "simulated"
#: A full battery lasts about two hours.
_BATTERY_PCT_PER_S = 100 / 7200


class Telemetry:
    """Sends only. The robot's own detectors send only while the AI mode is `local`."""

    def __init__(
        self, motion: Motion, file: StateFile, send: Send, clock: Callable[[], float], *, old_motion_state: bool
    ) -> None:
        self._motion, self._file, self._send, self._clock = motion, file, send, clock
        self._started = clock()
        state = (
            Periodic(OLD_MOTION_STATE_S, self._old_motion_state)
            if old_motion_state
            else Periodic(MOTION_STATE_S, self._motion_state)
        )
        self.schedule = (
            state,
            Periodic(POSE_S, self._pose),
            Periodic(IMU_S, self._imu),
            Periodic(XGO_BRIDGE_S, lambda: self._send("devices.xgo", self.xgo(), "single")),
            Periodic(XGO_READER_S, lambda: self._send("devices.xgo", self.xgo())),
            Periodic(DISPATCHER_S, self._dispatcher),
            Periodic(DETECTORS_S, self._detectors),
        )

    def xgo(self) -> dict[str, Any]:
        """The body of `devices.xgo`."""
        now = self._clock()
        return {
            "present": True,
            "imu_ok": True,
            "pose": None,
            "battery_pct": round(max(0.0, 100.0 - (now - self._started) * _BATTERY_PCT_PER_S), 1),
            "roll": 0.2,
            "pitch": -0.4,
            "yaw": round(math.degrees(self._motion.pose.theta), 2),
            "yaw_src": "gyro_stabilized",
            "fw": FIRMWARE,
            "ts": now,
        }

    def _motion_state(self) -> None:
        motion = self._motion
        command = {"lx": motion.lx, "az": motion.az}
        self._send("motion.state", {"ts": self._clock(), "cmd": command, "moving": motion.moving})

    def _old_motion_state(self) -> None:
        motion = self._motion
        command = {"lx": motion.lx, "az": motion.az}
        self._send(
            "motion.state",
            {
                "ts": self._clock(),
                "enabled": True,
                "estop": False,
                "stopped": not motion.moving,
                "target": command,
                "output": command,
            },
        )

    def _pose(self) -> None:
        pose = self._motion.pose
        self._send(
            "robot.pose",
            {
                "x": round(pose.x, 4),
                "y": round(pose.y, 4),
                "theta": round(pose.theta, 4),
                "theta_deg": round(math.degrees(pose.theta), 2),
                "ts": self._clock(),
            },
        )

    def _imu(self) -> None:
        yaw = round(math.degrees(self._motion.pose.theta), 2)
        self._send("imu.data", {"roll": 0.2, "pitch": -0.4, "yaw": yaw, "yaw_src": "gyro", "ts": self._clock()})

    def _dispatcher(self) -> None:
        self._send("vision.dispatcher.heartbeat", {"ts": self._clock(), "present": False}, "single")

    def _detectors(self) -> None:
        """The robot's own detectors. Here they detect nothing, with a confidence of 0."""
        if self._file.ai_mode()["mode"] != "local":
            return
        now = self._clock()
        self._send("vision.state", {"present": False, "confidence": 0.0, "mode": "simulated", "ts": now}, "single")
        obstacle = {"type": "obstacle", "present": False, "confidence": 0.0, "edge_pct": 12.0, "ts": now}
        self._send("vision.obstacle", obstacle, "single")
