"""The robot's voice: a text in, its sound out piece by piece, one text after another, never mixed."""

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
from rider_core.link.background import Background
from rider_core.link.listening_pause import ListeningPause
from rider_core.link.loudspeaker import Loudspeaker
from rider_core.link.messages import SpeakRequest
from rider_core.link.options import House
from rider_core.link.pieces import PieceCutter
from rider_core.link.pulse import STUCK_ON_JOBS_AFTER_S, Pulse
from rider_core.link.refusals import Refusals
from rider_core.metrics import LINK_DROPPED
from rider_core.sayable import sayable
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: A request that no worker has begun by then is not spoken any more; the robot has better things to do than to wait.
DEADLINE_S = 10.0
#: Between two chunks, and before the first, at most this much may pass.
SILENCE_S = DEADLINE_S + 1
#: Texts that may wait for their turn.
MAX_WAITING = 8
#: One stretch of sound of an engine: some make a sentence at once. A minute at 48 kHz.
MAX_STRETCH_BYTES = 60 * 48_000 * 2
TOPIC = "voice.tts.request"


@dataclass
class Spoken:
    """A text on its way out.

    Attributes:
        answer: Which answer of ours it is a sentence of; None: the robot asked for it.
        hushed: Set when nobody wants to hear it any more.
        first_ms: From the request to the first piece.
        pieces: Those that were sent.
    """

    text: str
    voice: str | None
    answer: str | None = None
    job_id: str = ""
    watch: Stopwatch = field(default_factory=Stopwatch.start)
    hushed: threading.Event = field(default_factory=threading.Event)
    pieces: int = 0
    duration_s: float = 0.0
    first_ms: float = 0.0


def other_voices(voice: str | None) -> list[str | None]:
    """What stands in for a voice that the engine does not have: its language, then the default.

    The robot's documents name voices `piper-pl`, `alloy`, `pl-PL` and `pl_PL`.
    """
    if voice is None:
        return []
    codes = [language_code(voice), language_code(voice.rpartition("-")[2])]
    return [*dict.fromkeys(code for code in codes if code and code != voice), None]


