"""The buffer between the bus and the vision pipeline: valid frames only, and only the latest."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from rider_core.api.jpeg_header import read_header
from rider_core.api.messages import decode_base64, parse_message
from rider_core.errors import InvalidInput, RiderError, TooLarge
from rider_core.link.messages import MAX_JPEG_BYTES, FrameIn
from rider_core.metrics import CLOCK_OFFSET, FRAMES, LINK_DROPPED, ROBOT
from rider_core.tracing import new_trace_id

#: The smallest picture: nothing can be recognised in fewer pixels. A block of a JPEG has 8.
MIN_SIDE_PX = 32
#: The largest picture: that of the usual 8 megapixel camera of a Raspberry Pi.
MAX_PIXELS = 8_300_000
#: A longer gap between two frames begins a new stream, in seconds: objects from before it may be gone.
GAP_S = 3.0
#: The largest difference between the robot's clock and ours for the time between two frames, in seconds. Beyond it our
#: clock is used.
CLOCKS_AGREE_S = 1.0


@dataclass(frozen=True)
class CameraFrame:
    """One frame.

    Attributes:
        image: JPEG in base64, as the robot sent it.
        jpeg: The same, decoded.
        ts: The robot's clock, which may be far from ours or run backward: the bus keeps the order.
        arrived: Our monotonic clock.
        stream: Number of the stream of connected frames.
        trace_id: Made at its arrival.
    """

    image: str
    jpeg: bytes
    ts: float
    arrived: float
    stream: int
    trace_id: str = field(default_factory=new_trace_id)

    def seconds_after(self, before: CameraFrame | None) -> float:
        """Seconds since the frame before it in the same stream; 0: there is none."""
        if before is None or before.stream != self.stream:
            return 0.0
        by_robot_s, by_us_s = self.ts - before.ts, self.arrived - before.arrived
        agree = by_robot_s > 0 and abs(by_robot_s - by_us_s) < CLOCKS_AGREE_S
        return by_robot_s if agree else max(0.0, by_us_s)


class LatestFrameBuffer:
    """Keeps the latest frame for the vision pipeline. `receive_frame` belongs to the bus's thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: CameraFrame | None = None
        self._image = ""
        self._stream = 0
        self._ts = float("-inf")
        #: When the last frame arrived (monotonic).
        self.arrived = float("-inf")
        #: When the first of the frames arrived that are byte-identical to the last one (monotonic).
        self.image_arrived = float("-inf")
        #: Why the last frame was rejected; empty: it was not.
        self.rejected = ""

    def receive_frame(self, body: dict[str, Any]) -> None:
        """Handle the camera's next frame.

        Raises:
            InvalidInput, TooLarge: the frame is malformed.
        """
        self.put(body, time.monotonic())

    def put(self, body: dict[str, Any], now: float) -> None:
        """`receive_frame` at a given time of our monotonic clock."""
        try:
            message = parse_message(FrameIn, body)
            jpeg = decode_base64(message.frame_jpeg, max_bytes=MAX_JPEG_BYTES, name="frame_jpeg")
            check_picture(jpeg)
        except RiderError as error:
            self.rejected = str(error)
            raise
        self.rejected = ""
        with self._changed:
            if now - self.arrived > GAP_S:
                self._begin_stream()
            self._ts, self.arrived = message.ts, now
            CLOCK_OFFSET.labels(ROBOT).set(message.ts - time.time())
            if message.frame_jpeg == self._image:
                # Sensor noise makes every new JPEG differ, so this one shows nothing new.
                count_dropped("repeated")
                return
            if self._waiting is not None:
                count_dropped("replaced")
            self._image, self.image_arrived = message.frame_jpeg, now
            self._waiting = CameraFrame(message.frame_jpeg, jpeg, message.ts, now, self._stream)
            self._changed.notify()

    def robot_ts(self, now: float) -> float:
        """The robot's clock now, estimated from its last frame; our clock where no frame has come."""
        return time.time() if self._ts == float("-inf") else self._ts + now - self.arrived

    def get(self, timeout_s: float) -> CameraFrame | None:
        """Take the latest frame out; None: none came within `timeout_s` seconds."""
        with self._changed:
            if self._waiting is None:
                self._changed.wait(timeout_s)
            frame, self._waiting = self._waiting, None
        return frame

    def reset(self) -> None:
        """Drop the frame; the next one begins a new stream."""
        with self._changed:
            self._waiting = None
            self._begin_stream()

    def _begin_stream(self) -> None:
        """A stream may begin with a copy of the last frame, which must be analysed again."""
        self._stream += 1
        self._image = ""


def check_picture(jpeg: bytes) -> None:
    """Check, by its header alone, that a JPEG can be a camera's picture.

    Raises:
        InvalidInput, TooLarge: it cannot; the message says why.
    """
    header = read_header(jpeg)
    if min(header.width, header.height) < MIN_SIDE_PX:
        raise InvalidInput(
            f"the picture has {header.width} x {header.height} pixels, nothing can be seen in fewer than "
            f"{MIN_SIDE_PX} x {MIN_SIDE_PX}"
        )
    if header.width * header.height > MAX_PIXELS:
        raise TooLarge(f"the picture has {header.width} x {header.height} pixels, the limit is {MAX_PIXELS} in all")


def count_dropped(outcome: str) -> None:
    """Count a frame that was not analysed; `outcome`: why, as in the metric `rider_frames_total`."""
    FRAMES.labels(outcome).inc()
    LINK_DROPPED.labels("frame").inc()
