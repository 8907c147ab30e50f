"""The contract of speech recognition engines."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from rider_core.api.audio import AudioClip
from rider_core.api.languages import CODE_PATTERN
from rider_core.api.speech_to_text import SpeechToText, Transcript
from rider_core.errors import InvalidInput
from rider_core.testing.provider import ProviderContract
from rider_core.testing.samples import silence_clip, tone_clip

#: Engines count in frames of 10 or 20 ms; times are compared with that in mind.
_TIME_TOLERANCE_S = 0.05


class SpeechToTextContract(ProviderContract):
    """Subclass it and set `provider_class`.

    Attributes:
        language: A language that the engine knows.
        unknown_language: One that it does not know.
        expected_words: Words that the transcript of `clip()` must have, in lower case.
    """

    provider_class: ClassVar[type[SpeechToText]]
    language: ClassVar[str] = "en"
    unknown_language: ClassVar[str] = "xx"
    expected_words: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def clip(cls) -> AudioClip:
        """The sound that is transcribed. Override it with speech, and set `expected_words`."""
        return tone_clip(1.0)

    def test_transcribes(self, provider: SpeechToText) -> None:
        clip = self.clip()
        transcript = check_transcript(provider.transcribe(clip, self.language), clip)
        assert transcript.language == self.language, f"language is {transcript.language!r}, {self.language!r} was given"
        words = re.findall(r"\w+", transcript.text.lower())
        missing = [word for word in self.expected_words if word not in words]
        assert not missing, f"not heard: {', '.join(missing)}; the transcript is {transcript.text!r}"

    def test_language_may_be_left_out(self, provider: SpeechToText) -> None:
        clip = self.clip()
        check_transcript(provider.transcribe(clip), clip)

    def test_batch_keeps_the_order(self, provider: SpeechToText) -> None:
        clips = [tone_clip(1.0), tone_clip(0.4), tone_clip(1.7)]
        transcripts = provider.transcribe_batch(clips, self.language)
        assert isinstance(transcripts, list)
        assert len(transcripts) == len(clips), f"{len(clips)} clips gave {len(transcripts)} transcripts"
        for transcript, clip in zip(transcripts, clips, strict=True):
            check_transcript(transcript, clip)

    @pytest.mark.parametrize(("sample_rate", "channels"), [(8_000, 1), (22_050, 2), (48_000, 1), (4_000, 3)])
    def test_any_rate_and_channels(self, provider: SpeechToText, sample_rate: int, channels: int) -> None:
        clip = tone_clip(0.5, sample_rate, channels=channels)
        check_transcript(provider.transcribe(clip, self.language), clip)

    def test_a_single_sample(self, provider: SpeechToText) -> None:
        clip = silence_clip(0.0)
        check_transcript(provider.transcribe(clip, self.language), clip)

    def test_invents_nothing_in_silence(self, provider: SpeechToText) -> None:
        clip = silence_clip(2.0)
        transcript = check_transcript(provider.transcribe(clip, self.language), clip)
        if not self.mock:
            assert transcript.no_speech, f"heard {transcript.text!r} in silence"

    def test_languages(self, provider: SpeechToText) -> None:
        languages = provider.languages()
        assert isinstance(languages, tuple)
        odd = [name for name in languages if not re.match(CODE_PATTERN, name)]
        assert not odd, f"not in ISO 639-1: {', '.join(odd)}"
        assert not languages or self.language in languages, f"languages() lacks {self.language!r}"

    def test_unknown_language_is_refused_and_does_no_harm(self, provider: SpeechToText) -> None:
        clip = self.clip()
        if provider.languages():
            with pytest.raises(InvalidInput, match=self.unknown_language):
                provider.transcribe(clip, self.unknown_language)
        check_transcript(provider.transcribe(clip, self.language), clip)


def check_transcript(transcript: object, clip: AudioClip) -> Transcript:
    """`transcript` as what it must be: the result for `clip`, complete and in itself consistent."""
    assert isinstance(transcript, Transcript), f"got {transcript!r}, not a Transcript"
    assert abs(transcript.duration_s - clip.duration_s) < _TIME_TOLERANCE_S, (
        f"duration_s is {transcript.duration_s}, the clip lasts {clip.duration_s} s"
    )
    assert transcript.no_speech is not bool(transcript.text.strip()), (
        f"text is {transcript.text!r} and no_speech {transcript.no_speech}: exactly one of them says something"
    )
    assert transcript.language is None or re.match(CODE_PATTERN, transcript.language)
    earlier_s = 0.0
    for segment in transcript.segments:
        assert segment.start_s >= earlier_s - _TIME_TOLERANCE_S, f"{segment} begins before the one before it"
        assert segment.start_s <= segment.end_s, f"{segment} ends before it begins"
        assert segment.end_s <= clip.duration_s + _TIME_TOLERANCE_S, f"{segment} ends after the clip"
        earlier_s = segment.start_s
    if transcript.segments:
        joined = "".join(segment.text for segment in transcript.segments)
        assert "".join(joined.split()) == "".join(transcript.text.split()), "the segments are not the text"
    return transcript
