"""Divides speech into chunks that the robot can play: it starts a player for each chunk, and cuts off a long one.

Seen with its own code: the gap between two chunks is 0.03 to 0.16 s, so chunks of 0.25 s stutter; a WAV file of more
than 2.8 s (48 kHz) to 4.6 s (16 kHz) is cut off; and its voice service, which checks its timer between chunks only,
falls back to local after 5 s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rider_core.api.audio import AudioClip
from rider_core.errors import InvalidInput

Samples = npt.NDArray[np.int16]

#: The shortest chunk but the last, in seconds: a shorter first chunk is played before the next one is there.
SHORTEST_S = 0.4
#: The longest last chunk, in seconds, so that no syllable comes alone; below the robot's limit.
LONGEST_S = 3.0
#: A cut is made in this last share of a chunk, at the quietest window of this length in seconds.
CUT_WITHIN, WINDOW_S = 0.4, 0.01
#: Fade before and after a cut, in seconds: a jump in the wave would click.
FADE_S = 0.004


class SpeechChunker:
    """Joins the clips of an engine, and cuts the sum where it is quietest: between words, as a rule."""

    def __init__(self, chunk_s: float) -> None:
        """
        Args:
            chunk_s: Length of the longest chunk but the last, in seconds.
        """
        self._chunk_s = chunk_s
        self._samples: Samples = np.empty(0, np.int16)
        self._rate = 0
        self._follows_cut = False

    def feed(self, clip: AudioClip) -> None:
        """Add the engine's next clip.

        Raises:
            InvalidInput: its sample rate differs from the clips before, or it has more than one channel.
        """
        if clip.channels != 1 or self._rate not in (0, clip.sample_rate):
            raise InvalidInput(
                f"a clip of speech has {clip.channels} channel(s) at {clip.sample_rate} Hz",
                remedy=f"one channel at {self._rate or clip.sample_rate} Hz is expected",
            )
        self._rate = clip.sample_rate
        self._samples = np.concatenate((self._samples, np.frombuffer(clip.pcm, "<i2")))

    def next(self, *, urgent: bool = False, final: bool = False) -> AudioClip | None:
        """The next chunk; None: there is not enough sound yet.

        Args:
            urgent: The loudspeaker will soon be silent, so a shorter chunk is better than none.
            final: No more clips follow.
        """
        available, wanted, shortest = len(self._samples), round(self._chunk_s * self._rate), SHORTEST_S * self._rate
        if available == 0:
            return None
        if final and available <= min(LONGEST_S * self._rate, wanted * (1 + CUT_WITHIN)):
            return self._cut(available)
        # The rest must not be shorter than the shortest chunk.
        if available >= wanted + (0 if urgent or final else shortest):
            return self._cut(self._quietest(wanted))
        if urgent and available >= shortest:
            return self._cut(self._quietest(available))
        return None

    def _quietest(self, end: int) -> int:
        """The sample before `end` at which to cut: the middle of the quietest window, the last of several."""
        window = max(1, round(WINDOW_S * self._rate))
        count = max(1, int(end * CUT_WITHIN) // window)
        begin = end - count * window
        windows = self._samples[begin:end].astype(np.float64).reshape(count, window)
        loudness = np.square(windows).mean(axis=1)
        last = count - 1 - int(np.argmin(loudness[::-1]))
        return begin + last * window + window // 2

    def _cut(self, end: int) -> AudioClip:
        chunk, self._samples = self._samples[:end].copy(), self._samples[end:]
        is_cut = len(self._samples) > 0
        fade = min(round(FADE_S * self._rate), len(chunk) // 2)
        if self._follows_cut:
            chunk[:fade] = _scaled(chunk[:fade], np.linspace(0, 1, fade))
        if is_cut:
            chunk[len(chunk) - fade :] = _scaled(chunk[len(chunk) - fade :], np.linspace(1, 0, fade))
        self._follows_cut = is_cut
        return AudioClip(chunk.astype("<i2").tobytes(), self._rate)


def _scaled(samples: Samples, factors: npt.NDArray[Any]) -> Samples:
    scaled: Samples = (samples * factors).round().astype(np.int16)
    return scaled
