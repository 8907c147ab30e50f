"""What plugin authors import in their tests: contract tests to subclass, and small samples of sound and picture.

Needs pytest. A plugin's whole test file can be:

    from rider_core.testing import TextToSpeechContract
    from my_plugin import MyEngine

    class TestMyEngine(TextToSpeechContract):
        provider_class = MyEngine
        text = "Hello there."
"""

from rider_core.testing.object_detection import ObjectDetectorContract
from rider_core.testing.provider import ProviderContract
from rider_core.testing.samples import SMALL_JPEG, SMALL_JPEG_SIZE, silence_clip, tone_clip, tone_pcm
from rider_core.testing.speech_to_text import SpeechToTextContract
from rider_core.testing.text_generation import TextGeneratorContract
from rider_core.testing.text_to_speech import TextToSpeechContract
from rider_core.testing.waiting import wait_until

__all__ = [
    "SMALL_JPEG",
    "SMALL_JPEG_SIZE",
    "ObjectDetectorContract",
    "ProviderContract",
    "SpeechToTextContract",
    "TextGeneratorContract",
    "TextToSpeechContract",
    "silence_clip",
    "tone_clip",
    "tone_pcm",
    "wait_until",
]
