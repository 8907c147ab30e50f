"""Object detection: the request, the boxes, and the base class of the engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from rider_core.api.messages import Message, Result, decode_base64
from rider_core.api.provider import Provider

#: A 12-megapixel JPEG stays below it; the robot's camera sends some 20 kB.
MAX_IMAGE_BYTES = 8 * 1024 * 1024


class DetectRequest(Message):
    """Payload of a `vision.detect` job."""

    image: str = Field(description="a JPEG picture in base64", max_length=MAX_IMAGE_BYTES * 4 // 3 + 4)
    captured_ts: float | None = Field(None, description="when the camera took it, seconds since the epoch")

    def frame(self) -> Frame:
        """The picture's bytes, still compressed.

        Raises:
            InvalidInput, TooLarge
        """
        return Frame(decode_base64(self.image, max_bytes=MAX_IMAGE_BYTES, name="image"), self.captured_ts)


@dataclass(frozen=True)
class Frame:
    """One picture of the camera: JPEG bytes, and when it was taken in seconds since the epoch, if known."""

    jpeg: bytes
    captured_ts: float | None = None


class DetectedObject(Message):
    """One object in a picture."""

    label: str = Field(description="class name, in the model's words")
    score: float = Field(ge=0, le=1, description="the model's confidence")
    box: tuple[float, float, float, float] = Field(description="left, top, right, bottom in pixels of the original")


class Detections(Result):
    """What one picture shows."""

    objects: tuple[DetectedObject, ...] = Field(description="best score first")
    width: int = Field(gt=0, description="of the picture, in pixels")
    height: int = Field(gt=0, description="of the picture, in pixels")


class ObjectDetector(Provider):
    """Base of object detection engines. Stateless: tracking across frames happens elsewhere."""

    domain: ClassVar[str] = "object_detection"

    @abstractmethod
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """What each frame shows, in the same order.

        Raises:
            InvalidInput: a frame is not a JPEG picture.
        """

    def detect(self, frame: Frame) -> Detections:
        return self.detect_batch([frame])[0]
