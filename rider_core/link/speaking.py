"""The robot's voice: a text in, its sound out chunk by chunk, one request after another, never mixed."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from rider_core.api.events import FINAL_KINDS, Event
from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.messages import parse_message
from rider_core.api.text_to_speech import AudioChunk
from rider_core.errors import InvalidInput, JobError, JobFailed, RiderError, TooLarge
from rider_core.link.messages import SpeakRequest
from rider_core.link.options import House
from rider_core.link.refusals import Refusals
from rider_core.metrics import LINK_DROPPED
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: A request that no worker has begun by then is not spoken any more; the robot has better things to do than to wait.
DEADLINE_S = 10.0
#: Between two chunks, and before the first, at most this much may pass.
SILENCE_S = DEADLINE_S + 1
#: Requests that may wait for their turn.
MAX_WAITING = 8
TOPIC = "voice.tts.request"


class Speaking:
    """`take_request` belongs to the bus's thread; the chunks are passed on in a thread of its own."""

    def __init__(self, house: House, send: Callable[[str, dict[str, Any]], bool], refusals: Refusals) -> None:
        self._house = house
        self._send = send
        self._refusals = refusals
        self._waiting: queue.Queue[tuple[str, str, Stopwatch] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._speak_all, name="speaking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        try:
            self._waiting.put(None, timeout=1)
        except queue.Full:
            log.warning("texts are still waiting to be spoken at the end")
        self._thread.join(timeout=2)

    def take_request(self, body: dict[str, Any]) -> None:
        """Speak a text.

        Raises:
            InvalidInput, TooLarge, JobRefused, BackendUnavailable: it cannot be; the message says why.
        """
        request = parse_message(SpeakRequest, body)
        watch = Stopwatch.start()
        if self._waiting.full():
            LINK_DROPPED.labels("message").inc()
            raise TooLarge(f"{MAX_WAITING} texts wait to be spoken already", remedy="try again when they are spoken")
        spec = JobSpec(
            task="voice.synthesize",
            payload={"text": request.text, "voice": request.voice},
            priority=Priority.HIGH,
            deadline_ts=time.time() + DEADLINE_S,
            # After its first chunk a second attempt would say the beginning twice.
            retry=RetryPolicy(max_attempts=1),
            stream=True,
            origin="robot",
        )
        self._house.backend.submit(spec)
        self._waiting.put_nowait((spec.id, request.text, watch))

    def _speak_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            try:
                self._speak(*waiting)
            except RiderError as error:
                self._refusals.note(TOPIC, error)
            except Exception:  # the top of a thread
                log.exception("job %s: its sound could not be passed on", waiting[0])
                LINK_DROPPED.labels("result").inc()

    def _speak(self, job_id: str, text: str, watch: Stopwatch) -> None:
        chunks, duration_s, first_ms = 0, 0.0, 0.0
        for event in self._house.follow(job_id, SILENCE_S):
            if event.kind == "job.partial":
                chunk = self._pass_on(event)
                first_ms = first_ms or watch.elapsed_ms
                chunks += 1
                duration_s += chunk.duration_s
            elif event.kind == "job.done":
                self._tell(text, chunks, duration_s, first_ms, event)
                return
            elif event.kind in FINAL_KINDS - {"job.done"}:
                self._house.backend.get(job_id).value()  # raises what happened
        raise JobFailed(f"nothing was heard of the text for {SILENCE_S:g} s", cause="timeout")

    def _pass_on(self, event: Event) -> AudioChunk:
        try:
            chunk = parse_message(AudioChunk, event.data)
        except InvalidInput as error:
            raise JobError(f"a worker sent a chunk that is none: {error}") from None
        body = {"audio": chunk.audio, "format": "wav", "sample_rate": chunk.sample_rate, "seq": chunk.seq}
        if not self._send("voice.tts.chunk", {**body, "ts": time.time()}):
            LINK_DROPPED.labels("result").inc()
        return chunk

    def _tell(self, text: str, chunks: int, duration_s: float, first_ms: float, event: Event) -> None:
        self._house.tell(
            "robot.speech",
            text=text[:300],
            chunks=chunks,
            first_chunk_ms=round(first_ms, 1),
            duration_s=round(duration_s, 3),
            provider=event.data.get("provider"),
            mock=event.data.get("mock"),
        )
