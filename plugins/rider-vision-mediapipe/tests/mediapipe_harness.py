"""Pictures, models and providers for the tests of this plugin."""

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
    """The model's file in RIDER_MODEL_PATH, or in RIDER_DATA_DIR, where it is fetched if missing."""
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
