"""Speech recognisers."""

from __future__ import annotations

from collections.abc import Sequence

from rider_core.api import (
    AudioClip,
    Segment,
    SpeechToText,
    Transcript,
)
from rider_core.errors import InvalidInput


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
