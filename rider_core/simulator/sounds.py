"""The microphone's sounds: WAV files, spoken sentences, or tones, all converted to 16 kHz mono."""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rider_core.api import AudioClip
from rider_core.errors import ConfigError, InvalidInput

RATE = 16_000
MAX_FILES = 50
MAX_FILE_BYTES = 64 * 1024 * 1024

#: Sentences that are spoken where a voice is given: everyday commands in two languages.
SENTENCES = (
    ("Hello robot, what can you see?", "en"),
    ("Dzień dobry, jak się masz?", "pl"),
    ("Go forward and then turn left.", "en"),
    ("Jedź do przodu i zatrzymaj się przy stole.", "pl"),
)

#: The tones where there is neither a file nor a voice: frequency in Hz (0: silence), length in seconds. Half as loud
#: as speech.
TONES = ((440.0, 0.4), (0.0, 0.2), (660.0, 0.4), (0.0, 0.2), (880.0, 0.4))
_TONE_AMPLITUDE = 3_000


@dataclass(frozen=True)
class Playlist:
    """Sounds in 16-bit mono at `RATE`, with their origin in words."""

    sounds: tuple[bytes, ...]
    origin: str


def playlist(folder: Path | None, speak: Callable[[str, str], AudioClip] | None) -> Playlist:
    """The sounds of a folder, or spoken ones, or tones.

    Raises:
        ConfigError: the folder has no WAV file, or one that cannot be read.
    """
    if folder is not None:
        files = sorted(path for path in folder.glob("*.wav") if path.is_file())[:MAX_FILES]
        if not files:
            raise ConfigError(f"there is no .wav file in {folder}", remedy="name a folder with 16-bit WAV files")
        return Playlist(tuple(_read(path) for path in files), f"{len(files)} WAV file(s) of {folder}")
    if speak is not None:
        spoken = tuple(to_microphone(speak(text, language)) for text, language in SENTENCES)
        return Playlist(spoken, f"{len(spoken)} spoken sentences")
    return Playlist((_tones(),), "tones, no speech: neither WAV files nor a voice were given")


def to_microphone(clip: AudioClip) -> bytes:
    """The clip as the robot's microphone delivers it: mono, `RATE`.

    By linear interpolation without a filter, which is good enough here and needs no library.
    """
    samples = array.array("h", clip.pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    if clip.channels > 1:
        channels = clip.channels
        samples = array.array(
            "h", (sum(samples[i : i + channels]) // channels for i in range(0, len(samples), channels))
        )
    if clip.sample_rate != RATE:
        samples = _resampled(samples, clip.sample_rate)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _resampled(samples: array.array[int], rate: int) -> array.array[int]:
    step = rate / RATE
    last = len(samples) - 1
    result = array.array("h")
    for index in range(int(len(samples) / step)):
        position = min(index * step, last)
        left = int(position)
        right = min(left + 1, last)
        result.append(round(samples[left] + (samples[right] - samples[left]) * (position - left)))
    return result


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ConfigError(f"{path} has {path.stat().st_size} bytes", remedy=f"use files of {MAX_FILE_BYTES} at most")
    try:
        return to_microphone(AudioClip.from_wav(path.read_bytes()))
    except InvalidInput as error:
        raise ConfigError(f"{path}: {error.message}", remedy="use 16-bit WAV files") from None


def _tones() -> bytes:
    samples = array.array("h")
    for frequency, length_s in TONES:
        step = 2 * math.pi * frequency / RATE
        samples.extend(round(_TONE_AMPLITUDE * math.sin(step * index)) for index in range(int(length_s * RATE)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
