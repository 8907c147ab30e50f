"""Hallucinations are dropped, spoken words are kept. The segments and the detected speech are scripted."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rider_voice_whisper.engine import DecodedSegment
from rider_voice_whisper.hallucination_filter import drop_hallucinations, is_film_credit, strip_annotations, trim_loops
from rider_voice_whisper.vad import FRAME_S, SpeechProbabilities


def speech(*spans_s: tuple[float, float], probability: float = 0.9) -> SpeechProbabilities:
    """Clear speech in these parts of the first minute."""
    at_s = np.arange(round(60 / FRAME_S)) * FRAME_S
    is_speech = sum((at_s >= start_s) & (at_s < end_s) for start_s, end_s in spans_s)
    return SpeechProbabilities(np.where(is_speech, np.float32(probability), np.float32(0.02)))


def decoded(*texts: str, each_s: float = 2.0, start_s: float = 0.0, probability: float = 0.9) -> list[DecodedSegment]:
    return [
        DecodedSegment(f" {text}", start_s + n * each_s, start_s + (n + 1) * each_s, probability)
        for n, text in enumerate(texts)
    ]


def filtered(segments: list[DecodedSegment], probabilities: SpeechProbabilities) -> str:
    return "".join(it.text for it in drop_hallucinations(segments, probabilities, 0.4)).strip()


@pytest.mark.parametrize(
    "text",
    ["", "  ", "[BLANK_AUDIO]", " (upbeat music)", "*dźwięk*", "♪ la ♪", "[a] (b)", "...", "[M", "(", "♪ la", "sic]"],
)
def test_descriptions_of_sounds_are_not_words(text: str) -> None:
    assert strip_annotations(text) == ""


@pytest.mark.parametrize("text", ["Stop.", "5 * 3", "Thank you.", " It is 5 * 3 * 2."])
def test_words_are_left_as_they_are(text: str) -> None:
    assert strip_annotations(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[music] Stop.", "Stop."),
        ("Idź (szybko) naprzód", "Idź naprzód"),
        ("Turn left. [M", "Turn left."),
        ("usic] Turn left.", "Turn left."),
        ("Turn left. (music play", "Turn left."),
    ],
)
def test_words_beside_a_description_are_kept(text: str, left: str) -> None:
    assert strip_annotations(text).strip() == left


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for watching!",
        "Thank you very much for watching.",
        "Subskrybuj tez filmy.pl",
        "Napisy stworzone przez społeczność Amara.org",
        "Dziękuję za oglądanie!",
        "Subtitles by the Amara.org community",
        "Please subscribe to my channel.",
    ],
)
class TestFilmCredits:
    def test_in_a_moment_without_speech_is_dropped(self, text: str) -> None:
        assert is_film_credit(text)
        assert filtered(decoded("Turn left.", text), speech((0.2, 1.2))) == "Turn left."

    def test_that_is_spoken_is_kept(self, text: str) -> None:
        assert filtered(decoded(text, each_s=3.0), speech((0.2, 2.9))) == text


def test_a_credit_in_fast_speech_is_kept() -> None:
    """The VAD detects less speech than there is in fast speech."""
    credit = decoded("Thanks for watching.", each_s=1.0)
    assert filtered(credit, speech((0.1, 0.7))) == "Thanks for watching."
    assert filtered(credit, speech((0.1, 0.4))) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching the house while I was away.",
        "Please add subtitles by tomorrow morning.",
        "Watch the film and thank you, subtitle.",
        "Dziękuję za obiad i za oglądanie domu.",
        "Subscribe me to the newspaper.",
    ],
)
def test_a_sentence_with_such_words_is_none(text: str) -> None:
    assert not is_film_credit(text)
    # Even where Whisper's times are wrong.
    assert filtered(decoded(text, start_s=20.0), speech((0.2, 2.0))) == text


class TestLoops:
    @pytest.mark.parametrize(
        ("text", "speech_s"),
        [
            ("Help me! " * 7, 4.0),
            ("No, " * 12 + "stop!", 6.0),
            ("Rider. " * 11, 5.5),
            ("Turn left, then " * 6, 6.0),
            ("Pomocy! " * 9, 6.0),
            ("Ever tried, ever failed. No matter, try again. Fail again, fail better.", 0.2),
        ],
    )
    def test_repetitions_that_fit_are_kept(self, text: str, speech_s: float) -> None:
        assert trim_loops(text, speech_s) == text

    @pytest.mark.parametrize(
        ("text", "speech_s", "left"),
        [
            ("i'r i'r i'r " * 20, 0.4, "i'r i'r i'r i'r i'r"),
            ("Turn left. " * 40, 0.0, "Turn left."),
            ("Please stop, " + "no, " * 100 + "at once.", 1.0, "Please stop, no, no, no, no, at once."),
            ("go " * 200, 0.4, "go go go go go"),
        ],
    )
    def test_a_longer_loop_is_cut_to_what_fits(self, text: str, speech_s: float, left: str) -> None:
        assert trim_loops(text, speech_s).strip() == left

    def test_within_a_segment(self) -> None:
        assert filtered(decoded("Turn left. " * 40), speech((0.2, 1.0))) == " ".join(["Turn left."] * 2)

    def test_over_several_segments(self) -> None:
        detected = speech((0.2, 1.8))
        assert filtered(decoded(*["Turn left."] * 9), detected) == "Turn left."
        assert filtered(decoded(*["Turn left.", "And go on."] * 5), detected) == "Turn left. And go on."

    def test_that_is_spoken_over_several_segments(self) -> None:
        detected = speech(*((2 * n + 0.2, 2 * n + 1.4) for n in range(9)))
        assert filtered(decoded(*["Help me!"] * 9), detected) == " ".join(["Help me!"] * 9)

    def test_hostile_text_takes_no_time(self) -> None:
        began = time.monotonic()
        for text in ("[" * 20_000 + "a", ". " * 2_000 + "a", "ab " * 2_000, "thanks " * 500, "a" * 4_000):
            drop_hallucinations(decoded(text), speech((0, 1)), 0.4)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("probability", [None, 0.39])
def test_segments_with_low_confidence_are_dropped(probability: float | None) -> None:
    (segment,) = decoded("Turn left.")
    unsure = DecodedSegment(segment.text, segment.start_s, segment.end_s, probability)
    assert drop_hallucinations([unsure], speech((0, 2)), 0.4) == []


def test_a_description_at_the_end_is_taken_away_and_the_words_stay() -> None:
    assert filtered(decoded("Turn left. [M"), speech((0, 2))) == "Turn left."
