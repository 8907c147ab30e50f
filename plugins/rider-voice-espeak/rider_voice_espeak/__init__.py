"""Text to speech on eSpeak NG. Start reading in `provider`."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api import Provider, hookimpl
from rider_voice_espeak.provider import EspeakTextToSpeech

RIDER_API = "1.0"

__all__ = ["RIDER_API", "EspeakTextToSpeech"]


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    register(EspeakTextToSpeech)
