"""Speech to text: the request, the transcript, and the base class of the engines."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from rider_core.api.audio import MAX_CHANNELS, MAX_CLIP_S, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioClip
from rider_core.api.languages import Language
from rider_core.api.messages import Message, Result, decode_base64
from rider_core.api.provider import Provider
from rider_core.errors import InvalidInput

#: The largest audio that a request may carry, in bytes: the longest clip at 48 kHz in stereo.
MAX_AUDIO_BYTES = int(MAX_CLIP_S) * 48_000 * 2 * 2


class TranscribeRequest(Message):
    """Payload of a `voice.transcribe` job."""

    audio: str = Field(description="the audio in base64", max_length=MAX_AUDIO_BYTES * 4 // 3 + 4)
    format: Literal["pcm16", "wav"] = Field("pcm16", description="raw signed 16-bit little-endian samples, or WAV")
    sample_rate: int = Field(16_000, ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, description="in Hz; for pcm16 only")
    channels: int = Field(1, ge=1, le=MAX_CHANNELS, description="interleaved channels; for pcm16 only")
    language: Language | None = Field(None, description="a tag such as pl or pl-PL; None: detect it")

    def clip(self) -> AudioClip:
        """The decoded audio, with limits.

        Raises:
            InvalidInput, TooLarge: it cannot be decoded, or is too long.
        """
        data = decode_base64(self.audio, max_bytes=MAX_AUDIO_BYTES, name="audio")
        if self.format == "wav":
            return AudioClip.from_wav(data)
        return AudioClip(data, self.sample_rate, self.channels)


class Segment(Message):
    """A segment of the transcript, as the engine splits it."""

    text: str = Field(description="the segment's words")
    start_s: float = Field(description="from the clip's beginning, in seconds")
    end_s: float = Field(description="from the clip's beginning, in seconds")
    confidence: float | None = Field(None, ge=0, le=1, description="mean token probability; None: the engine has none")


class Transcript(Result):
    """The transcript of one clip."""

    text: str = Field(description="the words; empty only together with no_speech")
    language: str | None = Field(description="ISO 639-1, as given or detected; None: unknown")
    segments: tuple[Segment, ...] = Field((), description="the text in segments, in order")
    no_speech: bool = Field(False, description="no speech was recognised")
    duration_s: float = Field(ge=0, description="length of the clip in seconds")
    hint: str = Field("", max_length=500, description="for people: how to get a better transcript")


class SpeechToText(Provider):
    """Base of speech recognition engines."""

    domain: ClassVar[str] = "speech_to_text"

    @abstractmethod
    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        """One transcript for each clip, in the same order.

        Args:
            clips: At least one; any sample rate and number of channels.
            language: ISO 639-1, or None to detect it for each clip.

        Raises:
            InvalidInput: the engine does not support the language.
        """

    def languages(self) -> tuple[str, ...]:
        """The supported languages, in ISO 639-1. Empty: unknown."""
        return ()

    def transcribe(self, clip: AudioClip, language: str | None = None) -> Transcript:
        return self.transcribe_batch([clip], language)[0]

    def check_language(self, language: str | None) -> None:
        """Raise `InvalidInput` for a language that `languages()` does not list."""
        known = self.languages()
        if language is not None and known and language not in known:
            raise InvalidInput(
                f"language {language!r} is not known to {self.name}",
                remedy=f"use one of {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}, or leave it out",
            )
