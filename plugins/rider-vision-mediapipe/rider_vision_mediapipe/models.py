"""The models: their files, licences and sources for the catalogue, and their kinds for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from rider_core.api import ModelEntry, PackageMember, PackageSource, UrlSource


def _build_ssd(parts: Mapping[str, Path], out: Path) -> None:
    # Imported here because its imports are heavy, and only a pull needs them.
    import_module("rider_vision_mediapipe.ssd_metadata").build_ssd(parts, out)


SSD_OIDV4 = ModelEntry(
    name="ssd-oidv4",
    filename="ssd_mobilenet_v2_oidv4.tflite",
    description="SSD MobileNet v2 on Open Images, 23 classes of things in a home",
    licence="Apache-2.0",
    size_bytes=10_033_377,
    sha256="6376cb2edad87ee2de41473e3e500d90cc6f025118f4fdf808cbfd2debdd8a91",
    sources=(
        PackageSource(
            {
                "assets": PackageMember(
                    "npm",
                    "@mediapipe/objectron",
                    "0.4.1675468480",
                    "package/objectron_solution_packed_assets.data",
                    "470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e",
                    9_987_912,
                ),
            },
            _build_ssd,
        ),
    ),
)

FACE_SHORT_RANGE = ModelEntry(
    name="face-short-range",
    filename="face_detection_short_range.tflite",
    description="BlazeFace for faces within about two metres",
    licence="Apache-2.0",
    size_bytes=229_714,
    # The last mediapipe with models in its wheel. The same file is in its wheels for all systems.
    sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    sources=(
        # The digest stands in mediapipe's own list of files, third_party/external_files.bzl.
        UrlSource(
            "https://storage.googleapis.com/mediapipe-assets/face_detection_short_range.tflite?generation=1677044301978921"
        ),
        PackageSource(
            {
                "model": PackageMember(
                    "pypi",
                    "mediapipe",
                    "0.10.21",
                    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
                    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
                    229_714,
                ),
            },
        ),
    ),
)

EFFICIENTDET_LITE0 = ModelEntry(
    name="efficientdet-lite0",
    filename="efficientdet_lite0.tflite",
    description="EfficientDet Lite0 on COCO, 80 classes of things (int8); only from its maker, in no package",
    licence="Apache-2.0",
    size_bytes=4_602_795,
    # The checksum that ten projects pinned. The file itself could not be downloaded here.
    sha256="0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
    sources=(
        UrlSource(
            "https://storage.googleapis.com/mediapipe-models/object_detector/efficientdet_lite0/int8/1/efficientdet_lite0.tflite"
        ),
    ),
)

MODELS = (SSD_OIDV4, FACE_SHORT_RANGE, EFFICIENTDET_LITE0)

ModelName = Literal["ssd-oidv4", "face-short-range", "efficientdet-lite0"]


@dataclass(frozen=True)
class ModelKind:
    """How a model is run, and how its output is read.

    Attributes:
        task: The class of MediaPipe Tasks that runs it.
        input_px: Width and height of the network's input. Larger pictures are scaled down.
        min_score: Default threshold: most detections below it are false positives.
        labels: The model's classes.
        background: The model's background class.
    """

    task: Literal["objects", "faces"]
    input_px: int
    min_score: float
    labels: tuple[str, ...]
    background: str | None = None


KINDS: Mapping[str, ModelKind] = {
    "ssd-oidv4": ModelKind(
        task="objects",
        input_px=300,
        # In photographs of a person, a cat and a cup these have 0.52 to 0.85, false positives 0.31 at most.
        min_score=0.4,
        labels=(
            *("Bicycle", "Boot", "Laptop", "Person", "Chair", "Cattle", "Desk", "Cat", "Computer mouse"),
            *("Computer monitor", "Box", "Mug", "Coffee cup", "Stationary bicycle", "Table", "Bottle", "High heels"),
            *("Vehicle", "Footwear", "Dog", "Book", "Camera", "Car"),
        ),
        background="???",
    ),
    # The face of a cat that fills the picture gets 0.53, that of a person 0.92.
    "face-short-range": ModelKind(task="faces", input_px=128, min_score=0.6, labels=("face",)),
    "efficientdet-lite0": ModelKind(
        task="objects",
        input_px=320,
        # Not measured: the value of ssd-oidv4.
        min_score=0.4,
        labels=(
            *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light"),
            *("fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow"),
            *("elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee"),
            *("skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard"),
            *("tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
            *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch"),
            *("potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard"),
            *("cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase"),
            *("scissors", "teddy bear", "hair drier", "toothbrush"),
        ),
    ),
}