class Speaking:
    """Texts may come from any thread; their sound is passed on in a thread of its own."""

    def __init__(
        self,
        house: House,
        loudspeaker: Loudspeaker,
        refusals: Refusals,
        background: Background,
        piece_s: float,
        pause: ListeningPause | None = None,
    ) -> None:
        """
        Args:
            piece_s: Length of a piece of speech, in seconds.
            pause: Lets a person interrupt a long answer; None: an answer has no pauses.
        """
        self._house = house
        self._loudspeaker = loudspeaker
        self._refusals = refusals
        self._background = background
        self._piece_s = piece_s
        self._pause = pause
        self._room = threading.BoundedSemaphore(MAX_WAITING)
        self._waiting: queue.SimpleQueue[Spoken | None] = queue.SimpleQueue()
        self._under_way: list[Spoken] = []
        self._lock = threading.Lock()
        self.pulse = Pulse("speaking", STUCK_ON_JOBS_AFTER_S)
        self._thread = threading.Thread(target=self._speak_all, name="speaking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._waiting.put(None)
        with self._lock:
            for spoken in self._under_way:
                spoken.hushed.set()
        self._thread.join(timeout=2)

    def take_request(self, body: dict[str, Any]) -> None:
        """Speak a text that the robot sent. Belongs to the bus's thread.

        Raises:
            InvalidInput, TooLarge: it cannot be; the message says why.
        """
        request = parse_message(SpeakRequest, body)
        if not sayable(request.text):
            raise InvalidInput(f"there is nothing to say in {request.text[:80]!r}")
        if not self._background.run(partial(self._say_requested, Spoken(request.text, request.voice))):
            raise _too_many()

    def _say_requested(self, spoken: Spoken) -> None:
        try:
            if not self.say(spoken, wait_s=0):
                raise _too_many()
        except RiderError as error:
            self._refusals.note(TOPIC, error)

    def say(self, spoken: Spoken, wait_s: float) -> bool:
        """Speak a text when its turn comes. False: so many wait that there was no room within `wait_s` seconds.

        Raises:
            InvalidInput, JobRefused, BackendUnavailable: it cannot be spoken.
        """
        if not self._room.acquire(timeout=wait_s):
            return False
        try:
            self._submit(spoken)
        except BaseException:
            self._room.release()
            raise
        with self._lock:
            self._under_way.append(spoken)
        self._waiting.put(spoken)
        return True

    def hush(self, answer: str) -> None:
        """Stop speaking an answer, in the middle of a word if need be."""
        with self._lock:
            hushed = [spoken for spoken in self._under_way if spoken.answer == answer]
        for spoken in hushed:
            spoken.hushed.set()
        if hushed:
            self._background.run(partial(self._cancel, [spoken.job_id for spoken in hushed]))

    def _cancel(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            with suppress(RiderError):  # its sound is thrown away, whether it is still made or not
                self._house.backend.cancel(job_id)

    def _submit(self, spoken: Spoken) -> None:
        spec = JobSpec(
            task="voice.synthesize",
            payload={"text": spoken.text, "voice": spoken.voice},
            priority=Priority.HIGH,
            deadline_ts=time.time() + DEADLINE_S,
            # After its first piece a second attempt would say the beginning twice.
            retry=RetryPolicy(max_attempts=1),
            stream=True,
            origin="robot",
        )
        spoken.job_id = self._house.backend.submit(spec)

    def _speak_all(self) -> None:
        for spoken in self.pulse.each(self._waiting):
            try:
                self._speak(spoken)
            except RiderError as error:
                self._refusals.note(TOPIC, error)
            except Exception:  # the top of a thread
                log.exception("job %s: its sound could not be passed on", spoken.job_id)
                LINK_DROPPED.labels("result").inc()
            finally:
                with self._lock:
                    self._under_way.remove(spoken)
                self._room.release()

    def _speak(self, spoken: Spoken) -> None:
        """In the voice that was asked for, or in the nearest that the engine has: a robot is never silent for that."""
        others = other_voices(spoken.voice)
        while True:
            try:
                self._pass_all_on(spoken)
            except JobFailed as error:
                if not others or spoken.pieces or error.cause != "invalid_input":
                    raise
                spoken.voice = others.pop(0)
                log.warning("%s; it is spoken in %s", error, spoken.voice or "the engine's default voice")
                self._submit(spoken)
            else:
                return

    def _pass_all_on(self, spoken: Spoken) -> None:
        if spoken.answer is not None and self._pause is not None and self._pause.wait(spoken.hushed):
            return
        cutter = PieceCutter(self._piece_s)
        for event in self._house.follow(spoken.job_id, SILENCE_S):
            self.pulse.beat()
            if spoken.hushed.is_set():
                return
            if event.kind == "job.partial":
                cutter.feed(_sound(event))
                self._pass_on(cutter, spoken)
            elif event.kind == "job.done":
                self._pass_on(cutter, spoken, final=True)
                self._loudspeaker.end(spoken.answer is not None)
                self._tell(spoken, event)
                return
            elif event.kind in FINAL_KINDS:
                self._house.backend.get(spoken.job_id).value()  # raises what happened
        if not spoken.hushed.is_set():
            raise JobFailed(f"nothing was heard of the text for {SILENCE_S:g} s", cause="timeout")

    def _pass_on(self, cutter: PieceCutter, spoken: Spoken, *, final: bool = False) -> None:
        """Send the pieces that are ready, each when the robot has nearly played what it has."""
        is_answer = spoken.answer is not None
        while (piece := cutter.next(urgent=self._loudspeaker.is_running_dry(), final=final)) is not None:
            self.pulse.beat()
            if self._loudspeaker.wait(is_answer, spoken.hushed):
                return
            if not self._loudspeaker.play(piece, is_answer, spoken.pieces):
                LINK_DROPPED.labels("result").inc()
            spoken.first_ms = spoken.first_ms or spoken.watch.elapsed_ms
            spoken.pieces += 1
            spoken.duration_s += piece.duration_s

    def _tell(self, spoken: Spoken, event: Event) -> None:
        self._house.tell(
            "robot.speech",
            text=spoken.text[:300],
            chunks=spoken.pieces,
            first_chunk_ms=round(spoken.first_ms, 1),
            duration_s=round(spoken.duration_s, 3),
            provider=event.data.get("provider"),
            mock=event.data.get("mock"),
        )


def _too_many() -> TooLarge:
    LINK_DROPPED.labels("message").inc()
    return TooLarge(f"{MAX_WAITING} texts wait to be spoken already", remedy="try again when they are spoken")


def _sound(event: Event) -> AudioClip:
    """The next stretch of sound of a job."""
    try:
        chunk = parse_message(AudioChunk, event.data)
        data = decode_base64(chunk.audio, max_bytes=MAX_STRETCH_BYTES, name="audio")
        return AudioClip.from_wav(data) if chunk.format == "wav" else AudioClip(data, chunk.sample_rate)
    except InvalidInput as error:
        raise JobError(f"a worker sent a stretch of sound that is none: {error}") from None
