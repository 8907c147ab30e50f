"""The contract of speech synthesis engines."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import ClassVar

import pytest

from rider_core.api.audio import AudioClip
from rider_core.api.text_to_speech import (
    MAX_RATE_WPM,
    MAX_TEXT_CHARACTERS,
    MIN_RATE_WPM,
    SynthesizeRequest,
    TextToSpeech,
)
from rider_core.errors import InvalidInput
from rider_core.testing.provider import ProviderContract

#: Nothing, or hardly anything, to say; control and direction marks; markup; words of no language.
_ODD_TEXTS = (
    " ", "\n\t\r", "\x00", "one\x00two", "\x01100S\x1b[0m", "...", "?!", "\u200b", "\u202eabc", "\U0001f600", "\ufffd",
    "9" * 99, "漢 עברית ไทย", "<speak><audio src='/etc/passwd'/></speak>", "[[h@l'oU]]", "&amp;&#0;", "%s%n", "x" * 99,
)  # fmt: skip


class TextToSpeechContract(ProviderContract):
    """Subclass it and set `provider_class`.

    Attributes:
        text: Something that the engine's voice can say, of at least three words.
        voice: A voice or language that the engine has; None: only its default is tried.
        unknown_voice: One that it does not have.
    """

    provider_class: ClassVar[type[TextToSpeech]]
    text: ClassVar[str] = "One, two, three."
    voice: ClassVar[str | None] = None
    unknown_voice: ClassVar[str] = "no-such-voice"

    def test_stream(self, provider: TextToSpeech) -> None:
        sound = check_stream(provider, SynthesizeRequest(text=self.text, voice=self.voice))
        assert any(sound.pcm), "the sound is silence from its beginning to its end"

    def test_synthesize(self, provider: TextToSpeech) -> None:
        request = SynthesizeRequest(text=self.text, voice=self.voice)
        whole, joined = provider.synthesize(request), check_stream(provider, request)
        assert isinstance(whole, AudioClip)
        _check_about_equal(whole.duration_s, joined.duration_s, "synthesize() and synthesize_stream()")

    def test_more_text_takes_longer(self, provider: TextToSpeech) -> None:
        short = check_stream(provider, SynthesizeRequest(text=self.text))
        long = check_stream(provider, SynthesizeRequest(text=" ".join([self.text] * 4)))
        assert long.duration_s > 2 * short.duration_s, f"{short.duration_s} s for a text, {long.duration_s} s for four"

    def test_rate(self, provider: TextToSpeech) -> None:
        slow = check_stream(provider, SynthesizeRequest(text=self.text, rate=MIN_RATE_WPM))
        fast = check_stream(provider, SynthesizeRequest(text=self.text, rate=MAX_RATE_WPM))
        assert fast.duration_s < slow.duration_s, (
            f"{MAX_RATE_WPM} words a minute take {fast.duration_s} s, {MIN_RATE_WPM} take {slow.duration_s} s"
        )

    @pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 48_000])
    def test_sample_rate(self, provider: TextToSpeech, sample_rate: int) -> None:
        own = check_stream(provider, SynthesizeRequest(text=self.text))
        sound = check_stream(provider, SynthesizeRequest(text=self.text, sample_rate=sample_rate))
        assert sound.sample_rate == sample_rate
        _check_about_equal(
            sound.duration_s, own.duration_s, f"the sound at {sample_rate} Hz and at the engine's own rate"
        )

    def test_voices(self, provider: TextToSpeech) -> None:
        voices = provider.voices()
        assert isinstance(voices, tuple)
        assert len(set(voices)) == len(voices), "a voice is listed twice"
        unfit = [name for name in voices if not 0 < len(name) <= 64]
        assert not unfit, f"no request can name these voices: {unfit}"
        assert not voices or self.voice is None or self.voice in voices, f"voices() lacks {self.voice!r}"

    def test_unknown_voice_is_refused_and_does_no_harm(self, provider: TextToSpeech) -> None:
        with pytest.raises(InvalidInput, match=self.unknown_voice) as refusal:
            list(provider.synthesize_stream(SynthesizeRequest(text=self.text, voice=self.unknown_voice)))
        assert refusal.value.remedy, "the refusal does not say what to do"
        check_stream(provider, SynthesizeRequest(text=self.text, voice=self.voice))

    @pytest.mark.parametrize("text", _ODD_TEXTS, ids=lambda text: ascii(text[:12]))
    def test_odd_text_is_said_or_refused_and_does_no_harm(self, provider: TextToSpeech, text: str) -> None:
        with suppress(InvalidInput):
            check_stream(provider, SynthesizeRequest(text=text, voice=self.voice))
        check_stream(provider, SynthesizeRequest(text=self.text, voice=self.voice))

    def test_the_longest_text(self, provider: TextToSpeech) -> None:
        text = (self.text + " ") * (MAX_TEXT_CHARACTERS // (len(self.text) + 1))
        stream = provider.synthesize_stream(SynthesizeRequest(text=text, voice=self.voice))
        first = next(stream)
        stream.close()
        assert first.duration_s < 60, f"the first stretch lasts {first.duration_s} s: it must not be the whole speech"

    def test_closing_early_leaves_nothing_behind(self, provider: TextToSpeech) -> None:
        before = set(threading.enumerate())
        stream = provider.synthesize_stream(SynthesizeRequest(text=" ".join([self.text] * 20), voice=self.voice))
        next(stream)
        stream.close()
        self.check_no_new_threads(before)
        check_stream(provider, SynthesizeRequest(text=self.text, voice=self.voice))


def check_stream(provider: TextToSpeech, request: SynthesizeRequest) -> AudioClip:
    """All stretches of the sound, each checked, as one clip.

    Refusals pass through; anything else than a refusal or sound is a failure.
    """
    clips = list(provider.synthesize_stream(request))
    assert clips, "the stream ended without any sound; what cannot be said must be refused with InvalidInput"
    for clip in clips:
        assert isinstance(clip, AudioClip), f"got {clip!r}, not an AudioClip"
        assert clip.channels == 1, f"a stretch has {clip.channels} channels"
    rates = {clip.sample_rate for clip in clips}
    assert len(rates) == 1, f"the stretches have different sample rates: {sorted(rates)}"
    return AudioClip(b"".join(clip.pcm for clip in clips), clips[0].sample_rate)


def _check_about_equal(first_s: float, second_s: float, what: str) -> None:
    # Neural engines never say the same thing twice in exactly the same time.
    assert abs(first_s - second_s) <= 0.1 * max(first_s, second_s), f"{what} differ: {first_s} s and {second_s} s"
