"""Assigns the sentences of a decoding window to its clips. Uncertain clips get none and are decoded again alone.

A sentence in the wrong transcript is worse than a late transcript.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rider_voice_whisper.decoding_windows import ClipPosition, Window
from rider_voice_whisper.engine import DecodedSegment, DecodedToken

#: The middle of a sentence may lie this far outside its clip, in seconds, and its words this far inside another clip.
_TOLERANCE_S = 0.25
#: Upper limit of letters spoken in a second, pauses included. A clip with more has another clip's words, or a loop.
_LETTERS_PER_S = 20.0
#: Marks of languages that separate words by spaces. Text in other languages is not split within a segment.
_END_OF_SENTENCE = (".", "!", "?", "…", "؟", "।")


@dataclass(frozen=True)
class Sentence:
    """One sentence; `middles_s` are the times of its words' middles, in seconds from the window's start."""

    text: str
    middles_s: tuple[float, ...]
    probability: float


def split_by_clip(tokens: Sequence[DecodedToken], window: Window) -> dict[int, tuple[DecodedSegment, ...]]:
    """The segments of each clip, by its number, with times from the clip's start; without uncertain clips."""
    by_clip: dict[int, list[Sentence]] = {clip.number: [] for clip in window}
    last = 0
    for sentence in _sentences(tokens):
        position = _position(sentence, window)
        if position is None or position < last:
            return {}
        by_clip[window[position].number].append(sentence)
        last = position
    texts = [" ".join(_letters(sentence.text) for sentence in by_clip[clip.number]) for clip in window]
    if not all(texts) or any(map(_has_too_many_letters, texts, window)):
        return {}
    # Whisper sometimes repeats one clip's words for another.
    unique = [clip for clip, text in zip(window, texts, strict=True) if texts.count(text) == 1]
    return {clip.number: tuple(_segments(by_clip[clip.number], clip)) for clip in unique}


def _sentences(tokens: Iterable[DecodedToken]) -> Iterator[Sentence]:
    """A sentence ends at its final mark, and at the end of its segment."""
    collected: list[DecodedToken] = []
    for token in tokens:
        if collected and (
            token.segment != collected[-1].segment or (_ends_sentence(collected[-1]) and token.text.startswith(b" "))
        ):
            yield from _sentence(collected)
            collected = []
        collected.append(token)
    yield from _sentence(collected)


def _sentence(tokens: Sequence[DecodedToken]) -> Iterator[Sentence]:
    """One sentence, or none where the tokens are only punctuation."""
    text = b"".join(token.text for token in tokens).decode("utf-8", "replace")
    middles_s = tuple(token.middle_s for token in tokens if _letters(token.text.decode("utf-8", "replace")))
    if middles_s:
        yield Sentence(text.strip(), middles_s, fmean(token.probability for token in tokens))


def _position(sentence: Sentence, window: Window) -> int | None:
    """The index in the window of the clip to which a sentence belongs; None: uncertain."""
    middle_s = median(sentence.middles_s)
    first_s, last_s = min(sentence.middles_s), max(sentence.middles_s)
    for position, clip in enumerate(window):
        if clip.start_s - _TOLERANCE_S <= middle_s <= clip.end_s + _TOLERANCE_S:
            # whisper.cpp spreads words over the time of their segment: some may lie in the silence around the clip.
            before, after = window[:position], window[position + 1 :]
            apart = all(other.end_s - _TOLERANCE_S <= first_s for other in before[-1:])
            apart &= all(last_s <= other.start_s + _TOLERANCE_S for other in after[:1])
            return position if apart else None
    return None


def _has_too_many_letters(text: str, clip: ClipPosition) -> bool:
    return len(text) > _LETTERS_PER_S * (clip.end_s - clip.start_s)


def _segments(sentences: Sequence[Sentence], clip: ClipPosition) -> Iterator[DecodedSegment]:
    """Each with a leading space, as Whisper's own segments have."""
    for sentence in sentences:
        start_s, end_s = min(sentence.middles_s) - clip.start_s, max(sentence.middles_s) - clip.start_s
        probability = None if math.isnan(sentence.probability) else min(1.0, max(0.0, sentence.probability))
        yield DecodedSegment(f" {sentence.text}", start_s, end_s, probability)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _ends_sentence(token: DecodedToken) -> bool:
    return token.text.decode("utf-8", "replace").rstrip().endswith(_END_OF_SENTENCE)
