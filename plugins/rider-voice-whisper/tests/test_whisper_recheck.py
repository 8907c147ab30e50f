"""Which clips are rechecked. The engine is scripted; the tests count its calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from rider_voice_whisper.engine import (
    CONTEXT_FLOOR,
    FULL_CONTEXT,
    MODEL_RATE,
    DecodedSegment,
    DecodedToken,
    Samples,
    fit_context,
)
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.transcription import Transcriber
from rider_voice_whisper.vad import FRAME_S, SpeechDetector, SpeechProbabilities

from rider_core.api import AudioClip, ProviderContext

no_deadline = ProviderContext().time_left_s


class Scripted:
    """An engine with one scripted result for the fitted context and one for the full context, and its clock."""

    multilingual = True

    def __init__(
        self, fitted: Sequence[DecodedSegment], full: Sequence[DecodedSegment], *, takes_s: float = 0.0
    ) -> None:
        self._answers = {False: fitted, True: full}
        self._takes_s = takes_s
        self.now_s = 0.0
        self.contexts: list[int] = []

    def transcribe(
        self, samples: Samples, language: str, *, context_of: Callable[[float], int] = fit_context
    ) -> Sequence[DecodedSegment]:
        self.contexts.append(context_of(len(samples) / MODEL_RATE))
        self.now_s += self._takes_s * self.contexts[-1] / CONTEXT_FLOOR
        return self._answers[self.contexts[-1] == FULL_CONTEXT]


def decoded(text: str, *probabilities: float | None) -> tuple[DecodedSegment, ...]:
    return tuple(DecodedSegment(f" {text}", 0.0, 1.0, probability) for probability in probabilities)


class TestRecheck:
    @pytest.fixture(autouse=True)
    def all_is_speech(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def all_of_it(self: SpeechDetector, samples: Samples) -> SpeechProbabilities:
            return SpeechProbabilities(np.ones(math.ceil(len(samples) / MODEL_RATE / FRAME_S), np.float32))

        monkeypatch.setattr(SpeechDetector, "detect", all_of_it)

    @pytest.mark.parametrize(
        ("fitted", "full", "text"),
        [
            (decoded("what I will it", 0.57), decoded("what time is it", 0.71), "what time is it"),
            (decoded("fail again", 0.59), decoded("veil a gain", 0.5), "fail again"),
            (decoded("fail again", 0.59), (), "fail again"),
            ((), decoded("turn right", 0.9), "turn right"),
            (decoded("a", 0.9, 0.5), decoded("b", 0.6), "b"),
            (decoded("...", None), decoded("yes", 0.8), "yes"),
            (decoded("no", 0.3), decoded("nor", 0.35), ""),
            (decoded("turn left " * 40, 0.95), decoded("turn left, turn left", 0.85), "turn left, turn left"),
        ],
    )
    def test_doubtful_clips_are_rechecked_and_the_more_certain_counts(
        self, fitted: Sequence[DecodedSegment], full: Sequence[DecodedSegment], text: str
    ) -> None:
        engine = Scripted(fitted, full)
        (found,) = Transcriber(engine, WhisperConfig(), no_deadline).transcribe([speech_like(2.0)], "en")
        assert (found.text, engine.contexts) == (text, [CONTEXT_FLOOR, FULL_CONTEXT])

    @pytest.mark.parametrize(
        ("fitted", "duration_s", "settings"),
        [
            (decoded("turn left", 0.6), 2.0, {}),
            (decoded("turn left", 0.45), 2.0, {"recheck_confidence": 0}),
            (decoded("turn left", 0.45), 15.0, {}),
            ((), 2.0, {"recheck_confidence": 0}),
        ],
        ids=["certain", "switched off", "long", "nothing, and switched off"],
    )
    def test_clips_that_are_not_rechecked(
        self, fitted: Sequence[DecodedSegment], duration_s: float, settings: dict[str, float]
    ) -> None:
        engine = Scripted(fitted, decoded("turn right", 0.9))
        Transcriber(engine, WhisperConfig(**settings), no_deadline).transcribe([speech_like(duration_s)], "en")
        assert len(engine.contexts) == 1

    @pytest.mark.parametrize(
        ("takes_s", "left_s", "clips", "again"),
        [
            (0.28, 4.2, 1, 1),
            (0.29, 4.2, 1, 0),
            (0.1, 4.2, 8, 2),
            (3.0, math.inf, 8, 8),
            (0.1, -0.5, 1, 0),
        ],
        ids=["idle machine", "busy machine", "many doubtful ones", "no deadline", "too late"],
    )
    def test_a_near_deadline_leaves_no_time_for_a_recheck(
        self, takes_s: float, left_s: float, clips: int, again: int
    ) -> None:
        engine = Scripted(decoded("turn left", 0.45), decoded("turn right", 0.9), takes_s=takes_s)
        transcriber = Transcriber(engine, WhisperConfig(batch_size=1), lambda: left_s, lambda: engine.now_s)
        for _ in range(2):  # each call has its own time
            engine.contexts.clear()
            found = transcriber.transcribe([speech_like(2.0)] * clips, "en")
            assert engine.contexts.count(FULL_CONTEXT) == again
            assert [transcript.text for transcript in found].count("turn right") == again

    @pytest.mark.parametrize(
        ("sure", "recheck_from", "alone"), [(0.74, 0.6, True), (0.76, 0.6, False), (0.76, 0.8, True), (0.74, 0.0, True)]
    )
    def test_doubtful_clips_of_a_window_are_decoded_alone(self, sure: float, recheck_from: float, alone: bool) -> None:
        class Together(Scripted):
            def transcribe_parallel(
                self, sounds: Sequence[Samples], language: str, *, context_of: object
            ) -> list[tuple[DecodedToken, ...]]:
                words = [("Left.", 0.5, 0.9), ("Right.", 3.5, sure)]
                return [
                    tuple(DecodedToken(f" {text}".encode(), 0, at, sure) for text, at, sure in words) for _ in sounds
                ]

        engine = Together(decoded("light", 0.9), ())
        transcriber = Transcriber(engine, WhisperConfig(recheck_confidence=recheck_from), no_deadline)
        found = transcriber.transcribe([speech_like(2.5), speech_like(2.0)], "en")
        assert [transcript.text for transcript in found] == ["Left.", "light" if alone else "Right."]
        assert engine.contexts == ([CONTEXT_FLOOR] if alone else [])


def speech_like(duration_s: float) -> AudioClip:
    noise = np.random.default_rng(1).normal(0, 3000, round(duration_s * MODEL_RATE)).astype("<i2")
    return AudioClip(noise.tobytes(), MODEL_RATE)
