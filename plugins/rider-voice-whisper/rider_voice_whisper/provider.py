"""The provider: settings, and the way from a clip to its transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from rider_core.api import AudioClip, Health, ProviderConfig, ProviderContext, Segment, SpeechToText, Transcript
from rider_core.errors import ModelError, ProviderUnavailable
from rider_voice_whisper.engine import HeardSegment, Samples, WhisperEngine, WhisperOptions, known_languages
from rider_voice_whisper.gate import SpeechGate
from rider_voice_whisper.invented import is_annotation, is_film_credit, repeats_itself
from rider_voice_whisper.language import choose_language
from rider_voice_whisper.sound import at_least_one_second, is_silent, model_samples


class WhisperConfig(ProviderConfig):
    """Settings of the Whisper engine."""

    model: str = Field("whisper-base", max_length=64, description="a model of the catalogue (`rider models list`)")
    language: str | None = Field(
        None, description="what people speak, in ISO 639-1, where a request does not say it; None: detect it"
    )
    expected_languages: tuple[str, ...] = Field(
        ("en", "pl"),
        max_length=100,
        description="languages among which detection chooses unless another is nearly certain; empty: all are equal",
    )
    prompt: str = Field(
        "", max_length=500, description="names and rare words that will be said; long prompts make it invent"
    )
    beam_size: int = Field(
        1,
        ge=1,
        le=8,
        description="hypotheses followed at once; 1 is the fastest, more rarely helps with short commands",
    )
    min_confidence: float = Field(
        0.4, ge=0, le=1, description="segments whose mean token probability is lower are taken for noise; 0: keep all"
    )
    no_speech_threshold: float = Field(
        0.6, ge=0, le=1, description="probability of silence from which on Whisper drops an unlikely segment"
    )

    @field_validator("language", "expected_languages")
    @classmethod
    def _known(cls, value: Any) -> Any:
        unknown = set([value] if isinstance(value, str) else value or ()) - set(known_languages())
        if unknown:
            raise ValueError(f"Whisper does not know {', '.join(sorted(unknown))}")
        return value


class WhisperSpeechToText(SpeechToText):
    """OpenAI's Whisper, run by whisper.cpp on the processor."""

    name: ClassVar[str] = "whisper"
    Config: ClassVar[type[ProviderConfig]] = WhisperConfig

    def __init__(self, config: WhisperConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._engine: WhisperEngine | None = None
        self._gate = SpeechGate()

    def required_models(self) -> tuple[str, ...]:
        return (self._settings.model,)

    def open(self) -> None:
        options = WhisperOptions(
            threads=self.context.threads,
            beam_size=self._settings.beam_size,
            prompt=self._settings.prompt,
            no_speech_threshold=self._settings.no_speech_threshold,
        )
        self._engine = WhisperEngine(self.context.model_path(self._settings.model), options)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def health(self) -> Health:
        try:
            self.context.model_path(self._settings.model)
        except ModelError as error:
            return Health.unavailable(error.message, error.remedy)
        except LookupError as error:  # a context without models, as in a bare test
            return Health.unavailable(str(error))
        return Health.ok()

    def details(self) -> Mapping[str, str]:
        return {
            "model": self._settings.model,
            "device": f"CPU, {self.context.threads} threads",
            "language": self._settings.language or "detected",
            "languages": str(len(self.languages())),
        }

    def languages(self) -> tuple[str, ...]:
        engine = self._engine
        return known_languages() if engine is None or engine.multilingual else ("en",)

    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        # One after the other: whisper.cpp gains nothing from batches on a processor.
        language = language or self._settings.language
        self.check_language(language)
        return [self._transcribe(clip, language) for clip in clips]

    def _transcribe(self, clip: AudioClip, language: str | None) -> Transcript:
        engine = self._engine
        if engine is None:
            raise ProviderUnavailable("the Whisper engine is not open")
        samples = model_samples(clip)
        if is_silent(samples) or not self._gate.hears_speech(samples):
            return Transcript(text="", language=language, no_speech=True, duration_s=clip.duration_s)
        samples = at_least_one_second(samples)
        language = language or self._detect(engine, samples)
        kept = [segment for segment in engine.transcribe(samples, language) if self._was_said(segment)]
        return Transcript(
            text="".join(segment.text for segment in kept).strip(),
            language=language,
            segments=tuple(_segment(segment, clip.duration_s) for segment in kept),
            no_speech=not kept,
            duration_s=clip.duration_s,
        )

    def _detect(self, engine: WhisperEngine, samples: Samples) -> str:
        if not engine.multilingual:
            return "en"
        return choose_language(engine.language_probabilities(samples), self._settings.expected_languages)

    def _was_said(self, segment: HeardSegment) -> bool:
        if is_annotation(segment.text) or is_film_credit(segment.text) or repeats_itself(segment.text):
            return False
        return segment.probability is not None and segment.probability >= self._settings.min_confidence


def _segment(heard: HeardSegment, duration_s: float) -> Segment:
    """Its times lie within the clip; Whisper's may lie in the silence that was put after it."""
    start_s = min(max(heard.start_s, 0.0), duration_s)
    end_s = min(max(heard.end_s, start_s), duration_s)
    return Segment(text=heard.text.strip(), start_s=start_s, end_s=end_s, confidence=heard.probability)
