"""Which sentence of a window was said in which of its clips. What is not certain is told to nobody.

Words that reach the wrong person are worse than words that come late: a clip of which this is not sure is heard again
alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rider_voice_whisper.engine import HeardSegment, HeardToken
from rider_voice_whisper.windows import Place, Window

#: The middle of a sentence lies in its clip, give or take so much, and no word of it so deep in another clip.
_TOLERANCE_S = 0.25
#: Nobody says more letters in a second, pauses included. A clip with more has got another's words, or a loop's.
_LETTERS_PER_S = 20.0
#: Those of languages that part their words. Others are not cut within a segment.
_END_OF_SENTENCE = (".", "!", "?", "…", "؟", "।")


@dataclass(frozen=True)
class Sentence:
    """What was said in one go; `middles_s` are the times of its words."""

    text: str
    middles_s: tuple[float, ...]
    probability: float


def told_apart(tokens: Sequence[HeardToken], window: Window) -> dict[int, tuple[HeardSegment, ...]]:
    """By number of the clip, what was said in it, with times from its beginning; without those that are in doubt."""
    said: dict[int, list[Sentence]] = {place.number: [] for place in window}
    last = 0
    for sentence in _sentences(tokens):
        position = _position(sentence, window)
        if position is None or position < last:
            return {}
        said[window[position].number].append(sentence)
        last = position
    texts = [" ".join(_letters(sentence.text) for sentence in said[place.number]) for place in window]
    if not all(texts) or any(map(_is_too_much, texts, window)):
        return {}
    # Whisper that gets lost says one clip's words again for another.
    only = [place for place, text in zip(window, texts, strict=True) if texts.count(text) == 1]
    return {place.number: tuple(_segments(said[place.number], place)) for place in only}


def _sentences(tokens: Iterable[HeardToken]) -> Iterator[Sentence]:
    """A sentence ends with its mark, and with its segment."""
    pieces: list[HeardToken] = []
    for token in tokens:
        if pieces and (token.segment != pieces[-1].segment or (_ends(pieces[-1]) and token.text.startswith(b" "))):
            yield from _sentence(pieces)
            pieces = []
        pieces.append(token)
    yield from _sentence(pieces)


def _sentence(pieces: Sequence[HeardToken]) -> Iterator[Sentence]:
    """One, or none where there are only marks."""
    text = b"".join(piece.text for piece in pieces).decode("utf-8", "replace")
    middles_s = tuple(piece.middle_s for piece in pieces if _letters(piece.text.decode("utf-8", "replace")))
    if middles_s:
        yield Sentence(text.strip(), middles_s, fmean(piece.probability for piece in pieces))


def _position(sentence: Sentence, window: Window) -> int | None:
    """The place in the window to which a sentence belongs; None: it is uncertain."""
    middle_s = median(sentence.middles_s)
    first_s, last_s = min(sentence.middles_s), max(sentence.middles_s)
    for position, place in enumerate(window):
        if place.start_s - _TOLERANCE_S <= middle_s <= place.end_s + _TOLERANCE_S:
            # whisper.cpp squeezes words into the times of their segment: some may lie in the silence around the clip.
            before, after = window[:position], window[position + 1 :]
            apart = all(other.end_s - _TOLERANCE_S <= first_s for other in before[-1:])
            apart &= all(last_s <= other.start_s + _TOLERANCE_S for other in after[:1])
            return position if apart else None
    return None


def _is_too_much(text: str, place: Place) -> bool:
    return len(text) > _LETTERS_PER_S * (place.end_s - place.start_s)


def _segments(sentences: Sequence[Sentence], place: Place) -> Iterator[HeardSegment]:
    """With a space before each, as Whisper's own have."""
    for sentence in sentences:
        start_s, end_s = min(sentence.middles_s) - place.start_s, max(sentence.middles_s) - place.start_s
        probability = None if math.isnan(sentence.probability) else min(1.0, max(0.0, sentence.probability))
        yield HeardSegment(f" {sentence.text}", start_s, end_s, probability)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _ends(token: HeardToken) -> bool:
    return token.text.decode("utf-8", "replace").rstrip().endswith(_END_OF_SENTENCE)
