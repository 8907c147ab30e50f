"""Speech recognition: microphone chunks in, one job for each utterance, transcripts to the robot in their order."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rider_core.api.jobs import JobSpec, JobState, Priority, RetryPolicy
from rider_core.api.languages import language_code
from rider_core.api.messages import decode_base64, encode_base64, parse_message
from rider_core.api.speech_to_text import Transcript
from rider_core.errors import BackendUnavailable, InvalidInput, JobError, JobExpired, JobFailed, RiderError, WaitTimeout
from rider_core.link.conversation import Conversation
from rider_core.link.echo_suppressor import EchoSuppressor
from rider_core.link.endpointing import Endpointer, Utterance
from rider_core.link.log_throttle import LogThrottle
from rider_core.link.messages import MAX_CHUNK_BYTES, SAMPLE_RATE, AudioChunkIn
from rider_core.link.options import LinkOptions
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.thread_watchdog import STUCK_ON_JOBS_AFTER_S, ThreadWatchdog
from rider_core.metrics import LINK_DROPPED, UTTERANCES

log = logging.getLogger(__name__)

#: Time from the end of speech to the transcript, in seconds. The robot falls back to its own recognition 5 s after the
#: last text from the PC. The second value applies where `keepalive` sets that timer back.
DEADLINE_S, KEPT_DEADLINE_S = 5.0, 15.0
#: Utterances in progress at once. At one every two seconds, the deadline of the first passes before this limit.
MAX_IN_PROGRESS = 8
#: Speech of this length interrupts the robot's answer, in seconds. A cough is shorter.
BARGE_IN_S = 0.3
#: A longer gap in the stream ends the current utterance without a job, in seconds.
GAP_S = 1.0


@dataclass(frozen=True)
class _PendingUtterance:
    job_id: str
    utterance: Utterance
    speech_ended: float


class AsrPipeline:
    """`receive_chunk` and `reset` belong to the bus's thread. The executor submits the jobs, and a thread of its own
    waits for their results.
    """

    def __init__(
        self,
        services: LinkServices,
        send: Callable[[str, dict[str, Any]], bool],
        fail_over: Callable[[str], None],
        conversation: Conversation,
        echo_suppressor: EchoSuppressor,
        executor: SerialExecutor,
        options: LinkOptions,
    ) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
            fail_over: Requests a failover of voice, with the reason.
            conversation: Answers the transcripts.
            echo_suppressor: Recognises chunks that hold the robot's own voice.
        """
        self._services = services
        self._send = send
        self._fail_over = fail_over
        self._conversation = conversation
        self._echo_suppressor = echo_suppressor
        self._executor = executor
        self._language = self._spoken = options.language
        self._barge_in = options.barge_in
        self._deadline_s = KEPT_DEADLINE_S if options.voice_keepalive else DEADLINE_S
        self._endpointer = Endpointer()
        self._last_chunk = 0.0
        self._hints = LogThrottle(log, "what was said")
        self._pending: queue.Queue[_PendingUtterance | None] = queue.Queue(MAX_IN_PROGRESS)
        self.watchdog = ThreadWatchdog("ASR pipeline", STUCK_ON_JOBS_AFTER_S)
        self._thread = threading.Thread(target=self._run, name="asr-pipeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        try:
            self._pending.put(None, timeout=DEADLINE_S)
        except queue.Full:
            log.warning("utterances are still in progress at the end")
        self._thread.join(timeout=DEADLINE_S)

    @property
    def last_chunk(self) -> float:
        """When the microphone's last chunk came (monotonic); 0: none has come."""
        return self._last_chunk

    @property
    def speech_s(self) -> float:
        """Seconds of speech in the current utterance; 0 between utterances. May be read from any thread."""
        return self._endpointer.speech_s

    def receive_chunk(self, body: dict[str, Any]) -> None:
        """Handle the next chunk of the microphone stream.

        Raises:
            InvalidInput, TooLarge: the chunk is malformed.
        """
        chunk = parse_message(AudioChunkIn, body)
        pcm = decode_base64(chunk.chunk_pcm, max_bytes=MAX_CHUNK_BYTES, name="chunk_pcm")
        if not pcm or len(pcm) % 2:
            raise InvalidInput(f"chunk_pcm has {len(pcm)} bytes, not whole 16-bit samples")
        now = time.monotonic()
        if now - self._last_chunk > GAP_S:
            self.reset()
        self._last_chunk = now
        if self._echo_suppressor.is_echo(now, len(pcm) / 2 / SAMPLE_RATE):
            LINK_DROPPED.labels("own_speech").inc()
            return
        self._spoken = language_code(chunk.lang or "") or self._language
        dropped_before = self._endpointer.dropped
        for utterance in self._endpointer.feed(pcm):
            speech_ended = time.time() - utterance.quiet_s
            if not self._executor.run(partial(self._submit, utterance, speech_ended, self._spoken)):
                self._drop("too_many")
        if self._barge_in and self._endpointer.speech_s >= BARGE_IN_S:
            self._conversation.interrupt()
        if self._endpointer.dropped > dropped_before:
            UTTERANCES.labels("too_short").inc()

    def reset(self) -> None:
        """The stream ended: drop the current utterance."""
        if self._endpointer.in_speech:
            UTTERANCES.labels("broken_off").inc()
        self._endpointer.reset()

    def _submit(self, utterance: Utterance, speech_ended: float, language: str | None) -> None:
        spec = JobSpec(
            task="voice.transcribe",
            payload={
                "audio": encode_base64(utterance.pcm),
                "format": "pcm16",
                "sample_rate": SAMPLE_RATE,
                "channels": 1,
                "language": language,
            },
            priority=Priority.HIGH,
            deadline_ts=speech_ended + self._deadline_s,
            retry=RetryPolicy(max_attempts=2),
            origin="robot",
        )
        if self._pending.full():
            self._drop("too_many")
            return
        try:
            self._services.backend.submit(spec)
        except RiderError as error:
            log.error("an utterance could not be submitted: %s", error)
            self._drop("refused")
            self._fail_over(str(error))
            return
        self._pending.put_nowait(_PendingUtterance(spec.id, utterance, speech_ended))

    def _drop(self, outcome: str) -> None:
        UTTERANCES.labels(outcome).inc()
        LINK_DROPPED.labels("utterance").inc()

    def _run(self) -> None:
        for pending in self.watchdog.items(self._pending):
            try:
                self._deliver(pending)
            except Exception:  # the top of a thread
                log.exception("job %s: its transcript could not be sent", pending.job_id)
                self._drop("failed")

    def _deliver(self, pending: _PendingUtterance) -> None:
        timeout_s = max(0.05, pending.speech_ended + self._deadline_s - time.time())
        try:
            record = self._services.backend.wait(pending.job_id, timeout_s)
            transcript = parse_message(Transcript, record.value())
        except (JobError, BackendUnavailable, InvalidInput) as error:
            self._fail(pending, error)
            return
        assert record.state is JobState.DONE
        latency_s = time.time() - pending.speech_ended
        if transcript.hint:
            self._hints.info(transcript.hint)
        if transcript.text and not transcript.no_speech:
            self._send_transcript(transcript)
            UTTERANCES.labels("recognised").inc()
        else:
            UTTERANCES.labels("no_speech").inc()
        self._services.publish(
            "robot.transcript",
            text=transcript.text,
            language=transcript.language,
            no_speech=transcript.no_speech,
            duration_s=round(pending.utterance.duration_s, 3),
            latency_s=round(latency_s, 3),
            provider=record.provider,
            mock=record.mock,
        )

    def _send_transcript(self, transcript: Transcript) -> None:
        """Send the transcript to the robot, and answer it while the PC serves text."""
        body = {"text": transcript.text, "language": transcript.language, "ts": time.time()}
        if not self._conversation.wanted:
            self._send_result(body)
            return
        # An empty reply keeps the robot's own chat silent; a result without a reply makes it answer.
        self._send_result({**body, "reply": ""})
        self._conversation.answer(transcript.text, transcript.language, lambda: self._send_result(body))

    def _send_result(self, body: dict[str, Any]) -> None:
        if not self._send("voice.asr.result", body):
            LINK_DROPPED.labels("result").inc()

    def _fail(self, pending: _PendingUtterance, error: RiderError) -> None:
        late = isinstance(error, JobExpired | WaitTimeout)
        self._drop("late" if late else "failed")
        log.error("job %s: the robot gets no transcript: %s", pending.job_id, error)
        if isinstance(error, JobFailed) and error.cause == "invalid_input":
            return  # the fault of this sound, not of the engine
        self._fail_over(f"no transcript within {self._deadline_s:g} s" if late else str(error))
