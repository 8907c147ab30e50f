"""What Whisper gets of a clip: the stretches in which somebody speaks, each for itself.

Whisper invents words in long pauses, whatever they sound like, loses what comes after them, and takes the language from
the first seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rider_voice_whisper.engine import MODEL_RATE, WINDOW_S, HeardSegment, Samples
from rider_voice_whisper.voiced import Stretch, Voiced

#: What is said with shorter pauses belongs together: Whisper hears words better among others.
PAUSE_S = 2.0
#: What is kept before and after speech: soft consonants, and a room that Whisper can tell from them.
MARGIN_S = 0.6
#: A clip's ends are cut off from here on, in seconds. Cutting less saves no time and moves the sound under Whisper's
#: frames, which costs clips that share a window words: 6 of 386 wrong instead of 3.
CUT_AT_LEAST_S = 0.5
#: The longest piece. Whisper cuts longer ones itself, at its window's end, and loses words there or says them twice.
LONGEST_S = WINDOW_S - 2.0
#: Speech without a pause is cut where it is faintest, in a piece's last part.
_CUT_FROM_S = 18.0


@dataclass(frozen=True)
class Piece:
    """
    Attributes:
        samples: Mono, 16 kHz.
        start_s: When it begins in the clip.
    """

    samples: Samples
    start_s: float

    @property
    def duration_s(self) -> float:
        return len(self.samples) / MODEL_RATE

    def in_clip(self, segments: Sequence[HeardSegment]) -> list[HeardSegment]:
        """Segments of the piece, with the clip's times. Whisper's own may lie in the silence that was put behind it."""
        return [
            replace(segment, start_s=self._in_clip_s(segment.start_s), end_s=self._in_clip_s(segment.end_s))
            for segment in segments
        ]

    def _in_clip_s(self, piece_s: float) -> float:
        return self.start_s + min(max(piece_s, 0.0), self.duration_s)


def pieces(samples: Samples, voiced: Voiced) -> list[Piece]:
    """All speech of a clip (mono, 16 kHz), in order; none where nobody speaks."""
    return [
        Piece(samples[round(stretch.start_s * MODEL_RATE) : round(stretch.end_s * MODEL_RATE)], stretch.start_s)
        for stretch in _with_margins(voiced, len(samples) / MODEL_RATE)
    ]


def _with_margins(voiced: Voiced, duration_s: float) -> Iterator[Stretch]:
    """Stretches that do not overlap, none longer than a piece may be."""
    for speech in voiced.stretches(PAUSE_S):
        start_s, end_s = speech.start_s - MARGIN_S, speech.end_s + MARGIN_S
        if start_s < CUT_AT_LEAST_S:
            start_s = 0.0
        if end_s > duration_s - CUT_AT_LEAST_S:
            end_s = duration_s
        while end_s - start_s > LONGEST_S:
            cut_s = voiced.likeliest_pause_s(start_s + _CUT_FROM_S, start_s + LONGEST_S)
            yield Stretch(start_s, cut_s)
            start_s = cut_s
        yield Stretch(start_s, end_s)
