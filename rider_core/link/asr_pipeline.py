"""Speech recognition: one job for each utterance, and transcripts to the robot in their order."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rider_core.api.jobs import JobRecord, JobSpec, JobState, Priority, RetryPolicy
from rider_core.api.messages import encode_base64, parse_message
from rider_core.api.speech_to_text import Transcript
from rider_core.errors import BackendUnavailable, InvalidInput, JobError, JobExpired, JobFailed, RiderError, WaitTimeout
from rider_core.link.conversation import Conversation
from rider_core.link.endpointing import Utterance
from rider_core.link.log_throttle import LogThrottle
from rider_core.link.messages import SAMPLE_RATE
from rider_core.link.microphone_stream import count_dropped
from rider_core.link.services import LinkServices
from rider_core.link.thread_watchdog import STUCK_ON_JOBS_AFTER_S, ThreadWatchdog
from rider_core.link.turn import Turn
from rider_core.metrics import LINK_DROPPED, UTTERANCES
from rider_core.tracing import traced

log = logging.getLogger(__name__)

#: Time from the end of speech to the transcript, in seconds. The robot falls back to its own recognition 5 s after the
#: last text from the PC. The second value applies where `keepalive` sets that timer back.
DEADLINE_S, KEPT_DEADLINE_S = 5.0, 15.0
#: Utterances in progress at once. At one every two seconds, the deadline of the first passes before this limit.
MAX_IN_PROGRESS = 8


@dataclass(frozen=True)
class _PendingUtterance:
    """
    Attributes:
        heard: When its end was detected (monotonic).
    """

    job_id: str
    duration_s: float
    turn: Turn
    heard: float


class AsrPipeline:
    """`recognise` waits for Redis, so it belongs to the executor's thread. Another thread waits for the transcripts."""

    def __init__(
        self,
        services: LinkServices,
        send: Callable[[str, dict[str, Any]], bool],
        fail_over: Callable[[str], None],
        conversation: Conversation,
        voice_keepalive: bool,
    ) -> None:
        """
        Args:
            send: Sends a message on the robot's bus.
            fail_over: Requests a failover of voice, with the reason.
            conversation: Answers the transcripts.
            voice_keepalive: The robot's voice service is kept alive, so a transcript may come later.
        """
        self._services = services
        self._send = send
        self._fail_over = fail_over
        self._conversation = conversation
        self._deadline_s = KEPT_DEADLINE_S if voice_keepalive else DEADLINE_S
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

    def recognise(self, utterance: Utterance, speech_ended: float, language: str | None) -> None:
        """Submit an utterance's job; the transcript is sent to the robot later.

        Args:
            speech_ended: When its speech ended (monotonic).
            language: As the robot set it, or the owner in the settings; None: to be detected.
        """
        heard = time.monotonic()
        turn = Turn(utterance.trace_id, heard - utterance.duration_s, speech_ended)
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
            deadline_ts=time.time() + self._left_s(speech_ended),
            retry=RetryPolicy(max_attempts=2),
            origin="robot",
            trace_id=turn.trace_id,
        )
        if self._pending.full():
            count_dropped("too_many")
            return
        try:
            self._services.backend.submit(spec)
        except RiderError as error:
            log.error("an utterance could not be submitted: %s", error)
            count_dropped("refused")
            self._fail_over(str(error))
            return
        queued = time.monotonic()
        turn.reach("heard", heard)
        turn.reach("queued", queued)
        turn.record_span("speech", turn.began, speech_ended)
        turn.record_span("end of speech", speech_ended, heard)
        turn.record_span("submission", heard, queued)
        self._pending.put_nowait(_PendingUtterance(spec.id, utterance.duration_s, turn, heard))

    def _run(self) -> None:
        for pending in self.watchdog.items(self._pending):
            with traced(pending.turn.trace_id):
                try:
                    self._deliver(pending)
                except Exception:  # the top of a thread
                    log.exception("job %s: its transcript could not be sent", pending.job_id)
                    count_dropped("failed")

    def _deliver(self, pending: _PendingUtterance) -> None:
        try:
            record = self._services.backend.wait(pending.job_id, max(0.05, self._left_s(pending.turn.speech_ended)))
            transcript = parse_message(Transcript, record.value())
        except (JobError, BackendUnavailable, InvalidInput) as error:
            self._fail(pending, error)
            return
        assert record.state is JobState.DONE
        self._measure(record, pending.turn)
        latency_s = time.monotonic() - pending.turn.speech_ended
        log.info("an utterance of %.1f s was understood %.2f s after its end", pending.duration_s, latency_s)
        if transcript.hint:
            self._hints.info(transcript.hint)
        delivered = None
        if transcript.text and not transcript.no_speech:
            self._send_transcript(transcript, pending.turn)
            delivered = time.monotonic()
            UTTERANCES.labels("recognised").inc()
        else:
            UTTERANCES.labels("no_speech").inc()
            _record_end(pending.turn)
        self._services.publish(
            "robot.transcript",
            job_id=pending.job_id,
            text=transcript.text,
            language=transcript.language,
            no_speech=transcript.no_speech,
            duration_s=round(pending.duration_s, 3),
            latency_s=round(latency_s, 3),
            provider=record.provider,
            mock=record.mock,
            trace_id=pending.turn.trace_id,
            captured_ts=Turn.wall_ts(pending.turn.began),
            speech_ended_ts=Turn.wall_ts(pending.turn.speech_ended),
            heard_ts=Turn.wall_ts(pending.heard),
            delivered_ts=None if delivered is None else Turn.wall_ts(delivered),
        )

    @staticmethod
    def _measure(record: JobRecord, turn: Turn) -> None:
        """The steps of the utterance's job. Its times are the wall clock's."""
        to_monotonic = time.monotonic() - time.time()
        for step, ts in (("started", record.started_ts), ("done", record.ended_ts)):
            if ts is not None:
                turn.reach(step, ts + to_monotonic)

    def _left_s(self, speech_ended: float) -> float:
        """Seconds until the transcript's deadline."""
        return speech_ended + self._deadline_s - time.monotonic()

    def _send_transcript(self, transcript: Transcript, turn: Turn) -> None:
        """Send the transcript to the robot, and answer it while the PC serves text."""
        body = {"text": transcript.text, "language": transcript.language, "ts": time.time()}
        if not self._conversation.wanted:
            self._send_result(body)
            self._delivered(turn)
            return
        # An empty reply keeps the robot's own chat silent; a result without a reply makes it answer.
        self._send_result({**body, "reply": ""})
        self._delivered(turn)
        self._conversation.answer(transcript.text, transcript.language, lambda: self._send_result(body), turn)

    @staticmethod
    def _delivered(turn: Turn) -> None:
        turn.reach("delivered")
        _record_end(turn)

    def _send_result(self, body: dict[str, Any]) -> None:
        if not self._send("voice.asr.result", body):
            LINK_DROPPED.labels("result").inc()

    def _fail(self, pending: _PendingUtterance, error: RiderError) -> None:
        late = isinstance(error, JobExpired | WaitTimeout)
        count_dropped("late" if late else "failed")
        _record_end(pending.turn, error=str(error))
        log.error("job %s: the robot gets no transcript: %s", pending.job_id, error)
        if isinstance(error, JobFailed) and error.cause == "invalid_input":
            return  # the fault of this sound, not of the engine
        self._fail_over(f"no transcript within {self._deadline_s:g} s" if late else str(error))


def _record_end(turn: Turn, error: str = "") -> None:
    """Record the root of the turn's spans. The answer's spans end later, and are its children all the same."""
    turn.record_span("utterance", turn.began, time.monotonic(), root=True, error=error)
