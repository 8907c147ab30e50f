"""Speech is recognised whatever noise is before, after, beneath and between. With the real model."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from noise_samples import RATE, noises
from rider_voice_whisper.provider import WhisperConfig, WhisperSpeechToText
from whisper_harness import EXPECTED_WORDS, base_model, beckett, clip_of

from rider_core.api import AudioClip, ProviderContext
from rider_core.testing.words import word_error_rate, words_of

CASES = Path(__file__).parent / "cases"
Sound = np.ndarray


def case(name: str) -> Sound:
    with wave.open(str(CASES / f"{name}.wav")) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2") / 32768


def recording() -> Sound:
    return np.frombuffer(beckett().pcm, "<i2") / 32768


def noise_lasting(kind: str, seconds: float, level: float) -> Sound:
    """A noise of that length and loudness (root mean square, of full scale)."""
    if kind == "digital silence":
        return np.zeros(round(seconds * RATE))
    sound = np.concatenate([noises(seed)[kind] for seed in range(int(seconds / 3) + 1)])[: round(seconds * RATE)]
    return sound * level / np.sqrt(np.square(sound).mean())


@pytest.mark.parametrize(
    ("name", "words", "at_least"),
    [
        ("help-me-x7", {"help": 3, "me": 3}, 6),
        ("no-x12-stop", {"no": 4, "stop": 1}, 5),
        ("rider-x11", {}, 6),
        ("turn-left-x6", {"turn": 3, "left": 3, "then": 2}, 8),
    ],
)
def test_repetitions_are_recognised(
    whisper: WhisperSpeechToText, name: str, words: dict[str, int], at_least: int
) -> None:
    """Whisper may miscount repetitions, but must not lose the words."""
    transcript = whisper.transcribe(clip_of(case(name)), "en")
    recognised = words_of(transcript.text)
    assert len(recognised) >= at_least, transcript.text
    for word, times in words.items():
        assert recognised.count(word) >= times, transcript.text


def test_a_cry_for_help_in_polish_is_heard(whisper: WhisperSpeechToText) -> None:
    """eSpeak says "Ratunku! Ratunku! Na pomoc! Na pomoc! Ratunku!"."""
    recognised = words_of(whisper.transcribe(clip_of(case("ratunku")), "pl").text)
    assert recognised.count("ratunku") >= 2, recognised


@pytest.mark.parametrize("alarm", ["beeps", "sweep"])
def test_a_cry_for_help_is_heard_beside_an_alarm(whisper: WhisperSpeechToText, alarm: str) -> None:
    """The alarm is as loud as the voice."""
    cry = case("help-me-x7")
    loudness = float(np.sqrt(np.square(cry).mean()))
    transcript = whisper.transcribe(clip_of(cry / 2 + noise_lasting(alarm, len(cry) / RATE, loudness / 2)), "en")
    assert words_of(transcript.text).count("help") >= 3, transcript.text


def test_a_name_is_heard_where_it_is_expected() -> None:
    """Without the prompt, this model recognises "brighter"."""
    provider = WhisperSpeechToText(WhisperConfig(prompt="Rider."), ProviderContext(model_path=base_model))
    provider.open()
    recognised = words_of(provider.transcribe(clip_of(case("rider-x11")), "en").text)
    provider.close()
    assert recognised.count("rider") >= 6, recognised


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("add-subtitles", "please add subtitles by tomorrow morning"),
        ("thank-you-for-watching-the-house", "thank you for watching the house while i was away"),
        ("no-x5-dont-do-that", "no no no no no don't do that stop right there"),
        ("thanks-for-watching-quickly", "thanks for watching"),
    ],
)
def test_a_sentence_with_words_of_film_credits_is_heard(whisper: WhisperSpeechToText, name: str, sentence: str) -> None:
    transcript = whisper.transcribe(clip_of(case(name)), "en")
    assert word_error_rate(words_of(sentence), words_of(transcript.text)) <= 0.15, transcript.text


class TestWhatIsAround:
    @pytest.mark.parametrize(
        ("kind", "level", "seconds"),
        [
            ("digital silence", 0, 3),
            ("digital silence", 0, 8),
            ("white", 0.0056, 8),
            ("pink", 0.0056, 3),
            ("brown", 0.01, 8),
            ("hum", 0.02, 3),
        ],
    )
    def test_polish_is_polish_after_a_while_without_speech(
        self, whisper: WhisperSpeechToText, kind: str, level: float, seconds: float
    ) -> None:
        """-45 dB of full scale is 0.0056. eSpeak speaks: this model recognises some of its Polish words."""
        before = noise_lasting(kind, seconds, level)
        transcript = whisper.transcribe(clip_of(np.concatenate([before, case("polish")])), None)
        assert transcript.language == "pl", transcript.text
        expected = words_of("dzisiaj jest piękna pogoda idziemy na spacer do parku")
        assert len(set(expected) & set(words_of(transcript.text))) >= 2, transcript.text

    @pytest.mark.parametrize("kind", ["beeps", "knocks"])
    def test_polish_is_polish_after_what_was_taken_for_speech(self, whisper: WhisperSpeechToText, kind: str) -> None:
        """The VAD takes a moment of these for speech, seconds before the sentence."""
        transcript = whisper.transcribe(clip_of(np.concatenate([noise_lasting(kind, 5, 0.05), case("polish")])), None)
        assert transcript.language == "pl", transcript.text
        assert {"jest", "pogoda"} & set(words_of(transcript.text)), transcript.text

    @pytest.mark.parametrize("kind", ["hum", "white"])
    def test_speech_in_one_channel_and_noise_in_the_other(self, whisper: WhisperSpeechToText, kind: str) -> None:
        """A loose plug hums more loudly than people speak."""
        speech = recording() / 4
        noise = noise_lasting(kind, len(speech) / RATE, 0.2)
        pcm = (np.clip(np.stack([speech, noise], axis=1), -1, 1) * 32767).astype("<i2").tobytes()
        transcript = whisper.transcribe(AudioClip(pcm, RATE, 2), None)
        assert word_error_rate(EXPECTED_WORDS, words_of(transcript.text)) <= 0.25, transcript

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(lambda sound: np.concatenate([sound, np.zeros(8 * RATE)]), id="silence behind"),
            pytest.param(lambda sound: 0.8 + sound / 30, id="offset"),
            pytest.param(lambda sound: sound / 100, id="quiet"),
            pytest.param(lambda sound: sound / 2 + noise_lasting("hum", len(sound) / RATE, 0.1), id="hum"),
            pytest.param(lambda sound: np.concatenate([noise_lasting("white", 20, 0.003), sound]), id="20 s of noise"),
        ],
    )
    def test_distorted_audio_is_recognised(
        self, whisper: WhisperSpeechToText, changed: Callable[[Sound], Sound]
    ) -> None:
        transcript = whisper.transcribe(clip_of(changed(recording())), None)
        assert transcript.language == "en"
        assert word_error_rate(EXPECTED_WORDS, words_of(transcript.text)) <= 0.25, transcript.text

    def test_quiet_and_unintelligible_clips_have_a_hint(self, whisper: WhisperSpeechToText) -> None:
        assert "too quiet" in whisper.transcribe(clip_of(recording() / 500), "en").hint
        backwards = whisper.transcribe(clip_of(recording()[::-1]), "en")
        assert backwards.text or "speech was detected" in backwards.hint
        assert whisper.transcribe(clip_of(np.zeros(RATE)), "en").hint == ""

    def test_channels_in_antiphase(self, whisper: WhisperSpeechToText) -> None:
        mono = np.frombuffer(beckett().pcm, "<i2")
        pcm = np.stack([mono, -mono], axis=1).astype("<i2").tobytes()
        transcript = whisper.transcribe(AudioClip(pcm, RATE, 2), "en")
        assert word_error_rate(EXPECTED_WORDS, words_of(transcript.text)) <= 0.25, transcript.text


class TestLongRecordings:
    @pytest.mark.parametrize(("kind", "level"), [("digital silence", 0), ("brown", 0.0178), ("white", 0.0178)])
    def test_nothing_is_hallucinated_in_a_minute_between_two_sentences(
        self, whisper: WhisperSpeechToText, kind: str, level: float
    ) -> None:
        """-35 dB of full scale is 0.0178."""
        between = noise_lasting(kind, 60, level)
        sound = np.concatenate([recording(), between, case("add-subtitles")])
        transcript = whisper.transcribe(clip_of(sound), "en")
        wanted = [*EXPECTED_WORDS, *words_of("please add subtitles by tomorrow morning")]
        assert word_error_rate(wanted, words_of(transcript.text)) <= 0.25, transcript.text
        assert transcript.segments[-1].start_s > 60, "the second sentence has its own time"

    def test_the_same_sentence_a_minute_later_is_heard_twice(self, whisper: WhisperSpeechToText) -> None:
        sentence = case("add-subtitles")
        transcript = whisper.transcribe(
            clip_of(np.concatenate([sentence, noise_lasting("brown", 60, 0.0178), sentence])), "en"
        )
        wanted = words_of("please add subtitles by tomorrow morning") * 2
        assert word_error_rate(wanted, words_of(transcript.text)) <= 0.2, transcript.text

    @pytest.mark.parametrize("kind", ["motor", "beeps"])
    def test_the_robots_own_sounds_between_two_sentences(self, whisper: WhisperSpeechToText, kind: str) -> None:
        sound = np.concatenate([recording(), noise_lasting(kind, 40, 0.05), case("add-subtitles")])
        transcript = whisper.transcribe(clip_of(sound), "en")
        wanted = [*EXPECTED_WORDS, *words_of("please add subtitles by tomorrow morning")]
        assert word_error_rate(wanted, words_of(transcript.text)) <= 0.25, transcript.text

    @pytest.mark.parametrize("times", [4, 12])
    def test_nothing_is_lost_or_said_twice_in_minutes_of_speech(self, whisper: WhisperSpeechToText, times: int) -> None:
        transcript = whisper.transcribe(clip_of(np.tile(recording(), times)), "en")
        assert word_error_rate(EXPECTED_WORDS * times, words_of(transcript.text)) <= 0.2, transcript.text
        starts_s = [segment.start_s for segment in transcript.segments]
        assert starts_s == sorted(starts_s)

    @pytest.mark.parametrize("kind", ["digital silence", "white", "brown", "chords", "rain"])
    def test_a_minute_without_speech_has_no_words(self, whisper: WhisperSpeechToText, kind: str) -> None:
        transcript = whisper.transcribe(clip_of(noise_lasting(kind, 60, 0.03)), None)
        assert (transcript.text, transcript.no_speech) == ("", True)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("german", "de"),
        ("ukrainian", "uk"),
        ("spanish", "es"),
        ("french", "fr"),
        ("czech", "cs"),
        ("dutch", "nl"),
        ("hungarian", "hu"),
    ],
)
def test_another_language_is_recognised_or_named_in_the_hint(
    whisper: WhisperSpeechToText, name: str, language: str
) -> None:
    """Spoken by eSpeak NG."""
    transcript = whisper.transcribe(clip_of(case(name)), None)
    if transcript.language != language:
        assert "expected_languages" in transcript.hint, transcript
