"""Object detection: the request, the boxes, and the base class of the engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from rider_core.api.messages import Message, Result, decode_base64
from rider_core.api.provider import Provider

#: A phone's 50-megapixel JPEG with an appended film is smaller; the robot's camera sends some 20 kB.
MAX_IMAGE_BYTES = 24 * 1024 * 1024
#: Limit of boxes in one picture; more are no use.
MAX_OBJECTS = 200


#: As many classes as the largest label map has, and longer than any label.
MAX_LABELS, MAX_LABEL = 1_000, 64
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)]


class DetectionFilter(Message):
    """Which objects are kept. A field that is None leaves the choice to the engine's settings."""

    allow: Labels | None = Field(None, description="only these classes; empty: all")
    deny: Labels | None = Field(None, description="none of these classes")
    min_score: float | None = Field(None, ge=0, le=1, description="least confidence")
    min_area: float | None = Field(None, ge=0, le=1, description="least area of the box, as a share of the picture")
    max_area: float | None = Field(None, ge=0, le=1, description="largest area of the box, as a share of the picture")
    max_objects: int | None = Field(None, ge=1, le=MAX_OBJECTS, description="most objects, the best ones")

    def over(self, defaults: DetectionFilter) -> DetectionFilter:
        """This filter, with `defaults` for its fields that are None."""
        return defaults.model_copy(update={name: value for name, value in self if value is not None})

    def kept(self, found: Detections) -> Detections:
        """`found` without the objects that do not match."""
        picture = found.width * found.height
        objects = [it for it in found.objects if self._keeps(it, it.area / picture)]
        return found.model_copy(update={"objects": tuple(objects[: self.max_objects or MAX_OBJECTS])})

    def _keeps(self, it: DetectedObject, share: float) -> bool:
        if (self.allow and it.label not in self.allow) or (self.deny and it.label in self.deny):
            return False
        if self.min_score is not None and it.score < self.min_score:
            return False
        low, high = self.min_area or 0.0, 1.0 if self.max_area is None else self.max_area
        return low <= share <= high


class DetectRequest(Message):
    """Payload of a `vision.detect` job."""

    image: str = Field(description="a JPEG picture in base64", max_length=MAX_IMAGE_BYTES * 4 // 3 + 4)
    captured_ts: float | None = Field(None, description="when the camera took it, seconds since the epoch")
    filter: DetectionFilter = Field(DetectionFilter(), description="which objects are kept; None: as in the settings")

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

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


class Detections(Result):
    """The objects in one picture."""

    objects: tuple[DetectedObject, ...] = Field(description="best score first")
    width: int = Field(gt=0, description="of the picture, in pixels")
    height: int = Field(gt=0, description="of the picture, in pixels")


class ObjectDetector(Provider):
    """Base of object detection engines. Stateless: tracking is done by `ObjectTracker`.

    Attributes:
        filter: Default of requests' filters. An engine may set it from its settings, in `__init__`; the worker applies
            it to the results.
    """

    domain: ClassVar[str] = "object_detection"
    filter: DetectionFilter = DetectionFilter()

    @abstractmethod
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """The detections of each frame, in the same order.

        Raises:
            InvalidInput: a frame is not a JPEG picture.
        """

    def detect(self, frame: Frame) -> Detections:
        return self.detect_batch([frame])[0]
