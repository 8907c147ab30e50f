"""Short clips in one window: their positions, the split of the text, and its accuracy."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from noise_samples import noises
from rider_voice_whisper.attribution import split_by_clip
from rider_voice_whisper.decoding_windows import GAP_S, MAX_WINDOW_S, ClipPosition, pack_windows, window_samples
from rider_voice_whisper.engine import DecodedToken
from rider_voice_whisper.provider import WhisperSpeechToText
from whisper_harness import EXPECTED_WORDS, beckett, clip_of, cut

from rider_core.api import AudioClip
from rider_core.testing.words import word_error_rate, words_of

pytestmark = pytest.mark.slow

RATE = 16_000
WINDOW = (ClipPosition(7, 0.0, 1.5), ClipPosition(3, 2.0, 3.4), ClipPosition(5, 4.0, 5.2))
SPANS = ((0.05, 3.5), (3.25, 6.28), (6.38, 8.11), (7.86, 9.55))


def tokens(*sentences: tuple[str, float, float, int]) -> list[DecodedToken]:
    """Words of sentences, each given by its text, its first and last time in seconds, and its segment."""
    found = []
    for text, first_s, last_s, segment in sentences:
        parts = text.split(" ")
        for number, part in enumerate(parts):
            middle_s = first_s + (last_s - first_s) * number / max(1, len(parts) - 1)
            found.append(DecodedToken(f" {part}".encode(), segment, middle_s, 0.9))
    return found


class TestWindows:
    @pytest.mark.parametrize("seed", range(5))
    def test_every_clip_has_one_position_and_none_overlaps_another(self, seed: int) -> None:
        dice = random.Random(seed)
        clips = {number: np.ones(dice.randint(RATE // 2, 5 * RATE), np.float32) for number in range(11)}
        windows = pack_windows(clips, most=4)
        assert sorted(position.number for window in windows for position in window) == list(range(11)), seed
        for window in windows:
            assert len(window) <= 4
            assert len(window) == 1 or window[-1].end_s <= MAX_WINDOW_S
            assert all(position.start_s == int(position.start_s) for position in window)
            for before, after in pairwise(window):
                assert after.start_s - before.end_s >= GAP_S - 1e-6

    def test_clips_are_at_their_positions(self) -> None:
        clips = {number: np.full(RATE, number + 1, np.float32) for number in range(2)}
        (window,) = pack_windows(clips, most=4)
        sound = window_samples(window, clips)
        for position in window:
            start, end = round(position.start_s * RATE), round(position.end_s * RATE)
            assert set(sound[start:end]) == {position.number + 1.0}
        assert sound.sum() == 3 * RATE


class TestSplitByClip:
    def test_each_clip_gets_its_own_words_with_its_own_times(self) -> None:
        decoded = tokens(("Turn left.", 0.3, 0.9, 0), ("Come here.", 2.4, 3.0, 0), ("No stop.", 4.3, 4.8, 1))
        found = split_by_clip(decoded, WINDOW)
        assert {number: segments[0].text for number, segments in found.items()} == {
            7: " Turn left.",
            3: " Come here.",
            5: " No stop.",
        }
        assert found[3][0].start_s == pytest.approx(0.4)
        assert found[3][0].end_s == pytest.approx(1.0)

    @pytest.mark.parametrize(
        "decoded",
        [
            tokens(("Turn left.", 0.3, 0.9, 0), ("Come here.", 2.4, 3.0, 0)),
            tokens(("Turn left.", 0.3, 0.9, 0), ("Come here now.", 3.0, 4.6, 0), ("No stop.", 4.3, 4.8, 1)),
            tokens(("Turn left.", 0.3, 0.9, 0), ("Come here and no stop.", 2.2, 4.4, 0), ("No.", 4.9, 5.0, 1)),
            tokens(("Turn left.", 2.4, 3.0, 0), ("Come here.", 0.3, 0.9, 0), ("No stop.", 4.3, 4.8, 1)),
            tokens(("Turn left.", 0.3, 0.9, 0), ("Come here.", 2.4, 3.0, 0), ("x" * 40, 4.3, 4.8, 1)),
            tokens(("Turn left.", 0.3, 0.9, 0), ("Come here.", 2.4, 3.0, 0), ("No stop.", 7.0, 8.0, 1)),
            tokens(("Turn left and come here and no stop.", 0.3, 4.8, 0)),
            [],
        ],
        ids=[
            "nothing for one",
            "between two clips",
            "over two clips",
            "out of order",
            "too many letters",
            "outside",
            "in one",
            "nothing",
        ],
    )
    def test_uncertain_clips_get_no_words(self, decoded: list[DecodedToken]) -> None:
        assert split_by_clip(decoded, WINDOW) == {}

    def test_the_same_words_twice_are_in_doubt_the_others_are_not(self) -> None:
        decoded = tokens(("Turn left.", 0.3, 0.9, 0), ("Turn left!", 2.4, 3.0, 0), ("No stop.", 4.3, 4.8, 1))
        assert list(split_by_clip(decoded, WINDOW)) == [5]


class TestBatches:
    @pytest.mark.parametrize("language", ["en", None])
    def test_as_many_words_are_right_as_alone(self, whisper: WhisperSpeechToText, language: str | None) -> None:
        clips = [cut(beckett(), *span) for span in SPANS]
        together = [transcript.text for transcript in whisper.transcribe_batch(clips, language)]
        assert word_error_rate(EXPECTED_WORDS, words_of(" ".join(together))) <= 1 / len(EXPECTED_WORDS), together
        assert words_of(together[1])[-2:] == ["try", "again"]
        assert words_of(together[3])[-1] == "better"

    def test_a_clip_without_speech_gets_no_words_of_others(self, whisper: WhisperSpeechToText) -> None:
        speech = [cut(beckett(), *span) for span in SPANS[:2]]
        quiet = AudioClip(bytes(2 * RATE), RATE)
        noise = clip_of(noises(1)["white"] * 0.1)
        long = beckett()
        found = whisper.transcribe_batch([quiet, speech[0], noise, long, speech[1]], "en")
        assert [transcript.no_speech for transcript in found] == [True, False, True, False, False]
        assert (found[0].text, found[2].text) == ("", "")
        assert word_error_rate(EXPECTED_WORDS, words_of(found[3].text)) <= 1 / len(EXPECTED_WORDS)
        assert "tried" in words_of(found[1].text)
        assert [transcript.duration_s for transcript in found] == [
            clip.duration_s for clip in (quiet, speech[0], noise, long, speech[1])
        ]

    def test_times_lie_within_each_clip(self, whisper: WhisperSpeechToText) -> None:
        for transcript in whisper.transcribe_batch([cut(beckett(), *span) for span in SPANS], "en"):
            assert transcript.segments
            assert all(0 <= it.start_s <= it.end_s <= transcript.duration_s for it in transcript.segments)

    def test_a_clip_alone_afterwards_is_heard_as_before(self, whisper: WhisperSpeechToText) -> None:
        clip = cut(beckett(), *SPANS[0])
        before = whisper.transcribe(clip, "en")
        whisper.transcribe_batch([cut(beckett(), *span) for span in SPANS], "en")
        engine = whisper._engine
        assert engine is not None
        # It has all threads again, and computes no token timestamps.
        assert (engine._params.n_threads, engine._params.token_timestamps) == (engine._threads, False)
        assert whisper.transcribe(clip, "en") == before

    def test_several_share_the_encoder(self, whisper: WhisperSpeechToText, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = whisper._engine
        assert engine is not None
        runs: list[int] = []
        together = engine.transcribe_parallel

        def counted(sounds: object, language: str, **more: object) -> object:
            runs.append(len(sounds))  # type: ignore[arg-type]
            return together(sounds, language, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "transcribe_parallel", counted)
        clips = [cut(beckett(), *span) for span in SPANS]
        whisper.transcribe_batch(clips, "en")
        assert 1 <= runs[0] < len(clips)


@pytest.mark.parametrize("kind", noises(0))
def test_no_noise_becomes_words(whisper: WhisperSpeechToText, kind: str) -> None:
    loud, soft = clip_of(noises(0)[kind] * 0.5), clip_of(noises(1)[kind] * 0.05)
    for transcript in (*whisper.transcribe_batch([loud, soft], "en"), whisper.transcribe(loud, None)):
        assert (transcript.text, transcript.no_speech) == ("", True)
