"""`python -m rider_vision_mediapipe.gpu_preflight MODEL_FILE MODEL_NAME`: compares the GPU's detection with the CPU's.

Prints one line of JSON for `delegate.run_preflight`. Runs in a process of its own, because it may crash or hang.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from rider_core.errors import ProviderError
from rider_vision_mediapipe.delegate import Device
from rider_vision_mediapipe.engine import Box, MediapipeEngine, RawDetection
from rider_vision_mediapipe.jpeg_decoder import Pixels
from rider_vision_mediapipe.models import KINDS

#: The first runs are slower, and not measured.
_WARM_UP, _RUNS = 3, 10
#: GPU and CPU use different precision: on an H100 scores differ by 0.01, boxes by two pixels.
_MAX_SCORE_DIFFERENCE, _MIN_IOU = 0.1, 0.8


def main() -> int:
    model, name = sys.argv[1:]
    try:
        gpu_ms, gpu_saw = measured(Path(model), name, "GPU")
        cpu_ms, cpu_saw = measured(Path(model), name, "CPU")
        difference = disagreement(gpu_saw, cpu_saw)
        answer: dict[str, object] = {"problem": difference} if difference else {"gpu_ms": gpu_ms, "cpu_ms": cpu_ms}
    except ProviderError as error:
        answer = {"problem": error.message}
    print(json.dumps(answer), flush=True)
    return 0


def measured(model: Path, name: str, device: Device) -> tuple[float, list[RawDetection]]:
    """Median time of one detection in ms, and the detections, best score first."""
    engine = MediapipeEngine(model, KINDS[name], device)
    try:
        picture, found = drawn_face(), []
        times_ms = []
        for _ in range(_WARM_UP + _RUNS):
            started = time.perf_counter()
            found = engine.detect(picture)
            times_ms.append((time.perf_counter() - started) * 1e3)
        return statistics.median(times_ms[_WARM_UP:]), found
    finally:
        engine.close()


def disagreement(gpu: list[RawDetection], cpu: list[RawDetection]) -> str:
    """How the GPU's best detection differs from the CPU's; empty where they agree."""
    if gpu and cpu and _is_same(gpu[0], cpu[0]):
        return ""
    # Two empty results differ, too: nothing was compared.
    return f"it detects {_described(gpu)}, and the CPU {_described(cpu)}"


def _is_same(one: RawDetection, other: RawDetection) -> bool:
    (label, score, box), (other_label, other_score, other_box) = one, other
    return (
        label == other_label and abs(score - other_score) <= _MAX_SCORE_DIFFERENCE and iou(box, other_box) >= _MIN_IOU
    )


def drawn_face() -> Pixels:
    """A drawn face in the size of a robot's frames. Each model detects it, with scores of 0.31 and 0.87."""
    skin, hair, lips, white = (225, 180, 150), (60, 40, 30), (170, 60, 60), (255, 255, 255)
    pixels = np.full((480, 640, 3), (150, 170, 190), np.uint8)
    cv2.ellipse(pixels, (320, 240), (95, 125), 0, 0, 360, skin, cv2.FILLED)
    cv2.ellipse(pixels, (320, 180), (100, 80), 0, 180, 360, hair, cv2.FILLED)
    for x in (283, 357):
        cv2.ellipse(pixels, (x, 222), (20, 11), 0, 0, 360, white, cv2.FILLED)
        cv2.circle(pixels, (x, 222), 9, hair, cv2.FILLED)
        cv2.ellipse(pixels, (x, 198), (24, 8), 0, 180, 360, hair, 5)
    cv2.line(pixels, (320, 235), (312, 275), lips, 4)
    cv2.ellipse(pixels, (320, 310), (36, 14), 0, 0, 180, lips, cv2.FILLED)
    return pixels


def iou(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / (_area(one) + _area(other) - common)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _described(found: list[RawDetection]) -> str:
    if not found:
        return "nothing"
    label, score, box = found[0]
    return f"{label} {score:.0%} at {', '.join(f'{edge:.0f}' for edge in box)}"


if __name__ == "__main__":
    sys.exit(main())
