"""Text to speech: the request, the chunks of sound, and the base class of the engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from typing import ClassVar, Literal

from pydantic import Field

from rider_core.api.audio import AudioClip
from rider_core.api.messages import Message, Result
from rider_core.api.provider import Provider
from rider_core.errors import ProviderError

#: About six minutes of speech; longer texts must be split.
MAX_TEXT_CHARACTERS = 5_000
#: Words a minute: the range of eSpeak NG, wider than the intelligible one.
MIN_RATE_WPM, MAX_RATE_WPM = 80, 450
MIN_OUTPUT_RATE, MAX_OUTPUT_RATE = 8_000, 48_000

AudioFormat = Literal["wav", "pcm16"]


class SynthesizeRequest(Message):
    """Payload of a `voice.synthesize` job."""

    text: str = Field(
        min_length=1,
        max_length=MAX_TEXT_CHARACTERS,
        description="the text; Markdown, emoji and addresses are not read out",
    )
    voice: str | None = Field(None, max_length=64, description="a voice or a language of the engine; None: its default")
    rate: int | None = Field(None, ge=MIN_RATE_WPM, le=MAX_RATE_WPM, description="words a minute; None: the default")
    sample_rate: int | None = Field(
        None, ge=MIN_OUTPUT_RATE, le=MAX_OUTPUT_RATE, description="of the audio in Hz; None: the engine's own"
    )
    pitch: int | None = Field(None, ge=0, le=99, description="0: low, 50: the voice's own, 99: high; None: the default")
    format: AudioFormat = Field("wav", description="of the chunks: WAV files, or raw signed 16-bit samples")


class AudioChunk(Result):
    """Partial result of a `voice.synthesize` job: the next chunk of audio. A WAV file is complete by itself."""

    seq: int = Field(ge=0, description="0, 1, 2, ... in order")
    audio: str = Field(description="the audio in base64")
    format: AudioFormat = Field("wav", description="WAV file, or raw signed 16-bit little-endian mono samples")
    sample_rate: int = Field(description="in Hz")
    duration_s: float = Field(description="duration of this chunk in seconds")


class Speech(Result):
    """Result of a `voice.synthesize` job. The audio was published as `AudioChunk`s."""

    chunks: int = Field(ge=0, description="number of chunks")
    sample_rate: int = Field(description="in Hz")
    duration_s: float = Field(ge=0, description="duration of all chunks in seconds")
    voice: str | None = Field(None, description="the requested voice")


class TextToSpeech(Provider):
    """Base of speech synthesis engines."""

    domain: ClassVar[str] = "text_to_speech"

    @abstractmethod
    def synthesize_stream(self, request: SynthesizeRequest) -> Generator[AudioClip, None, None]:
        """The audio in chunks, each yielded as soon as it is synthesized. All have one sample rate and one channel.
        Closing the iterator early stops the engine.

        Raises:
            InvalidInput: the engine has no such voice.
        """

    def voices(self) -> tuple[str, ...]:
        """The voices and languages that a request may name. Empty: unknown."""
        return ()

    def synthesize(self, request: SynthesizeRequest) -> AudioClip:
        """The complete audio as one clip."""
        clips = list(self.synthesize_stream(request))
        if not clips:
            raise ProviderError(f"{self.name} gave no audio for a text of {len(request.text)} characters")
        return AudioClip(b"".join(clip.pcm for clip in clips), clips[0].sample_rate, clips[0].channels)
