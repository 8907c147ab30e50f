"""One interface for MediaPipe's detectors. Importing this file loads mediapipe, which takes 0.2 s and 50 MB."""
# ruff: noqa: E402 - Matplotlib and OpenCV would be imported before

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from rider_core.api.light_import import import_without

# mediapipe's drawing module imports Matplotlib and OpenCV, 62 MB and 0.3 s of 0.5. No code here draws.
import_without("mediapipe.tasks.python.vision", "matplotlib", "matplotlib.pyplot", "cv2")

import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.components.containers.detections import Detection

from rider_core.api.jpeg_header import JpegHeader
from rider_core.api.object_detection import MAX_OBJECTS
from rider_core.errors import ProviderError, ProviderUnavailable
from rider_vision_mediapipe.delegate import Device
from rider_vision_mediapipe.jpeg_decoder import Pixels, decode
from rider_vision_mediapipe.models import ModelKind

log = logging.getLogger(__name__)

Box = tuple[float, float, float, float]
#: Label, score, and left, top, right, bottom in pixels.
RawDetection = tuple[str, float, Box]

#: Lowest score of a request's filter. Below it come tens of false positives.
LOWEST_SCORE = 0.1
#: A file without certificates, so that no TLS server is trusted.
_NO_CERTIFICATES = b"/dev/null"
_LONGEST_CAUSE = 200


class NoTelemetryOptions(BaseOptions):  # type: ignore[misc]
    """MediaPipe without its usage statistics.

    The library reports versions, task and latencies to play.googleapis.com, and has no switch for that
    (https://github.com/google-ai-edge/mediapipe/issues/6291). These options name its trusted certificates: without any,
    the TLS handshake fails before a byte of the report is sent. The attempt to connect remains.
    """

    def to_ctypes(self) -> Any:
        options = super().to_ctypes()
        if not hasattr(options, "ca_bundle_path"):
            log.warning("this version of mediapipe reports usage statistics to Google, and they cannot be switched off")
        options.ca_bundle_path = _NO_CERTIFICATES
        return options


class MediapipeEngine:
    """One loaded model.

    Args:
        model: The TFLite file.
        kind: The model's kind.
        device: What it runs on. "GPU" may crash the process where the GPU does not work: see `delegate`.
        usage_statistics: Let mediapipe report its usage to Google.

    Raises:
        ProviderUnavailable: the file is no such model, or the device cannot run it.
    """

    def __init__(self, model: Path, kind: ModelKind, device: Device = "CPU", *, usage_statistics: bool = False) -> None:
        self._input_px = kind.input_px
        self._label = kind.labels[0] if kind.task == "faces" else None
        options = (BaseOptions if usage_statistics else NoTelemetryOptions)(
            model_asset_path=str(model), delegate=BaseOptions.Delegate[device]
        )
        try:
            self._detector = _face_detector(options) if kind.task == "faces" else _object_detector(options, kind)
        except (OSError, ValueError, RuntimeError) as error:
            raise ProviderUnavailable(
                f"mediapipe cannot load {model.name} on the {device}: {_cause(error)}",
                remedy="check the file with `rider models verify`",
            ) from None

    def close(self) -> None:
        try:
            self._detector.close()
        except (ValueError, RuntimeError) as error:  # raises the error of the last detection again
            log.debug("mediapipe closed a model that had failed: %s", error)

    def detect_jpeg(self, jpeg: bytes, header: JpegHeader) -> list[RawDetection]:
        """The picture's detections, best score first. Boxes lie within the picture as it is stored.

        Raises:
            InvalidInput: the picture cannot be decoded.
            ProviderError: mediapipe failed.
        """
        pixels = decode(jpeg, header, self._input_px)
        height, width = pixels.shape[:2]
        scale_x, scale_y = header.width / width, header.height / height
        found = [
            (
                label,
                score,
                (
                    max(left, 0) * scale_x,
                    max(top, 0) * scale_y,
                    min(right, width) * scale_x,
                    min(bottom, height) * scale_y,
                ),
            )
            for label, score, (left, top, right, bottom) in self.detect(pixels, header.turn_deg)
        ]
        return [(label, score, box) for label, score, box in found if box[0] < box[2] and box[1] < box[3]]

    def detect(self, pixels: Pixels, turn_deg: int = 0) -> list[RawDetection]:
        """The detections in the pixels, best score first; boxes may extend beyond the picture.

        Args:
            turn_deg: Clockwise rotation of the picture for the model. The boxes are those of the picture as given.

        Raises:
            ProviderError: mediapipe failed.
        """
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        processing = vision.ImageProcessingOptions(rotation_degrees=turn_deg) if turn_deg else None
        try:
            detections = self._detector.detect(image, processing).detections
        except (ValueError, RuntimeError) as error:
            raise ProviderError(f"mediapipe failed on a picture of shape {pixels.shape}: {_cause(error)}") from error
        return sorted((self._raw_detection(detection) for detection in detections), key=lambda found: -found[1])

    def _raw_detection(self, detection: Detection) -> RawDetection:
        best, box = detection.categories[0], detection.bounding_box
        label = self._label or best.category_name or ""
        edges = (box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height)
        return label, min(max(float(best.score), 0.0), 1.0), edges


def _cause(error: Exception) -> str:
    """The last line of mediapipe's error, which lists the failed parts from the outermost to the innermost."""
    lines = [line.strip(" \t└") for line in str(error).splitlines()]
    line = next((line for line in reversed(lines) if line), type(error).__name__)
    return line if len(line) <= _LONGEST_CAUSE else "… " + line[-_LONGEST_CAUSE:].partition(" ")[2]


def _object_detector(options: BaseOptions, kind: ModelKind) -> vision.ObjectDetector:
    return vision.ObjectDetector.create_from_options(
        vision.ObjectDetectorOptions(
            base_options=options,
            max_results=MAX_OBJECTS,
            score_threshold=LOWEST_SCORE,
            category_denylist=[kind.background] if kind.background else None,
        )
    )


def _face_detector(options: BaseOptions) -> vision.FaceDetector:
    return vision.FaceDetector.create_from_options(
        vision.FaceDetectorOptions(base_options=options, min_detection_confidence=LOWEST_SCORE)
    )
