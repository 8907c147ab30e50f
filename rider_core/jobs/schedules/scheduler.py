"""The scheduler: rq-scheduler's process, with our own steps between Redis and the queue.

A due time has three steps: begin (is its job to be submitted?), submit, advance. The job's id comes from the due time,
so if the process dies after any of them, or another scheduler does the same, there is still one job.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, NoReturn

import rq_scheduler

from rider_core.api.job_backend import JobBackend
from rider_core.api.jobs import JobSpec
from rider_core.errors import BackendUnavailable, InvalidInput, JobRefused, QueueFull
from rider_core.jobs.schedules import protocol
from rider_core.jobs.schedules.backoff import Backoff
from rider_core.jobs.schedules.due_store import DueStore, Entry, Submission
from rider_core.jobs.schedules.plan import Step, plan
from rider_core.jobs.schedules.times import due_times
from rider_core.metrics import SCHEDULER_BEAT, process_name
from rider_core.redis_errors import redis_errors
from rider_core.timing import ClockWatch, Stopwatch, backoff_delays

log = logging.getLogger(__name__)

#: Maximum time between two heartbeats, each with a look at all due times, in seconds. rq-scheduler counts a scheduler
#: as dead ten seconds later.
BEAT_S = 10.0
#: Maximum wait of one blocking read, in seconds: a scheduler stops within this time.
READ_S = 1.0
#: Maximum number of delayed schedules in the process's status.
PROBLEMS_SHOWN = 5


class Scheduler(rq_scheduler.Scheduler):  # type: ignore[misc]  # it has no types
    """Submits due jobs until it is stopped. Any number of schedulers may run side by side."""

    scheduled_jobs_key = protocol.due_key()

    def __init__(self, due_store: DueStore, backend: JobBackend) -> None:
        super().__init__(connection=due_store.connection, interval=BEAT_S)
        self._due_store = due_store
        self._backend = backend
        self._backoff = Backoff()
        self._busy = False
        #: None before the first round, which also finds a clock that was set back before the start.
        self._clock: ClockWatch | None = None
        self._stop = threading.Event()

    def stop(self) -> None:
        """End `run` after the present step. May be called by a signal handler."""
        self._stop.set()

    def describe(self) -> dict[str, Any]:
        """The process's status on the event bus."""
        return {
            "role": "scheduler",
            "name": f"scheduler-{os.getpid()}",
            "queues": [],
            "state": "busy" if self._busy else "idle",
            "providers": [],
            "problems": self._backoff.reasons()[:PROBLEMS_SHOWN],
        }

    def run(self, burst: bool = False) -> None:
        """Submit due jobs until `stop` is called; with `burst` those that are due now. Survives outages of Redis."""
        delays_s = backoff_delays(0.2, 5.0)
        while not self._stop.is_set():
            try:
                self.heartbeat()
                self._handle_clock_jump()
                self.enqueue_jobs()
                if burst:
                    break
                self._wait()
                delays_s = backoff_delays(0.2, 5.0)
            except BackendUnavailable as error:
                log.warning("%s", error)
                self._stop.wait(next(delays_s))
        try:
            with redis_errors():
                self.register_death()
        except BackendUnavailable as error:
            log.debug("the end could not be registered: %s", error)

    def heartbeat(self) -> None:
        """Unlike rq-scheduler's, it registers again after an outage of Redis that was longer than its expiry."""
        with redis_errors():
            if not self.connection.expire(self.key, int(BEAT_S) + 10):
                self.register_birth()
        SCHEDULER_BEAT.labels(process_name()).set(self._due_store.clock())

    def enqueue_jobs(self) -> None:
        """Handle every due time that has come."""
        while (due := self._backoff.ready(self._due_store.due(self._due_store.clock()))) and not self._stop.is_set():
            self._busy = True
            for schedule_id, due_ts in due:
                self.enqueue_job(self._due_store.read(schedule_id, due_ts))
        self._busy = False

    def enqueue_job(self, job: Entry) -> None:
        """Handle one due time. An error in one schedule does not affect the others.

        Raises:
            BackendUnavailable: the schedules themselves cannot be reached.
        """
        try:
            schedule = job.schedule()
            step = plan(schedule, due_times(schedule), job.due, self._due_store.clock())
            if step.fire:
                self._fire(job, schedule.job(job.due), step)
            else:
                log.warning("schedule %s: %d due time(s) from %d on were missed", job.id, step.missed, job.due)
                self._due_store.advance(job, step.next, False, step.missed)
        except BackendUnavailable:
            raise
        except (InvalidInput, JobRefused) as error:
            log.error("schedule %s is disabled: %s", job.id, error)
            if not self._due_store.disable(job, str(error)):
                self._backoff.refuse(job.key, str(error))
        except (
            Exception
        ) as error:  # a plugin's backend, or an unforeseen due time: one schedule must not stop the others
            log.exception("schedule %s: something broke over %d", job.id, job.due)
            self._backoff.refuse(job.key, str(error))

    def _handle_clock_jump(self) -> None:
        """After the clock was set back, bring due times forward: they belong to the old, later time."""
        if self._clock is None:
            self._clock = ClockWatch(wall=self._due_store.clock)
        elif not (jump_s := self._clock.jumped_s()):
            return
        else:
            log.warning("the clock was set %s by %.0f s", "forward" if jump_s > 0 else "back", abs(jump_s))
        now = self._due_store.clock()
        for schedule_id, due_ts in self._due_store.due_after(now):
            entry = self._due_store.read(schedule_id, due_ts)
            try:
                schedule = entry.schedule()
                if due_times(schedule).brought_forward(due_ts, now) < due_ts:
                    schedule = schedule.begun_anew(int(now))
                    self._due_store.advance(entry, due_times(schedule).after(now), False, 0, schedule)
            except InvalidInput:  # reported when it is due
                continue

    def _fire(self, job: Entry, spec: JobSpec, step: Step) -> None:
        submission = self._due_store.begin(job)
        if submission is Submission.GONE:
            return
        if submission is Submission.UNKNOWN:
            # A missed job is better than a second one: the robot would say something again, much later.
            log.warning(
                "schedule %s: it is unknown whether %s was submitted; it is not submitted again", job.id, spec.id
            )
            self._due_store.advance(job, step.next, False, 1)
            return
        try:
            self._submit(spec)
        except (QueueFull, BackendUnavailable) as error:
            at_least_s = error.retry_after_s if isinstance(error, QueueFull) else 0.0
            delay_s = self._backoff.refuse(job.key, str(error), at_least_s)
            log.warning("schedule %s: its job was refused, next try in %.1f s: %s", job.id, delay_s, error)
            if submission is Submission.FIRST:
                self._due_store.refused(job)
        else:
            self._advance(job, step)

    def _submit(self, spec: JobSpec) -> None:
        self._backend.submit(spec)

    def _advance(self, job: Entry, step: Step) -> None:
        self._due_store.advance(job, step.next, True, 0)

    def _wait(self) -> None:
        """Wait until a schedule is due, a delay ends, a schedule is changed, or a heartbeat is due."""
        now = self._due_store.clock()
        next_due = self._due_store.next_due(now)
        delay_s = self._backoff.left_s()
        until = now + BEAT_S if next_due is None else min(now + BEAT_S, next_due)
        until = until if delay_s is None else min(until, now + delay_s)
        watch = Stopwatch.start()  # on the monotonic clock: the other one may be set back meanwhile
        while not self._stop.is_set() and (left_s := until - self._due_store.clock()) > 0 and watch.elapsed_s < BEAT_S:
            if self._due_store.wait_for_change(min(left_s, READ_S)):
                return

    def _create_job(self, *args: Any, **options: Any) -> NoReturn:
        """rq-scheduler's methods that create jobs would store pickled ones."""
        raise NotImplementedError("use rider_core.jobs.schedules.ScheduleStore.add")
