"""Speech synthesis: a text in, its sound to the robot chunk by chunk, one text after another."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rider_core.api.audio import AudioClip
from rider_core.api.events import FINAL_KINDS, Event
from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.languages import language_code
from rider_core.api.messages import decode_base64, parse_message
from rider_core.api.text_to_speech import AudioChunk
from rider_core.errors import InvalidInput, JobError, JobFailed, RiderError, TooLarge
from rider_core.link.barge_in_pause import BargeInPause
from rider_core.link.messages import SpeakRequest
from rider_core.link.rejection_reporter import RejectionReporter
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.speech_chunker import SpeechChunker
from rider_core.link.speech_output import SpeechOutput
from rider_core.link.thread_watchdog import STUCK_ON_JOBS_AFTER_S, ThreadWatchdog
from rider_core.link.turn import Turn
from rider_core.metrics import LINK_DROPPED
from rider_core.sayable import sayable
from rider_core.timing import Stopwatch
from rider_core.tracing import traced

log = logging.getLogger(__name__)

#: A text that no worker has begun within this time is not spoken, in seconds.
DEADLINE_S = 10.0
#: The longest time between two events of a job, in seconds.
SILENCE_S = DEADLINE_S + 1
#: Texts in progress at once, those that wait for their turn included.
MAX_WAITING = 8
#: The largest clip of an engine, in bytes: a minute at 48 kHz. Some engines send a sentence at once.
MAX_CLIP_BYTES = 60 * 48_000 * 2
TOPIC = "voice.tts.request"


@dataclass
class TtsJob:
    """A text in progress.

    Attributes:
        voice: A voice or a language; None: the engine's default.
        answer_id: Id of the answer to which the sentence belongs; None: the robot requested the text.
        turn: Of an answer: what the person said; None: unknown.
        is_first: It is an answer's first sentence.
        stopped: Set when it must not be spoken any further.
        first_ms: From the request to the first chunk, in milliseconds.
        first_sent: When the first chunk was sent (monotonic); None: not yet.
        chunks: Number of chunks that were sent.
    """

    text: str
    voice: str | None
    answer_id: str | None = None
    turn: Turn | None = None
    is_first: bool = False
    job_id: str = ""
    watch: Stopwatch = field(default_factory=Stopwatch.start)
    stopped: threading.Event = field(default_factory=threading.Event)
    chunks: int = 0
    duration_s: float = 0.0
    first_ms: float = 0.0
    first_sent: float | None = None

    @property
    def trace_id(self) -> str | None:
        return self.turn.trace_id if self.turn else None


def other_voices(voice: str | None) -> list[str | None]:
    """Substitutes for a voice that the engine does not have: its language, then None, which is the default.

    The robot's documents name the voices `piper-pl`, `alloy`, `pl-PL` and `pl_PL`.
    """
    if voice is None:
        return []
    codes = [language_code(voice), language_code(voice.rpartition("-")[2])]
    return [*dict.fromkeys(code for code in codes if code and code != voice), None]


class TtsPipeline:
    """`say` and `stop_answer` may be called from any thread. The sound is sent in a thread of its own."""

    def __init__(
        self,
        services: LinkServices,
        output: SpeechOutput,
        rejections: RejectionReporter,
        executor: SerialExecutor,
        chunk_s: float,
        pause: BargeInPause | None = None,
    ) -> None:
        """
        Args:
            chunk_s: Length of a chunk of speech, in seconds.
            pause: Pauses in long answers, so that a person can interrupt; None: no pauses.
        """
        self._services = services
        self._output = output
        self._rejections = rejections
        self._executor = executor
        self._chunk_s = chunk_s
        self._pause = pause
        self._slots = threading.BoundedSemaphore(MAX_WAITING)
        self._waiting: queue.SimpleQueue[TtsJob | None] = queue.SimpleQueue()
        self._in_progress: list[TtsJob] = []
        self._lock = threading.Lock()
        self.watchdog = ThreadWatchdog("TTS pipeline", STUCK_ON_JOBS_AFTER_S)
        self._thread = threading.Thread(target=self._run, name="tts-pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._waiting.put(None)
        with self._lock:
            for job in self._in_progress:
                job.stopped.set()
        self._thread.join(timeout=2)

    def receive_request(self, body: dict[str, Any]) -> None:
        """Speak a text that the robot sent. Belongs to the bus's thread.

        Raises:
            InvalidInput, TooLarge: the text cannot be spoken; the message says why.
        """
        request = parse_message(SpeakRequest, body)
        if not sayable(request.text):
            raise InvalidInput(f"there is nothing to say in {request.text[:80]!r}")
        if not self._executor.run(partial(self._say_requested, TtsJob(request.text, request.voice))):
            raise _too_many()

    def _say_requested(self, job: TtsJob) -> None:
        try:
            if not self.say(job, wait_s=0):
                raise _too_many()
        except RiderError as error:
            self._rejections.report(TOPIC, error)

    def say(self, job: TtsJob, wait_s: float) -> bool:
        """Submit a text, and speak it when its turn comes. False: the queue was full for `wait_s` seconds.

        Raises:
            InvalidInput, JobRefused, BackendUnavailable: the text cannot be submitted.
        """
        if not self._slots.acquire(timeout=wait_s):
            return False
        try:
            self._submit(job)
        except BaseException:
            self._slots.release()
            raise
        with self._lock:
            self._in_progress.append(job)
        self._waiting.put(job)
        return True

    def stop_answer(self, answer_id: str) -> None:
        """Stop speaking an answer at once."""
        with self._lock:
            stopped = [job for job in self._in_progress if job.answer_id == answer_id]
        for job in stopped:
            job.stopped.set()
        if stopped:
            self._executor.run(partial(self._cancel, [job.job_id for job in stopped]))

    def _cancel(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            with suppress(RiderError):  # its sound is discarded in any case
                self._services.backend.cancel(job_id)

    def _submit(self, job: TtsJob) -> None:
        spec = JobSpec(
            task="voice.synthesize",
            payload={"text": job.text, "voice": job.voice},
            priority=Priority.HIGH,
            deadline_ts=time.time() + DEADLINE_S,
            # A second attempt after the first chunk would speak the beginning twice.
            retry=RetryPolicy(max_attempts=1),
            stream=True,
            origin="robot",
            trace_id=job.trace_id,
        )
        job.job_id = self._services.backend.submit(spec)

    def _run(self) -> None:
        for job in self.watchdog.items(self._waiting):
            with traced(job.trace_id):
                try:
                    self._speak(job)
                except RiderError as error:
                    self._rejections.report(TOPIC, error)
                except Exception:  # the top of a thread
                    log.exception("job %s: its sound could not be sent", job.job_id)
                    LINK_DROPPED.labels("result").inc()
                finally:
                    with self._lock:
                        self._in_progress.remove(job)
                    self._slots.release()

    def _speak(self, job: TtsJob) -> None:
        """Speak in the requested voice, or in the nearest one that the engine has."""
        others = other_voices(job.voice)
        while True:
            try:
                self._forward_all(job)
            except JobFailed as error:
                if not others or job.chunks or error.cause != "invalid_input":
                    raise
                job.voice = others.pop(0)
                log.warning("%s; it is spoken in %s", error, job.voice or "the engine's default voice")
                self._submit(job)
            else:
                return

    def _forward_all(self, job: TtsJob) -> None:
        if job.answer_id is not None and self._pause is not None and self._pause.wait(job.stopped):
            return
        chunker = SpeechChunker(self._chunk_s)
        for event in self._services.follow(job.job_id, SILENCE_S):
            self.watchdog.feed()
            if job.stopped.is_set():
                return
            if event.kind == "job.partial":
                chunker.feed(_sound(event))
                self._forward(chunker, job)
            elif event.kind == "job.done":
                self._forward(chunker, job, final=True)
                self._output.end(job.answer_id is not None)
                self._publish(job, event)
                return
            elif event.kind in FINAL_KINDS:
                self._services.backend.get(job.job_id).value()  # raises what happened
        if not job.stopped.is_set():
            raise JobFailed(f"the text's job sent nothing for {SILENCE_S:g} s", cause="timeout")

    def _forward(self, chunker: SpeechChunker, job: TtsJob, *, final: bool = False) -> None:
        """Send the chunks that are ready, each shortly before the robot has played the one before."""
        is_answer = job.answer_id is not None
        while (chunk := chunker.next(urgent=self._output.is_running_dry(), final=final)) is not None:
            self.watchdog.feed()
            if self._output.wait(is_answer, job.stopped):
                return
            if not self._output.play(chunk, is_answer, job.chunks):
                LINK_DROPPED.labels("result").inc()
            if job.turn is not None and job.is_first and job.chunks == 0:
                job.turn.reach("answered")
                job.turn.record_span("answer", job.turn.speech_ended, time.monotonic())
            if job.first_sent is None:
                job.first_sent = time.monotonic()
                job.first_ms = job.watch.elapsed_ms
            job.chunks += 1
            job.duration_s += chunk.duration_s

    def _publish(self, job: TtsJob, event: Event) -> None:
        sent = job.first_sent
        answers = job.turn if job.is_first else None
        self._services.publish(
            "robot.speech",
            job_id=job.job_id,
            text=job.text[:300],
            chunks=job.chunks,
            first_chunk_ms=round(job.first_ms, 1),
            duration_s=round(job.duration_s, 3),
            provider=event.data.get("provider"),
            mock=event.data.get("mock"),
            trace_id=job.trace_id,
            answered_s=None if sent is None or answers is None else round(sent - answers.speech_ended, 3),
            delivered_ts=None if sent is None else Turn.wall_ts(sent),
        )


def _too_many() -> TooLarge:
    LINK_DROPPED.labels("message").inc()
    return TooLarge(f"{MAX_WAITING} texts wait to be spoken already", remedy="try again when they are spoken")


def _sound(event: Event) -> AudioClip:
    """The clip in a partial result."""
    try:
        chunk = parse_message(AudioChunk, event.data)
        data = decode_base64(chunk.audio, max_bytes=MAX_CLIP_BYTES, name="audio")
        return AudioClip.from_wav(data) if chunk.format == "wav" else AudioClip(data, chunk.sample_rate)
    except InvalidInput as error:
        raise JobError(f"a worker sent a malformed clip: {error}") from None
