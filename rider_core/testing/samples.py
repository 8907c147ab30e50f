"""Sounds and a picture that are small enough to be made or carried here, so that contract tests need no files."""

from __future__ import annotations

import base64
import math
from array import array

from rider_core.api.audio import AudioClip

#: A quarter of full scale: clearly sound, and far from clipping.
_AMPLITUDE = 8_000


def tone_pcm(duration_s: float, sample_rate: int = 16_000, *, channels: int = 1, pitch_hz: float = 440.0) -> bytes:
    """A sine tone as signed 16-bit samples, the same in every channel; at least one frame."""
    step = 2 * math.pi * pitch_hz / sample_rate
    samples = array("h")
    for index in range(max(1, round(duration_s * sample_rate))):
        samples.extend([round(_AMPLITUDE * math.sin(step * index))] * channels)
    return samples.tobytes()


def tone_clip(
    duration_s: float = 1.0, sample_rate: int = 16_000, *, channels: int = 1, pitch_hz: float = 440.0
) -> AudioClip:
    """A sine tone: audio without speech."""
    return AudioClip(tone_pcm(duration_s, sample_rate, channels=channels, pitch_hz=pitch_hz), sample_rate, channels)


def silence_clip(duration_s: float = 1.0, sample_rate: int = 16_000, *, channels: int = 1) -> AudioClip:
    """Digital silence; at least one frame."""
    frames = max(1, round(duration_s * sample_rate))
    return AudioClip(bytes(2 * channels * frames), sample_rate, channels)


#: A baseline JPEG, width and height in pixels as below: a red disc on a gradient.
SMALL_JPEG_SIZE = (64, 48)
SMALL_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeX"
    "BkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAw"
    "AEADASIAAhEBAxEB/8QAGQAAAgMBAAAAAAAAAAAAAAAAAAQBAgUD/8QAJRAAAgICAQMDBQAAAAAAAAAAAAECEgMRBAUxQRMhUTJScaHR/8QAGQ"
    "EAAgMBAAAAAAAAAAAAAAAAAAMBAgUE/8QAHhEAAgEFAQEBAAAAAAAAAAAAAAECAxESEyEEMVH/2gAMAwEAAhEDEQA/AMmgUGaFZ1gtyO11bfRC"
    "ptuyOFAoW9Zfb+zpBxyfT3+Cq9EXxMZPzVIK8kcaBQZoFC+0VgLUCgzQKBtDAYoZuWfqZHLx4NuhiZsbw5ZY5d4sy5TyNbyRSb/ShMZOMlJd0Q"
    "TGLlJRittvSKHc7W6acUpRUkvZrZNDvjxUxxj3qktlqDdpjOHeC1AoM0CgbSMBmgvyuDDkpW3GS7SRoUChnbTrSad0YD6Rn29TxteNt/wd4vTo"
    "cd225z+X4/BpUChLrNl5SlJWYvQKDFAoRtF4C9AoMUCgbQwP/9k="
)
