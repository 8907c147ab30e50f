"""Detection in a stream of pictures, through us and by MediaPipe alone."""

from __future__ import annotations

import statistics
import time
from collections import deque
from itertools import cycle, islice
from pathlib import Path

from stack import Bare, Stack

from rider_core.api.messages import encode_base64

FRAMES, ROUNDS = 120, 7
#: Pictures under way at once. A camera does not wait for the last result before it takes the next picture.
IN_FLIGHT = 3
ALONE = 40


def measure(stack: Stack, pictures: list[Path]) -> dict[str, float]:
    """`detect_fps_ratio` and `detect_overhead_ms`: medians over rounds, each beside one of the bare engine.

    Args:
        pictures: JPEG files of 640 x 480 pixels, shown in turn.
    """
    payloads = [{"image": encode_base64(picture.read_bytes())} for picture in pictures]
    model = stack.services.catalogue.path("ssd-oidv4")
    ratios, fps, overheads, waits = [], [], [], []
    with Bare("mediapipe_tasks.py", model, *pictures) as bare:
        for number in range(ROUNDS + 1):
            alone = bare.measure(str(FRAMES))
            ours_s = _stream_s(stack, payloads)
            took = statistics.median(_one_s(stack, payload) for payload in islice(cycle(payloads), ALONE))
            inference_s = bare.measure(str(ALONE))["inference_s"]
            if number == 0:  # both have warmed up
                continue
            ratios.append(alone["seconds"] / ours_s)
            fps.append(FRAMES / ours_s)
            waits.append(took)
            overheads.append(took - inference_s)
    return {
        "detect_fps_ratio": round(statistics.median(ratios), 2),
        "detect_overhead_ms": round(statistics.median(overheads) * 1000, 2),
        "detect_fps": round(statistics.median(fps), 1),
        "detect_p50_ms": round(statistics.median(waits) * 1000, 1),
    }


def _stream_s(stack: Stack, payloads: list[dict[str, str]]) -> float:
    """Seconds for all frames of a stream."""
    under_way: deque[str] = deque()
    started = time.perf_counter()
    for payload in islice(cycle(payloads), FRAMES):
        if len(under_way) == IN_FLIGHT:
            stack.services.backend.wait(under_way.popleft(), 30).value()
        under_way.append(stack.submit("vision.detect", payload))
    while under_way:
        stack.services.backend.wait(under_way.popleft(), 30).value()
    return time.perf_counter() - started


def _one_s(stack: Stack, payload: dict[str, str]) -> float:
    started = time.perf_counter()
    stack.run("vision.detect", payload)
    return time.perf_counter() - started
