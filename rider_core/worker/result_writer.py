"""Stores the results of completed attempts: of short jobs several in one round trip, each within `LATEST_S`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

import redis

from rider_core.jobs import NOT_STARTED, JobConsumer, LeasedJob, Outcome
from rider_core.tracing import traced
from rider_core.worker.attempt import CompletedAttempt

log = logging.getLogger(__name__)

#: A robot's camera sends five frames a second: a log line for each would hide all others.
FREQUENT_TASKS = frozenset({"vision.detect"})

#: Maximum time in seconds that a result waits for others: the next job may turn out to be a long one.
LATEST_S = 0.02
#: Pause in seconds between two looks at the waiting results. Waking the thread for each costs more than a short job.
POLL_S = LATEST_S / 2


class ResultWriter:
    """Holds one worker's results until they are stored."""

    def __init__(self, consumer: JobConsumer) -> None:
        self._consumer = consumer
        self._waiting: list[CompletedAttempt] = []
        self._lock = threading.Lock()
        self._has_results = threading.Event()
        self._seen = self._waiting
        self._has_new = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="results", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Results that still wait are stored by `commit_and_dequeue`."""
        self._stop.set()
        self._has_results.set()
        self._thread.join(timeout=1)

    def put(self, completed: CompletedAttempt, last: bool) -> None:
        """Add a result.

        Args:
            last: No other job is run before the next `commit_and_dequeue`.
        """
        with self._lock:
            self._waiting.append(completed)
            self._has_new = True
            if not last and not self._has_results.is_set():
                self._has_results.set()

    def commit_and_dequeue(self, limits: Mapping[str, int] | None) -> list[LeasedJob]:
        """Store all results, and lease the next jobs (`JobConsumer.commit_and_dequeue`).

        Raises:
            BackendUnavailable, redis.RedisError: the results are lost; the leases of their jobs will run out.
        """
        completed = self.take_all()
        stored, leased_jobs = self._consumer.commit_and_dequeue([attempt.result for attempt in completed], limits)
        log_results(completed, stored)
        return leased_jobs

    def take_all(self) -> list[CompletedAttempt]:
        """The results that wait; the caller stores them."""
        with self._lock:
            completed, self._waiting = self._waiting, []
        return completed

    def _run(self) -> None:
        while not self._stop.is_set():
            self._has_results.wait()
            self._stop.wait(POLL_S)
            completed = self._take_late()
            if completed:
                results = [attempt.result for attempt in completed]
                try:
                    log_results(completed, self._consumer.commit(results))
                except redis.RedisError as error:
                    log.error("%d result(s) could not be stored: %s", len(results), error)
                    self._consumer.nack([result.leased for result in results])

    def _take_late(self) -> list[CompletedAttempt]:
        """The results that waited at the last look, too. Without new results the next look waits for one."""
        with self._lock:
            late = self._waiting if self._waiting is self._seen else []
            if late:
                self._waiting = []
            elif not self._has_new:
                self._has_results.clear()
            self._seen, self._has_new = self._waiting, False
            return late


def log_results(completed: list[CompletedAttempt], stored: list[bool]) -> None:
    """Log what was stored; one line for several short jobs."""
    for attempt, is_stored in zip(completed, stored, strict=True):
        if not is_stored:
            log.warning("job %s: its lease was lost, the result is discarded", attempt.result.leased.id)
    if len(completed) == 1 and stored[0] and completed[0].result.outcome not in NOT_STARTED:
        (attempt,) = completed
        is_done = attempt.result.outcome is Outcome.DONE
        with traced(attempt.trace_id):
            log.log(
                logging.DEBUG if is_done and attempt.task in FREQUENT_TASKS else logging.INFO,
                "job %s (%s) %s in %.0f ms",
                attempt.result.leased.id,
                attempt.task,
                attempt.result.outcome.value,
                attempt.seconds * 1000,
            )
    elif any(attempt.result.outcome not in NOT_STARTED for attempt in completed):
        log.info("%d jobs ended in %.0f ms", len(completed), sum(attempt.seconds for attempt in completed) * 1000)
