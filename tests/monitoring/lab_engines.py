"""Engines for every domain that answer at once, or fail or are slow while a file says so."""

from __future__ import annotations

from pathlib import Path

from rider_core.testing.processes import install_plugin

#: Name of the plugin, and of the files whose existence makes the language model fail, slow, or keep memory.
NAME, BROKEN, SLOW, LEAKY = "lab-engines", "broken", "slow", "leaky"
#: How long it takes where it is slow, in seconds.
SLOW_S = 11.0

SOURCE = """
import os
import time
from rider_core.api import (
    AudioClip, DetectedObject, Detections, GenerationEnd, ObjectDetector, ObjectTracker, SpeechToText, TextGenerator,
    TextToSpeech, Transcript, hookimpl,
)
RIDER_API = "1.0"

class LabSpeechToText(SpeechToText):
    name = "lab-stt"
    def transcribe_batch(self, clips, language):
        return [Transcript(text="Hello robot.", language="en", duration_s=clip.duration_s) for clip in clips]

class LabTextToSpeech(TextToSpeech):
    name = "lab-tts"
    def synthesize_stream(self, request):
        yield AudioClip(bytes(16_000), 16_000)

class LabDetector(ObjectDetector):
    name = "lab-detector"
    def detect_batch(self, frames):
        time.sleep(0.01)
        box = (100.0, 100.0, 200.0, 200.0)
        found = (DetectedObject(label="cup", score=0.9, box=box),)
        return [Detections(objects=found, width=640, height=480) for _ in frames]

kept = []

def own_bytes():
    pages = open("/proc/self/statm").read().split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGESIZE")

class LabText(TextGenerator):
    name = "lab-text"
    def generate_stream(self, request):
        if os.path.exists("broken"):
            raise RuntimeError("the engine broke")
        if os.path.exists("slow"):
            time.sleep(SLOW_S)
        kept.clear()
        while os.path.exists("leaky") and own_bytes() < float(open("leaky").read()):
            kept.append(b"x" * (1 << 20))
        yield "One sentence. "
        yield "And another."
        return GenerationEnd(prompt_tokens=12, completion_tokens=6)

class LabTracker(ObjectTracker):
    def update(self, objects, elapsed_s):
        return list(range(len(objects)))

@hookimpl
def register_providers(register):
    for provider in (LabSpeechToText, LabTextToSpeech, LabDetector, LabText):
        register(provider)

@hookimpl
def register_trackers(register):
    register("lab-tracker", LabTracker)
"""


def install(folder: Path) -> None:
    """Put the plugin into the folder in which the product runs."""
    install_plugin(folder, NAME, SOURCE.replace("SLOW_S", str(SLOW_S)))
