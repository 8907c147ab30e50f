"""One browser's conversation, made of the link's own parts: people talk to it as they talk to a robot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from rider_core.api.events import Event, EventKind
from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import JobRecord, JobSpec
from rider_core.api.messages import decode_base64, encode_base64
from rider_core.api.object_tracking import ObjectTracker
from rider_core.errors import ProviderUnavailable, RiderError, TooLarge
from rider_core.link.asr_pipeline import AsrPipeline
from rider_core.link.conversation import Conversation
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.messages import SAMPLE_RATE
from rider_core.link.microphone_stream import MicrophoneStream
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.speech_output import CHUNK, SpeechOutput
from rider_core.link.tts_pipeline import TtsPipeline
from rider_core.runtime.services import Services

#: Of its jobs.
ORIGIN = "browser"
#: Longest question that is typed, in characters.
MAX_QUESTION = 2_000
#: A browser may be this much ahead of its microphone, in seconds of sound: what comes beyond is dropped.
AHEAD_S = 3.0
#: Length of a piece of speech, in seconds. A browser plays them without a gap, so short ones only begin earlier.
CHUNK_S = 0.6

#: Pieces of sound that wait to be listened to.
MAX_PIECES = 100

#: Sends a message to the browser: its name, its fields, and sound.
Tell = Callable[..., None]


class TalkSession:
    """`hear`, `ask` and `hush` belong to the thread of the browser's connection. They wait for nothing."""

    def __init__(self, services: Services, tell: Tell, language: str | None) -> None:
        """
        Args:
            tell: May be called from any thread.
            language: ISO 639-1; None: it is detected.
        """
        self._tell = tell
        self._language = language
        self._bus = services.bus
        link = LinkServices(
            backend=_BrowserJobs(services.backend),  # type: ignore[arg-type]  # as much of it as these parts use
            publish=self._publish,
            follow=self._follow,
            new_tracker=_no_tracker,
            capacity=services.backend.capacity,
        )
        self._executor = SerialExecutor("talk executor")
        self._ears = SerialExecutor("talk ears", MAX_PIECES)
        rejections = RejectionReporter(self._publish, self._send)
        output = SpeechOutput(self._send, invisible_texts=False)
        self._tts = TtsPipeline(link, output, rejections, self._executor, CHUNK_S)
        self._conversation = Conversation(
            link,
            self._tts,
            serves_text=lambda: True,
            fail_over=self._fail,
            executor=self._executor,
            preset=services.settings.robot_prompt,
        )
        self._asr = AsrPipeline(link, self._send, self._fail, self._conversation, voice_keepalive=True)
        # The browser removes the echo of its own loudspeaker.
        no_echo = EchoSuppressor(lambda: float("-inf"))
        self._microphone = MicrophoneStream(
            self._asr.recognise, self.hush, no_echo, self._executor, language, barge_in=True
        )
        self._began = time.monotonic()
        self._heard_s = 0.0

    def start(self) -> None:
        for part in (self._executor, self._ears, self._asr, self._tts, self._conversation):
            part.start()

    def stop(self) -> None:
        self._ears.stop()
        self._conversation.stop()
        self._tts.stop()
        self._asr.stop()
        self._executor.stop()

    def hear(self, pcm: bytes) -> None:
        """The microphone's next samples: signed 16-bit, mono, 16 kHz.

        Raises:
            TooLarge: they come faster than from any microphone.
        """
        elapsed_s = time.monotonic() - self._began
        # Silence in between is not saved up.
        self._heard_s = max(self._heard_s, elapsed_s - AHEAD_S) + len(pcm) / 2 / SAMPLE_RATE
        if self._heard_s > elapsed_s + AHEAD_S:
            raise TooLarge(f"the sound is {self._heard_s - elapsed_s:.1f} s ahead of its microphone")
        if not self._ears.run(partial(self._listen, pcm)):
            raise TooLarge("the sound comes faster than it can be listened to")

    def _listen(self, pcm: bytes) -> None:
        try:
            self._microphone.receive_chunk({"rate": SAMPLE_RATE, "chunk_pcm": encode_base64(pcm)})
        except RiderError as error:
            self._fail(str(error))

    def ask(self, text: str) -> None:
        """Answer a question that was typed. Raises `TooLarge`."""
        if len(text) > MAX_QUESTION:
            raise TooLarge(f"the question has {len(text)} characters, the limit is {MAX_QUESTION}")
        self._conversation.answer(text, self._language, lambda: None)

    def hush(self) -> None:
        """Stop the answer that is being spoken."""
        self._tell("hush")
        self._conversation.interrupt()

    def _send(self, topic: str, body: dict[str, Any]) -> bool:
        """What the link sends to a robot: of that, the sound."""
        if topic == CHUNK:
            sound = decode_base64(body["audio"], max_bytes=len(body["audio"]), name="audio")
            self._tell("sound", {"sample_rate": body["sample_rate"]}, sound)
        elif topic == "pc.error":
            self._tell("trouble", {"message": body["message"]})
        return True

    def _publish(self, kind: EventKind, **data: Any) -> None:
        self._tell(kind, data)
        with suppress(RiderError):  # the browser has it; other pages do without
            self._bus.publish(kind, origin=ORIGIN, **data)

    def _follow(self, job_id: str, silence_s: float) -> Iterator[Event]:
        for event in self._bus.follow(job_id, silence_s):
            if event.kind == "job.partial" and "text" in event.data and "audio" not in event.data:
                self._tell("written", {"text": event.data["text"], "job": job_id})
            yield event

    def _fail(self, reason: str) -> None:
        self._tell("trouble", {"message": reason})


class _BrowserJobs:
    """The job backend, for jobs of a browser."""

    def __init__(self, backend: JobBackend) -> None:
        self._backend = backend

    def submit(self, spec: JobSpec) -> str:
        return self._backend.submit(spec.model_copy(update={"origin": ORIGIN}))

    def get(self, job_id: str) -> JobRecord:
        return self._backend.get(job_id)

    def wait(self, job_id: str, timeout_s: float) -> JobRecord:
        return self._backend.wait(job_id, timeout_s)

    def cancel(self, job_id: str) -> bool:
        return self._backend.cancel(job_id)


def _no_tracker() -> ObjectTracker:
    raise ProviderUnavailable("a conversation has no camera")
