"""The engine with its real model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rider_voice_whisper.provider import WhisperConfig, WhisperSpeechToText
from whisper_harness import base_model

from rider_core.api import ProviderContext


@pytest.fixture(scope="module")
def whisper() -> Iterator[WhisperSpeechToText]:
    provider = WhisperSpeechToText(WhisperConfig(), ProviderContext(model_path=base_model))
    provider.open()
    yield provider
    provider.close()
