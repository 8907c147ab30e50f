"""Tells words that were said from those that Whisper makes up where nobody speaks."""

from __future__ import annotations

import re
import zlib

#: Whisper describes sounds in brackets or between asterisks or notes, in the language of the clip: "[muzyka]".
_ANNOTATION = re.compile(r"(?:\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|♪[^♪]*♪|[♪♫\s.,\-])+")
#: Closing words of the films whose subtitles Whisper learnt from; it says them into noise, with confidence. Nobody says
#: them to a robot. "Thank you." is another of them, but people do say that.
_CREDITS = re.compile(
    r"amara\.org|subscribe to (?:my|our|the) channel|(?:thanks|thank you) for watching|subtitles? (?:by|made)"
    r"|transcri(?:bed|ption) by|napisy (?:stworzone|wykonane|by)|subskrybuj|dzięk\w+ za (?:oglądanie|uwagę|obejrzenie)"
    r"|filmy\.pl|zdjęcia i montaż",
    re.IGNORECASE,
)
#: OpenAI's limit for text that repeats itself (`compression_ratio_threshold` in whisper/transcribe.py).
_REPETITION = 2.4
#: Below this many bytes zlib's own overhead hides any repetition.
_LEAST_BYTES = 60


def is_annotation(text: str) -> bool:
    """Whether `text` only describes sounds, or has no words at all."""
    return not text.strip() or bool(_ANNOTATION.fullmatch(text.strip()))


def is_film_credit(text: str) -> bool:
    return bool(_CREDITS.search(text))


def repeats_itself(text: str) -> bool:
    """Whether `text` is a loop of the decoder: a few words over and over."""
    data = text.encode()
    return len(data) >= _LEAST_BYTES and len(data) / len(zlib.compress(data)) > _REPETITION
