"""The contract tests that every TextToSpeech plugin runs, in Polish and with the settings' default."""

from __future__ import annotations

from rider_voice_espeak import EspeakTextToSpeech

from rider_core.testing import TextToSpeechContract


class TestEspeakInPolish(TextToSpeechContract):
    provider_class = EspeakTextToSpeech
    settings = {"voice": "pl"}  # noqa: RUF012
    text = "Dzień dobry, jestem robotem."
    voice = "pl"


class TestEspeakByDefault(TextToSpeechContract):
    provider_class = EspeakTextToSpeech
    voice = "en"
