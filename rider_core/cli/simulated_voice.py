"""Speech for the simulated robot's microphone, synthesized by the installed text-to-speech provider."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rider_core.api.audio import AudioClip
from rider_core.api.text_to_speech import SynthesizeRequest, TextToSpeech
from rider_core.config import Settings
from rider_core.errors import RiderError
from rider_core.pluginhost import guarded
from rider_core.runtime.services import Services

log = logging.getLogger(__name__)

#: Sample rate of the robot's microphone, in Hz.
SAMPLE_RATE = 16_000
#: Words a minute; slower than the provider's default, as people speak to a robot.
RATE_WPM = 150


def engine_voice(settings: Settings) -> Callable[[str, str], AudioClip] | None:
    """A function that speaks a text in a language; None: there is no real provider, or the settings name a mock."""
    services = Services.open(settings, role="simulator")
    try:
        engine = services.make_provider(TextToSpeech)
        guarded.open_engine(engine)
    except RiderError as error:
        log.warning("the simulated microphone plays tones instead of sentences: %s", error)
        return None
    finally:
        services.close()
    assert isinstance(engine, TextToSpeech)
    if engine.mock:
        log.warning("the simulated microphone plays tones instead of sentences: %s is a mock", engine.name)
        return None

    def speak(text: str, language: str) -> AudioClip:
        request = SynthesizeRequest(text=text, voice=language, rate=RATE_WPM, sample_rate=SAMPLE_RATE)
        return engine.synthesize(request)

    return speak
