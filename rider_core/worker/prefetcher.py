"""Leases the next short jobs while one runs, in the round trip that stores the results before it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import redis

from rider_core.errors import BackendUnavailable
from rider_core.jobs import AttemptResult, JobConsumer, LeasedJob, Outcome
from rider_core.worker.attempt import CompletedAttempt
from rider_core.worker.result_writer import ResultWriter, log_results

log = logging.getLogger(__name__)

#: Time in seconds after which a prefetched job that was not started is given back to other workers.
PREFETCHED_FOR_S = 1.0


class Prefetcher:
    """Runs one round trip at a time, in a thread of its own."""

    def __init__(self, consumer: JobConsumer, results: ResultWriter) -> None:
        self._consumer = consumer
        self._results = results
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._lock = threading.Lock()
        self._under_way: Future[list[LeasedJob]] | None = None
        self._sent = threading.Event()
        self._sent.set()

    def stop(self) -> None:
        """End the thread once the round trip under way is over."""
        self._thread.shutdown()

    def prefetch(self, started: Sequence[LeasedJob], limits: Mapping[str, int] | None) -> None:
        """Store all results and lease the next jobs, while the worker runs the present ones (`JobConsumer.prefetch`).

        Args:
            started: The present jobs, where they were prefetched.
        """
        self._sent.clear()
        self._under_way = self._thread.submit(self._prefetch, self._results.take_all(), started, limits)

    def wait_until_sent(self) -> None:
        """Wait until the last `prefetch` is sent: its results must not be lost with a job that ends the process.

        Waiting for Redis's answer would cost the time that prefetching saves.
        """
        self._sent.wait()

    def prefetched(self) -> list[LeasedJob]:
        """The jobs that the last `prefetch` leased; waits for them. Each is returned once."""
        with self._lock:
            under_way, self._under_way = self._under_way, None
        return under_way.result() if under_way else []

    def return_prefetched(self) -> None:
        """Requeue the prefetched jobs where the running one turned out to be long. From any thread."""
        with self._lock:
            prefetched = self._under_way.result() if self._under_way and self._under_way.done() else []
            if not prefetched or time.time() - prefetched[0].started_ts < PREFETCHED_FOR_S:
                return
            self._under_way = None
        log.info("%d prefetched job(s) are given back", len(prefetched))
        self._consumer.commit([AttemptResult(leased, Outcome.RELEASED) for leased in prefetched])

    def _prefetch(
        self, completed: list[CompletedAttempt], started: Sequence[LeasedJob], limits: Mapping[str, int] | None
    ) -> list[LeasedJob]:
        try:
            stored, leased_jobs = self._consumer.prefetch(
                [attempt.result for attempt in completed], started, limits, self._sent.set
            )
        except (redis.RedisError, BackendUnavailable) as error:
            log.error("%d result(s) could not be stored: %s", len(completed), error)
            return []
        finally:
            self._sent.set()
        log_results(completed, stored)
        return leased_jobs
