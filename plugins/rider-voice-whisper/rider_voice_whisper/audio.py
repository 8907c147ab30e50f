"""Converts a clip of any format to Whisper's input samples, and measures their loudness."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from rider_core.api import AudioClip
from rider_voice_whisper.engine import MODEL_RATE, Samples

#: whisper.cpp skips less than 0.1 s without an error, and some of its versions skip less than 1 s.
_MIN_SAMPLES = int(1.1 * MODEL_RATE)
_FRAME = MODEL_RATE // 50
#: Digital silence is at or below this level, as root mean square.
_QUANTIZATION_NOISE_RMS = 0.00005
#: A clip whose loudest 20 ms are below this level has no speech: -66 dB of full scale. Whispered words next to a cheap
#: microphone are above -45 dB, and the quantization noise of 16 bits is at -98 dB.
SILENCE_RMS = 0.0005
#: Cut-off of the high-pass filter, in Hz: below are the DC offset, hum and rumble of cheap sound cards, but no speech.
_LOWEST_HZ = 70.0
#: Taps of the high-pass filter: at 16 kHz its transition takes 50 Hz, and it does not delay the signal.
_TAPS = 1023
#: Samples that are filtered at a time.
_BLOCK = 1 << 17
#: Channels cancel each other out where mixing leaves less than this share of their power, as with miswired microphones.
_CANCELLED_SHARE = 0.1
#: Channels that differ by less than this share of their power are taken for the same signal.
_MIN_CHANNEL_DIFFERENCE = 0.1


def model_samples(clip: AudioClip) -> Samples:
    """Mono, 16 kHz, -1 to 1, as long as the clip; high-passed where frequencies below speech have most of the power."""
    pcm = np.frombuffer(clip.pcm, dtype="<i2").reshape(-1, clip.channels)
    mono = _mix_down(pcm)
    if clip.sample_rate != MODEL_RATE:
        mono = np.asarray(soxr.resample(mono, clip.sample_rate, MODEL_RATE), dtype=np.float32)
    filtered = _remove_rumble(mono)
    # Whisper was trained on unfiltered audio: it recognises clean speech better unfiltered.
    return filtered if np.square(mono - filtered).sum() > np.square(filtered).sum() else mono


def split_channels(clip: AudioClip) -> list[AudioClip]:
    """Each channel as a clip of its own; empty where there is one channel, or all are about the same."""
    pcm = np.frombuffer(clip.pcm, dtype="<i2").reshape(-1, clip.channels)
    apart = (pcm - pcm.mean(axis=1, keepdims=True)).var(axis=0).sum()
    if apart <= _MIN_CHANNEL_DIFFERENCE * pcm.var(axis=0).sum():
        return []
    return [AudioClip(channel.tobytes(), clip.sample_rate) for channel in pcm.T]


def pad_to_minimum(samples: Samples) -> Samples:
    """`samples`, padded with silence at the end where they are too short for the engine."""
    missing = _MIN_SAMPLES - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


def loudness(samples: Samples) -> float:
    """Root mean square of the loudest 20 ms, so that a click of a sample or two hardly counts."""
    if not len(samples):
        return 0.0
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    return float(np.sqrt(np.square(frames).mean(axis=1).max()))


def too_quiet_hint(samples: Samples) -> str:
    """A hint for people where the clip is too quiet for recognition; none for digital silence."""
    level = loudness(samples)
    if not _QUANTIZATION_NOISE_RMS < level < SILENCE_RMS:
        return ""
    return (
        f"too quiet: the loudest 20 ms are at {20 * np.log10(level):.0f} dB of full scale; raise the microphone's level"
    )


def _mix_down(pcm: npt.NDArray[np.int16]) -> Samples:
    """The mean of the channels; the loudest channel where they cancel each other out."""
    mono: Samples = pcm.mean(axis=1, dtype=np.float32) / np.float32(32768)
    if pcm.shape[1] == 1 or not len(pcm):
        return mono
    powers = pcm.var(axis=0, dtype=np.float64) / 32768**2
    if mono.var() < _CANCELLED_SHARE * powers.max() / pcm.shape[1] ** 2:
        return pcm[:, int(powers.argmax())].astype(np.float32) / np.float32(32768)
    return mono


def _remove_rumble(samples: Samples) -> Samples:
    """High-pass filter by overlap-save. The ends are padded with the edge values, so a DC offset leaves no step."""
    if not len(samples):
        return samples
    margin = _TAPS // 2
    padded = np.pad(samples, (margin, margin), mode="edge")
    filtered = np.empty_like(samples)
    for start in range(0, len(samples), _BLOCK):
        part = padded[start : start + _BLOCK + 2 * margin]
        size = len(part) + _TAPS - 1
        spectrum = np.fft.rfft(part, size) * np.fft.rfft(_high_pass(), size)
        whole = np.fft.irfft(spectrum, size)[2 * margin : len(part)]
        filtered[start : start + len(whole)] = whole
    return filtered


@cache
def _high_pass() -> npt.NDArray[np.float64]:
    """Windowed-sinc kernel: an impulse minus a low-pass."""
    at = np.arange(_TAPS) - _TAPS // 2
    low = np.sinc(2 * _LOWEST_HZ / MODEL_RATE * at) * np.hamming(_TAPS)
    kernel = -low / low.sum()
    kernel[_TAPS // 2] += 1
    return kernel
