"""Removes words that Whisper hallucinates where there is no speech.

The text alone is no evidence: people call for help seven times, and thank each other for watching the house. A suspect
text is dropped only where it is too long for the duration of the detected speech.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rider_voice_whisper.engine import DecodedSegment
from rider_voice_whisper.vad import SpeechProbabilities

#: Whisper describes sounds in brackets, asterisks or notes, in the language of the clip: "[muzyka]". A bracket may be
#: left open at the end of a segment, or closed at the beginning of the next one.
_ANNOTATION = re.compile(r"\[[^\[\]]*(?:\]|$)|\([^()]*(?:\)|$)|\*[^*\s][^*]*\*|♪[^♪]*(?:♪|$)|♫|^\s*\S*[\])]")
#: Closing words of the subtitles that Whisper was trained on. It puts them into noise with high confidence.
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
#: Upper limit of letters in a second of speech. The fastest clear speech has about 20.
_LETTERS_PER_S = 25.0
#: Words at least three times in a row, by the speaker or by a decoder loop.
_LOOP = re.compile(r"\b(?P<unit>\w.{0,80}?)(?:[\s,.!?;:…-]+(?P=unit)\b){2,}", re.IGNORECASE)
#: Added to the detected speech, in seconds: in fast speech the VAD misses both ends and voiceless consonants.
_VAD_LOSS_S = 0.15
#: A segment's words are compared with those of this many segments before.
_SEGMENTS_BACK = 3
#: Precision of Whisper's timestamps, in seconds.
_TOLERANCE_S = 0.3


def drop_hallucinations(
    segments: Sequence[DecodedSegment], speech: SpeechProbabilities, min_confidence: float
) -> list[DecodedSegment]:
    """The segments that have been spoken, without annotations and excess repetitions.

    Args:
        segments: With the clip's times.
        min_confidence: Segments with less are dropped.
    """
    kept: list[DecodedSegment] = []
    for segment in segments:
        text = strip_annotations(segment.text)
        if not text or segment.probability is None or segment.probability < min_confidence:
            continue
        speech_s = speech.clear_speech_s(segment.start_s - _TOLERANCE_S, segment.end_s + _TOLERANCE_S)
        is_repetition = any(_words(text) == _words(before.text) for before in kept[-_SEGMENTS_BACK:])
        if (is_repetition or is_film_credit(text)) and not (speech_s and is_speakable_in(text, speech_s + _VAD_LOSS_S)):
            continue
        kept.append(replace(segment, text=trim_loops(text, speech_s)))
    return kept


def strip_annotations(text: str) -> str:
    """`text` without descriptions of sounds; empty where no word is left."""
    left = _ANNOTATION.sub(" ", text)
    if not any(map(str.isalnum, left)):
        return ""
    return text if left == text else f" {' '.join(left.split())}"


def is_film_credit(text: str) -> bool:
    """Whether `text` consists of closing words of subtitles alone."""
    return bool(_CREDITS.fullmatch(text.strip()))


def is_speakable_in(text: str, speech_s: float) -> bool:
    """Whether `text` can be spoken in `speech_s` seconds of speech."""
    return _letters(text) <= _LETTERS_PER_S * speech_s


def trim_loops(text: str, speech_s: float) -> str:
    """`text` with its repetitions cut to what fits in `speech_s` seconds of speech, at least one of each."""
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
