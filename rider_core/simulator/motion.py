"""The two programs that move the robot: a bridge that reads single-frame commands, an executor that reads multipart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic

TOPICS = ("cmd.move", "cmd.stop", "tracking.pose", "vision.tracking.offset")

#: The values of the robot's code.
MAX_AGE_S = 0.2
MIN_GAP_S = 0.1
MIN_DURATION_S, MAX_DURATION_S = 0.05, 0.6
EXECUTOR_DEADMAN_S = 0.6
FOLLOW_S = 1.0
TRACKING_SPEED = 0.12

#: Speeds of the simulated body at full command: an estimate of a Rider's.
_SPEED_M_S, _TURN_RAD_S = 0.5, math.radians(120)
_STEP_S = 0.02


@dataclass
class Pose:
    """The robot's position in metres and its direction in radians, relative to its start."""

    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0


class Motion:
    """The body and both programs. All methods run in the bus thread; other threads only read."""

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send, self._clock = send, clock
        self.pose = Pose()
        self.lx = self.az = 0.0
        self._stop_at: float | None = None
        self._stopper = ""
        self._bridge_last = 0.0
        self.schedule = (Periodic(_STEP_S, self._step),)

    @property
    def moving(self) -> bool:
        return self.lx != 0 or self.az != 0

    def receive(self, topic: str, body: dict[str, Any], framing: str) -> str:
        """Handle one message; returns its effect."""
        try:
            if topic == "cmd.stop":
                return self._stop(framing)
            if topic == "cmd.move":
                return self._bridge_move(body) if framing == "single" else self._executor_move(body)
            if framing == "single":
                return "ignored: read as multipart only"
            if topic == "tracking.pose":
                return self._tracking(body)
            return self._follow(body)
        except (TypeError, ValueError, OverflowError) as error:
            return f"ignored: {error}"[:120]

    def _bridge_move(self, body: dict[str, Any]) -> str:
        lx, vy, az = (_number(body, key) for key in ("vx", "vy", "yaw"))
        duration_s = _number(body, "duration") or MAX_DURATION_S
        duration_s = max(MIN_DURATION_S, min(duration_s, MAX_DURATION_S))
        self._event("rx_cmd.move", {"vx": lx, "vy": vy, "yaw": az, "duration": duration_s})
        now = time.monotonic()
        age_s = self._age_s(body)
        if age_s > MAX_AGE_S:
            self._event("skip_cmd.move", {"reason": "drop_old", "age_ms": round(age_s * 1000, 1)})
            return "ignored: older than 200 ms"
        if now - self._bridge_last < MIN_GAP_S:
            self._event("skip_cmd.move", {"reason": "min_gap", "gap_s": round(now - self._bridge_last, 3)})
            return "ignored: less than 100 ms after the last"
        self._bridge_last = now
        # The larger of the two wins: the bridge turns or drives, never both. Its positive yaw is a right turn.
        if abs(az) > 1e-4 and abs(az) >= abs(lx):
            self._go(0.0, -az, duration_s, "bridge")
            self._event("turn_left" if az < 0 else "turn_right", {"step": abs(az), "runtime": duration_s})
        else:
            self._go(lx, 0.0, duration_s, "bridge")
            self._event("forward" if lx >= 0 else "backward", {"v": abs(lx), "runtime": duration_s})
        return "moved"

    def _executor_move(self, body: dict[str, Any]) -> str:
        """Positive yaw is a left turn. The robot's executor knows no duration and, unlike this one, no age limit."""
        lx, az = _number(body, "vx"), _number(body, "yaw")
        if self._age_s(body) > MAX_AGE_S:
            return "ignored: older than 200 ms"
        duration_s = _number(body, "duration") or EXECUTOR_DEADMAN_S
        self._go(lx, az, min(max(duration_s, MIN_DURATION_S), EXECUTOR_DEADMAN_S), "executor")
        return "moved"

    def _tracking(self, body: dict[str, Any]) -> str:
        """The link must not send this: the robot always drives forward on it."""
        target = body.get("target")
        offset = _number(target, "x") if isinstance(target, dict) else 0.0
        self._go(TRACKING_SPEED, max(-1.0, min(1.0, offset)), EXECUTOR_DEADMAN_S, "executor")
        return "moved: tracking.pose drives the robot forward"

    def _follow(self, body: dict[str, Any]) -> str:
        offset = _number(body, "offset_x")
        if not -1 <= offset <= 1:
            return "ignored: offset_x is not -1 to 1"
        self._go(0.0, -offset, FOLLOW_S, "follower")
        return "moved"

    def _stop(self, framing: str) -> str:
        self._halt()
        self._event("stop", {"framing": framing})
        return "stopped"

    def _go(self, lx: float, az: float, duration_s: float, program: str) -> None:
        self.lx, self.az = lx, az
        self._stop_at, self._stopper = time.monotonic() + duration_s, program

    def _halt(self) -> None:
        self.lx = self.az = 0.0
        self._stop_at = None

    def _step(self) -> None:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self._halt()
            self._event("auto_stop", {"by": self._stopper})
        pose = self.pose
        theta = (pose.theta + self.az * _TURN_RAD_S * _STEP_S) % math.tau
        distance = self.lx * _SPEED_M_S * _STEP_S
        self.pose = Pose(pose.x + distance * math.cos(theta), pose.y + distance * math.sin(theta), theta)

    def _age_s(self, body: dict[str, Any]) -> float:
        """The command's age in seconds; 0 without a time stamp, so such a command is never too old."""
        return self._clock() - _number(body, "ts") if body.get("ts") else 0.0

    def _event(self, name: str, detail: dict[str, Any]) -> None:
        event = {"ts": self._clock(), "event": name, "detail": detail}
        self._send("motion.bridge.event", event, "single")


def _number(body: dict[str, Any], key: str) -> float:
    value = body.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key} is no number")
    return float(value)
