"""The contract tests that every ObjectDetector plugin runs, with both models."""

from __future__ import annotations

from typing import ClassVar

from mediapipe_harness import model, picture
from rider_vision_mediapipe import MediapipeDetector

from rider_core.api import ProviderContext
from rider_core.testing import ObjectDetectorContract


class TestThings(ObjectDetectorContract):
    provider_class = MediapipeDetector
    expected_labels: ClassVar[tuple[str, ...]] = ("Cat",)

    @classmethod
    def jpeg(cls) -> bytes:
        return picture("chelsea.jpg")

    @classmethod
    def context(cls) -> ProviderContext:
        # Fetched before, because the contract limits the time of health().
        return ProviderContext(model_path={name: model(name) for name in ("ssd-oidv4", "face-short-range")}.__getitem__)


class TestFaces(TestThings):
    settings: ClassVar[dict[str, object]] = {"model": "face-short-range"}
    expected_labels: ClassVar[tuple[str, ...]] = ("face",)

    @classmethod
    def jpeg(cls) -> bytes:
        return picture("astronaut.jpg")
