"""What is to be done about a due time that has come, and whether a schedule can be used at all. No Redis here."""

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
        fire: Hand over the job of this due time first.
        next: The due time that takes its place.
        missed: How many due times go by without a job.
    """

    fire: bool
    next: int
    missed: int = 0


def plan(schedule: Schedule, times: DueTimes, due: int, now: float) -> Step:
    """What is to be done about `due`, which is not later than `now`.

    Only the due time in Redis is ever fired, never one computed from the clock: schedulers that see the same entry
    make the same job.
    """
    late_s = now - due
    if late_s > MISSED_AFTER_S and (latest := times.latest(due, now)) > due:
        return Step(fire=False, next=latest, missed=times.count(due, latest))
    too_late = late_s > MISSED_AFTER_S and schedule.missed is Missed.SKIP
    expired = schedule.deadline_s is not None and late_s >= schedule.deadline_s
    fire = not too_late and not expired
    return Step(fire=fire, next=times.after(due), missed=0 if fire else 1)


def check(schedule: Schedule) -> DueTimes:
    """When it is due; its jobs fit, too.

    Raises:
        JobRefused: its task does not exist.
        InvalidInput: cron expression, time zone or payload are wrong.
    """
    try:
        parse_message(task_named(schedule.task).request, schedule.payload)
    except InvalidInput as error:
        raise InvalidInput(f"payload.{error.message}", remedy=error.remedy) from None
    return due_times(schedule)
