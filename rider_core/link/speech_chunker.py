"""Speech in pieces that the robot can play: it starts a player for each, and cuts off a long one.

Seen with its own code: between two pieces lies 0.03 to 0.16 s, so that a quarter of a second each stutters; a WAV file
of more than 2.8 s (48 kHz) to 4.6 s (16 kHz) is cut off; and its voice service, which looks at its timer between
pieces only, gives us up after 5 s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rider_core.api.audio import AudioClip
from rider_core.errors import InvalidInput

Samples = npt.NDArray[np.int16]

#: What a piece has at least, unless nothing follows: a first one that is shorter is played before the next is there.
SHORTEST_S = 0.4
#: The longest that is left in one piece, so that no syllable comes alone: short of where the robot cuts off.
LONGEST_S = 3.0
#: A cut is looked for in the last part of a piece, at the quietest of so short stretches.
CUT_WITHIN, STRETCH_S = 0.4, 0.01
#: From silence and to silence at a cut: a jump in the wave would click.
FADE_S = 0.004


class SpeechChunker:
    """Joins an engine's stretches of sound, and cuts the sum where it is quietest: between words, as a rule."""

    def __init__(self, chunk_s: float) -> None:
        """
        Args:
            piece_s: The longest piece, but for the last one.
        """
        self._chunk_s = chunk_s
        self._samples: Samples = np.empty(0, np.int16)
        self._rate = 0
        self._follows_cut = False

    def feed(self, clip: AudioClip) -> None:
        """Add what comes next.

        Raises:
            InvalidInput: it has another sample rate than what came before, or more than one channel.
        """
        if clip.channels != 1 or self._rate not in (0, clip.sample_rate):
            raise InvalidInput(
                f"a stretch of sound has {clip.channels} channel(s) at {clip.sample_rate} Hz",
                remedy=f"one channel at {self._rate or clip.sample_rate} Hz is expected",
            )
        self._rate = clip.sample_rate
        self._samples = np.concatenate((self._samples, np.frombuffer(clip.pcm, "<i2")))

    def next(self, *, urgent: bool = False, final: bool = False) -> AudioClip | None:
        """The next piece; None: there is not enough for one yet.

        Args:
            urgent: The loudspeaker is about to fall silent, so that a shorter one is better than none.
            final: Nothing follows.
        """
        there, wanted, shortest = len(self._samples), round(self._chunk_s * self._rate), SHORTEST_S * self._rate
        if there == 0:
            return None
        if final and there <= min(LONGEST_S * self._rate, wanted * (1 + CUT_WITHIN)):
            return self._take(there)
        # What is left must not be a crumb.
        if there >= wanted + (0 if urgent or final else shortest):
            return self._take(self._quietest(wanted))
        if urgent and there >= shortest:
            return self._take(self._quietest(there))
        return None

    def _quietest(self, end: int) -> int:
        """Where to cut before `end`: the middle of the quietest stretch, the last of several."""
        stretch = max(1, round(STRETCH_S * self._rate))
        count = max(1, int(end * CUT_WITHIN) // stretch)
        begin = end - count * stretch
        stretches = self._samples[begin:end].astype(np.float64).reshape(count, stretch)
        loudness = np.square(stretches).mean(axis=1)
        last = count - 1 - int(np.argmin(loudness[::-1]))
        return begin + last * stretch + stretch // 2

    def _take(self, end: int) -> AudioClip:
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
