"""The voice activity detector works in the thread of its caller."""

from __future__ import annotations

import subprocess
import sys

#: In its own process: threads started by OpenMP stay.
PROGRAM = """
import os
from rider_core.api.voice_activity import FRAME_SAMPLES, voice_activity_detector
detector = voice_activity_detector()
before = len(os.listdir("/proc/self/task"))
probabilities = [detector.process_samples([0.0] * FRAME_SAMPLES) for _ in range(10)]
print(max(probabilities) < 0.5, len(os.listdir("/proc/self/task")) - before)
"""


def test_no_threads_are_started_for_a_frame() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "0"]
