"""Which language a clip is taken for, given Whisper's probabilities and what people around here speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: A language that nobody expects is believed from here on. Short English commands were taken for Dutch or Maori with up
#: to 0.89, noise for Norwegian with up to 0.77; a few seconds of clear speech give 0.95 and more.
SURE = 0.95


def choose_language(probabilities: Mapping[str, float], expected: Sequence[str]) -> str:
    """The likeliest of the `expected` languages, unless another is nearly certain. Nothing expected: the likeliest."""
    likeliest = max(probabilities, key=probabilities.__getitem__)
    if not expected or probabilities[likeliest] >= SURE:
        return likeliest
    return max(expected, key=probabilities.__getitem__)
