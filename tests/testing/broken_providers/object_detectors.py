"""Object detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rider_core.api import (
    DetectedObject,
    Detections,
    Frame,
    ObjectDetector,
)
from rider_core.errors import InvalidInput
from rider_core.testing import SMALL_JPEG, SMALL_JPEG_SIZE


class GoodDetector(ObjectDetector):
    name = "good-detector"
    objects: ClassVar[tuple[DetectedObject, ...]] = (
        DetectedObject(label="disc", score=0.9, box=(8, 12, 32, 36)),
        DetectedObject(label="sky", score=0.4, box=(0, 0, 64, 20)),
    )
    size: ClassVar[tuple[int, int]] = SMALL_JPEG_SIZE

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        for frame in frames:
            self.check(frame.jpeg)
        return [Detections(objects=self.objects, width=self.size[0], height=self.size[1]) for _ in frames]

    def check(self, jpeg: bytes) -> None:
        if jpeg != SMALL_JPEG:
            raise InvalidInput("it is not the one picture that this detector knows")


class SizeSwapped(GoodDetector):
    size = SMALL_JPEG_SIZE[::-1]
    objects = ()


class WorstFirst(GoodDetector):
    objects = GoodDetector.objects[::-1]


class WidthAndHeight(GoodDetector):
    objects = (DetectedObject(label="disc", score=0.9, box=(40, 30, 20, 10)),)


class BoxOutside(GoodDetector):
    objects = (DetectedObject(label="disc", score=0.9, box=(8, 12, 300, 36)),)


class SeesInNothing(GoodDetector):
    def check(self, jpeg: bytes) -> None:
        pass


class FailsOnGarbage(GoodDetector):
    def check(self, jpeg: bytes) -> None:
        if jpeg != SMALL_JPEG:
            raise IndexError("index out of range")


class FirstOnly(GoodDetector):
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        return super().detect_batch(frames[:1])
