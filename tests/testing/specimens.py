"""Providers that keep the contract, and others, each with one fault that its contract test must find."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import ConfigDict, Field

from rider_core.api import (
    AudioClip,
    DetectedObject,
    Detections,
    Frame,
    GenerateRequest,
    GenerationEnd,
    Health,
    HealthStatus,
    ObjectDetector,
    ProviderConfig,
    Segment,
    SpeechToText,
    SynthesizeRequest,
    TextGenerator,
    TextStream,
    TextToSpeech,
    Transcript,
)
from rider_core.errors import InvalidInput
from rider_core.testing import SMALL_JPEG, SMALL_JPEG_SIZE, tone_clip


class LooseThread:
    """A thread that runs until the test that caught it lets it go."""

    running: ClassVar[list[threading.Event]] = []

    @classmethod
    def start(cls) -> None:
        stop = threading.Event()
        cls.running.append(stop)
        threading.Thread(target=stop.wait, args=(60,), daemon=True).start()

    @classmethod
    def stop_all(cls) -> None:
        while cls.running:
            cls.running.pop().set()


# --- every provider, shown on a text generator -----------------------------------------------------------------------


class GoodText(TextGenerator):
    name = "good-text"

    class Config(ProviderConfig):
        greeting: str = Field("Hello", description="the first word")

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from said([self.config.greeting, " you", " there"], request))


def said(words: Sequence[str], request: GenerateRequest) -> TextStream:
    """The words, ended as the request wants it."""
    whole = "".join(words[: request.max_tokens])
    ends = [at for at in map(whole.find, request.stop) if at >= 0]
    if text := whole[: min(ends, default=len(whole))]:
        yield text
    cut = not ends and request.max_tokens < len(words)
    return GenerationEnd(None, "length" if cut else "stop", 1, min(request.max_tokens, len(words)))


class BadName(GoodText):
    name = "Bad Name"


class MadeUpInSecret(GoodText):
    mock = True


class BareSetting(GoodText):
    class Config(ProviderConfig):
        greeting: str = "Hello"


class TakesAnySetting(GoodText):
    class Config(ProviderConfig):
        model_config = ConfigDict(extra="ignore")
        greeting: str = Field("Hello", description="the first word")


class HealthNeedsOpen(GoodText):
    def open(self) -> None:
        self.engine = "loaded"

    def health(self) -> Health:
        return Health.ok(self.engine)


class HealthWithoutReason(GoodText):
    def health(self) -> Health:
        return Health(status=HealthStatus.DEGRADED)


class HealthIsABool(GoodText):
    def health(self) -> Health:
        return True  # type: ignore[return-value]


class OpenStartsAThread(GoodText):
    def open(self) -> None:
        LooseThread.start()


class SaysBytes(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield b"Hello"  # type: ignore[misc]


class SaysNothing(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ()


class EmptyDelta(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ("Hello", "")


class TalksOn(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ["Hello "] * 50


class TextThread(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        LooseThread.start()
        yield "Hello"


class FailsOnHistory(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        roles = [message.role for message in request.messages()]
        assert roles.count("user") == 1
        return (yield from super().generate_stream(request))


class TwoModels(GoodText):
    def models(self) -> tuple[str, ...]:
        return ("one", "two")

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        if request.model not in (None, *self.models()):
            raise InvalidInput(f"there is no model {request.model!r}")
        return (yield from super().generate_stream(request))


class KnowsOneOfTwo(TwoModels):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        if request.model == "two":
            raise InvalidInput("there is no model 'two'")
        return (yield from super().generate_stream(request))


class TakesAnyModel(TwoModels):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from super().generate_stream(request.model_copy(update={"model": None})))


class ListsModelsWhenOpen(TwoModels):
    names: tuple[str, ...] = ()

    def open(self) -> None:
        self.names = ("one",)

    def models(self) -> tuple[str, ...]:
        return self.names


class RemembersWhatWasSaid(GoodText):
    count = 0

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        self.count += 1
        return (yield from said(["Hello", f" {self.count}"], request))


class TalksOverTheStop(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from super().generate_stream(request.model_copy(update={"stop": ()})))


class SilentAboutItsEnd(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        yield from super().generate_stream(request)
        return None


class CountsCharacters(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        end = yield from super().generate_stream(request)
        return replace(end, completion_tokens=100)


class FailsOnBlank(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield request.prompt.split()[0]


# --- speech to text --------------------------------------------------------------------------------------------------


class GoodStt(SpeechToText):
    name = "good-stt"

    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        self.check_language(language)
        return [self.hear(clip, language) for clip in clips]

    def languages(self) -> tuple[str, ...]:
        return ("en", "pl")

    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        if not any(clip.pcm):
            return Transcript(text="", language=language, no_speech=True, duration_s=clip.duration_s)
        half_s = clip.duration_s / 2
        parts = (Segment(text="two", start_s=0, end_s=half_s), Segment(text=" words", start_s=half_s, end_s=2 * half_s))
        return Transcript(text="two words", language=language, segments=parts, duration_s=clip.duration_s)


class BatchBackwards(GoodStt):
    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        return super().transcribe_batch(clips[::-1], language)


class BatchShort(GoodStt):
    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        return super().transcribe_batch(clips[:1], language)


class HearsInSilence(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        return Transcript(text="Thank you for watching!", language=language, duration_s=clip.duration_s)


class EmptyIsSpeech(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        return Transcript(text="", language=language, duration_s=clip.duration_s)


class LateSegment(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        late = Segment(text="two words", start_s=0, end_s=30)
        return super().hear(clip, language).model_copy(update={"segments": (late,)})


class SegmentsBackwards(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        transcript = super().hear(clip, language)
        return transcript.model_copy(update={"segments": transcript.segments[::-1]})


class SegmentMissing(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        transcript = super().hear(clip, language)
        return transcript.model_copy(update={"segments": transcript.segments[:1]})


class TakesAnyLanguage(GoodStt):
    def check_language(self, language: str | None) -> None:
        pass


class OtherLanguage(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        return super().hear(clip, "de")


class RefusalBreaksIt(GoodStt):
    broken = False

    def check_language(self, language: str | None) -> None:
        if self.broken:
            raise RuntimeError("the engine is gone")
        if language not in ("en", "pl", None):
            self.broken = True
            raise InvalidInput(f"language {language} is not known")


class OneRateOnly(GoodStt):
    def hear(self, clip: AudioClip, language: str | None) -> Transcript:
        if clip.sample_rate != 16_000:
            raise ValueError("only 16 kHz")
        return super().hear(clip, language)


# --- text to speech --------------------------------------------------------------------------------------------------


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


# --- object detection ------------------------------------------------------------------------------------------------


class GoodDetector(ObjectDetector):
    name = "good-detector"
    objects: ClassVar[tuple[DetectedObject, ...]] = (
        DetectedObject(label="disc", score=0.9, box=(8, 12, 32, 36)),
        DetectedObject(label="sky", score=0.4, box=(0, 0, 64, 20)),
    )
    size: ClassVar[tuple[int, int]] = SMALL_JPEG_SIZE

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        for frame in frames:
            self.check(frame.jpeg)
        return [Detections(objects=self.objects, width=self.size[0], height=self.size[1]) for _ in frames]

    def check(self, jpeg: bytes) -> None:
        if jpeg != SMALL_JPEG:
            raise InvalidInput("it is not the one picture that this detector knows")


class SizeSwapped(GoodDetector):
    size = SMALL_JPEG_SIZE[::-1]
    objects = ()


class WorstFirst(GoodDetector):
    objects = GoodDetector.objects[::-1]


class WidthAndHeight(GoodDetector):
    objects = (DetectedObject(label="disc", score=0.9, box=(40, 30, 20, 10)),)


class BoxOutside(GoodDetector):
    objects = (DetectedObject(label="disc", score=0.9, box=(8, 12, 300, 36)),)


class SeesInNothing(GoodDetector):
    def check(self, jpeg: bytes) -> None:
        pass


class FailsOnGarbage(GoodDetector):
    def check(self, jpeg: bytes) -> None:
        if jpeg != SMALL_JPEG:
            raise IndexError("index out of range")


class FirstOnly(GoodDetector):
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        return super().detect_batch(frames[:1])
