"""The provider: settings, and the synthesis of requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing

from pydantic import Field

from rider_core.api import AudioClip, Health, ProviderConfig, SynthesizeRequest, TextToSpeech
from rider_core.api.text_to_speech import MAX_RATE_WPM, MIN_RATE_WPM
from rider_core.errors import ConfigError, InvalidInput, ProviderError, ProviderUnavailable
from rider_voice_espeak.block_stream import speech_blocks
from rider_voice_espeak.chunks import chunked
from rider_voice_espeak.library import EspeakLibrary, Utterance, dynamic_library, load_library, loader_folder
from rider_voice_espeak.voices import VoiceList

#: eSpeak NG interprets some as commands (0x01), and its C strings end at NUL.
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class EspeakTextToSpeech(TextToSpeech):
    """eSpeak NG: robotic, quick, over a hundred languages, no model files."""

    name = "espeak"

    class Config(ProviderConfig):
        voice: str = Field(
            "en",
            min_length=1,
            max_length=64,
            description='voice of requests that name none: a language ("en", "pl", "en-gb", "de") or an eSpeak NG '
            'voice; "pl" for a robot that speaks Polish',
        )
        rate: int = Field(
            175, ge=MIN_RATE_WPM, le=MAX_RATE_WPM, description="speed where a request names none, in words a minute"
        )
        pitch: int = Field(50, ge=0, le=99, description="pitch where a request names none, 0 (low) to 99 (high)")
        volume: int = Field(100, ge=0, le=200, description="loudness in percent; above 100 it may distort")

    _library: EspeakLibrary | None = None
    _voices: VoiceList | None = None

    def open(self) -> None:
        library = load_library()
        voices = VoiceList(library.voices)
        try:
            voices.identifier(self.config.voice)
        except InvalidInput as error:
            raise ConfigError(f"setting voice of provider espeak: {error.message}", remedy=error.remedy) from None
        self._library, self._voices = library, voices

    def close(self) -> None:
        """The library itself stays: another provider of this process may use it."""
        self._library = self._voices = None

    def health(self) -> Health:
        try:
            dynamic_library(loader_folder())
        except ProviderUnavailable as error:
            return Health.unavailable(error.message, error.remedy)
        return Health.ok()

    def voices(self) -> tuple[str, ...]:
        return self._opened()[1].names

    def details(self) -> Mapping[str, str]:
        return {"voice": self.config.voice, "languages": str(self._opened()[1].languages)}

    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        library, voices = self._opened()
        utterance = Utterance(
            text=_speakable_text(request.text),
            voice=voices.identifier(request.voice or self.config.voice),
            rate=request.rate or self.config.rate,
            pitch=self.config.pitch if request.pitch is None else request.pitch,
            volume=self.config.volume,
        )
        with closing(speech_blocks(library, utterance)) as blocks:
            yield from chunked(blocks, library.sample_rate, request.sample_rate or library.sample_rate)

    def _opened(self) -> tuple[EspeakLibrary, VoiceList]:
        if self._library is None or self._voices is None:
            raise ProviderError("provider espeak is not open", remedy="call open() first")
        return self._library, self._voices


def _speakable_text(text: str) -> str:
    """`text` with spaces for control characters. Raises `InvalidInput` where nothing else is left."""
    clean = _CONTROL_CHARACTERS.sub(" ", text)
    if not clean.strip():
        raise InvalidInput(f"the text is empty: {text[:40]!r}", remedy="send words")
    return clean
