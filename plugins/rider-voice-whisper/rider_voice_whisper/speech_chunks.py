"""Cuts a clip into chunks of speech, which Whisper decodes one by one.

Whisper hallucinates words in long pauses, whatever they sound like, loses the words after them, and detects the
language from the first seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rider_voice_whisper.engine import MODEL_RATE, WINDOW_S, DecodedSegment, Samples
from rider_voice_whisper.vad import SpeechProbabilities, SpeechSpan

#: Speech with shorter pauses stays in one chunk, in seconds: Whisper recognises words better in context.
PAUSE_S = 2.0
#: Kept before and after speech, in seconds: soft consonants, and background sound for contrast.
MARGIN_S = 0.6
#: Shorter silence at a clip's ends is not trimmed, in seconds. Trimming it saves no time and shifts the audio relative
#: to Whisper's frames, which costs words of clips in a shared window: 6 of 386 wrong instead of 3.
MIN_TRIM_S = 0.5
#: Longest chunk without its margins. Whisper splits longer ones at its window's end, and loses or repeats words there.
MAX_CHUNK_S = WINDOW_S - 2.0
#: Speech without a pause is cut where it is least likely, between this time of the chunk and `MAX_CHUNK_S`.
_CUT_FROM_S = 18.0


@dataclass(frozen=True)
class SpeechChunk:
    """
    Attributes:
        samples: Mono, 16 kHz.
        start_s: Start in the clip, in seconds.
    """

    samples: Samples
    start_s: float

    @property
    def duration_s(self) -> float:
        return len(self.samples) / MODEL_RATE

    def to_clip_times(self, segments: Sequence[DecodedSegment]) -> list[DecodedSegment]:
        """Segments with the clip's times, limited to the chunk: Whisper's times may lie in the padding after it."""
        return [
            replace(segment, start_s=self._clip_time_s(segment.start_s), end_s=self._clip_time_s(segment.end_s))
            for segment in segments
        ]

    def _clip_time_s(self, chunk_s: float) -> float:
        return self.start_s + min(max(chunk_s, 0.0), self.duration_s)


def speech_chunks(samples: Samples, speech: SpeechProbabilities) -> list[SpeechChunk]:
    """All speech of a clip (mono, 16 kHz), in order; empty where there is none."""
    return [
        SpeechChunk(samples[round(span.start_s * MODEL_RATE) : round(span.end_s * MODEL_RATE)], span.start_s)
        for span in _with_margins(speech, len(samples) / MODEL_RATE)
    ]


def _with_margins(speech: SpeechProbabilities, duration_s: float) -> Iterator[SpeechSpan]:
    """Spans that do not overlap, none longer than a chunk may be."""
    for span in speech.spans(PAUSE_S):
        start_s, end_s = span.start_s - MARGIN_S, span.end_s + MARGIN_S
        if start_s < MIN_TRIM_S:
            start_s = 0.0
        if end_s > duration_s - MIN_TRIM_S:
            end_s = duration_s
        while end_s - start_s > MAX_CHUNK_S:
            cut_s = speech.quietest_point_s(start_s + _CUT_FROM_S, start_s + MAX_CHUNK_S)
            yield SpeechSpan(start_s, cut_s)
            start_s = cut_s
        yield SpeechSpan(start_s, end_s)
