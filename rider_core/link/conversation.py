"""The robot's conversation: what a person said in, an answer out, each sentence spoken while the next is written.

Only while the robot lets us serve its `text` domain; else it runs its own chat.
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
from rider_core.metrics import ANSWERS
from rider_core.timing import Stopwatch

log = logging.getLogger(__name__)

#: Nobody waits longer for a robot to begin with its answer.
DEADLINE_S = 15.0
#: The longest silence of a language model in the middle of an answer.
SILENCE_S = 20.0
#: An answer is spoken: some 200 words, a minute and a half.
MAX_TOKENS = 300
#: Turns that are remembered: six questions with their answers; and for how long after the last of them.
MAX_TURNS, FORGOTTEN_AFTER_S = 12, 300.0
#: One look at whether somebody interrupts, while there is no room for another sentence.
ROOM_S = 0.2


@dataclass
class _SpokenAnswer:
    """One answer on its way.

    Attributes:
        interrupted: Set when the person speaks again.
        first_ms: From the end of the question's recognition to the first complete sentence.
        written: The beginning of the text, as the language model wrote it.
    """

    prompt: str
    language: str | None
    job_id: str = ""
    watch: Stopwatch = field(default_factory=Stopwatch.start)
    interrupted: threading.Event = field(default_factory=threading.Event)
    sentences: list[str] = field(default_factory=list)
    first_ms: float = 0.0
    written: str = ""


class Conversation:
    """`answer` and `interrupt` may be called from any thread; the answers are made in a thread of its own."""

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
            serves_text: Whether the robot lets us answer now.
            give_back: Hands text back to the robot, with the reason.
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
        self._thread = threading.Thread(target=self._answer_all, name="conversation", daemon=True)

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
        """Whether what a person says next is answered here, and not by the robot's own chat."""
        return self._serves_text()

    def answer(self, prompt: str, language: str | None, unanswered: Callable[[], None]) -> None:
        """Answer what a person said; whatever is still being answered is broken off: the last word counts.

        Args:
            unanswered: Called when nothing could be said, so that the robot may answer by itself.
        """
        self.interrupt()
        with self._changed:
            if self._next is not None:
                ANSWERS.labels("interrupted").inc()
            self._next = _SpokenAnswer(prompt, language), unanswered
            self._changed.notify_all()

    def interrupt(self) -> None:
        """The person speaks: be silent. What the person asked before, and waits for its answer, is still answered."""
        current = self._current
        if current is None or current.interrupted.is_set():
            return
        current.interrupted.set()
        if current.job_id:
            self._stop(current)

    def _answer_all(self) -> None:
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
            try:
                self._answer(answer)
            except Exception as error:  # the top of a thread
                self._fail(answer, error, unanswered)

    def _answer(self, answer: _SpokenAnswer) -> None:
        spec = self._spec(answer)
        answer.job_id = spec.id
        self._services.backend.submit(spec)
        cutter = SentenceSplitter(answer.language)
        for event in self._services.follow(spec.id, SILENCE_S):
            self.watchdog.feed()
            if answer.interrupted.is_set():
                break
            if event.kind == "job.partial":
                piece = str(event.data.get("text", ""))
                answer.written = answer.written or piece.strip()[:80]
                self._say_all(answer, cutter.feed(piece))
            elif event.kind == "job.done":
                self._say_all(answer, cutter.flush())
                self._finish(answer, event)
                return
            elif event.kind in FINAL_KINDS:
                self._services.backend.get(spec.id).value()  # raises what happened
        if not answer.interrupted.is_set():
            raise JobFailed(f"nothing was heard of the answer for {SILENCE_S:g} s", cause="timeout")
        # Again, because `interrupt` may have come before there was a job.
        self._stop(answer)
        self._finish(answer, None)

    def _stop(self, answer: _SpokenAnswer) -> None:
        self._tts.stop_answer(answer.job_id)
        self._executor.run(partial(self._cancel, answer.job_id))

    def _cancel(self, job_id: str) -> None:
        with suppress(RiderError):  # what is still written is thrown away in any case
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
            # After its first sentence a second attempt would say another beginning.
            retry=RetryPolicy(max_attempts=1),
            stream=True,
            origin="robot",
        )

    def _say_all(self, answer: _SpokenAnswer, sentences: Iterable[str]) -> None:
        for sentence in sentences:
            spoken = TtsJob(sentence, answer.language, answer.job_id)
            while not answer.interrupted.is_set() and not self._tts.say(spoken, ROOM_S):
                self.watchdog.feed()
            answer.first_ms = answer.first_ms or answer.watch.elapsed_ms
            answer.sentences.append(sentence)

    def _finish(self, answer: _SpokenAnswer, done: Event | None) -> None:
        """Remember what was said, and tell it.

        Args:
            done: The job's last event; None: the answer was broken off.
        """
        if not answer.sentences and done is not None:
            if answer.written:  # emoji, or code: such an answer is none, others are
                raise JobFailed(f"there is nothing to say in {answer.written!r}", cause="invalid_input")
            raise JobFailed("the answer is empty")
        self._remember(answer)
        ANSWERS.labels("interrupted" if done is None else "spoken").inc()
        self._services.publish(
            "robot.reply",
            text=" ".join(answer.sentences)[:600],
            prompt=answer.prompt[:300],
            language=answer.language,
            interrupted=done is None,
            first_sentence_ms=round(answer.first_ms, 1),
            duration_ms=round(answer.watch.elapsed_ms, 1),
            provider=done.data.get("provider") if done else None,
            mock=done.data.get("mock") if done else None,
        )

    def _remember(self, answer: _SpokenAnswer) -> None:
        """Models want a question and an answer in turns, so one without a word in reply is left out."""
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
        if not (
            isinstance(error, JobFailed) and error.cause == "invalid_input"
        ):  # such a question fails, others do not
            self._fail_over(str(error))
