"""The contract tests of the four mocks, and their exact results."""

from __future__ import annotations

import pytest
from rider_echo import EchoDetector, EchoSpeechToText, EchoText, EchoTextToSpeech

from rider_core.api import Frame, GenerateRequest, ProviderContext, SynthesizeRequest
from rider_core.errors import InvalidInput, TooLarge
from rider_core.testing import (
    SMALL_JPEG,
    ObjectDetectorContract,
    SpeechToTextContract,
    TextGeneratorContract,
    TextToSpeechContract,
    tone_clip,
    tone_pcm,
)


class TestEchoSpeechToText(SpeechToTextContract):
    provider_class = EchoSpeechToText
    mock = True

    def test_says_that_it_is_a_mock_and_how_long_the_clip_was(self, provider: EchoSpeechToText) -> None:
        text = provider.transcribe(tone_clip(1.5)).text
        assert "mock" in text
        assert "1.5 seconds" in text


class TestEchoTextToSpeech(TextToSpeechContract):
    provider_class = EchoTextToSpeech
    mock = True
    voice = "sine"

    def test_hums_without_a_break_as_long_as_the_words_take(self, provider: EchoTextToSpeech) -> None:
        clips = list(provider.synthesize_stream(SynthesizeRequest(text="one two three", rate=90)))
        assert len(clips) == 8
        assert b"".join(clip.pcm for clip in clips) == tone_pcm(2.0)


class TestEchoDetector(ObjectDetectorContract):
    provider_class = EchoDetector
    mock = True
    expected_labels = ("echo",)

    def test_finds_the_size_behind_long_segments(self, provider: EchoDetector) -> None:
        comment = b"\xff\xfe\xff\xff" + bytes(0xFFFF - 2)
        found = provider.detect(Frame(SMALL_JPEG[:2] + comment * 3 + SMALL_JPEG[2:]))
        assert (found.width, found.height) == (64, 48)

    def test_refuses_too_many_pixels(self, provider: EchoDetector) -> None:
        header = b"\xff\xd8\xff\xc0\x00\x11\x08" + (10_000).to_bytes(2, "big") * 2
        with pytest.raises(TooLarge, match="10000 x 10000"):
            provider.detect(Frame(header))

    def test_names_what_it_got_instead(self, provider: EchoDetector) -> None:
        with pytest.raises(InvalidInput, match="GIF89a"):
            provider.detect(Frame(b"GIF89a and so on"))


class TestEchoText(TextGeneratorContract):
    provider_class = EchoText
    mock = True


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "deltas"),
    [
        ("how are\nyou", 256, ["how", " are", "\nyou"]),
        ("  how are you", 2, ["  how", " are"]),
    ],
)
def test_echo_text_repeats_word_by_word(prompt: str, max_tokens: int, deltas: list[str]) -> None:
    provider = EchoText(EchoText.Config(), ProviderContext())
    assert list(provider.generate_stream(GenerateRequest(prompt=prompt, max_tokens=max_tokens))) == deltas


def test_echo_text_ends_before_a_stop() -> None:
    provider = EchoText(EchoText.Config(), ProviderContext())
    request = GenerateRequest(prompt="one two three", stop=("three", "o t"))
    assert list(provider.generate_stream(request)) == ["one", " tw"]


def test_echo_text_refuses_a_prompt_without_words() -> None:
    provider = EchoText(EchoText.Config(), ProviderContext())
    with pytest.raises(InvalidInput, match="no word"):
        provider.generate(GenerateRequest(prompt=" \n"))
