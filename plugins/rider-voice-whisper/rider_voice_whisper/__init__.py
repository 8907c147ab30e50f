"""Speech to text for Rider-PC: Whisper through whisper.cpp."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api import ModelEntry, Provider, hookimpl
from rider_voice_whisper.models import MODELS
from rider_voice_whisper.provider import WhisperSpeechToText

RIDER_API = "1.0"


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    register(WhisperSpeechToText)


@hookimpl
def register_models(register: Callable[[ModelEntry], None]) -> None:
    for entry in MODELS:
        register(entry)
