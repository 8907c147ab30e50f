"""Mock engines, one for each domain, in four independent files."""

from __future__ import annotations

from collections.abc import Callable

from rider_core.api import Provider, hookimpl
from rider_echo.detector import EchoDetector
from rider_echo.stt import EchoSpeechToText
from rider_echo.text import EchoText
from rider_echo.tts import EchoTextToSpeech

RIDER_API = "1.0"


@hookimpl
def register_providers(register: Callable[[type[Provider]], None]) -> None:
    for provider in (EchoSpeechToText, EchoTextToSpeech, EchoDetector, EchoText):
        register(provider)
