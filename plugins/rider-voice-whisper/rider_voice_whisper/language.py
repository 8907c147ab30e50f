"""Chooses a clip's language from Whisper's probabilities and the languages that are expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: An unexpected language is accepted from this probability on. Short English commands were detected as Dutch or Maori
#: with up to 0.89, noise as Norwegian with up to 0.77; a few seconds of clear speech give 0.95 and more.
CERTAIN = 0.95
#: Whisper detects synthetic voices as Latin, with up to 0.63.
_EXCLUDED = "la"
#: Remedy where the language was detected wrongly.
LANGUAGE_REMEDY = "ask for the language that is spoken, or add it to expected_languages in [provider_settings.whisper]"
#: Unexpected languages are named in a hint where the likeliest has this probability, and twice that of any expected.
_MIN_HINT_PROBABILITY = 0.25


@dataclass(frozen=True)
class LanguageChoice:
    """
    Attributes:
        language: ISO 639-1 code.
        hint: For people, where unexpected languages are likelier.
        detected: Detected, not given by the request.
    """

    language: str
    hint: str = ""
    detected: bool = False


def choose_language(probabilities: Mapping[str, float], expected: Sequence[str]) -> LanguageChoice:
    """The likeliest of the `expected` languages, unless another is nearly certain; of all where none is expected."""
    spoken = {name: value for name, value in probabilities.items() if name != _EXCLUDED or name in expected}
    whole = sum(spoken.values()) or 1.0
    ranked = sorted(spoken, key=spoken.__getitem__, reverse=True)
    if not expected or ranked[0] in expected or probabilities[ranked[0]] >= CERTAIN:
        return LanguageChoice(ranked[0], detected=True)
    chosen = max(expected, key=lambda name: spoken.get(name, 0.0))
    likeliest = spoken[ranked[0]] / whole
    if likeliest < max(_MIN_HINT_PROBABILITY, 2 * spoken.get(chosen, 0.0) / whole):
        return LanguageChoice(chosen, detected=True)
    others = ", ".join(f"{name} ({spoken[name] / whole:.0%})" for name in ranked[:3] if name not in expected)
    return LanguageChoice(
        chosen,
        f"taken for {chosen}, but it sounds like {others}: {LANGUAGE_REMEDY}",
        detected=True,
    )
