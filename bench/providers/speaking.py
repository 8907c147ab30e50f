"""How soon a long text is heard."""

from __future__ import annotations

import statistics

from stack import Stack

TURNS = 15
WORDS = 400
_SENTENCES = (
    "The little robot rolled down the long hallway and looked for the blue ball.",
    "It had lost the ball on Monday, 12 November, at about half past three.",
    "Nobody had seen it since then, except perhaps the cat, who said nothing.",
)


def long_text() -> str:
    """Of exactly `WORDS` words."""
    words = (" ".join(_SENTENCES) + " ").split() * WORDS
    return " ".join(words[:WORDS])


def measure(stack: Stack) -> dict[str, float]:
    """`tts_first_sound_ms`: from the submission to the first chunk of sound, in the median."""
    payload = {"text": long_text(), "voice": "en"}
    times = [stack.first_piece_s("voice.synthesize", payload) for _ in range(TURNS)]
    return {"tts_first_sound_ms": round(statistics.median(times[1:]) * 1000, 1)}
