"""The real model, the recording of speech, and clips cut from it."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np

from rider_core.api import AudioClip
from rider_core.testing.required_files import required_file

BASE_FILE = "ggml-base-q8_0.bin"
EXPECTED_WORDS = ["ever", "tried", "ever", "failed", "no", "matter", "try", "again", "fail", "again", "fail", "better"]
MEDIA = Path(__file__).parents[4] / "shared" / "media"


def base_model(name: str = "whisper-base") -> Path:
    return required_file(Path(os.environ.get("RIDER_MODEL_PATH", "")) / BASE_FILE, "the model (set RIDER_MODEL_PATH)")


def beckett() -> AudioClip:
    with wave.open(str(required_file(MEDIA / "beckett.wav", "the recording"))) as reader:
        return AudioClip(reader.readframes(reader.getnframes()), reader.getframerate(), reader.getnchannels())


def cut(clip: AudioClip, start_s: float, end_s: float) -> AudioClip:
    frame = 2 * clip.channels
    return AudioClip(clip.pcm[int(start_s * clip.sample_rate) * frame : int(end_s * clip.sample_rate) * frame], 16_000)


def clip_of(samples: np.ndarray, rate: int = 16_000) -> AudioClip:
    return AudioClip((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), rate)
