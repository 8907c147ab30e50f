"""Jobs that come again: schedules in Redis, and the scheduler that hands their jobs to whichever backend is configured.

Any number of schedulers may run: nothing but an atomic step in Redis decides. See docs/decisions/0014-schedules.md.
"""

from rider_core.jobs.schedules.due_store import DueStore
from rider_core.jobs.schedules.schedule_store import ScheduleStore
from rider_core.jobs.schedules.scheduler import Scheduler
from rider_core.jobs.schedules.times import DueTimes, due_times

__all__ = ["DueStore", "DueTimes", "ScheduleStore", "Scheduler", "due_times"]
