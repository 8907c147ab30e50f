"""Speech synthesisers."""

from __future__ import annotations

from collections.abc import Iterator

from broken_providers.loose_thread import LooseThread
from rider_core.api import (
    AudioClip,
    SynthesizeRequest,
    TextToSpeech,
)
from rider_core.errors import InvalidInput
from rider_core.testing import tone_clip


class GoodTts(TextToSpeech):
    name = "good-tts"

    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        if request.voice not in (None, "sine"):
            raise InvalidInput(f"there is no voice {request.voice}", remedy="use sine")
        words = len(request.text.split())
        if not words:
            raise InvalidInput("there is nothing to say")
        for _ in range(words):
            yield tone_clip(12 / (request.rate or 120), request.sample_rate or 8_000)

    def voices(self) -> tuple[str, ...]:
        return ("sine",)


class Stereo(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        for clip in super().synthesize_stream(request):
            yield AudioClip(clip.pcm * 2, clip.sample_rate, 2)


class Mute(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        for clip in super().synthesize_stream(request):
            yield AudioClip(bytes(len(clip.pcm)), clip.sample_rate)


class MixedRates(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        yield from super().synthesize_stream(request)
        yield tone_clip(0.1, 11_025)


class NothingForBlank(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        return super().synthesize_stream(request) if request.text.strip() else iter(())


class FailsOnNul(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        if "\x00" in request.text:
            raise ValueError("embedded null byte")
        return super().synthesize_stream(request)


class OwnSampleRate(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        return super().synthesize_stream(request.model_copy(update={"sample_rate": None}))


class OwnRate(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        return super().synthesize_stream(request.model_copy(update={"rate": None}))


class AnyVoice(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        return super().synthesize_stream(request.model_copy(update={"voice": None}))


class AlwaysTheSame(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        return super().synthesize_stream(request.model_copy(update={"text": "hello"}))


class HalfInOneGo(GoodTts):
    def synthesize(self, request: SynthesizeRequest) -> AudioClip:
        clip = super().synthesize(request)
        return AudioClip(clip.pcm[: clip.frames // 2 * 2], clip.sample_rate)


class OneBigChunk(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        clips = list(super().synthesize_stream(request))
        yield AudioClip(b"".join(clip.pcm for clip in clips), clips[0].sample_rate)


class VoiceTwice(GoodTts):
    def voices(self) -> tuple[str, ...]:
        return ("sine", "sine")


class SpeechThread(GoodTts):
    def synthesize_stream(self, request: SynthesizeRequest) -> Iterator[AudioClip]:
        LooseThread.start()
        yield from super().synthesize_stream(request)
