"""From a clip in any format to the samples that Whisper takes, and whether there is anything to hear in them."""

from __future__ import annotations

import numpy as np
import soxr

from rider_core.api import AudioClip
from rider_voice_whisper.engine import MODEL_RATE, Samples

#: whisper.cpp skips less than 0.1 s without an error, and some of its versions skip less than 1 s.
_SHORTEST = int(1.1 * MODEL_RATE)
_FRAME = MODEL_RATE // 50
#: Loudness of the loudest 20 ms below which nobody can have spoken: -60 dB of full scale. Whispered words next to a
#: cheap microphone are above -45 dB.
_SILENCE_RMS = 0.001


def model_samples(clip: AudioClip) -> Samples:
    """Mono, 16 kHz, -1 to 1, as long as the clip."""
    pcm = np.frombuffer(clip.pcm, dtype="<i2").reshape(-1, clip.channels)
    mono: Samples = pcm.mean(axis=1, dtype=np.float32) / np.float32(32768)
    if clip.sample_rate == MODEL_RATE:
        return mono
    return np.asarray(soxr.resample(mono, clip.sample_rate, MODEL_RATE), dtype=np.float32)


def at_least_one_second(samples: Samples) -> Samples:
    """`samples`, with silence after them where they are too short for the engine."""
    missing = _SHORTEST - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


def is_silent(samples: Samples) -> bool:
    """Whether even the loudest 20 ms are too quiet for speech."""
    padded = np.pad(samples, (0, -len(samples) % _FRAME))
    if not len(padded):
        return True
    power = np.square(padded.reshape(-1, _FRAME)).mean(axis=1).max()
    return bool(power < _SILENCE_RMS**2)
