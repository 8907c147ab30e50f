"""A worker's second thread: it renews the leases of running jobs and the worker's record in Redis.

It also requeues the jobs of dead workers, receives cancellations, and ends the process when an engine hangs.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import redis

from rider_core.api.jobs import JobProblem
from rider_core.errors import BackendUnavailable
from rider_core.jobs import AttemptResult, JobConsumer, LeasedJob, Outcome
from rider_core.timing import ClockWatch, Stopwatch
from rider_core.worker.attempt import ActiveJob

log = logging.getLogger(__name__)

#: Exit status of a worker whose engine hung: sysexits.h's EX_SOFTWARE. The supervisor starts a new one.
EXIT_ENGINE_HANGS = 70


class HeartbeatThread:
    """Runs beside the worker's main thread."""

    def __init__(
        self, consumer: JobConsumer, renew_record: Callable[[], None], on_hang: Callable[[], None], timeout_s: float
    ) -> None:
        """
        Args:
            renew_record: Renews the worker's own record.
            on_hang: Called before the process ends because its engine hangs.
            timeout_s: Maximum time of one call of an engine, in seconds.
        """
        self._consumer = consumer
        self._renew_record = renew_record
        self._on_hang = on_hang
        self._timeout_s = timeout_s
        self._active: list[ActiveJob] = []
        self._clock = ClockWatch()
        self._jumped: Stopwatch | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """To be called before the first job is leased: a cancellation is published once.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        self._consumer.subscribe_cancellations()
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if it runs. May be called again."""
        self._stop.set()
        if not self._thread.is_alive():
            return
        with suppress(redis.RedisError):
            self._consumer.wake()
        self._thread.join(timeout=self._consumer.timings.heartbeat_s)

    def hold(self, leased_jobs: Sequence[LeasedJob]) -> list[ActiveJob]:
        """From the next heartbeat on, renew the leases of these jobs instead of those before."""
        self._active = [ActiveJob(leased) for leased in leased_jobs]
        return self._active

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._beat()
            except (redis.RedisError, BackendUnavailable) as error:
                log.warning("a heartbeat failed: %s", error)
            self._receive_cancellations()

    def _receive_cancellations(self) -> None:
        """Mark jobs that are cancelled, until the next heartbeat is due."""
        watch = Stopwatch.start()
        while not self._stop.is_set() and (left_s := self._consumer.timings.heartbeat_s - watch.elapsed_s) > 0:
            try:
                job_id = self._consumer.next_cancelled(left_s)
            except redis.RedisError as error:
                log.warning("Redis cannot be reached: %s", error)
                self._stop.wait(left_s)
                return
            for job in self._active:
                if job.leased.id == job_id:
                    log.info("job %s was cancelled", job_id)
                    job.cancelled = True

    def _beat(self) -> None:
        active = self._active
        if any(job.engine_call and not job.ended and job.engine_call.elapsed_s > self._timeout_s for job in active):
            self._end_process(active)
        running = [job for job in active if not job.ended and not job.cancelled]
        lost = self._consumer.heartbeat([job.leased for job in running]) if running else []
        for job in running:
            # A job that ended in the meantime has no lease any more.
            if job.leased in lost and not job.ended and not job.cancelled:
                log.warning("job %s: the lease is lost, another worker may have it", job.leased.id)
                job.cancelled = True
        self._renew_record()
        waiting_again = self._reap()
        if waiting_again:
            log.warning("%d job(s) of dead workers wait again", waiting_again)

    def _reap(self) -> int:
        """Requeue the jobs of dead workers, and return their number.

        After the clock was set forward, or the machine slept, every lease has run out: its holder may renew it first.
        """
        jump_s = self._clock.jumped_s()
        if jump_s:
            log.warning("the clock went %s by %.0f s", "forward" if jump_s > 0 else "back", abs(jump_s))
            self._jumped = Stopwatch.start()
        if self._jumped is not None and self._jumped.elapsed_s < self._consumer.timings.lease_s:
            return 0
        return self._consumer.reap()

    def _end_process(self, active: Sequence[ActiveJob]) -> None:
        """A thread that hangs in an engine cannot be stopped, so its process ends. Jobs not started are requeued."""
        problem = JobProblem(code="timeout", message=f"the engine did not answer within {self._timeout_s:g} s")
        log.error("%s; this worker ends", problem.message)
        self._on_hang()
        left = [job for job in active if not job.ended]
        self._consumer.commit(
            [AttemptResult.with_problem(job.leased, Outcome.FAILED, problem) for job in left if job.engine_call]
            + [AttemptResult(job.leased, Outcome.RELEASED) for job in left if not job.engine_call]
        )
        os._exit(EXIT_ENGINE_HANGS)
