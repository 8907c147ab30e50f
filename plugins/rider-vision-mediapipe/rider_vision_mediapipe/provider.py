"""The provider: settings, frames in, detections out. mediapipe itself is loaded by `open`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from rider_core.api import (
    DetectedObject,
    DetectionFilter,
    Detections,
    Frame,
    Health,
    HealthStatus,
    ObjectDetector,
    ProviderConfig,
    ProviderContext,
)
from rider_core.api.jpeg_header import read_header
from rider_core.api.object_detection import MAX_LABELS, MAX_OBJECTS
from rider_core.errors import ProviderError, ProviderUnavailable
from rider_vision_mediapipe.delegate import (
    DelegateChoice,
    DelegateSetting,
    choose_delegate,
    graphics_devices,
    preflight_command,
    run_preflight,
)
from rider_vision_mediapipe.models import KINDS, ModelName
from rider_vision_mediapipe.system_libraries import install_command, missing_libraries

if TYPE_CHECKING:
    from rider_vision_mediapipe.engine import MediapipeEngine

log = logging.getLogger(__name__)


class MediapipeConfig(ProviderConfig):
    """Settings of the MediaPipe detector. A request's own filter has precedence."""

    model: ModelName = Field(
        "ssd-oidv4",
        description="ssd-oidv4: 23 classes of things; face-short-range: faces; efficientdet-lite0: COCO's 80 classes",
    )
    min_score: float | None = Field(
        None, ge=0, le=1, description="least confidence; None: by model (things 0.4, faces 0.6)"
    )
    allow: tuple[str, ...] = Field((), max_length=MAX_LABELS, description="only these classes; empty: all")
    deny: tuple[str, ...] = Field((), max_length=MAX_LABELS, description="none of these classes")
    min_area: float = Field(0, ge=0, le=1, description="least area of a box, as a share of the picture")
    max_area: float = Field(1, ge=0, le=1, description="largest area of a box, as a share of the picture")
    max_objects: int = Field(50, ge=1, le=MAX_OBJECTS, description="most objects in a picture, the best ones")
    delegate: DelegateSetting = Field(
        "auto", description="what to run on; auto: the GPU where a preflight at the start shows that it is faster"
    )
    usage_statistics: bool = Field(
        False, description="let mediapipe report its version, latencies and model kind (never pictures) to Google"
    )

    @model_validator(mode="after")
    def _known_classes(self) -> MediapipeConfig:
        labels = KINDS[self.model].labels
        unknown = [name for name in (*self.allow, *self.deny) if name not in labels]
        if unknown:
            raise ValueError(f"{self.model} has no class {unknown[0]!r}; it has {', '.join(labels)}")
        if self.min_area > self.max_area:
            raise ValueError(f"min_area {self.min_area} is above max_area {self.max_area}: no box would match")
        return self


class MediapipeDetector(ObjectDetector):
    """MediaPipe's object or face detector."""

    name: ClassVar[str] = "mediapipe"
    Config: ClassVar[type[ProviderConfig]] = MediapipeConfig

    def __init__(self, config: MediapipeConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._kind = KINDS[config.model]
        self._engine: MediapipeEngine | None = None
        self._choice: DelegateChoice | None = None
        self.filter = DetectionFilter(
            allow=config.allow,
            deny=config.deny,
            min_score=self._kind.min_score if config.min_score is None else config.min_score,
            min_area=config.min_area,
            max_area=config.max_area,
            max_objects=config.max_objects,
        )

    def required_models(self) -> tuple[str, ...]:
        return (self._settings.model,)

    def open(self) -> None:
        model = self.context.model_path(self._settings.model)
        missing = missing_libraries()
        if missing:
            raise ProviderUnavailable(_lacking(missing), remedy=install_command(missing))
        choice = choose_delegate(
            self._settings.delegate,
            graphics_devices(),
            lambda: run_preflight(preflight_command(model, self._settings.model)),
        )
        self._engine, self._choice = self._load(model, choice)
        log.info("%s runs on the %s: %s", self._settings.model, self._choice.device, self._choice.reason)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def details(self) -> Mapping[str, str]:
        if self._choice is None:
            return {"model": self._settings.model}
        return {"model": self._settings.model, "device": self._choice.device, "reason": self._choice.reason}

    def health(self) -> Health:
        health = super().health()
        if health.status is not HealthStatus.OK:
            return health
        missing = missing_libraries()
        if missing:
            return Health.unavailable(_lacking(missing), install_command(missing))
        if self._settings.delegate == "gpu" and not graphics_devices():
            return Health.unavailable(
                "the settings want the GPU, and this machine has no graphics card",
                'set delegate to "auto" or "cpu"',
            )
        return Health.ok()

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        # Sequentially: the models take no batches.
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        engine = self._engine
        if engine is None:
            raise ProviderUnavailable("the MediaPipe detector is not open")
        header = read_header(frame.jpeg)
        try:
            found = engine.detect_jpeg(frame.jpeg, header)
        except ProviderError as error:
            found = self._without_gpu(error).detect_jpeg(frame.jpeg, header)
        objects = tuple(DetectedObject(label=label, score=score, box=box) for label, score, box in found[:MAX_OBJECTS])
        return Detections(objects=objects, width=header.width, height=header.height)

    def _without_gpu(self, error: ProviderError) -> MediapipeEngine:
        """Replace a failed GPU by the CPU. GPUs may fail after the computer was suspended."""
        if self._choice is None or self._choice.device == "CPU" or self._settings.delegate == "gpu":
            raise error
        log.warning("the GPU failed: %s; using the CPU", error.message)
        self.close()
        model = self.context.model_path(self._settings.model)
        self._engine, self._choice = self._load(
            model, DelegateChoice("CPU", f"the GPU failed at work: {error.message}")
        )
        return self._engine

    def _load(self, model: Path, choice: DelegateChoice) -> tuple[MediapipeEngine, DelegateChoice]:
        try:
            engine_file = import_module("rider_vision_mediapipe.engine")
        except Exception as error:  # a library that fits no more may raise anything
            raise ProviderUnavailable(
                f"mediapipe cannot be imported: {error}", remedy="pip install --force-reinstall rider-vision-mediapipe"
            ) from error
        usage = self._settings.usage_statistics
        try:
            return engine_file.MediapipeEngine(model, self._kind, choice.device, usage_statistics=usage), choice
        except ProviderUnavailable as error:
            if choice.device == "CPU" or self._settings.delegate == "gpu":
                raise
            log.warning("%s; using the CPU", error.message)
            choice = DelegateChoice("CPU", f"the GPU passed its preflight, then failed: {error.message}")
            return engine_file.MediapipeEngine(model, self._kind, "CPU", usage_statistics=usage), choice


def _lacking(missing: Mapping[str, str]) -> str:
    return f"mediapipe needs these system libraries: {', '.join(missing)}"
