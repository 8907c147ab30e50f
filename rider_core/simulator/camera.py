"""The camera, and the dispatcher that sends its pictures to the PC: 4.5 a second, only while vision is with the PC."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

from rider_core.simulator.frozen_camera import encodings
from rider_core.simulator.outbox import Send
from rider_core.simulator.periodic import Periodic
from rider_core.simulator.pictures import Picture
from rider_core.simulator.registry import StateFile

#: Interval between two pictures, in seconds.
PICTURE_S = 0.2
#: The dispatcher sleeps 0.2 s after each frame, and needs about 0.02 s for one.
FRAME_S = 0.22
#: Interval at which the dispatcher checks whether vision is with the PC, while it is not, in seconds.
POLL_S = 1.0
_STEP_S = 0.01


class Camera:
    """Shows its pictures in turn. A frozen camera repeats the last one, with new time stamps and other bytes."""

    def __init__(self, pictures: tuple[Picture, ...], file: StateFile, send: Send, clock: Callable[[], float]) -> None:
        self._pictures, self._file, self._send, self._clock = pictures, file, send, clock
        self._position = 0
        self._heartbeats = 0
        self._next_at = 0.0
        self._encodings: Iterator[bytes] | None = None
        self.frozen = False
        #: The last picture.
        self.picture = pictures[0]
        self.schedule = (
            Periodic(PICTURE_S, self._next_picture),
            Periodic(_STEP_S, self._dispatch),
            Periodic(1.0, self._heartbeat),
        )

    def _next_picture(self) -> None:
        if not self.frozen:
            self._encodings = None
            self._position = (self._position + 1) % len(self._pictures)
            self.picture = self._pictures[self._position]

    def _dispatch(self) -> None:
        now = time.monotonic()
        if now < self._next_at:
            return
        if self._file.mode("vision") != "pc":
            self._next_at = now + POLL_S
            return
        self._next_at = now + FRAME_S
        if self.frozen:
            # The dispatcher overwrites the file that it reads with the picture that it sends.
            self._encodings = self._encodings or encodings(self.picture.jpeg)
            self.picture = Picture(next(self._encodings), self.picture.width, self.picture.height)
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
        """Three programs of the robot can own the camera, and each sends another body."""
        picture, fps = self.picture, 1 / PICTURE_S
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
