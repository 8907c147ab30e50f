"""The provider: its lifecycle and details. Clips are processed in `transcription`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import ClassVar

from rider_core.api import AudioClip, ProviderConfig, ProviderContext, SpeechToText, Transcript
from rider_core.errors import ProviderUnavailable
from rider_voice_whisper.engine import WhisperEngine, WhisperOptions, known_languages
from rider_voice_whisper.settings import WhisperConfig
from rider_voice_whisper.transcription import Transcriber

__all__ = ["WhisperConfig", "WhisperSpeechToText"]

#: Time in seconds from a large run to the release of its memory: the result has left by then. The reload takes 0.1 s.
RELEASE_AFTER_S = 1.0


class WhisperSpeechToText(SpeechToText):
    """OpenAI's Whisper, run by whisper.cpp on the processor."""

    name: ClassVar[str] = "whisper"
    Config: ClassVar[type[ProviderConfig]] = WhisperConfig

    def __init__(self, config: WhisperConfig, context: ProviderContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._engine: WhisperEngine | None = None
        self._transcriber: Transcriber | None = None
        self._in_use = threading.Lock()
        self._release: threading.Timer | None = None
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
        with self._in_use:
            if self._release is not None:
                self._release.cancel()
                self._release = None
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
        with self._in_use:
            if self._transcriber is None:
                raise ProviderUnavailable("the Whisper engine is not open")
            try:
                return self._transcriber.transcribe(clips, language)
            finally:
                self._plan_release()

    def _plan_release(self) -> None:
        if self._engine is not None and self._engine.has_large_buffers and self._release is None:
            self._release = threading.Timer(RELEASE_AFTER_S, self._release_buffers)
            self._release.daemon = True
            self._release.start()

    def _release_buffers(self) -> None:
        with self._in_use:
            self._release = None
            if self._engine is not None:
                self._engine.release_buffers()
