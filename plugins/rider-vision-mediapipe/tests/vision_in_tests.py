"""Pictures and models that the tests of this plugin need."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from PIL import Image
from rider_vision_mediapipe import MediapipeDetector
from rider_vision_mediapipe.models import MODELS
from rider_vision_mediapipe.provider import MediapipeConfig

from rider_core.api import ProviderContext
from rider_core.catalogue import ModelCatalogue
from rider_core.errors import ModelError

MEDIA = Path(__file__).parents[4] / "shared" / "media"
Box = tuple[float, float, float, float]


def missing(what: str) -> None:
    """Skip the test; in CI everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def picture(name: str) -> bytes:
    path = MEDIA / name
    if not path.is_file():
        missing(f"the photograph is missing: {path}")
    return path.read_bytes()


def jpeg_of(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def opened_picture(name: str) -> Image.Image:
    return Image.open(io.BytesIO(picture(name))).convert("RGB")


def model(name: str) -> Path:
    """The model's file: the developer's own, or that of the tests (tox names their folder), fetched if need be."""
    local, data = os.environ.get("RIDER_MODEL_PATH"), os.environ.get("RIDER_DATA_DIR")
    stored = Path(data, "models") if data else Path("/nonexistent")
    catalogue = ModelCatalogue({entry.name: entry for entry in MODELS}, stored, Path(local) if local else None)
    try:
        return catalogue.pull(name) if data else catalogue.path(name)
    except ModelError as error:
        missing(f"{error.message}: set RIDER_MODEL_PATH, or RIDER_DATA_DIR to have it fetched there")
        raise


def detector(**settings: object) -> MediapipeDetector:
    return MediapipeDetector(MediapipeConfig(**settings), ProviderContext(model_path=model))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / (_area(one) + _area(other) - common)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
