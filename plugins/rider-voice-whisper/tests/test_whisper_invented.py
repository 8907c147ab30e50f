"""Which of Whisper's words were said. The segments are scripted; what speech there was is, too."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rider_voice_whisper.engine import HeardSegment
from rider_voice_whisper.invented import is_film_credit, shortened, without_annotations, without_inventions
from rider_voice_whisper.voiced import FRAME_S, Voiced


def speech(*spans_s: tuple[float, float], probability: float = 0.9) -> Voiced:
    """Clear speech in these stretches of the first minute."""
    at_s = np.arange(round(60 / FRAME_S)) * FRAME_S
    said = sum((at_s >= start_s) & (at_s < end_s) for start_s, end_s in spans_s)
    return Voiced(np.where(said, np.float32(probability), np.float32(0.02)))


def heard(*texts: str, each_s: float = 2.0, start_s: float = 0.0, probability: float = 0.9) -> list[HeardSegment]:
    return [
        HeardSegment(f" {text}", start_s + n * each_s, start_s + (n + 1) * each_s, probability)
        for n, text in enumerate(texts)
    ]


def believed(segments: list[HeardSegment], voiced: Voiced) -> str:
    return "".join(it.text for it in without_inventions(segments, voiced, 0.4)).strip()


@pytest.mark.parametrize(
    "text",
    ["", "  ", "[BLANK_AUDIO]", " (upbeat music)", "*dźwięk*", "♪ la ♪", "[a] (b)", "...", "[M", "(", "♪ la", "sic]"],
)
def test_descriptions_of_sounds_are_not_words(text: str) -> None:
    assert without_annotations(text) == ""


@pytest.mark.parametrize("text", ["Stop.", "5 * 3", "Thank you.", " It is 5 * 3 * 2."])
def test_words_are_left_as_they_are(text: str) -> None:
    assert without_annotations(text) == text


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
    assert without_annotations(text).strip() == left


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
    def test_in_a_moment_without_speech_is_not_believed(self, text: str) -> None:
        assert is_film_credit(text)
        assert believed(heard("Turn left.", text), speech((0.2, 1.2))) == "Turn left."

    def test_that_somebody_says_is_believed(self, text: str) -> None:
        assert believed(heard(text, each_s=3.0), speech((0.2, 2.9))) == text


def test_a_credit_that_is_said_quickly_is_believed() -> None:
    """The detector hears less of quick speech than there is; of nothing it hears nothing."""
    credit = heard("Thanks for watching.", each_s=1.0)
    assert believed(credit, speech((0.1, 0.7))) == "Thanks for watching."
    assert believed(credit, speech((0.1, 0.4))) == ""


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
    assert believed(heard(text, start_s=20.0), speech((0.2, 2.0))) == text


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
    def test_what_can_have_been_said_is_left_whole(self, text: str, speech_s: float) -> None:
        assert shortened(text, speech_s) == text

    @pytest.mark.parametrize(
        ("text", "speech_s", "left"),
        [
            ("i'r i'r i'r " * 20, 0.4, "i'r i'r i'r i'r i'r"),
            ("Turn left. " * 40, 0.0, "Turn left."),
            ("Please stop, " + "no, " * 100 + "at once.", 1.0, "Please stop, no, no, no, no, at once."),
            ("go " * 200, 0.4, "go go go go go"),
        ],
    )
    def test_a_longer_loop_is_shortened_to_what_can(self, text: str, speech_s: float, left: str) -> None:
        assert shortened(text, speech_s).strip() == left

    def test_within_a_segment(self) -> None:
        assert believed(heard("Turn left. " * 40), speech((0.2, 1.0))) == " ".join(["Turn left."] * 2)

    def test_over_several_segments(self) -> None:
        said = speech((0.2, 1.8))
        assert believed(heard(*["Turn left."] * 9), said) == "Turn left."
        assert believed(heard(*["Turn left.", "And go on."] * 5), said) == "Turn left. And go on."

    def test_that_somebody_says_over_several_segments(self) -> None:
        said = speech(*((2 * n + 0.2, 2 * n + 1.4) for n in range(9)))
        assert believed(heard(*["Help me!"] * 9), said) == " ".join(["Help me!"] * 9)

    def test_hostile_text_takes_no_time(self) -> None:
        began = time.monotonic()
        for text in ("[" * 20_000 + "a", ". " * 2_000 + "a", "ab " * 2_000, "thanks " * 500, "a" * 4_000):
            without_inventions(heard(text), speech((0, 1)), 0.4)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("probability", [None, 0.39])
def test_what_whisper_is_unsure_of_is_not_believed(probability: float | None) -> None:
    (segment,) = heard("Turn left.")
    unsure = HeardSegment(segment.text, segment.start_s, segment.end_s, probability)
    assert without_inventions([unsure], speech((0, 2)), 0.4) == []


def test_a_description_at_the_end_is_taken_away_and_the_words_stay() -> None:
    assert believed(heard("Turn left. [M"), speech((0, 2))) == "Turn left."
