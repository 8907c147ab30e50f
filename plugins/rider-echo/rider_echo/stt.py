"""Mock speech recogniser: the text is the clip's duration."""

from __future__ import annotations

from collections.abc import Sequence

from rider_core.api import AudioClip, Segment, SpeechToText, Transcript


class EchoSpeechToText(SpeechToText):
    name = "echo-stt"
    mock = True

    def transcribe_batch(self, clips: Sequence[AudioClip], language: str | None) -> list[Transcript]:
        self.check_language(language)
        return [_transcript(clip, language) for clip in clips]

    def languages(self) -> tuple[str, ...]:
        return ("en", "pl")


def _transcript(clip: AudioClip, language: str | None) -> Transcript:
    text = f"This is a mock transcript of {clip.duration_s:.1f} seconds of sound."
    return Transcript(
        text=text,
        language=language,
        segments=(Segment(text=text, start_s=0.0, end_s=clip.duration_s),),
        duration_s=clip.duration_s,
    )
