"""The tasks that a job may name. This table is the allow-list: a job with any other task is refused, never imported."""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.api.messages import Message
from rider_core.api.object_detection import DetectRequest, ObjectDetector
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import SpeechToText, TranscribeRequest
from rider_core.api.text_generation import GenerateRequest, TextGenerator
from rider_core.api.text_to_speech import SynthesizeRequest, TextToSpeech
from rider_core.errors import JobRefused


@dataclass(frozen=True)
class Task:
    """A kind of work.

    Attributes:
        name: Such as `voice.transcribe`.
        queue: The queue that its jobs wait in.
        request: What the payload must be.
        provider: The domain class whose providers can do it.
        timeout_s: How long one attempt may run.
    """

    name: str
    queue: str
    request: type[Message]
    provider: type[Provider]
    timeout_s: float


#: Whisper needs about 2 s for 10 s of speech on two cores; the longest clip is 300 s. The others are of that order.
_TIMEOUT_S = 120.0

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("voice.transcribe", "voice", TranscribeRequest, SpeechToText, _TIMEOUT_S),
        Task("voice.synthesize", "voice", SynthesizeRequest, TextToSpeech, _TIMEOUT_S),
        Task("vision.detect", "vision", DetectRequest, ObjectDetector, _TIMEOUT_S),
        Task("text.generate", "text", GenerateRequest, TextGenerator, _TIMEOUT_S),
    )
}

#: Every queue, in the order in which a worker that serves all looks into them.
QUEUES: tuple[str, ...] = tuple(dict.fromkeys(task.queue for task in TASKS.values()))


def task_named(name: str) -> Task:
    """The task, or `JobRefused` with the list of those that exist."""
    try:
        return TASKS[name]
    except KeyError:
        raise JobRefused(f"there is no task {name[:80]!r}", remedy=f"use one of {', '.join(TASKS)}") from None
