"""The scheduler: rq-scheduler's, with every step between Redis and the queue made our own way.

A due time goes through three steps: begin (is it still to be done?), submit, advance. The job's id comes from the due
time, so when the process dies after any of them, or another scheduler does the same, there is still one job.
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
from rider_core.redis_errors import redis_errors
from rider_core.timing import ClockWatch, Stopwatch, backoff_delays

log = logging.getLogger(__name__)

#: The scheduler says in Redis that it lives, and looks at everything, at least so often; rq-scheduler takes one for
#: dead that was silent for ten seconds more.
BEAT_S = 10.0
#: One blocking read, so that a scheduler that should stop is not stuck for longer.
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
        """May be called by a signal handler: the step that is being done is finished, then `run` returns."""
        self._stop.set()

    def describe(self) -> dict[str, Any]:
        """What the process says of itself on the bus."""
        return {
            "role": "scheduler",
            "name": f"scheduler-{os.getpid()}",
            "queues": [],
            "state": "busy" if self._busy else "idle",
            "providers": [],
            "problems": self._backoff.reasons()[:PROBLEMS_SHOWN],
        }

    def run(self, burst: bool = False) -> None:
        """Hand over what becomes due, until `stop` is called; with `burst` what is due now. Redis may be away."""
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

    def enqueue_jobs(self) -> None:
        """Do what is to be done about every due time that has come."""
        while (due := self._backoff.awake(self._due_store.due(self._due_store.clock()))) and not self._stop.is_set():
            self._busy = True
            for schedule_id, due_ts in due:
                self.enqueue_job(self._due_store.read(schedule_id, due_ts))
        self._busy = False

    def enqueue_job(self, job: Entry) -> None:
        """Do what is to be done about one due time. What is wrong with one schedule does not concern the others.

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
        except Exception as error:  # a plugin's backend, or an unforeseen time: one schedule must not stop the others
            log.exception("schedule %s: something broke over %d", job.id, job.due)
            self._backoff.refuse(job.key, str(error))

    def _handle_clock_jump(self) -> None:
        """Where it was set back, what is to come would come only when the old time has come again."""
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
        begun = self._due_store.begin(job)
        if begun is Submission.GONE:
            return
        if begun is Submission.UNKNOWN:
            # Twice would be worse than not at all: a robot that says something again, long after.
            log.warning(
                "schedule %s: it is unknown whether %s was submitted; it is not submitted again", job.id, spec.id
            )
            self._due_store.advance(job, step.next, False, 1)
            return
        try:
            self._submit(spec)
        except (QueueFull, BackendUnavailable) as error:
            at_least_s = error.retry_after_s if isinstance(error, QueueFull) else 0.0
            rest_s = self._backoff.refuse(job.key, str(error), at_least_s)
            log.warning("schedule %s: its job is refused, again in %.1f s: %s", job.id, rest_s, error)
            if begun is Submission.FIRST:
                self._due_store.refused(job)
        else:
            self._advance(job, step)

    def _submit(self, spec: JobSpec) -> None:
        self._backend.submit(spec)

    def _advance(self, job: Entry, step: Step) -> None:
        self._due_store.advance(job, step.next, True, 0)

    def _wait(self) -> None:
        """Return when something is due, a rest is over, a schedule was changed, or it is time for a sign of life."""
        now = self._due_store.clock()
        next_due = self._due_store.next_due(now)
        rest_s = self._backoff.left_s()
        until = now + BEAT_S if next_due is None else min(now + BEAT_S, next_due)
        until = until if rest_s is None else min(until, now + rest_s)
        watch = Stopwatch.start()  # of another clock, should this one be set back meanwhile
        while not self._stop.is_set() and (left_s := until - self._due_store.clock()) > 0 and watch.elapsed_s < BEAT_S:
            if self._due_store.wait_for_change(min(left_s, READ_S)):
                return

    def _create_job(self, *args: Any, **options: Any) -> NoReturn:
        """rq-scheduler's ways to make jobs store pickled ones."""
        raise NotImplementedError("use rider_core.jobs.schedules.ScheduleStore.add")
