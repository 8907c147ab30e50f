"""Which clips are worth a second look. The engine is scripted; what counts is how often it is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from rider_voice_whisper.engine import (
    CONTEXT_FLOOR,
    FULL_CONTEXT,
    MODEL_RATE,
    HeardSegment,
    HeardToken,
    Samples,
    fit_context,
)
from rider_voice_whisper.hearing import Hearing
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.voiced import FRAME_S, SpeechDetector, Voiced

from rider_core.api import AudioClip, ProviderContext

no_hurry = ProviderContext().time_left_s


class Scripted:
    """An engine that hears what the test says, by whether it may look at all 30 s, and the clock beside it."""

    multilingual = True

    def __init__(self, fitted: Sequence[HeardSegment], full: Sequence[HeardSegment], *, takes_s: float = 0.0) -> None:
        self._answers = {False: fitted, True: full}
        self._takes_s = takes_s
        self.now_s = 0.0
        self.contexts: list[int] = []

    def transcribe(
        self, samples: Samples, language: str, *, context_of: Callable[[float], int] = fit_context
    ) -> Sequence[HeardSegment]:
        self.contexts.append(context_of(len(samples) / MODEL_RATE))
        self.now_s += self._takes_s * self.contexts[-1] / CONTEXT_FLOOR
        return self._answers[self.contexts[-1] == FULL_CONTEXT]


def heard(text: str, *probabilities: float | None) -> tuple[HeardSegment, ...]:
    return tuple(HeardSegment(f" {text}", 0.0, 1.0, probability) for probability in probabilities)


class TestSecondLook:
    @pytest.fixture(autouse=True)
    def all_is_speech(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def all_of_it(self: SpeechDetector, samples: Samples) -> Voiced:
            return Voiced(np.ones(math.ceil(len(samples) / MODEL_RATE / FRAME_S), np.float32))

        monkeypatch.setattr(SpeechDetector, "listen", all_of_it)

    @pytest.mark.parametrize(
        ("fitted", "full", "text"),
        [
            (heard("what I will it", 0.57), heard("what time is it", 0.71), "what time is it"),
            (heard("fail again", 0.59), heard("veil a gain", 0.5), "fail again"),
            (heard("fail again", 0.59), (), "fail again"),
            ((), heard("turn right", 0.9), "turn right"),
            (heard("a", 0.9, 0.5), heard("b", 0.6), "b"),
            (heard("...", None), heard("yes", 0.8), "yes"),
            (heard("no", 0.3), heard("nor", 0.35), ""),
            (heard("turn left " * 40, 0.95), heard("turn left, turn left", 0.85), "turn left, turn left"),
        ],
    )
    def test_what_is_doubtful_is_heard_again_and_the_more_certain_counts(
        self, fitted: Sequence[HeardSegment], full: Sequence[HeardSegment], text: str
    ) -> None:
        engine = Scripted(fitted, full)
        (found,) = Hearing(engine, WhisperConfig(), no_hurry).transcripts([speech_like(2.0)], "en")
        assert (found.text, engine.contexts) == (text, [CONTEXT_FLOOR, FULL_CONTEXT])

    @pytest.mark.parametrize(
        ("fitted", "duration_s", "settings"),
        [
            (heard("turn left", 0.6), 2.0, {}),
            (heard("turn left", 0.45), 2.0, {"recheck_confidence": 0}),
            (heard("turn left", 0.45), 15.0, {}),
            ((), 2.0, {"recheck_confidence": 0}),
        ],
        ids=["certain", "switched off", "long", "nothing, and switched off"],
    )
    def test_what_is_not_heard_again(
        self, fitted: Sequence[HeardSegment], duration_s: float, settings: dict[str, float]
    ) -> None:
        engine = Scripted(fitted, heard("turn right", 0.9))
        Hearing(engine, WhisperConfig(**settings), no_hurry).transcripts([speech_like(duration_s)], "en")
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
        ids=["idle machine", "busy machine", "many doubtful ones", "nobody waits", "too late"],
    )
    def test_nobody_who_waits_is_kept_waiting_for_it(
        self, takes_s: float, left_s: float, clips: int, again: int
    ) -> None:
        engine = Scripted(heard("turn left", 0.45), heard("turn right", 0.9), takes_s=takes_s)
        hearing = Hearing(engine, WhisperConfig(batch_size=1), lambda: left_s, lambda: engine.now_s)
        for _ in range(2):  # each call has its own time
            engine.contexts.clear()
            found = hearing.transcripts([speech_like(2.0)] * clips, "en")
            assert engine.contexts.count(FULL_CONTEXT) == again
            assert [transcript.text for transcript in found].count("turn right") == again

    @pytest.mark.parametrize(
        ("sure", "recheck_from", "alone"), [(0.74, 0.6, True), (0.76, 0.6, False), (0.76, 0.8, True), (0.74, 0.0, True)]
    )
    def test_what_is_doubtful_among_others_is_heard_again_alone(
        self, sure: float, recheck_from: float, alone: bool
    ) -> None:
        class Together(Scripted):
            def transcribe_together(
                self, sounds: Sequence[Samples], language: str, *, context_of: object
            ) -> list[tuple[HeardToken, ...]]:
                words = [("Left.", 0.5, 0.9), ("Right.", 3.5, sure)]
                return [tuple(HeardToken(f" {text}".encode(), 0, at, sure) for text, at, sure in words) for _ in sounds]

        engine = Together(heard("light", 0.9), ())
        hearing = Hearing(engine, WhisperConfig(recheck_confidence=recheck_from), no_hurry)
        found = hearing.transcripts([speech_like(2.5), speech_like(2.0)], "en")
        assert [transcript.text for transcript in found] == ["Left.", "light" if alone else "Right."]
        assert engine.contexts == ([CONTEXT_FLOOR] if alone else [])


def speech_like(duration_s: float) -> AudioClip:
    noise = np.random.default_rng(1).normal(0, 3000, round(duration_s * MODEL_RATE)).astype("<i2")
    return AudioClip(noise.tobytes(), MODEL_RATE)
