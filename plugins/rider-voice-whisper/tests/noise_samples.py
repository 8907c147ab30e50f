"""Noises of a room without speech, and of the robot itself. The same seed gives the same samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

RATE = 16_000
DURATION_S = 3.0

Sound = npt.NDArray[np.float64]
Random = np.random.Generator


def noises(seed: int) -> dict[str, Sound]:
    """Each by its name, with a peak of 1."""
    return {kind.__name__: _peak(kind(np.random.default_rng(seed))) for kind in KINDS}


def white(random: Random) -> Sound:
    return random.standard_normal(len(_time_s()))


def pink(random: Random) -> Sound:
    return _coloured(random, 0.5)


def brown(random: Random) -> Sound:
    return _coloured(random, 1.0)


def hum(random: Random) -> Sound:
    """Of the mains, with harmonics."""
    return sum(_sine(50.0 * n) / n for n in (1, 2, 3, 5, 7))


def tone(random: Random) -> Sound:
    return _sine(float(random.uniform(200, 2_000)))


def beeps(random: Random) -> Sound:
    """As a robot's: 0.1 s each, of several pitches."""
    pitch_hz = np.repeat(random.choice([440.0, 660.0, 880.0, 1320.0], 15), RATE // 5)
    return np.sin(2 * np.pi * np.cumsum(pitch_hz) / RATE) * (_time_s() % 0.2 < 0.1)


def sweep(random: Random) -> Sound:
    """A siren."""
    return _vibrating(600 + 400 * np.sin(2 * np.pi * random.uniform(0.5, 2) * _time_s()))


def clicks(random: Random) -> Sound:
    sound = np.zeros(len(_time_s()))
    sound[random.integers(0, len(sound), 12)] = 1
    return sound


def knocks(random: Random) -> Sound:
    """On wood: a thump that dies away in some hundredths of a second."""
    thump = np.exp(-_time_s()[: RATE // 5] / 0.03) * np.sin(2 * np.pi * 180 * _time_s()[: RATE // 5])
    return np.convolve(clicks(random), thump)[: len(_time_s())]


def motor(random: Random) -> Sound:
    """A sawtooth whose speed drifts, with the noise of the gears."""
    turns = np.cumsum(90 + 40 * np.sin(2 * np.pi * 0.4 * _time_s()) + random.normal(0, 1)) / RATE
    return 2 * (turns % 1) - 1 + 0.2 * pink(random)


def breathing(random: Random) -> Sound:
    """Noise of the breath's band, in and out every two seconds."""
    spectrum = np.fft.rfft(white(random))
    frequencies = np.fft.rfftfreq(len(_time_s()), 1 / RATE)
    spectrum *= np.exp(-(((frequencies - 700) / 500) ** 2))
    return np.fft.irfft(spectrum, len(_time_s())) * np.sin(2 * np.pi * 0.5 * _time_s()) ** 2


def chords(random: Random) -> Sound:
    """Music: a chord with harmonics every half second, each dying away."""
    sound = np.zeros(len(_time_s()))
    for start in range(0, len(sound), RATE // 2):
        root = float(random.choice([196.0, 220.0, 262.0, 330.0]))
        note = sum(_sine(root * step * n) / n**2 for step in (1, 1.26, 1.5) for n in (1, 2, 3))
        sound[start:] += (note * np.exp(-_time_s() / 0.4))[: len(sound) - start]
    return sound


def steps(random: Random) -> Sound:
    """Feet on a floor: bursts of dull noise."""
    return brown(random) * (np.sin(2 * np.pi * 1.8 * _time_s()) > 0.9)


def rain(random: Random) -> Sound:
    return white(random) * (0.3 + random.random(len(_time_s())) ** 8)


KINDS: tuple[Callable[[Random], Sound], ...] = (
    white, pink, brown, hum, tone, beeps, sweep, clicks, knocks, motor, breathing, chords, steps, rain,
)  # fmt: skip


def _time_s() -> Sound:
    return np.arange(round(DURATION_S * RATE)) / RATE


def _sine(hz: float) -> Sound:
    return np.sin(2 * np.pi * hz * _time_s())


def _vibrating(hz: Sound) -> Sound:
    return np.sin(2 * np.pi * np.cumsum(hz) / RATE)


def _coloured(random: Random, power: float) -> Sound:
    """White noise whose amplitude falls with the frequency to that power; nothing below 20 Hz."""
    spectrum = np.fft.rfft(random.standard_normal(len(_time_s())))
    frequencies = np.fft.rfftfreq(len(_time_s()), 1 / RATE)
    spectrum[frequencies < 20] = 0
    spectrum[1:] /= frequencies[1:] ** power
    return np.fft.irfft(spectrum, len(_time_s()))


def _peak(sound: Sound) -> Sound:
    return sound / np.abs(sound).max()
