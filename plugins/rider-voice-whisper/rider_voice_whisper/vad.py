"""Voice activity detection by Silero. Whisper, trained on subtitles, finds words in noise and tones, Silero none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rider_core.api.voice_activity import FRAME_SAMPLES, voice_activity_detector
from rider_voice_whisper.audio import SILENCE_RMS, loudness
from rider_voice_whisper.engine import MODEL_RATE, Samples

#: A span is speech where one frame (32 ms) reaches this probability. Recorded sentences, some only 0.5 s long, reached
#: 0.88 and more, down to a twentieth of their loudness; white and brown noise, clicks, hum and tones reached 0.09.
SPEECH_PROBABILITY = 0.3
#: Neighbouring frames belong to the span while they have at least this probability.
_FAINT_PROBABILITY = 0.15
#: Silero's own recommendation for certain speech.
_CLEAR_PROBABILITY = 0.5
#: Clips are scaled to this loudness first: Silero gives quiet speech a lower probability, and loud noise no higher one.
_TARGET_RMS = 0.15

FRAME_S = FRAME_SAMPLES / MODEL_RATE


@dataclass(frozen=True)
class SpeechSpan:
    """A part of a clip with speech, in seconds."""

    start_s: float
    end_s: float


class SpeechProbabilities:
    """The probability of speech in one clip over time."""

    def __init__(self, probabilities: npt.NDArray[np.float32]) -> None:
        """
        Args:
            probabilities: One for each `FRAME_S` seconds.
        """
        self._probabilities = probabilities

    def spans(self, pause_s: float) -> list[SpeechSpan]:
        """Where speech begins and ends, in order. Spans less than `pause_s` seconds apart are merged."""
        found: list[SpeechSpan] = []
        for start, end in _runs(self._probabilities >= _FAINT_PROBABILITY):
            if self._probabilities[start:end].max() < SPEECH_PROBABILITY:
                continue
            span = SpeechSpan(start * FRAME_S, end * FRAME_S)
            if found and span.start_s - found[-1].end_s < pause_s:
                span = SpeechSpan(found.pop().start_s, span.end_s)
            found.append(span)
        return found

    def clear_speech_s(self, start_s: float, end_s: float) -> float:
        """Seconds of certain speech between two times."""
        start, end = max(0, int(start_s / FRAME_S)), max(0, int(np.ceil(end_s / FRAME_S)))
        return float((self._probabilities[start:end] >= _CLEAR_PROBABILITY).sum()) * FRAME_S

    def quietest_point_s(self, start_s: float, end_s: float) -> float:
        """The middle of the 0.2 s between two times in which speech is least likely."""
        width = max(1, round(0.2 / FRAME_S))
        start = int(start_s / FRAME_S)
        within = self._probabilities[start : int(end_s / FRAME_S)]
        sums = np.convolve(within, np.ones(width), "valid")
        return float(start + int(sums.argmin()) + width / 2) * FRAME_S


class SpeechDetector:
    """Silero on whole clips. Not thread-safe."""

    def __init__(self) -> None:
        self._detector = voice_activity_detector()

    def detect(self, samples: Samples) -> SpeechProbabilities:
        """The probabilities of speech in `samples` (mono, 16 kHz)."""
        level = loudness(samples)
        if level < SILENCE_RMS:
            return SpeechProbabilities(np.zeros(0, np.float32))
        self._detector.reset()
        scaled = np.clip(np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)) * (_TARGET_RMS / level), -1, 1)
        frames = scaled.reshape(-1, FRAME_SAMPLES)
        return SpeechProbabilities(
            np.array([self._detector.process_samples(frame.tolist()) for frame in frames], np.float32)
        )


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end index of every run of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
