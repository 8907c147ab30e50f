"""Packs short clips into shared decoding windows, so that the encoder runs once for several clips.

The encoder takes nine tenths of a short clip's time, most of it for the silence up to `CONTEXT_FLOOR`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rider_voice_whisper.engine import CONTEXT_FLOOR, FRAMES_PER_S, MODEL_RATE, Samples

#: Longer clips are not packed, in seconds: alone they need a context as large.
MAX_SHARED_CLIP_S = 5.0
#: Longer windows are not faster (the encoder's time grows faster than its context) and have more loops, in seconds.
MAX_WINDOW_S = 10.0
#: Most clips in a window: at the first try, and at the second for clips that could not be split.
CLIPS_PER_WINDOW = (4, 2)
#: Least silence between clips, in seconds. Every clip starts at a whole second: Whisper prefers timestamps in whole
#: seconds, so its segments then start where the clips do. Half as many clips failed to split as with equal gaps.
GAP_S = 0.5
#: Encoder frames after the last clip. 128, as for a clip alone, gave the same words.
_MARGIN = 64


@dataclass(frozen=True)
class ClipPosition:
    """Position of clip `number` in a window, in seconds."""

    number: int
    start_s: float
    end_s: float


Window = tuple[ClipPosition, ...]


def pack_windows(clips: Mapping[int, Samples], most: int) -> list[Window]:
    """Windows for these clips, each with the longest clip left and the shortest ones, so that all are equally full.

    Args:
        most: Clips in a window.
    """
    durations_s = {number: len(samples) / MODEL_RATE for number, samples in clips.items()}
    waiting = sorted(durations_s, key=durations_s.__getitem__)
    windows: list[Window] = []
    while waiting:
        window = _add_clip((), waiting[-1], durations_s[waiting.pop()])
        while waiting and len(window) < most:
            larger = _add_clip(window, waiting[0], durations_s[waiting[0]])
            if larger[-1].end_s > MAX_WINDOW_S:
                break
            window = larger
            del waiting[0]
        windows.append(window)
    return windows


def window_samples(window: Window, clips: Mapping[int, Samples]) -> Samples:
    """The clips at their positions, with silence between them."""
    samples = np.zeros(math.ceil(window[-1].end_s * MODEL_RATE), np.float32)
    for position in window:
        start = round(position.start_s * MODEL_RATE)
        samples[start : start + len(clips[position.number])] = clips[position.number]
    return samples


def window_context(duration_s: float) -> int:
    """Encoder frames for a window of this length."""
    return max(CONTEXT_FLOOR, math.ceil(duration_s * FRAMES_PER_S) + _MARGIN)


def _add_clip(window: Window, number: int, duration_s: float) -> Window:
    start_s = float(math.ceil(window[-1].end_s + GAP_S)) if window else 0.0
    return (*window, ClipPosition(number, start_s, start_s + duration_s))
