"""Which language a clip is taken for, given Whisper's probabilities and what people around here speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: A language that nobody expects is believed from here on. Short English commands were taken for Dutch or Maori with up
#: to 0.89, noise for Norwegian with up to 0.77; a few seconds of clear speech give 0.95 and more.
SURE = 0.95
#: Whisper takes voices of machines for Latin, with up to 0.63. Nobody speaks it to a robot.
_NOBODYS = "la"
#: What helps where another language is spoken than a clip was taken for.
ELSEWISE = "ask for the language that is spoken, or add it to expected_languages in [provider_settings.whisper]"
#: Languages that nobody expects are told where the likeliest has at least this much, and twice as much as any expected.
_WORTH_A_WORD = 0.25


@dataclass(frozen=True)
class Choice:
    """
    Attributes:
        language: What the clip is taken for.
        hint: For people, where other languages are likelier that nobody expects.
        detected: It was found out, and not asked for.
    """

    language: str
    hint: str = ""
    detected: bool = False


def choose_language(probabilities: Mapping[str, float], expected: Sequence[str]) -> Choice:
    """The likeliest of the `expected` languages, unless another is nearly certain. Nothing expected: the likeliest."""
    spoken = {name: value for name, value in probabilities.items() if name != _NOBODYS or name in expected}
    whole = sum(spoken.values()) or 1.0
    ranked = sorted(spoken, key=spoken.__getitem__, reverse=True)
    if not expected or ranked[0] in expected or probabilities[ranked[0]] >= SURE:
        return Choice(ranked[0], detected=True)
    chosen = max(expected, key=lambda name: spoken.get(name, 0.0))
    likeliest = spoken[ranked[0]] / whole
    if likeliest < max(_WORTH_A_WORD, 2 * spoken.get(chosen, 0.0) / whole):
        return Choice(chosen, detected=True)
    others = ", ".join(f"{name} ({spoken[name] / whole:.0%})" for name in ranked[:3] if name not in expected)
    return Choice(
        chosen,
        f"taken for {chosen}, but it sounds like {others}: {ELSEWISE}",
        detected=True,
    )
