"""Stores the results of completed attempts: of short jobs several in one round trip, each within `LATEST_S`.

In the same round trip the next jobs are fetched, also while one runs (prefetching).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import redis

from rider_core.errors import BackendUnavailable
from rider_core.jobs import NOT_STARTED, AttemptResult, JobConsumer, LeasedJob, Outcome
from rider_core.worker.attempt import CompletedAttempt

log = logging.getLogger(__name__)

#: A robot's camera has five frames a second looked at: a line for each would hide all others.
FREQUENT_TASKS = frozenset({"vision.detect"})

#: Maximum time in seconds that a result waits for others: the next job may turn out to be a long one.
LATEST_S = 0.02
#: Pause in seconds between two looks at the waiting results. Waking the thread for each costs more than a short job.
LOOK_S = LATEST_S / 2
#: Time in seconds after which a prefetched job that was not started is given back to other workers.
PREFETCHED_FOR_S = 1.0


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
        self._messenger = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._prefetched: Future[list[LeasedJob]] | None = None
        self._sent = threading.Event()
        self._sent.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the threads. What is still there is committed by `commit_and_dequeue`."""
        self._messenger.shutdown()
        self._stop.set()
        self._filled.set()
        self._thread.join(timeout=1)

    def put(self, done: CompletedAttempt, last: bool) -> None:
        """Take a result in.

        Args:
            last: No other job is run before the next `commit_and_dequeue`.
        """
        with self._lock:
            self._waiting.append(done)
            self._came = True
            if not last and not self._filled.is_set():
                self._filled.set()

    def commit_and_dequeue(self, limits: Mapping[str, int] | None) -> list[LeasedJob]:
        """Commit everything, and take the next claims (`JobConsumer.commit_and_dequeue`).

        Raises:
            BackendUnavailable, redis.RedisError: what was there is lost; its leases will run out.
        """
        together = self._emptied()
        kept, leased_jobs = self._consumer.commit_and_dequeue([done.ended for done in together], limits)
        self._tell(together, kept)
        return leased_jobs

    def prefetch(self, begun: Sequence[LeasedJob], limits: Mapping[str, int] | None) -> None:
        """Commit everything and take the next claims, while the worker does what it has (`JobConsumer.prefetch`).

        Args:
            begun: The claims that it has, where they were taken ahead.
        """
        self._sent.clear()
        self._prefetched = self._messenger.submit(self._prefetch, self._emptied(), begun, limits)

    def wait_until_sent(self) -> None:
        """Wait until the last `prefetch` is sent: its results must not be lost with a job that ends the process.

        Waiting for Redis's answer would cost the time that prefetching saves.
        """
        self._sent.wait()

    def prefetched(self) -> list[LeasedJob]:
        """The jobs that the last `prefetch` fetched; waits for them. Each is returned once."""
        with self._lock:
            under_way, self._prefetched = self._prefetched, None
        return under_way.result() if under_way else []

    def give_back(self) -> None:
        """Give back the prefetched jobs where the running one turned out to be long. From any thread."""
        with self._lock:
            waiting = self._prefetched.result() if self._prefetched and self._prefetched.done() else []
            if not waiting or time.time() - waiting[0].started_ts < PREFETCHED_FOR_S:
                return
            self._prefetched = None
        log.info("%d job(s) taken ahead are given back", len(waiting))
        self._consumer.commit([AttemptResult(leased, Outcome.RELEASED) for leased in waiting])

    def _prefetch(
        self, together: list[CompletedAttempt], begun: Sequence[LeasedJob], limits: Mapping[str, int] | None
    ) -> list[LeasedJob]:
        try:
            kept, leased_jobs = self._consumer.prefetch(
                [done.ended for done in together], begun, limits, self._sent.set
            )
        except (redis.RedisError, BackendUnavailable) as error:
            log.error("what came of %d job(s) could not be stored: %s", len(together), error)
            return []
        finally:
            self._sent.set()
        self._tell(together, kept)
        return leased_jobs

    def _emptied(self) -> list[CompletedAttempt]:
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
                    self._tell(together, self._consumer.commit([done.ended for done in together]))
                except redis.RedisError as error:
                    log.error("what came of jobs could not be stored: %s", error)
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

    def _tell(self, together: list[CompletedAttempt], kept: list[bool]) -> None:
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
