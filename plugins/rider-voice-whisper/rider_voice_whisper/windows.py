"""Short clips side by side in one stretch of sound, so that the encoder runs once for several: where each of them lies.

The encoder takes nine tenths of a short clip's time, and most of that goes into the silence of `CONTEXT_FLOOR`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rider_voice_whisper.engine import CONTEXT_FLOOR, FRAMES_PER_S, MODEL_RATE, Samples

#: A longer clip needs as large a context of its own.
LONGEST_SHARED_S = 5.0
#: More at a time is not quicker (the encoder's time grows faster than its context), and Whisper gets lost more often.
WINDOW_LIMIT_S = 10.0
#: Clips in a window, at the first try, and at the second for those that could not be told apart.
CLIPS_AT_MOST = (4, 2)
#: Every clip begins at a whole second, at least so long after the one before. Whisper likes to tell times in whole
#: seconds, so its segments then begin where the clips do: half as many were not to be told apart as with equal gaps.
GAP_S = 0.5
#: Encoder frames after the last clip. With 128, as after a clip that stands alone, the same words were heard.
_MARGIN = 64


@dataclass(frozen=True)
class Place:
    """Where in a window a clip lies, in seconds; `number` is the clip's."""

    number: int
    start_s: float
    end_s: float


Window = tuple[Place, ...]


def shared_windows(clips: Mapping[int, Samples], most: int) -> list[Window]:
    """Windows for these clips: the longest together with the shortest, so that all become equally full."""
    durations_s = {number: len(samples) / MODEL_RATE for number, samples in clips.items()}
    waiting = sorted(durations_s, key=durations_s.__getitem__)
    windows: list[Window] = []
    while waiting:
        window = _with((), waiting[-1], durations_s[waiting.pop()])
        while waiting and len(window) < most:
            larger = _with(window, waiting[0], durations_s[waiting[0]])
            if larger[-1].end_s > WINDOW_LIMIT_S:
                break
            window = larger
            del waiting[0]
        windows.append(window)
    return windows


def sound_of(window: Window, clips: Mapping[int, Samples]) -> Samples:
    """The clips at their places, silence between them."""
    sound = np.zeros(math.ceil(window[-1].end_s * MODEL_RATE), np.float32)
    for place in window:
        start = round(place.start_s * MODEL_RATE)
        sound[start : start + len(clips[place.number])] = clips[place.number]
    return sound


def window_context(duration_s: float) -> int:
    """Encoder frames for a window of that length."""
    return max(CONTEXT_FLOOR, math.ceil(duration_s * FRAMES_PER_S) + _MARGIN)


def _with(window: Window, number: int, duration_s: float) -> Window:
    start_s = float(math.ceil(window[-1].end_s + GAP_S)) if window else 0.0
    return (*window, Place(number, start_s, start_s + duration_s))
