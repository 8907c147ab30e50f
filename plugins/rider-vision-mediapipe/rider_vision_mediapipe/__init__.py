"""Object detection for Rider-PC: MediaPipe Tasks."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api import ModelEntry, Provider, hookimpl
from rider_vision_mediapipe.models import MODELS
from rider_vision_mediapipe.provider import MediapipeDetector

RIDER_API = "1.0"


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    register(MediapipeDetector)


@hookimpl
def register_models(register: Callable[[ModelEntry], None]) -> None:
    for entry in MODELS:
        register(entry)
