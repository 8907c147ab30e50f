"""When somebody speaks in a clip. Whisper learnt from subtitles and finds words in noise and tones; Silero does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rider_core.api.voice_activity import FRAME_SAMPLES, voice_activity_detector
from rider_voice_whisper.engine import MODEL_RATE, Samples
from rider_voice_whisper.sound import SILENCE, loudness

#: Silero's probability of speech, in the likeliest 32 ms, from which on a clip is worth asking Whisper about. Sentences
#: from a person's recording, some only 0.5 s long, came to 0.88 and more, down to a twentieth of their loudness; white
#: and brown noise, clicks, hum and tones to 0.09.
SPEECH_PROBABILITY = 0.3
#: Frames around such a one belong to the speech while they have at least this much.
_FAINT_PROBABILITY = 0.15
#: Silero's own recommendation: so much is speech without a doubt.
_CLEAR_PROBABILITY = 0.5
#: The clip is brought to this loudness first: Silero hears less in quiet speech, and no more in loud noise.
_LOUDNESS = 0.15

FRAME_S = FRAME_SAMPLES / MODEL_RATE


@dataclass(frozen=True)
class Stretch:
    """A part of a clip in which somebody speaks, in seconds."""

    start_s: float
    end_s: float


class Voiced:
    """When somebody speaks in one clip."""

    def __init__(self, probabilities: npt.NDArray[np.float32]) -> None:
        """
        Args:
            probabilities: Of speech, one for each `FRAME_S` seconds.
        """
        self._probabilities = probabilities

    def stretches(self, pause_s: float) -> list[Stretch]:
        """Where speech begins and ends, in order. Parts with less than `pause_s` seconds between them are one."""
        found: list[Stretch] = []
        for start, end in _runs(self._probabilities >= _FAINT_PROBABILITY):
            if self._probabilities[start:end].max() < SPEECH_PROBABILITY:
                continue
            stretch = Stretch(start * FRAME_S, end * FRAME_S)
            if found and stretch.start_s - found[-1].end_s < pause_s:
                stretch = Stretch(found.pop().start_s, stretch.end_s)
            found.append(stretch)
        return found

    def clear_speech_s(self, start_s: float, end_s: float) -> float:
        """Seconds of speech between two times, without what is doubtful."""
        start, end = max(0, int(start_s / FRAME_S)), max(0, int(np.ceil(end_s / FRAME_S)))
        return float((self._probabilities[start:end] >= _CLEAR_PROBABILITY).sum()) * FRAME_S

    def likeliest_pause_s(self, start_s: float, end_s: float) -> float:
        """The middle of the 0.2 s between two times in which speech is least likely."""
        width = max(1, round(0.2 / FRAME_S))
        start = int(start_s / FRAME_S)
        within = self._probabilities[start : int(end_s / FRAME_S)]
        sums = np.convolve(within, np.ones(width), "valid")
        return float(start + int(sums.argmin()) + width / 2) * FRAME_S


class SpeechDetector:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._detector = voice_activity_detector()

    def listen(self, samples: Samples) -> Voiced:
        """When somebody speaks in `samples` (mono, 16 kHz)."""
        level = loudness(samples)
        if level < SILENCE:
            return Voiced(np.zeros(0, np.float32))
        self._detector.reset()
        scaled = np.clip(np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)) * (_LOUDNESS / level), -1, 1)
        frames = scaled.reshape(-1, FRAME_SAMPLES)
        return Voiced(np.array([self._detector.process_samples(frame.tolist()) for frame in frames], np.float32))


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of every stretch of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
