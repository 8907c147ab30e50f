"""The conversation: a transcript in, an answer out, each sentence spoken while the next is generated.

Only while the PC serves the robot's `text` domain; else the robot runs its own chat.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from rider_core.api.events import FINAL_KINDS, Event
from rider_core.api.jobs import JobSpec, Priority, RetryPolicy
from rider_core.api.text_generation import ChatMessage
from rider_core.errors import JobFailed, RiderError
from rider_core.link.sentence_splitter import SentenceSplitter
from rider_core.link.serial_executor import SerialExecutor
from rider_core.link.services import LinkServices
from rider_core.link.thread_watchdog import FEED_EVERY_S, STUCK_ON_JOBS_AFTER_S, ThreadWatchdog
from rider_core.link.tts_pipeline import TtsJob, TtsPipeline
from rider_core.link.turn import Turn
from rider_core.metrics import ANSWERS
from rider_core.timing import Stopwatch
from rider_core.tracing import traced

log = logging.getLogger(__name__)

#: The answer's job must start within this time, in seconds.
DEADLINE_S = 15.0
#: The longest time between two events of an answer's job, in seconds.
SILENCE_S = 20.0
#: About 200 words, a minute and a half of speech.
MAX_TOKENS = 300
#: The history: six questions with their answers, and seconds until it is cleared after the last of them.
MAX_TURNS, FORGOTTEN_AFTER_S = 12, 300.0
#: How often an interruption is checked for while the TTS queue is full, in seconds.
SLOT_WAIT_S = 0.2


@dataclass
class _SpokenAnswer:
    """One answer in progress.

    Attributes:
        turn: What the person said; None: unknown.
        interrupted: Set when the person speaks again.
        sentences: Those that were passed to the TTS pipeline.
        first_ms: From the transcript to the first complete sentence, in milliseconds.
        written: The beginning of the text, as the language model wrote it.
    """

    prompt: str
    language: str | None
    turn: Turn | None
    job_id: str = ""
    watch: Stopwatch = field(default_factory=Stopwatch.start)
    interrupted: threading.Event = field(default_factory=threading.Event)
    sentences: list[str] = field(default_factory=list)
    first_ms: float = 0.0
    written: str = ""

    @property
    def trace_id(self) -> str | None:
        return self.turn.trace_id if self.turn else None


class Conversation:
    """`answer` and `interrupt` may be called from any thread. The answers are made in a thread of its own."""

    def __init__(
        self,
        services: LinkServices,
        tts: TtsPipeline,
        serves_text: Callable[[], bool],
        fail_over: Callable[[str], None],
        executor: SerialExecutor,
        preset: str,
    ) -> None:
        """
        Args:
            serves_text: Whether the PC serves text now.
            fail_over: Requests a failover of text, with the reason.
            preset: Name of the system prompt.
        """
        self._services = services
        self._tts = tts
        self._serves_text = serves_text
        self._fail_over = fail_over
        self._executor = executor
        self._preset = preset
        self._turns: deque[ChatMessage] = deque(maxlen=MAX_TURNS)
        self._last_turn = time.monotonic()
        self._changed = threading.Condition()
        self._next: tuple[_SpokenAnswer, Callable[[], None]] | None = None
        self._current: _SpokenAnswer | None = None
        self._ends = False
        self.watchdog = ThreadWatchdog("conversation", STUCK_ON_JOBS_AFTER_S)
        self._thread = threading.Thread(target=self._run, name="conversation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        self.interrupt()
        self._thread.join(timeout=3)

    @property
    def wanted(self) -> bool:
        """Whether the next transcript is answered here, not by the robot's own chat."""
        return self._serves_text()

    def answer(
        self, prompt: str, language: str | None, unanswered: Callable[[], None], turn: Turn | None = None
    ) -> None:
        """Answer a transcript. An answer in progress is interrupted.

        Args:
            unanswered: Called when there is no sentence to speak, so that the robot's own chat answers.
            turn: What the person said; None: unknown.
        """
        self.interrupt()
        with self._changed:
            if self._next is not None:
                ANSWERS.labels("interrupted").inc()
            self._next = _SpokenAnswer(prompt, language, turn), unanswered
            self._changed.notify_all()

    def interrupt(self) -> None:
        """The person speaks: stop the current answer. A question that waits for its answer is kept."""
        current = self._current
        if current is None or current.interrupted.is_set():
            return
        current.interrupted.set()
        if current.job_id:
            self._stop_speaking(current)

    def _run(self) -> None:
        while True:
            self.watchdog.feed()
            with self._changed:
                self._changed.wait_for(lambda: self._ends or self._next is not None, FEED_EVERY_S)
                if self._ends:
                    return
                if self._next is None:
                    continue
                (answer, unanswered), self._next = self._next, None
                self._current = answer
            with traced(answer.trace_id):
                try:
                    self._answer(answer)
                except Exception as error:  # the top of a thread
                    self._fail(answer, error, unanswered)

    def _answer(self, answer: _SpokenAnswer) -> None:
        spec = self._spec(answer)
        answer.job_id = spec.id
        self._services.backend.submit(spec)
        splitter = SentenceSplitter(answer.language)
        for event in self._services.follow(spec.id, SILENCE_S):
            self.watchdog.feed()
            if answer.interrupted.is_set():
                break
            if event.kind == "job.partial":
                part = str(event.data.get("text", ""))
                answer.written = answer.written or part.strip()[:80]
                self._say_all(answer, splitter.feed(part))
            elif event.kind == "job.done":
                self._say_all(answer, splitter.flush())
                if answer.interrupted.is_set():  # a sentence may have been queued since `interrupt` stopped the others
                    break
                self._finish(answer, event)
                return
            elif event.kind in FINAL_KINDS:
                self._services.backend.get(spec.id).value()  # raises what happened
        if not answer.interrupted.is_set():
            raise JobFailed(f"the answer's job sent nothing for {SILENCE_S:g} s", cause="timeout")
        # Again, because `interrupt` may have been called before the job existed.
        self._stop_speaking(answer)
        self._finish(answer, None)

    def _stop_speaking(self, answer: _SpokenAnswer) -> None:
        self._tts.stop_answer(answer.job_id)
        self._executor.run(partial(self._cancel, answer.job_id))

    def _cancel(self, job_id: str) -> None:
        with suppress(RiderError):  # the rest of the text is discarded in any case
            self._services.backend.cancel(job_id)

    def _spec(self, answer: _SpokenAnswer) -> JobSpec:
        if time.monotonic() - self._last_turn > FORGOTTEN_AFTER_S:
            self._turns.clear()
        return JobSpec(
            task="text.generate",
            payload={
                "prompt": answer.prompt,
                "history": [turn.model_dump() for turn in self._turns],
                "preset": self._preset,
                "language": answer.language,
                "max_tokens": MAX_TOKENS,
            },
            priority=Priority.HIGH,
            deadline_ts=time.time() + DEADLINE_S,
            # A second attempt after the first sentence would speak another beginning.
            retry=RetryPolicy(max_attempts=1),
            stream=True,
            origin="robot",
            trace_id=answer.trace_id,
        )

    def _say_all(self, answer: _SpokenAnswer, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            job = TtsJob(sentence, answer.language, answer.job_id)
            job.turn, job.is_first = answer.turn, not answer.sentences
            while not answer.interrupted.is_set() and not self._tts.say(job, SLOT_WAIT_S):
                self.watchdog.feed()
            answer.first_ms = answer.first_ms or answer.watch.elapsed_ms
            answer.sentences.append(sentence)

    def _finish(self, answer: _SpokenAnswer, done: Event | None) -> None:
        """Add the answer to the history, and publish it.

        Args:
            done: The job's last event; None: the answer was interrupted.
        """
        if not answer.sentences and done is not None:
            if answer.written:  # only emoji or code: the fault of this answer, not of the engine
                raise JobFailed(f"there is nothing to say in {answer.written!r}", cause="invalid_input")
            raise JobFailed("the answer is empty")
        self._remember(answer)
        log.info("%d sentence(s) answer it, the first after %.0f ms", len(answer.sentences), answer.first_ms)
        ANSWERS.labels("interrupted" if done is None else "spoken").inc()
        self._services.publish(
            "robot.reply",
            job_id=answer.job_id,
            text=" ".join(answer.sentences)[:600],
            prompt=answer.prompt[:300],
            language=answer.language,
            interrupted=done is None,
            first_sentence_ms=round(answer.first_ms, 1),
            duration_ms=round(answer.watch.elapsed_ms, 1),
            provider=done.data.get("provider") if done else None,
            mock=done.data.get("mock") if done else None,
            trace_id=answer.trace_id,
        )

    def _remember(self, answer: _SpokenAnswer) -> None:
        """Models expect questions and answers in turns, so a question without an answer is left out."""
        if answer.sentences:
            self._turns.append(ChatMessage(role="user", content=answer.prompt))
            self._turns.append(ChatMessage(role="assistant", content=" ".join(answer.sentences)))
            self._last_turn = time.monotonic()

    def _fail(self, answer: _SpokenAnswer, error: Exception, unanswered: Callable[[], None]) -> None:
        ANSWERS.labels("failed").inc()
        if isinstance(error, RiderError):
            log.error("%r is not answered: %s", answer.prompt[:80], error)
        else:
            log.exception("%r is not answered", answer.prompt[:80])
        self._remember(answer)
        if not answer.sentences and not answer.interrupted.is_set():
            unanswered()
        if isinstance(error, JobFailed) and error.cause == "invalid_input":
            return  # the fault of this question, not of the engine
        self._fail_over(str(error))
