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
from rider_core.jobs.schedules import scripts
from rider_core.jobs.schedules.agenda import Agenda, Begun, Entry
from rider_core.jobs.schedules.plan import Step, plan
from rider_core.jobs.schedules.rests import Rests
from rider_core.jobs.schedules.times import due_times
from rider_core.redis_errors import redis_errors
from rider_core.timing import ClockWatch, Stopwatch, backoff_delays

log = logging.getLogger(__name__)

#: The scheduler says in Redis that it lives, and looks at everything, at least so often; rq-scheduler takes one for
#: dead that was silent for ten seconds more.
BEAT_S = 10.0
#: One blocking read, so that a scheduler that should stop is not stuck for longer.
READ_S = 1.0
#: So many schedules that rest are shown in the process's status.
PROBLEMS_SHOWN = 5


class Scheduler(rq_scheduler.Scheduler):  # type: ignore[misc]  # it has no types
    """Hands due jobs over until it is told to stop. Any number of them may run side by side."""

    scheduled_jobs_key = scripts.DUE

    def __init__(self, agenda: Agenda, backend: JobBackend) -> None:
        super().__init__(connection=agenda.connection, interval=BEAT_S)
        self._agenda = agenda
        self._backend = backend
        self._rests = Rests()
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
            "problems": self._rests.reasons()[:PROBLEMS_SHOWN],
        }

    def run(self, burst: bool = False) -> None:
        """Hand over what becomes due, until `stop` is called; with `burst` what is due now. Redis may be away."""
        delays_s = backoff_delays(0.2, 5.0)
        while not self._stop.is_set():
            try:
                self.heartbeat()
                self._heed_the_clock()
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
            log.debug("nobody was told of the end: %s", error)

    def heartbeat(self) -> None:
        """Unlike rq-scheduler's, it comes back where Redis was away for so long that it was taken for dead."""
        with redis_errors():
            if not self.connection.expire(self.key, int(BEAT_S) + 10):
                self.register_birth()

    def enqueue_jobs(self) -> None:
        """Do what is to be done about every due time that has come."""
        while (due := self._rests.awake(self._agenda.due(self._agenda.clock()))) and not self._stop.is_set():
            self._busy = True
            for schedule_id, due_ts in due:
                self.enqueue_job(self._agenda.read(schedule_id, due_ts))
        self._busy = False

    def enqueue_job(self, job: Entry) -> None:
        """Do what is to be done about one due time. What is wrong with one schedule does not concern the others.

        Raises:
            BackendUnavailable: the schedules themselves cannot be reached.
        """
        try:
            schedule = job.schedule()
            step = plan(schedule, due_times(schedule), job.due, self._agenda.clock())
            if step.fire:
                self._fire(job, schedule.job(job.due), step)
            else:
                log.warning("schedule %s: %d due time(s) from %d on were missed", job.id, step.missed, job.due)
                self._agenda.advance(job, step.next, False, step.missed)
        except BackendUnavailable:
            raise
        except (InvalidInput, JobRefused) as error:
            log.error("schedule %s is disabled: %s", job.id, error)
            if not self._agenda.disable(job, str(error)):
                self._rests.refuse(job.key, str(error))
        except Exception as error:  # a plugin's backend, or a time that nobody thought of: the edge of the house
            log.exception("schedule %s: something broke over %d", job.id, job.due)
            self._rests.refuse(job.key, str(error))

    def _heed_the_clock(self) -> None:
        """Where it was set back, what is to come would come only when the old time has come again."""
        if self._clock is None:
            self._clock = ClockWatch(wall=self._agenda.clock)
        elif not (jump_s := self._clock.jumped_s()):
            return
        else:
            log.warning("the clock was set %s by %.0f s", "forward" if jump_s > 0 else "back", abs(jump_s))
        now = self._agenda.clock()
        for schedule_id, due_ts in self._agenda.due_after(now):
            entry = self._agenda.read(schedule_id, due_ts)
            try:
                schedule = entry.schedule()
                if due_times(schedule).brought_forward(due_ts, now) < due_ts:
                    schedule = schedule.begun_anew(int(now))
                    self._agenda.advance(entry, due_times(schedule).after(now), False, 0, schedule)
            except InvalidInput:  # told when it is due
                continue

    def _fire(self, job: Entry, spec: JobSpec, step: Step) -> None:
        begun = self._agenda.begin(job)
        if begun is Begun.GONE:
            return
        if begun is Begun.DOUBTFUL:
            # Twice would be worse than not at all: a robot that says something again, long after.
            log.warning("schedule %s: nobody knows any more whether %s was handed over; it is not", job.id, spec.id)
            self._agenda.advance(job, step.next, False, 1)
            return
        try:
            self._submit(spec)
        except (QueueFull, BackendUnavailable) as error:
            at_least_s = error.retry_after_s if isinstance(error, QueueFull) else 0.0
            rest_s = self._rests.refuse(job.key, str(error), at_least_s)
            log.warning("schedule %s: its job is refused, again in %.1f s: %s", job.id, rest_s, error)
            if begun is Begun.FIRST:
                self._agenda.refused(job)
        else:
            self._advance(job, step)

    def _submit(self, spec: JobSpec) -> None:
        self._backend.submit(spec)

    def _advance(self, job: Entry, step: Step) -> None:
        self._agenda.advance(job, step.next, True, 0)

    def _wait(self) -> None:
        """Return when something is due, a rest is over, a schedule was changed, or it is time for a sign of life."""
        now = self._agenda.clock()
        next_due = self._agenda.next_due(now)
        rest_s = self._rests.left_s()
        until = now + BEAT_S if next_due is None else min(now + BEAT_S, next_due)
        until = until if rest_s is None else min(until, now + rest_s)
        watch = Stopwatch.start()  # of another clock, should this one be set back meanwhile
        while not self._stop.is_set() and (left_s := until - self._agenda.clock()) > 0 and watch.elapsed_s < BEAT_S:
            if self._agenda.wait_for_change(min(left_s, READ_S)):
                return

    def _create_job(self, *args: Any, **options: Any) -> NoReturn:
        """rq-scheduler's ways to make jobs store pickled ones."""
        raise NotImplementedError("use rider_core.jobs.schedules.ScheduleBook.add")
