"""The camera and its offload: pictures at most five times a second, and only while vision is with the PC."""

from __future__ import annotations

import base64
from collections.abc import Callable

from rider_core.simulator.outbox import Send
from rider_core.simulator.pictures import Picture
from rider_core.simulator.registry import StateFile
from rider_core.simulator.schedule import Periodic

FRAME_S = 0.2


class Camera:
    """Shows its pictures in turn. A frozen one repeats the last for ever, with fresh time stamps."""

    def __init__(self, shown: tuple[Picture, ...], file: StateFile, send: Send, clock: Callable[[], float]) -> None:
        self._pictures, self._file, self._send, self._clock = shown, file, send, clock
        self._position = 0
        self._heartbeats = 0
        self.frozen = False
        self.schedule = (Periodic(FRAME_S, self._take), Periodic(1.0, self._heartbeat))

    @property
    def picture(self) -> Picture:
        """The last one taken."""
        return self._pictures[self._position]

    def _take(self) -> None:
        if not self.frozen:
            self._position = (self._position + 1) % len(self._pictures)
        if self._file.mode("vision") == "pc":
            picture = self.picture
            self._send(
                "vision.frame.offload",
                {
                    "ts": self._clock(),
                    "frame_jpeg": base64.b64encode(picture.jpeg).decode("ascii"),
                    "size": {"w": picture.width, "h": picture.height},
                },
            )

    def _heartbeat(self) -> None:
        """Three programs of the robot can own the camera, and each says so in its own way."""
        picture, fps = self.picture, 1 / FRAME_S
        shapes = (
            {
                "ts": self._clock(),
                "w": picture.width,
                "h": picture.height,
                "mode": "simulated",
                "fps": fps,
                "lcd": {"active": True, "presenting": True, "rot": 0},
            },
            {"ts": self._clock(), "fps": fps, "last_frame_path": "snapshots/raw.jpg"},
            {"mode": "simulated", "fps": None, "lcd": {"active": False}},
        )
        self._send("camera.heartbeat", shapes[self._heartbeats % len(shapes)])
        self._heartbeats += 1
