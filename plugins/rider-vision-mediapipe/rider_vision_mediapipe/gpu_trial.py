"""`python -m rider_vision_mediapipe.gpu_trial MODEL_FILE MODEL_NAME`: does the GPU run this model, and is it faster?

Prints one line of JSON for `delegate.run_trial`. It may crash or hang: it is a process of its own for that.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from rider_core.errors import ProviderError
from rider_vision_mediapipe.engine import Device, MediapipeEngine
from rider_vision_mediapipe.models import KINDS

#: The first runs make ready what later ones use.
_WARM_UP, _RUNS = 3, 10
#: The size of a robot's frames.
_SHAPE = (480, 640, 3)


def main() -> int:
    model, name = sys.argv[1:]
    try:
        answer: dict[str, object] = {
            "gpu_ms": detection_ms(Path(model), name, "GPU"),
            "cpu_ms": detection_ms(Path(model), name, "CPU"),
        }
    except ProviderError as error:
        answer = {"problem": error.message}
    print(json.dumps(answer), flush=True)
    return 0


def detection_ms(model: Path, name: str, device: Device) -> float:
    """Median time of one detection in ms."""
    engine = MediapipeEngine(model, KINDS[name], device)
    try:
        picture = np.random.default_rng(1).integers(0, 256, _SHAPE, dtype=np.uint8)
        times_ms = []
        for _ in range(_WARM_UP + _RUNS):
            started = time.perf_counter()
            engine.detect(picture)
            times_ms.append((time.perf_counter() - started) * 1e3)
        return statistics.median(times_ms[_WARM_UP:])
    finally:
        engine.close()


if __name__ == "__main__":
    sys.exit(main())
