"""Requests as a worker passes them to an engine."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from rider_core.api import AudioClip, ProviderContext, SynthesizeRequest, TextToSpeech
from rider_core.errors import InvalidInput
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.tasks import perform


class Reader(TextToSpeech):
    """Records its text."""

    name = "reader"

    def synthesize_stream(self, request: SynthesizeRequest) -> Generator[AudioClip, None, None]:
        self.said = request.text
        yield AudioClip(bytes(3200), 16_000)


def say(text: str) -> str:
    reader = Reader({}, ProviderContext())
    answers: CachedGenerator = None  # type: ignore[assignment]  # of a language model
    perform(reader, SynthesizeRequest(text=text), lambda _: None, answers)
    return reader.said


def test_an_engine_is_sent_text_without_markup() -> None:
    assert say("**Cześć!** 😊\n1. *Idę*") == "Cześć! 1. Idę"


def test_what_has_no_words_is_refused_before_the_engine() -> None:
    with pytest.raises(InvalidInput, match=r"nothing to say in '\*\*\* 😊'"):
        say("*** 😊")
