"""Splits a continuous microphone stream into utterances: Silero VAD, with hysteresis and a hang-over."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from rider_core.api.voice_activity import FRAME_SAMPLES, voice_activity_detector
from rider_core.link.messages import SAMPLE_RATE
from rider_core.tracing import new_trace_id

FRAME_BYTES = FRAME_SAMPLES * 2
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE

#: Silero's own recommendation: speech begins above 0.5 and lasts until it falls below that less 0.15.
BEGIN_PROBABILITY, END_PROBABILITY = 0.5, 0.35
#: Silence that ends an utterance, in seconds. It adds to the robot's response time. Whisper needs more than two words,
#: so an utterance with less than `SHORT_S` of speech waits longer for the next words. Measured on a recording of six
#: short sentences, four phases each, language given: of 48 words 1 was wrong with 0.7 s always, 0 with these two.
SHORT_S, HANG_OVER_SHORT_S, HANG_OVER_S = 1.0, 0.75, 0.6
#: Sound that is kept from before the first frame of speech, in seconds: soft consonants are below the threshold.
LEAD_IN_S = 0.3
#: An utterance with less speech is dropped as a click or a cough, in seconds.
MIN_SPEECH_S = 0.16
#: A longer utterance is cut, in seconds, so that the answer does not wait for its end. Whisper's window is 30 s.
MAX_UTTERANCE_S = 25.0


@dataclass(frozen=True)
class Utterance:
    """A stretch of speech with a little silence around it.

    Attributes:
        pcm: Signed 16-bit mono samples at 16 kHz.
        quiet_s: Silence at its end, in seconds: the delay with which the end of speech was detected.
        trace_id: Made at its first sample.
    """

    pcm: bytes
    quiet_s: float
    trace_id: str = field(default_factory=new_trace_id)

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / SAMPLE_RATE


class Endpointer:
    """One for each microphone. Not thread-safe."""

    def __init__(self) -> None:
        self._detector = voice_activity_detector()
        self._rest = b""
        self._lead_in: deque[bytes] = deque(maxlen=round(LEAD_IN_S / FRAME_S))
        self._frames: list[bytes] = []
        self._speech_frames = 0
        self._quiet_frames = 0
        self._trace_id = ""
        self.dropped = 0

    @property
    def in_speech(self) -> bool:
        return bool(self._frames)

    @property
    def speech_s(self) -> float:
        """Seconds of speech in the current utterance; 0: there is none."""
        return self._speech_frames * FRAME_S

    def feed(self, pcm: bytes) -> Iterator[Utterance]:
        """Yield the utterances that end in the next samples. Too short ones are counted in `dropped`."""
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        for start in range(0, whole, FRAME_BYTES):
            utterance = self._feed_frame(data[start : start + FRAME_BYTES])
            if utterance is not None:
                yield utterance

    def reset(self) -> None:
        """Drop the current utterance: the stream ended, and the next samples belong to another."""
        self._detector.reset()
        self._rest = b""
        self._lead_in.clear()
        self._frames.clear()
        self._speech_frames = self._quiet_frames = 0

    def _feed_frame(self, frame: bytes) -> Utterance | None:
        probability = self._detector(frame)
        if not self._frames:
            if probability < BEGIN_PROBABILITY:
                self._lead_in.append(frame)
                return None
            self._frames = [*self._lead_in, frame]
            self._lead_in.clear()
            self._speech_frames, self._quiet_frames = 1, 0
            self._trace_id = new_trace_id()
            return None
        self._frames.append(frame)
        if probability < END_PROBABILITY:
            self._quiet_frames += 1
        else:
            self._quiet_frames = 0
            self._speech_frames += 1
        hang_over_s = HANG_OVER_SHORT_S if self.speech_s < SHORT_S else HANG_OVER_S
        ended = self._quiet_frames * FRAME_S >= hang_over_s
        if ended or len(self._frames) * FRAME_S >= MAX_UTTERANCE_S:
            return self._end()
        return None

    def _end(self) -> Utterance | None:
        utterance = Utterance(b"".join(self._frames), self._quiet_frames * FRAME_S, self._trace_id)
        enough = self._speech_frames * FRAME_S >= MIN_SPEECH_S
        self._lead_in.extend(self._frames[-self._quiet_frames :] if self._quiet_frames else [])
        self._frames = []
        self._speech_frames = self._quiet_frames = 0
        if not enough:
            self.dropped += 1
            return None
        return utterance
