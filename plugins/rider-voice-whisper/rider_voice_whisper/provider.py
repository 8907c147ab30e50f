"""The provider: its lifecycle and details. Clips are processed in `transcription`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rider_core.api import AudioClip, ProviderConfig, ProviderContext, SpeechToText, Transcript
from rider_core.errors import ProviderUnavailable
from rider_voice_whisper.engine import WhisperEngine, WhisperOptions, known_languages
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.transcription import Transcriber

__all__ = ["WhisperConfig", "WhisperSpeechToText"]


class WhisperSpeechToText(SpeechToText):
    """OpenAI's Whisper, run by whisper.cpp on the processor."""

    name: ClassVar[str] = "whisper"
    Config: ClassVar[type[ProviderConfig]] = WhisperConfig

    def __init__(self, config: WhisperConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._engine: WhisperEngine | None = None
        self._transcriber: Transcriber | None = None
        # `max_wait_ms` stays 0: only jobs that are waiting already are batched.
        self.max_batch = config.batch_size

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
        self._transcriber = Transcriber(self._engine, self._settings, self.context.time_left_s)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = self._transcriber = None

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
        language = language or self._settings.language
        self.check_language(language)
        if self._transcriber is None:
            raise ProviderUnavailable("the Whisper engine is not open")
        return self._transcriber.transcribe(clips, language)
