"""The allow-list of tasks: a job with any other task is refused; its name is never imported."""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.api.jobs import RetryPolicy
from rider_core.api.messages import Message
from rider_core.api.object_detection import DetectRequest, ObjectDetector
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import SpeechToText, TranscribeRequest
from rider_core.api.text_generation import GenerateRequest, TextGenerator
from rider_core.api.text_to_speech import SynthesizeRequest, TextToSpeech
from rider_core.errors import JobRefused


@dataclass(frozen=True)
class Task:
    """A kind of job.

    Attributes:
        name: Such as `voice.transcribe`.
        queue: Queue of its jobs.
        request: Type of the payload.
        provider: The domain class whose providers can run it.
        timeout_s: Limit of one attempt, in seconds.
        retry: Retry policy of jobs without one.
        batches: Batches are allowed. Not for tasks whose result is a stream, such as audio.
    """

    name: str
    queue: str
    request: type[Message]
    provider: type[Provider]
    timeout_s: float
    retry: RetryPolicy
    batches: bool = True


#: Whisper needs about 2 s for 10 s of speech on two cores; the longest clip is 300 s. The others are of that order.
_TIMEOUT_S = 120.0
#: People wait for speech and answers. A frame is out of date after its first retry.
_SOON = RetryPolicy(max_attempts=3, first_delay_s=0.25, max_delay_s=5)
_ONCE_MORE = RetryPolicy(max_attempts=2, first_delay_s=0.05, max_delay_s=1)
#: A language model may have to be reloaded, or its server restarted.
_PATIENT = RetryPolicy(max_attempts=3, first_delay_s=1, max_delay_s=30)

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("voice.transcribe", "voice", TranscribeRequest, SpeechToText, _TIMEOUT_S, _SOON),
        Task("voice.synthesize", "voice", SynthesizeRequest, TextToSpeech, _TIMEOUT_S, _SOON, batches=False),
        Task("vision.detect", "vision", DetectRequest, ObjectDetector, _TIMEOUT_S, _ONCE_MORE),
        Task("text.generate", "text", GenerateRequest, TextGenerator, _TIMEOUT_S, _PATIENT),
    )
}

#: All queues, in the order in which a worker that serves all of them dequeues.
QUEUES: tuple[str, ...] = tuple(dict.fromkeys(task.queue for task in TASKS.values()))


def task_named(name: str) -> Task:
    """The task, or `JobRefused` with the list of those that exist."""
    try:
        return TASKS[name]
    except KeyError:
        raise JobRefused(f"there is no task {name[:80]!r}", remedy=f"use one of {', '.join(TASKS)}") from None


def check_queue(name: str) -> None:
    """Raise `JobRefused` unless there is a queue of that name."""
    if name not in QUEUES:
        raise JobRefused(f"there is no queue {name[:80]!r}", remedy=f"use one of {', '.join(QUEUES)}")
