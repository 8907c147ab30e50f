"""The robot's pictures before anybody looks at them: real ones, and only the newest."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rider_core.api.messages import decode_base64, parse_message
from rider_core.errors import RiderError
from rider_core.link.camera_liveness import check_picture
from rider_core.link.messages import MAX_JPEG_BYTES, FrameIn
from rider_core.metrics import FRAMES, LINK_DROPPED

#: After so long without a frame nothing that was in sight need be there any more.
GAP_S = 3.0
#: The robot's clock and ours agree on the time between two frames but for so much; otherwise ours is believed.
CLOCKS_AGREE_S = 1.0


@dataclass(frozen=True)
class CameraFrame:
    """One picture.

    Attributes:
        image: JPEG in base64, as the robot sent it.
        jpeg: The same, decoded.
        ts: The robot's clock, which may be far from ours, or run backward: the bus keeps the order.
        arrived: Our monotonic clock.
        stream: Counts up whenever what comes has nothing to do with what came before.
    """

    image: str
    jpeg: bytes
    ts: float
    arrived: float
    stream: int

    def seconds_after(self, before: CameraFrame | None) -> float:
        """Since the frame before it in the same stream; 0 where there is none."""
        if before is None or before.stream != self.stream:
            return 0.0
        by_robot_s, by_us_s = self.ts - before.ts, self.arrived - before.arrived
        agree = by_robot_s > 0 and abs(by_robot_s - by_us_s) < CLOCKS_AGREE_S
        return by_robot_s if agree else max(0.0, by_us_s)


class LatestFrameBuffer:
    """Keeps the newest frame for whoever looks at frames. `take` belongs to the bus's thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: CameraFrame | None = None
        self._image = ""
        self._stream = 0
        self._ts = float("-inf")
        #: When the last frame came; monotonic.
        self.arrived = float("-inf")
        #: When the first came of those that are the same to the byte as the last one.
        self.image_arrived = float("-inf")
        #: Why the last one was refused; empty where it was not.
        self.refused = ""

    def put(self, body: dict[str, object], now: float) -> None:
        """The next frame.

        Args:
            now: Our monotonic clock.

        Raises:
            InvalidInput, TooLarge: it is none.
        """
        try:
            told = parse_message(FrameIn, body)
            jpeg = decode_base64(told.frame_jpeg, max_bytes=MAX_JPEG_BYTES, name="frame_jpeg")
            check_picture(jpeg)
        except RiderError as error:
            self.refused = str(error)
            raise
        self.refused = ""
        with self._changed:
            if now - self.arrived > GAP_S:
                self._begin_stream()
            self._ts, self.arrived = told.ts, now
            if told.frame_jpeg == self._image:
                # A sensor is never so still that two JPEGs are alike to the byte: looking again would tell nothing.
                count_dropped("repeated")
                return
            if self._waiting is not None:
                count_dropped("replaced")
            self._image, self.image_arrived = told.frame_jpeg, now
            self._waiting = CameraFrame(told.frame_jpeg, jpeg, told.ts, now, self._stream)
            self._changed.notify()

    def robot_ts(self, now: float) -> float:
        """What the robot's clock shows now, as far as we know; ours where it has sent nothing yet."""
        return time.time() if self._ts == float("-inf") else self._ts + now - self.arrived

    def get(self, timeout_s: float) -> CameraFrame | None:
        """The newest frame that nobody has looked at; None: there was none within `timeout_s` seconds."""
        with self._changed:
            if self._waiting is None:
                self._changed.wait(timeout_s)
            frame, self._waiting = self._waiting, None
        return frame

    def reset(self) -> None:
        """What comes next is another stream, whenever it comes."""
        with self._changed:
            self._waiting = None
            self._begin_stream()

    def _begin_stream(self) -> None:
        """A robot may begin with the picture that it sent last: also that one is looked at."""
        self._stream += 1
        self._image = ""


def count_dropped(outcome: str) -> None:
    """Count a frame that was not analysed; `outcome`: why, as in the metric `rider_frames_total`."""
    FRAMES.labels(outcome).inc()
    LINK_DROPPED.labels("frame").inc()
