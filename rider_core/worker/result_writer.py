"""Stores the results of completed attempts: of short jobs several in one round trip, each within `LATEST_S`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

import redis

from rider_core.jobs import NOT_STARTED, JobConsumer, LeasedJob, Outcome
from rider_core.worker.attempt import CompletedAttempt

log = logging.getLogger(__name__)

#: A robot's camera sends five frames a second: a log line for each would hide all others.
FREQUENT_TASKS = frozenset({"vision.detect"})

#: Maximum time in seconds that a result waits for others: the next job may turn out to be a long one.
LATEST_S = 0.02
#: Pause in seconds between two looks at the waiting results. Waking the thread for each costs more than a short job.
LOOK_S = LATEST_S / 2


class ResultWriter:
    """Holds one worker's results until they are stored."""

    def __init__(self, consumer: JobConsumer) -> None:
        self._consumer = consumer
        self._waiting: list[CompletedAttempt] = []
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._seen = self._waiting
        self._came = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="results", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Results that still wait are stored by `commit_and_dequeue`."""
        self._stop.set()
        self._filled.set()
        self._thread.join(timeout=1)

    def put(self, done: CompletedAttempt, last: bool) -> None:
        """Add a result.

        Args:
            last: No other job is run before the next `commit_and_dequeue`.
        """
        with self._lock:
            self._waiting.append(done)
            self._came = True
            if not last and not self._filled.is_set():
                self._filled.set()

    def commit_and_dequeue(self, limits: Mapping[str, int] | None) -> list[LeasedJob]:
        """Store all results, and lease the next jobs (`JobConsumer.commit_and_dequeue`).

        Raises:
            BackendUnavailable, redis.RedisError: the results are lost; the leases of their jobs will run out.
        """
        together = self.take_all()
        kept, leased_jobs = self._consumer.commit_and_dequeue([done.ended for done in together], limits)
        log_results(together, kept)
        return leased_jobs

    def take_all(self) -> list[CompletedAttempt]:
        """The results that wait; the caller stores them."""
        with self._lock:
            together, self._waiting = self._waiting, []
        return together

    def _run(self) -> None:
        while not self._stop.is_set():
            self._filled.wait()
            self._stop.wait(LOOK_S)
            together = self._left_over()
            if together:
                try:
                    log_results(together, self._consumer.commit([done.ended for done in together]))
                except redis.RedisError as error:
                    log.error("%d result(s) could not be stored: %s", len(together), error)
                    self._consumer.nack([done.ended.leased for done in together])

    def _left_over(self) -> list[CompletedAttempt]:
        """The results that waited at the last look, too. Without new results the next look waits for one."""
        with self._lock:
            left = self._waiting if self._waiting is self._seen else []
            if left:
                self._waiting = []
            elif not self._came:
                self._filled.clear()
            self._seen, self._came = self._waiting, False
            return left


def log_results(together: list[CompletedAttempt], kept: list[bool]) -> None:
    """Log what was stored; one line for several short jobs."""
    for done, was_kept in zip(together, kept, strict=True):
        if not was_kept:
            log.warning("job %s: its lease was lost, the result is discarded", done.ended.leased.id)
    if len(together) == 1 and kept[0] and together[0].ended.outcome not in NOT_STARTED:
        (done,) = together
        went_well = done.ended.outcome is Outcome.DONE
        log.log(
            logging.DEBUG if went_well and done.task in FREQUENT_TASKS else logging.INFO,
            "job %s (%s) %s in %.0f ms",
            done.ended.leased.id,
            done.task,
            done.ended.outcome.value,
            done.seconds * 1000,
        )
    elif any(done.ended.outcome not in NOT_STARTED for done in together):
        log.info("%d jobs ended in %.0f ms", len(together), sum(done.seconds for done in together) * 1000)
