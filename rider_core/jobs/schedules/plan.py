"""The decision about a due time that has come, and the check of a schedule. No Redis here."""

from __future__ import annotations

from dataclasses import dataclass

from rider_core.api.messages import parse_message
from rider_core.api.schedules import Missed, Schedule
from rider_core.api.tasks import task_named
from rider_core.errors import InvalidInput
from rider_core.jobs.schedules.times import DueTimes, due_times

#: Delay in seconds after which a due time was missed. A scheduler that was killed is back sooner; a schedule for every
#: second may then submit as many jobs at once.
MISSED_AFTER_S = 60


@dataclass(frozen=True)
class Step:
    """From a due time to the next one.

    Attributes:
        fire: Submit the job of this due time.
        next: The due time that follows it in Redis.
        missed: Number of due times that pass without a job.
    """

    fire: bool
    next: int
    missed: int = 0


def plan(schedule: Schedule, times: DueTimes, due: int, now: float) -> Step:
    """Decide about `due`, which is not later than `now`.

    Only the due time in Redis is fired, never one computed from the clock: schedulers that see the same entry submit
    the same job.
    """
    late_s = now - due
    if late_s > MISSED_AFTER_S and (latest := times.latest(due, now)) > due:
        return Step(fire=False, next=latest, missed=times.count(due, latest))
    too_late = late_s > MISSED_AFTER_S and schedule.missed is Missed.SKIP
    expired = schedule.deadline_s is not None and late_s >= schedule.deadline_s
    fire = not too_late and not expired
    return Step(fire=fire, next=times.after(due), missed=0 if fire else 1)


def check(schedule: Schedule) -> DueTimes:
    """The due times of a schedule whose jobs are valid.

    Raises:
        JobRefused: its task does not exist.
        InvalidInput: cron expression, time zone or payload are wrong.
    """
    try:
        parse_message(task_named(schedule.task).request, schedule.payload)
    except InvalidInput as error:
        raise InvalidInput(f"payload.{error.message}", remedy=error.remedy) from None
    return due_times(schedule)
