"""From a clip in any format to the samples that Whisper takes, and whether there is anything to hear in them."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from rider_core.api import AudioClip
from rider_voice_whisper.engine import MODEL_RATE, Samples

#: whisper.cpp skips less than 0.1 s without an error, and some of its versions skip less than 1 s.
_SHORTEST = int(1.1 * MODEL_RATE)
_FRAME = MODEL_RATE // 50
#: What is not louder is no sound at all.
_NOISE_OF_16_BITS = 0.00005
#: Loudness of the loudest 20 ms below which nobody can have spoken: -66 dB of full scale. Whispered words next to a
#: cheap microphone are above -45 dB, and 16 bits have their own noise at -98 dB.
SILENCE = 0.0005
#: Below this frequency, in Hz, there is no speech, but what cheap sound cards add: an offset, the mains' hum, rumble.
_LOWEST_HZ = 70.0
#: Taps of the filter that takes it away: at 16 kHz it falls within 50 Hz, and shifts nothing in time.
_TAPS = 1023
#: Samples that are filtered at a time.
_BLOCK = 1 << 17
#: Channels of which less is left when they are mixed cancel each other out, as a microphone does that is wired wrongly.
_CANCELLED = 0.1
#: Channels differ by so much of their power at least, or are the same but for a microphone's place.
_SAME = 0.1


def model_samples(clip: AudioClip) -> Samples:
    """Mono, 16 kHz, -1 to 1, as long as the clip; without what is too low for speech, where that outweighs the rest."""
    pcm = np.frombuffer(clip.pcm, dtype="<i2").reshape(-1, clip.channels)
    mono = _mixed(pcm)
    if clip.sample_rate != MODEL_RATE:
        mono = np.asarray(soxr.resample(mono, clip.sample_rate, MODEL_RATE), dtype=np.float32)
    filtered = _without_rumble(mono)
    # Whisper learnt from sound as it comes: clean speech is heard better with all that is in it.
    return filtered if np.square(mono - filtered).sum() > np.square(filtered).sum() else mono


def each_channel(clip: AudioClip) -> list[AudioClip]:
    """Each of several channels as a clip of its own; none where there is one, or all are about the same."""
    pcm = np.frombuffer(clip.pcm, dtype="<i2").reshape(-1, clip.channels)
    apart = (pcm - pcm.mean(axis=1, keepdims=True)).var(axis=0).sum()
    if apart <= _SAME * pcm.var(axis=0).sum():
        return []
    return [AudioClip(channel.tobytes(), clip.sample_rate) for channel in pcm.T]


def at_least_one_second(samples: Samples) -> Samples:
    """`samples`, with silence after them where they are too short for the engine."""
    missing = _SHORTEST - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples


def loudness(samples: Samples) -> float:
    """That of the loudest 20 ms, as root mean square; a click of a sample or two is not loud."""
    if not len(samples):
        return 0.0
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    return float(np.sqrt(np.square(frames).mean(axis=1).max()))


def too_quiet(samples: Samples) -> str:
    """For people, where a sound is too quiet to be looked at; digital silence is nobody's fault."""
    level = loudness(samples)
    if not _NOISE_OF_16_BITS < level < SILENCE:
        return ""
    return (
        f"too quiet: the loudest 20 ms are at {20 * np.log10(level):.0f} dB of full scale; raise the microphone's level"
    )


def _mixed(pcm: npt.NDArray[np.int16]) -> Samples:
    """The mean of the channels; the loudest of them where they cancel each other out."""
    mono: Samples = pcm.mean(axis=1, dtype=np.float32) / np.float32(32768)
    if pcm.shape[1] == 1 or not len(pcm):
        return mono
    powers = pcm.var(axis=0, dtype=np.float64) / 32768**2
    if mono.var() < _CANCELLED * powers.max() / pcm.shape[1] ** 2:
        return pcm[:, int(powers.argmax())].astype(np.float32) / np.float32(32768)
    return mono


def _without_rumble(samples: Samples) -> Samples:
    """A high-pass filter, block by block (overlap-save); an offset leaves no step at the ends."""
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
    """Windowed sinc: all that there is, less what a low-pass lets through."""
    at = np.arange(_TAPS) - _TAPS // 2
    low = np.sinc(2 * _LOWEST_HZ / MODEL_RATE * at) * np.hamming(_TAPS)
    kernel = -low / low.sum()
    kernel[_TAPS // 2] += 1
    return kernel
