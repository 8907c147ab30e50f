"""Mock speech synthesiser: one tone of the duration of the spoken words."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

from pydantic import Field

from rider_core.api import AudioClip, ProviderConfig, SynthesizeRequest, TextToSpeech
from rider_core.errors import InvalidInput

VOICE = "sine"
AMPLITUDE = 8_000
CHUNK_S = 0.25


class EchoTextToSpeech(TextToSpeech):
    name = "echo-tts"
    mock = True

    class Config(ProviderConfig):
        pitch: int = Field(440, ge=50, le=2_000, description="of the tone, in Hz")
        rate: int = Field(175, ge=80, le=450, description="words a minute, of requests that name none")
        sample_rate: int = Field(16_000, ge=8_000, le=48_000, description="in Hz, of requests that name none")

    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        if request.voice not in (None, VOICE):
            raise InvalidInput(f"echo-tts has no voice {request.voice!r}", remedy=f"use {VOICE!r}, or leave it out")
        words = len(request.text.split())
        if not words:
            raise InvalidInput(f"there is no word in {request.text[:40]!r}")
        sample_rate = request.sample_rate or self.config.sample_rate
        total = round(words * 60 / (request.rate or self.config.rate) * sample_rate)
        step = round(CHUNK_S * sample_rate)
        for start in range(0, total, step):
            yield self._tone(start, min(start + step, total), sample_rate)

    def voices(self) -> tuple[str, ...]:
        return (VOICE,)

    def _tone(self, start: int, end: int, sample_rate: int) -> AudioClip:
        angle = 2 * math.pi * self.config.pitch / sample_rate
        samples = array("h", (round(AMPLITUDE * math.sin(angle * index)) for index in range(start, end)))
        return AudioClip(samples.tobytes(), sample_rate)
