"""Recurring jobs: schedules in Redis, and the scheduler that submits their jobs to the configured backend.

Any number of schedulers may run: atomic steps in Redis decide which of them submits. See
docs/decisions/0014-schedules.md.
"""

from rider_core.jobs.schedules.due_store import DueStore
from rider_core.jobs.schedules.schedule_store import ScheduleStore
from rider_core.jobs.schedules.scheduler import Scheduler
from rider_core.jobs.schedules.times import DueTimes, due_times

__all__ = ["DueStore", "DueTimes", "ScheduleStore", "Scheduler", "due_times"]
