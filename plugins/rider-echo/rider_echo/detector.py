"""Mock object detector: one box in the middle of every picture. Only the picture's size is real."""

from __future__ import annotations

from collections.abc import Sequence

from rider_core.api import DetectedObject, Detections, Frame, ObjectDetector
from rider_core.errors import InvalidInput, TooLarge

#: Far more than a robot's camera has, and few enough to decode.
MAX_PIXELS = 50_000_000

START_OF_IMAGE = b"\xff\xd8"
#: Markers that begin a frame header, which holds the size (ITU-T T.81, table B.1: SOF0 to SOF15 without DHT, JPG, DAC).
FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
START_OF_SCAN = 0xDA


class EchoDetector(ObjectDetector):
    name = "echo-detector"
    mock = True

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        return [_detections(*jpeg_size(frame.jpeg)) for frame in frames]


def _detections(width: int, height: int) -> Detections:
    box = (width / 4, height / 4, width * 3 / 4, height * 3 / 4)
    return Detections(objects=(DetectedObject(label="echo", score=0.5, box=box),), width=width, height=height)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header alone; nothing is decoded.

    Raises:
        InvalidInput: it is not a JPEG picture, or has no frame header.
        TooLarge: it has more than `MAX_PIXELS`.
    """
    if not data.startswith(START_OF_IMAGE):
        raise InvalidInput(f"the picture is not a JPEG: it begins with {data[:8]!r}")
    position = len(START_OF_IMAGE)
    while (segment := data[position : position + 9])[:1] == b"\xff" and len(segment) == 9:
        marker, length = segment[1], int.from_bytes(segment[2:4], "big")
        if marker in FRAME_MARKERS:
            return _checked(width=int.from_bytes(segment[7:9], "big"), height=int.from_bytes(segment[5:7], "big"))
        if marker == START_OF_SCAN:
            break
        position += 2 + length
    raise InvalidInput(f"the JPEG picture of {len(data)} bytes has no frame header, so its size is unknown")


def _checked(width: int, height: int) -> tuple[int, int]:
    if not width or not height:
        raise InvalidInput(f"the JPEG picture claims {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise TooLarge(f"the picture has {width} x {height} pixels, the limit is {MAX_PIXELS} in all")
    return width, height
