"""Whisper with its real model: the contract, real speech, noise, and what must be refused."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soxr
from rider_voice_whisper.provider import WhisperConfig, WhisperSpeechToText
from whisper_harness import EXPECTED_WORDS, base_model, beckett, clip_of, cut

from rider_core.api import AudioClip, HealthStatus, ProviderContext
from rider_core.errors import InvalidInput, ModelError, ProviderUnavailable
from rider_core.testing import SpeechToTextContract
from rider_core.testing.words import word_error_rate, words_of


class TestContract(SpeechToTextContract):
    provider_class = WhisperSpeechToText
    expected_words: ClassVar[tuple[str, ...]] = ("ever", "tried", "again")

    @classmethod
    def clip(cls) -> AudioClip:
        return beckett()

    @classmethod
    def context(cls) -> ProviderContext:
        return ProviderContext(model_path=base_model)


class TestSpeech:
    @pytest.mark.parametrize("language", ["en", None])
    @pytest.mark.parametrize(
        ("spans", "errors"),
        [
            # Cut at pauses of 0.7 s.
            ([(0.05, 3.5), (3.25, 6.28), (6.38, 8.11), (7.86, 9.55)], 1),
            # Cut at pauses of 0.5 s, "Ever failed." is alone, and this model gets one word wrong.
            ([(0.05, 1.73), (1.58, 3.3), (3.25, 4.71), (4.58, 6.08), (6.38, 7.91), (7.86, 9.35)], 2),
        ],
    )
    def test_short_commands(
        self, whisper: WhisperSpeechToText, spans: list[tuple[float, float]], errors: int, language: str | None
    ) -> None:
        recording = beckett()
        transcripts = whisper.transcribe_batch([cut(recording, *span) for span in spans], language)
        words = [word for transcript in transcripts for word in words_of(transcript.text)]
        assert word_error_rate(EXPECTED_WORDS, words) <= errors / len(EXPECTED_WORDS), words
        assert {transcript.language for transcript in transcripts} == {"en"}

    def test_segments_and_confidence(self, whisper: WhisperSpeechToText) -> None:
        transcript = whisper.transcribe(beckett(), "en")
        assert word_error_rate(EXPECTED_WORDS, words_of(transcript.text)) <= 0.15
        assert len(transcript.segments) > 1
        assert all(segment.confidence is not None and segment.confidence > 0.4 for segment in transcript.segments)
        assert transcript.segments[-1].end_s > 8

    @pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (8_000, 1), (44_100, 3)])
    def test_other_formats_give_the_same_text(self, whisper: WhisperSpeechToText, rate: int, channels: int) -> None:
        mono = np.frombuffer(beckett().pcm, "<i2").astype(np.float32)
        # Speech in one channel only: mixing down must not lose it.
        frames = np.zeros((round(len(mono) * rate / 16_000), channels), np.float32)
        resampled = soxr.resample(mono, 16_000, rate)[: len(frames)]
        frames[: len(resampled), -1] = resampled
        transcript = whisper.transcribe(AudioClip(frames.astype("<i2").tobytes(), rate, channels), "en")
        assert word_error_rate(EXPECTED_WORDS, words_of(transcript.text)) <= 0.25, transcript.text

    def test_a_clip_does_not_affect_the_next(self, whisper: WhisperSpeechToText) -> None:
        sentence = cut(beckett(), 3.25, 4.71)
        alone = whisper.transcribe(sentence, "en")
        whisper.transcribe(clip_of(np.tile(np.frombuffer(beckett().pcm, "<i2") / 32768, 3)), "en")
        assert whisper.transcribe(sentence, "en") == alone

    def test_the_gil_is_released_meanwhile(self, whisper: WhisperSpeechToText) -> None:
        ticks: list[float] = []
        done = threading.Event()

        def tick() -> None:
            while not done.wait(0.005):
                ticks.append(time.monotonic())

        thread = threading.Thread(target=tick)
        thread.start()
        started = time.monotonic()
        whisper.transcribe(beckett(), "en")
        elapsed_s = time.monotonic() - started
        done.set()
        thread.join()
        assert len(ticks) > elapsed_s / 0.005 / 10, f"{len(ticks)} ticks in {elapsed_s:.2f} s"


def noises() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    time_s = np.arange(3 * 16_000) / 16_000
    white = random.standard_normal(len(time_s))
    brown = np.cumsum(white) - np.cumsum(white).mean()
    clicks = np.zeros(len(time_s))
    clicks[::4000] = 1
    return {
        "white": white / 5,
        "brown": brown / np.abs(brown).max(),
        "clicks": clicks,
        "tone": np.sin(2 * np.pi * 440 * time_s),
        "hum": np.sin(2 * np.pi * 100 * time_s) / 2,
    }


class TestNoSpeech:
    @pytest.mark.parametrize("language", ["en", "pl", None])
    @pytest.mark.parametrize("kind", list(noises()))
    def test_noise_gives_no_words(self, whisper: WhisperSpeechToText, kind: str, language: str | None) -> None:
        for level in (0.005, 0.1):
            transcript = whisper.transcribe(clip_of(noises()[kind] * level), language)
            assert (transcript.text, transcript.no_speech) == ("", True)

    @pytest.mark.parametrize("frames", [1, 100, 1_600, 160_000])
    def test_silence_of_any_length(self, whisper: WhisperSpeechToText, frames: int) -> None:
        transcript = whisper.transcribe(AudioClip(bytes(2 * frames), 16_000), None)
        assert (transcript.text, transcript.no_speech, transcript.language) == ("", True, None)

    @pytest.mark.parametrize("frames", [1, 100, 1_600])
    def test_too_short_for_speech(self, whisper: WhisperSpeechToText, frames: int) -> None:
        assert whisper.transcribe(clip_of(np.full(frames, 0.5)), "en").no_speech


class TestRefusals:
    def test_unknown_language(self, whisper: WhisperSpeechToText) -> None:
        with pytest.raises(InvalidInput, match="'xx'"):
            whisper.transcribe(clip_of(np.zeros(16_000)), "xx")

    @pytest.mark.parametrize("settings", [{"language": "klingon"}, {"expected_languages": ["en", "xx"]}])
    def test_unknown_language_in_the_settings(self, settings: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="Whisper does not support"):
            WhisperConfig(**settings)

    def test_missing_model(self) -> None:
        def missing(name: str) -> Path:
            raise ModelError(f"model {name!r} is not installed", remedy=f"rider models pull {name}")

        provider = WhisperSpeechToText(WhisperConfig(), ProviderContext(model_path=missing))
        health = provider.health()
        assert (health.status, health.remedy) == (HealthStatus.UNAVAILABLE, "rider models pull whisper-base")
        with pytest.raises(ModelError, match="rider models pull whisper-base"):
            provider.open()

    @pytest.mark.parametrize("content", [b"", b"not a model", bytes(1_000)])
    def test_file_that_is_no_model(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "m.bin").write_bytes(content)
        provider = WhisperSpeechToText(WhisperConfig(), ProviderContext(model_path=lambda name: tmp_path / "m.bin"))
        with pytest.raises(ProviderUnavailable, match=r"cannot load m\.bin"):
            provider.open()

    def test_not_opened(self) -> None:
        with pytest.raises(ProviderUnavailable, match="not open"):
            WhisperSpeechToText(WhisperConfig(), ProviderContext()).transcribe(clip_of(np.zeros(16_000)))


def test_whisper_cpp_is_quiet_and_the_process_ends_well() -> None:
    program = (
        "import sys; from pathlib import Path; from rider_core.api import AudioClip, ProviderContext\n"
        "from rider_voice_whisper.provider import WhisperConfig, WhisperSpeechToText\n"
        "provider = WhisperSpeechToText(WhisperConfig(), ProviderContext(model_path=lambda name: Path(sys.argv[1])))\n"
        "provider.open(); provider.transcribe(AudioClip(b'\\1\\x20' * 16000, 16000))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(base_model())], capture_output=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
