"""Tells words that were said from those that Whisper makes up where nobody speaks, and takes the latter away.

A text alone is no evidence: people call for help seven times, and thank each other for watching the house. What counts
is whether somebody can have said it in the time that somebody spoke.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rider_voice_whisper.engine import HeardSegment
from rider_voice_whisper.voiced import Voiced

#: Whisper describes sounds in brackets or between asterisks or notes, in the language of the clip: "[muzyka]". A
#: bracket may be left open at the end of a segment, or closed at the beginning of the next one.
_ANNOTATION = re.compile(r"\[[^\[\]]*(?:\]|$)|\([^()]*(?:\)|$)|\*[^*\s][^*]*\*|♪[^♪]*(?:♪|$)|♫|^\s*\S*[\])]")
#: Closing words of the films whose subtitles Whisper learnt from; it says them into noise, with confidence.
_CREDITS = re.compile(
    r"\W*(?:(?:please )?(?:like and )?subscribe(?: to (?:my|our|the) channel)?"
    r"|(?:thanks|thank you)(?: (?:so|very) much)?(?: for (?:watching|listening|your attention))?"
    r"(?: and .*see you (?:in the )?next .*)?"
    r"|(?:english )?(?:subtitles?|captions?|transcri(?:bed|ption|pts?)|translat(?:ed|ion)) (?:by|made by|from) .*"
    r"|napisy (?:stworzone|wykonane|robione)? ?(?:by|przez) .*|(?:tłumaczenie|korekta|zdjęcia i montaż)\b.*"
    r"|.*\b(?:amara\.org|filmy\.pl|napisy24|opensubtitles)\b.*"
    r"|(?:proszę )?(?:zasubskrybuj|subskrybuj).*"
    r"|dzięk\w+ (?:wam )?(?:bardzo )?za (?:oglądanie|uwagę|obejrzenie|wysłuchanie).*"
    r"|(?:let|leave) .* in the comments.*|if you have any questions.*comments?.*)\W*",
    re.IGNORECASE,
)
#: Nobody says more letters in a second of speech. The quickest clear speech has about 20.
_LETTERS_PER_S = 25.0
#: Words that are said at least three times on end, be it by the speaker or by a decoder that is lost.
_LOOP = re.compile(r"\b(?P<unit>\w.{0,80}?)(?:[\s,.!?;:…-]+(?P=unit)\b){2,}", re.IGNORECASE)
#: Of quick speech the detector is unsure at both ends and in voiceless consonants: so much more was spoken.
_UNSURE_S = 0.15
#: How far back a segment's words are compared with those of others.
_SEGMENTS_BACK = 3
#: Whisper's times are so exact.
_TOLERANCE_S = 0.3


def without_inventions(segments: Sequence[HeardSegment], voiced: Voiced, min_confidence: float) -> list[HeardSegment]:
    """What was said of what Whisper claims to have heard; `segments` have the clip's times."""
    said: list[HeardSegment] = []
    for segment in segments:
        text = without_annotations(segment.text)
        if not text or segment.probability is None or segment.probability < min_confidence:
            continue
        speech_s = voiced.clear_speech_s(segment.start_s - _TOLERANCE_S, segment.end_s + _TOLERANCE_S)
        is_repeated = any(_words(text) == _words(before.text) for before in said[-_SEGMENTS_BACK:])
        if (is_repeated or is_film_credit(text)) and not (speech_s and can_be_said(text, speech_s + _UNSURE_S)):
            continue
        said.append(replace(segment, text=shortened(text, speech_s)))
    return said


def without_annotations(text: str) -> str:
    """`text` without descriptions of sounds; empty where no word is left."""
    left = _ANNOTATION.sub(" ", text)
    if not any(map(str.isalnum, left)):
        return ""
    return text if left == text else f" {' '.join(left.split())}"


def is_film_credit(text: str) -> bool:
    """Whether `text` is nothing but closing words of a film."""
    return bool(_CREDITS.fullmatch(text.strip()))


def can_be_said(text: str, speech_s: float) -> bool:
    """Whether somebody can have said `text` in so many seconds of speech."""
    return _letters(text) <= _LETTERS_PER_S * speech_s


def shortened(text: str, speech_s: float) -> str:
    """A loop, brought to what can have been said in that time, but to no less than once; other text as it is."""
    for loop in sorted(_LOOP.finditer(text), key=lambda it: it.start() - it.end()):
        too_many = _letters(text) - int(_LETTERS_PER_S * speech_s)
        if too_many <= 0:
            break
        unit = loop["unit"]
        turns = [it.end() for it in re.finditer(re.escape(unit), loop[0], re.IGNORECASE)]
        kept = max(1, len(turns) - -(-too_many // max(1, _letters(unit))))
        text = text.replace(loop[0], loop[0][: turns[kept - 1]], 1)
    return text


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()
